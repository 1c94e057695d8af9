"""Opens files that hold traces, and pipes: a FIFO, standard input, a process substitution."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO

PATIENCE = 3.0
"""Seconds to wait for somebody who writes to a pipe."""

LARGEST = 1 << 28
"""The most bytes that are read from a pipe."""

ITF = ".itf.json"
"""The suffix of traces in the Informal Trace Format, which are read as JSON lines."""

_TICK = 0.05
_CHUNK = 1 << 16
_peeked: dict[str, bytes | OSError] = {}
"""What pipes gave to those who only looked; a pipe can be read once."""


def open_bytes(path: str | Path, *, again: bool = False) -> BinaryIO:
    """Open a file, or read a pipe to its end.

    :param again: the caller only looks, and the next one reads the same.
    :raises OSError: it cannot be read, or it is a pipe that nobody writes to.
    """
    if str(path).endswith(ITF):
        from slotspec.oracle.traces.itf import lines_of

        with open(path, "rb") as file:
            return io.BufferedReader(io.BytesIO(lines_of(file.read(LARGEST), str(path))))
    if not is_pipe(path):
        return open(path, "rb")
    data = _peeked.pop(str(path), None)
    if data is None:
        try:
            data = _all_of(path)
        except OSError as error:
            data = error
    if again:
        _peeked[str(path)] = data
    if isinstance(data, OSError):
        raise data
    return io.BufferedReader(io.BytesIO(data))


def first_object(path: str | Path, limit: int) -> dict[str, Any]:
    """The JSON object in the first line, which the next reader gets again; empty if none is there.

    :param limit: how long a line may be, in bytes.
    """
    try:
        with open_bytes(path, again=True) as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"  # type: ignore[attr-defined]
            line = (gzip.GzipFile(fileobj=file) if packed else file).readline(limit)
        found = json.loads(line)
    except (OSError, EOFError, ValueError, zlib.error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_pipe(path: str | Path) -> bool:
    """Whether the path names something that can be read only once."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _all_of(path: str | Path) -> bytes:
    # without a writer, a plain open would wait for ever
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(handle, "rb", buffering=0) as pipe:
        first = _first_of(handle)
        os.set_blocking(handle, True)
        chunks, size = [first], len(first)
        while chunk := pipe.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST:
                raise OSError(f"it gives more than {LARGEST >> 20} MiB; write that to a file")
    return b"".join(chunks)


def _first_of(handle: int) -> bytes:
    """The first bytes; empty as soon as somebody is there who may write some."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            first = os.read(handle, _CHUNK)
        except BlockingIOError:
            return b""
        if first:
            return first
        if not stat.S_ISFIFO(os.fstat(handle).st_mode):
            return b""
        if time.monotonic() > until:
            raise OSError("nobody writes to this pipe")
        time.sleep(_TICK)
