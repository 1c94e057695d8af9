"""Machine code on disk, named by the content that it was made from.

The folder is ``$XDG_CACHE_HOME/slotspec`` (``~/.cache/slotspec``); where that cannot be
written, a folder of this user's under the temporary directory.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from slotspec.version import __version__

FORM = 1
"""Changes when the meaning of a cached file changes."""

HEAD = b"slotspec object 1\n"


MOST = 400
"""Files that are kept; the ones that were used longest ago go first."""


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
    """Where compiled code is kept."""
    return _folder(os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"))


def key_of(*parts: str) -> str:
    """The name of what was made from `parts`."""
    digest = hashlib.sha256(f"{__version__} {FORM}".encode())
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:40]


def load(key: str) -> bytes | None:
    """The machine code kept under `key`; None if there is none or it is damaged."""
    file = folder() / f"{key}.o"
    try:
        data = file.read_bytes()
        os.utime(file)
    except OSError:
        return None
    head, sum_, code = data[: len(HEAD)], data[len(HEAD) : len(HEAD) + 32], data[len(HEAD) + 32 :]
    if head != HEAD or hashlib.sha256(code).digest() != sum_:
        return None
    return code


def save(key: str, code: bytes) -> None:
    """Keep `code` under `key`, as a whole or not at all; a full disk is no error."""
    try:
        handle, name = tempfile.mkstemp(dir=folder())
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(HEAD + hashlib.sha256(code).digest() + code)
            os.replace(name, folder() / f"{key}.o")
            _prune()
        except OSError:
            Path(name).unlink(missing_ok=True)
    except OSError:
        return


def _prune() -> None:
    files = sorted(folder().glob("*.o"), key=lambda file: file.stat().st_mtime)
    for file in files[:-MOST]:
        file.unlink(missing_ok=True)
