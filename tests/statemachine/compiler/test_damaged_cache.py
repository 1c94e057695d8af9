"""Files of the cache that are damaged, empty or cut, and a full disk, change no verdict."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slotspec.statemachine.compiler.backend import cache

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "other": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}
SEARCH = ["check", "logical_slot", "--generation", "1.13", "--scope", "release"]
SEARCH += ["--engine", "compiled", "--max-states", "2000", "--json", "-"]


def search(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slotspec", *SEARCH],
        env={**os.environ, "XDG_CACHE_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    own = folder / "slotspec"
    own.mkdir(mode=0o700)
    for file in cache.folder().glob("*.kernel"):  # they take seconds to generate
        os.utime(shutil.copy(file, own), (0, 0))
    assert search(folder).returncode == 3
    for file in own.glob("*.kernel"):
        if file.stat().st_mtime == 0:  # nobody has read it
            file.unlink()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_kind_of_file(filled: Path, damage: str, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "cache")
    # all are read in the same way, and kernels take seconds to generate: one is enough
    kernels = sorted((tmp_path / "cache").rglob("*.kernel"), key=lambda file: file.stat().st_size)
    assert len(kernels) > 1
    kinds = set()
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file() and (file.suffix != ".kernel" or (damage, file) == ("cut", kernels[0])):
            kinds.add(file.suffix)
            file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert {".o", ".json"} <= kinds
    assert (".kernel" in kinds) == (damage == "cut")
    done = search(tmp_path / "cache")
    assert done.returncode == 3
    assert '"transitions": 11274' in done.stdout
    assert done.stderr.count("is damaged; it is made anew") == 1
    assert not search(tmp_path / "cache").stderr


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "_given", tmp_path)
    monkeypatch.setattr(cache, "_said", [])
    return tmp_path


def test_a_full_disk(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    for name in ("one", "two"):
        cache.save(name, b"data")
        assert cache.load(name) is None
    said = capsys.readouterr().err
    assert said.splitlines() == [
        f"cache: {empty} cannot be written (No space left on device); compiled code is not kept"
    ]
    assert not list(empty.iterdir())


def test_a_damaged_file_is_deleted(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.save("one", b"data")
    (empty / "one").write_bytes(b"")
    assert cache.load("one") is None
    assert not list(empty.iterdir())
    assert "is damaged" in capsys.readouterr().err
