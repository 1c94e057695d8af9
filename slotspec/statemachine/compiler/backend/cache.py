"""A disk cache of machine code and data about it; file names are hashes of the inputs.

The folder is ``$XDG_CACHE_HOME/slotspec`` (``~/.cache/slotspec``). If it is not writable, the
cache is a folder of this user under the temporary directory.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from slotspec.version import __version__

FORM = 2
"""Must change whenever the meaning of a cached file changes."""

HEAD = b"slotspec object 2\n"

MOST = 600
"""The most files of one kind to keep; the least recently used are deleted first."""


_given: Path | None = None


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid != _user():
            return False
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@lru_cache(maxsize=8)
def _folder(home: str) -> Path:
    wanted = Path(home) / "slotspec"
    if _writable(wanted):
        return wanted
    shared = Path(tempfile.gettempdir()) / f"slotspec-{_user()}"
    if _writable(shared):
        return shared
    return Path(tempfile.mkdtemp(prefix="slotspec-"))


def folder() -> Path:
    """The folder of compiled code."""
    return _given or _folder(os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"))


def use(folder_: str) -> None:
    """Use this folder, the same as another process does."""
    global _given
    _given = Path(folder_)


def key_of(*parts: str) -> str:
    """The name of a file made from `parts`."""
    digest = hashlib.sha256(f"{__version__} {FORM}".encode())
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:40]


def load(name: str) -> bytes | None:
    """The data stored under `name`; None if there is none, or it is damaged and now deleted."""
    file = folder() / name
    try:
        data = file.read_bytes()
        os.utime(file)
    except OSError:
        return None
    head, sum_, kept = data[: len(HEAD)], data[len(HEAD) : len(HEAD) + 32], data[len(HEAD) + 32 :]
    if head != HEAD or hashlib.sha256(kept).digest() != sum_:
        _say(f"{file} is damaged; it is made anew")
        drop(name)
        return None
    return kept


def save(name: str, data: bytes) -> None:
    """Store `data` under `name`, atomically; a full disk is no error, but is mentioned."""
    try:
        handle, made = tempfile.mkstemp(dir=folder())
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(HEAD + hashlib.sha256(data).digest() + data)
            os.replace(made, folder() / name)
            _prune(Path(name).suffix)
        except OSError:
            Path(made).unlink(missing_ok=True)
            raise
    except OSError as error:
        _say(f"{folder()} cannot be written ({error.strerror}); compiled code is not kept")


_said: list[str] = []


def _say(text: str) -> None:
    """Tell the user about the cache; once in a process, since one line is enough to act on."""
    if not _said and sys.stderr is not None:
        _said.append(text)
        print(f"cache: {text}", file=sys.stderr)


def drop(name: str) -> None:
    """Delete the data stored under `name`."""
    try:
        (folder() / name).unlink(missing_ok=True)
    except OSError:
        return


def _prune(suffix: str) -> None:
    def used(file: Path) -> float:
        try:
            return file.stat().st_mtime
        except FileNotFoundError:  # another process deletes old files too
            return 0.0

    names = [name for name in os.listdir(folder()) if name.endswith(suffix)]
    if len(names) <= MOST:
        return
    files = sorted((folder() / name for name in names), key=used)
    for file in files[:-MOST]:
        file.unlink(missing_ok=True)
