"""Finds the jars of Flink's releases, and fetches them from the Python package index.

The packages of PyFlink contain Flink's own jars. ``pip`` downloads a package, with the index,
proxy and certificates that it is configured with, and compares the archive with the checksum in
the index. Only the jars that a peer needs are kept, in a folder for each release.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.names import natural
from slotspec.statemachine.compiler.backend.cache import folder as cache_folder
from slotspec.statemachine.processes import killed_with_parent

JARS_VARIABLE = "SLOTSPEC_FLINK_JARS"
"""Environment variable that names the folder of jars if no option does."""
CHECKSUMS = "SHA256SUMS"
"""The file with the checksums of a release's jars, in the form of ``sha256sum``."""

_VERSION = re.compile(r"[1-9]\.\d{1,3}(\.\d{1,3})?")
_NEEDED = re.compile(r"(flink-dist|flink-shaded-zookeeper|log4j-)[^/]*\.jar")
_SIZE = re.compile(r"Downloading .*\(([\d.]+) ([kMG]?)B\)")
_SINCE_LIBRARIES = (1, 13)
"""The first generation whose jars have a package of their own."""
_POLL_SECONDS = 0.2

Progress = Callable[[str, int, int | None], None]
"""Called with what is going on, the bytes done, and the bytes in all, if known."""


def jars_folder(folder: str | Path | None = None) -> Path:
    """Where fetched jars are: `folder`, else the environment variable's, else in the cache."""
    return Path(folder or os.environ.get(JARS_VARIABLE) or cache_folder() / "flink")


def installed_folders() -> Iterator[Path]:
    """The folders of jars in the installed PyPI packages of Flink."""
    for package, inside in (("pyflink", "lib"), ("pyflink", "../deps/lib")):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            folder = (Path(place) / inside).resolve()
            if folder.is_dir():
                yield folder


def release_of(jar: Path) -> str:
    """The release of a jar: ``1.12.5`` for ``flink-dist_2.11-1.12.5.jar``."""
    return jar.stem.rpartition("-")[2]


def found_jars(folder: str | Path | None = None) -> list[Path]:
    """All ``flink-dist`` jars, oldest release first.

    :param folder: folder to search, to any depth; None: that of :func:`jars_folder`, and the
        installed packages unless the environment variable is set.
    """
    folders = [jars_folder(folder)]
    if folder is None and not os.environ.get(JARS_VARIABLE):
        folders += installed_folders()
    jars = {
        jar
        for place in folders
        for jar in place.rglob("flink-dist*.jar")
        if not any(part.startswith(".") for part in jar.relative_to(place).parts)
    }
    return sorted(jars, key=lambda jar: natural(release_of(jar)))


def find_jar(version: str, folder: str | Path | None) -> Path:
    """The ``flink-dist`` jar of a release, which contains all of Flink.

    :param version: ``1.12`` for its latest release, or ``1.12.5``.
    :param folder: as in :func:`found_jars`.
    :raises PeerError: ``PEE008`` if there is none.
    """
    jars = found_jars(folder)
    fitting = [
        j for j in jars if release_of(j) == version or release_of(j).startswith(f"{version}.")
    ]
    if fitting:
        return fitting[-1]
    there = ", ".join(dict.fromkeys(release_of(jar) for jar in jars)) or "none"
    raise PeerError(
        "PEE008",
        f"no jar flink-dist-{version}* in {jars_folder(folder)} (found: {there});"
        f" run `slotspec flink fetch {version}`, or name a folder with --flink-jars",
    )


def fetch(version: str, folder: str | Path | None, progress: Progress) -> Path:
    """Download the jars of a release, and return their folder, which is complete or absent.

    :param version: ``2.3.0``, or ``2.3`` for its latest release.
    :param folder: where to make a folder for the release; None: see :func:`jars_folder`.
    :raises PeerError: ``PEE009`` if pip, the network or the package fails.
    """
    if not _VERSION.fullmatch(version):
        raise PeerError("PEE009", f"{version!r} is no release of Flink; write one like 2.3.0")
    target = jars_folder(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target) as made:
            archive = _download(version, Path(made), progress)
            unpacked = Path(made) / "jars"
            _unpack(archive, unpacked, progress)
            release = release_of(next(iter(unpacked.glob("flink-dist*.jar"))))
            shutil.rmtree(target / release, ignore_errors=True)
            unpacked.rename(target / release)
    except OSError as error:
        raise PeerError("PEE009", f"the jars cannot be written to {target}: {error}") from None
    return target / release


def is_complete(folder: Path) -> bool:
    """Whether a folder has all jars that its checksums name, and none has changed."""
    try:
        lines = (folder / CHECKSUMS).read_text().splitlines()
        return bool(lines) and all(
            _checksum(folder / name) == sum_
            for sum_, name in (line.split("  ", 1) for line in lines)
        )
    except (OSError, ValueError):
        return False


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# ---------------------------------------------------------------------------- downloading


def _requirement(version: str) -> list[str]:
    """The arguments that name the package of a release for pip."""
    wanted = version if version.count(".") == 2 else f"{version}.*"
    if tuple(map(int, version.split(".")[:2])) >= _SINCE_LIBRARIES:
        package = "apache-flink-libraries"
        return ["--no-binary", package, f"{package}=={wanted}"]
    # the jars are the same in the wheels of all platforms
    platform = ("--python-version", "3.7", "--abi", "cp37m", "--platform", "manylinux1_x86_64")
    return ["--only-binary", ":all:", *platform, f"apache-flink=={wanted}"]


def _download(version: str, folder: Path, progress: Progress) -> Path:
    """The archive of a release, downloaded by pip into `folder`."""
    to = folder / "archive"
    temporary = folder / "pip"
    temporary.mkdir()
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    command += ["--no-deps", "--progress-bar", "off", "--retries", "2", "--dest", str(to)]
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *_requirement(version)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(temporary)},
            preexec_fn=killed_with_parent(),
        )
        try:
            while True:
                try:
                    code = process.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    _report(log, temporary, progress)
        except BaseException:
            process.kill()
            process.wait()
            raise
    found = list(to.glob("apache*flink*")) if code == 0 else []
    if not found:
        raise PeerError("PEE009", _explained(version, log.read_text(errors="replace")))
    return found[0]


def _report(log: Path, temporary: Path, progress: Progress) -> None:
    """Report how much of the archive is there: pip prints its size, and writes it as it comes."""
    announced = _SIZE.search(log.read_text(errors="replace"))
    if announced is None:
        progress("looking for the package", 0, None)
        return
    size = int(float(announced[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[announced[2]])
    done = 0
    for file in temporary.glob("pip-unpack-*/*"):
        try:
            done = max(done, file.stat().st_size)
        except FileNotFoundError:
            continue
    progress("downloading", min(done, size), size)


def _explained(version: str, log: str) -> str:
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if "ERROR: " in line]
    # pip's list of versions can be pages long
    said = (errors[0] if errors else log.strip().rpartition("\n")[2])[:300]
    if "No module named pip" in log:
        advice = f"install pip for {sys.executable}"
    elif "No matching distribution" in log and "from versions: none" not in log:
        advice = "choose a release that exists"
    else:
        advice = (
            "is there a network, and does `pip download` work? Otherwise put the jars of a Flink"
            f" distribution into {jars_folder()}"
        )
    return f"Flink {version} could not be downloaded: {said}; {advice}"


# ------------------------------------------------------------------------------ unpacking


def _unpack(archive: Path, to: Path, progress: Progress) -> None:
    """Write the needed jars of an archive, and their checksums, into a new folder."""
    to.mkdir()
    sums = []
    for name, size, content in _members(archive):
        with content, (to / name).open("wb") as file:
            done = 0
            while block := content.read(1 << 20):
                file.write(block)
                done += len(block)
                progress(f"unpacking {name}", done, size)
        if done != size:
            raise PeerError("PEE009", f"{name} in {archive.name} is cut off; fetch it again")
        sums.append(f"{_checksum(to / name)}  {name}\n")
    if not any(line.split("  ")[1].startswith("flink-dist") for line in sums):
        raise PeerError("PEE009", f"{archive.name} has no jar flink-dist*; choose another release")
    (to / CHECKSUMS).write_text("".join(sums))


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each needed jar."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as zipped:
                for entry in zipped.infolist():
                    name = PurePosixPath(entry.filename).name
                    if _NEEDED.fullmatch(name):
                        yield name, entry.file_size, zipped.open(entry)
            return
        with tarfile.open(archive) as tarred:
            for member in tarred:
                name = PurePosixPath(member.name).name
                if _NEEDED.fullmatch(name) and (content := tarred.extractfile(member)):
                    yield name, member.size, content
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise PeerError("PEE009", f"{archive.name} cannot be unpacked: {error}") from None
