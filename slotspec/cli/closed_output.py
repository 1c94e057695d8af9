"""Standard output that is closed, full, or that nobody reads any more."""

from __future__ import annotations

import errno
import os
import sys

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def open_missing() -> None:
    """Let what is written to a stream that is closed go nowhere, as for Python's own ``print``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def why_not_written(error: Exception) -> str | None:
    """Why standard output cannot be written, if that is the error."""
    # what writes files names the file
    if isinstance(error, OSError) and error.filename is None and error.errno in NO_ROOM:
        return error.strerror
    return None


def swallow_output() -> None:
    """Let the rest of standard output go nowhere, also what Python writes when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()
    except (OSError, ValueError):
        return
