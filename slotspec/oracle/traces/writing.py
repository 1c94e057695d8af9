"""Writes traces as recordings have them: equal steps give equal bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Self, cast

import msgspec

from slotspec.oracle.traces.reading import printable
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.errors import InputError


def header_line(header: TraceHeader) -> bytes:
    """The first line of a trace, with its line break."""
    return msgspec.json.encode(header) + b"\n"


def step_line(step: RecordedStep) -> bytes:
    """The line of one step, with its line break."""
    return msgspec.json.encode(step.to_json()) + b"\n"


class TraceWriter:
    """A context manager that writes the header at once, and each step as it is added.

    :param path: file to write or overwrite; compressed if its name ends in ``.gz``.
    :raises InputError: ``TRC023`` where the file cannot be written.
    """

    def __init__(self, path: str | Path, header: TraceHeader) -> None:
        self.path = Path(path)
        try:
            self._below = cast("BinaryIO", open(self.path, "wb"))  # noqa: SIM115
        except (OSError, ValueError) as error:
            raise self._refused(error) from None
        self._file = self._below
        if self.path.suffix == ".gz":
            # without name and time of day, so that the same trace gives the same file
            packed = gzip.GzipFile(filename="", fileobj=self._below, mode="wb", mtime=0)
            self._file = cast("BinaryIO", packed)
        self._put(header_line(header))

    def write(self, step: RecordedStep) -> None:
        """Append one step."""
        self._put(step_line(step))

    def close(self) -> None:
        """Finish the file; does nothing if it is finished already."""
        try:
            self._file.close()
            self._below.close()
        except OSError as error:
            raise self._refused(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, line: bytes) -> None:
        try:
            self._file.write(line)
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> InputError:
        reason = getattr(error, "strerror", None) or str(error)
        return InputError(
            "TRC023", f"{printable(self.path)}: cannot be written ({reason}); choose another place"
        )


def write_trace(path: str | Path, header: TraceHeader, steps: Iterable[RecordedStep]) -> None:
    """Write a whole trace; see :class:`TraceWriter`."""
    with TraceWriter(path, header) as writer:
        for step in steps:
            writer.write(step)
