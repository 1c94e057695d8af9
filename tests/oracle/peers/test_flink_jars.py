"""Finding and fetching the jars of Flink, from packages made here."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from slotspec.cli import main
from slotspec.oracle.peers import flink_jars
from slotspec.oracle.peers.flink_jars import fetch, find_jar, is_complete, jars_folder, release_of
from slotspec.oracle.peers.protocol import PeerError
from tests.variants import fast_first

# pip builds a source archive far enough to read its metadata; this backend needs no package
BACKEND = """
def get_requires_for_build_wheel(config_settings=None):
    return []

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    import pathlib
    info = pathlib.Path(folder, "apache_flink_libraries-9.1.2.dist-info")
    info.mkdir()
    info.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\\nName: apache-flink-libraries\\nVersion: 9.1.2\\n"
    )
    return info.name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
JARS = {"flink-dist-9.1.2.jar": b"dist", "log4j-api-2.jar": b"log", "flink-csv-9.1.2.jar": b"csv"}


def source_archive(folder: Path, jars: dict[str, bytes]) -> None:
    files = {"pyproject.toml": PYPROJECT.encode(), "backend.py": BACKEND.encode()}
    files["PKG-INFO"] = b"Metadata-Version: 2.1\nName: apache-flink-libraries\nVersion: 9.1.2\n"
    files |= {f"deps/lib/{name}": data for name, data in jars.items()}
    with tarfile.open(folder / "apache-flink-libraries-9.1.2.tar.gz", "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"apache-flink-libraries-9.1.2/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def wheel(folder: Path) -> None:
    info = "apache_flink-1.12.9.dist-info"
    path = folder / "apache_flink-1.12.9-cp37-cp37m-manylinux1_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pyflink/lib/flink-dist_2.11-1.12.9.jar", b"dist")
        archive.writestr("pyflink/lib/flink-table-1.12.9.jar", b"table")
        metadata = "Metadata-Version: 2.1\nName: apache-flink\nVersion: 1.12.9\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp37-cp37m-manylinux1_x86_64\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only packages that pip can find."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv(flink_jars.JARS_VARIABLE, raising=False)
    return folder


def command_line(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def quiet(what: str, done: int, size: int | None) -> None:
    """Progress that nobody looks at."""


def test_jars_are_found_by_release(tmp_path: Path) -> None:
    for name in ("a/flink-dist_2.11-1.12.5.jar", "b/flink-dist_2.11-1.12.10.jar", "x-1.12.5.jar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert release_of(find_jar("1.12", tmp_path)) == "1.12.10"
    assert release_of(find_jar("1.12.5", tmp_path)) == "1.12.5"
    with pytest.raises(PeerError, match=r"PEE008: no jar flink-dist-1\.1\* .*1\.12\.5, 1\.12\.10"):
        find_jar("1.1", tmp_path)


@pytest.mark.parametrize("asked", fast_first(["9.1.2", "9.1"]))
def test_jars_of_a_source_archive(packages: Path, tmp_path: Path, asked: str) -> None:
    source_archive(packages, JARS)
    made = fetch(asked, tmp_path / "jars", quiet)
    assert made == tmp_path / "jars" / "9.1.2"
    kept = {file.name for file in made.iterdir()}
    assert kept == {"flink-dist-9.1.2.jar", "log4j-api-2.jar", flink_jars.CHECKSUMS}
    assert (made / "flink-dist-9.1.2.jar").read_bytes() == b"dist"
    assert [p.name for p in (tmp_path / "jars").iterdir()] == ["9.1.2"], "nothing is left behind"


@pytest.mark.slow
def test_jars_of_a_wheel(packages: Path, tmp_path: Path) -> None:
    wheel(packages)
    made = fetch("1.12.9", tmp_path / "jars", quiet)
    assert find_jar("1.12", tmp_path / "jars") == made / "flink-dist_2.11-1.12.9.jar"


@pytest.mark.slow
def test_a_changed_jar_is_fetched_again(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source_archive(packages, JARS)
    command = ["flink", "fetch", "9.1.2", "--flink-jars", str(tmp_path / "jars")]
    assert command_line(*command) == 0
    made = tmp_path / "jars" / "9.1.2"
    assert is_complete(made)
    (made / "flink-dist-9.1.2.jar").write_bytes(b"dis")
    assert not is_complete(made)
    assert command_line(*command) == 0
    assert is_complete(made)
    (packages / "apache-flink-libraries-9.1.2.tar.gz").unlink()
    assert command_line(*command) == 0, "what is there needs no download"
    assert command_line("flink", "list", "--flink-jars", str(tmp_path / "jars")) == 0
    assert "9.1.2" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.slow
def test_what_cannot_be_fetched_is_an_error_with_advice(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line("flink", "fetch", "9.1.2", "--flink-jars", str(tmp_path / "jars")) == 2
    told = capsys.readouterr().err
    assert "PEE009: Flink 9.1.2 could not be downloaded" in told
    assert "is there a network" in told
    assert list((tmp_path / "jars").iterdir()) == []
    source_archive(packages, {"other.jar": b""})
    with pytest.raises(PeerError, match=r"PEE009.* has no jar flink-dist"):
        fetch("9.1.2", tmp_path / "jars", quiet)
    with pytest.raises(PeerError, match=r"PEE009: '2' is no release"):
        fetch("2", tmp_path / "jars", quiet)


def test_the_folder_of_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(flink_jars.JARS_VARIABLE, raising=False)
    assert jars_folder().name == "flink"
    monkeypatch.setenv(flink_jars.JARS_VARIABLE, str(tmp_path / "there"))
    assert jars_folder() == tmp_path / "there"
    assert jars_folder(tmp_path) == tmp_path


def test_a_target_without_jars_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"run `slotspec flink fetch 2\.3\.0`"):
        find_jar("2.3.0", tmp_path)
