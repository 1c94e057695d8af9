"""Finds log files and reads their lines: plain or gzipped, rotated, of any length."""

from __future__ import annotations

import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slotspec.oracle.traces.reading import printable
from slotspec.statemachine.errors import InputError, UsageError

LONGEST_LINE = 1 << 16
"""Bytes of a line that are kept; the rest of it is skipped."""
SEEN = 4096
MOST_FILES = 10_000
_SKIPPED_SUFFIXES = (".jar", ".class", ".hprof", ".html", ".json", ".jsonl", ".svg", ".png")
_ROTATION = re.compile(r"(?:\.gz)?$|(?:[.-]\d{4}-\d\d-\d\d(?:[-_.]\d+)*|\.\d{1,6})(?:\.gz)?$")


@dataclass
class LogFile:
    """One file."""

    path: Path

    @property
    def shown(self) -> str:
        """Its path in messages."""
        return printable(self.path)


@dataclass
class Process:
    """The files of one process, whichever was rotated when."""

    name: str
    files: list[LogFile] = field(default_factory=list)


def find(paths: Sequence[str | Path]) -> tuple[list[Process], list[str]]:
    """The log files below folders, and named files, by process; and what was left out.

    :raises UsageError: ``SET131`` for a path that does not exist, is no regular file, or for too
        many files.
    """
    found: dict[Path, None] = {}
    left_out: list[str] = []
    for given in paths:
        path = Path(given)
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                "SET131", f"{printable(path)}: {why}; name a folder of log files"
            ) from None
        if stat.S_ISDIR(mode):
            for below in sorted(path.rglob("*")):
                _consider(below, found, left_out)
        elif stat.S_ISREG(mode):
            found[path] = None
        else:
            raise UsageError(
                "SET131", f"{printable(path)} is no regular file; name a file or a folder"
            )
        if len(found) > MOST_FILES:
            raise UsageError(
                "SET131", f"more than {MOST_FILES:,} files; name the folder of one cluster"
            )
    groups: dict[Path, Process] = {}
    for path in found:
        base = path.with_name(process_name(path.name))
        groups.setdefault(base, Process(base.name)).files.append(LogFile(path))
    return _named(groups), left_out


def _consider(path: Path, found: dict[Path, None], left_out: list[str]) -> None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            mode = path.stat().st_mode
    except OSError as error:
        left_out.append(f"{printable(path)}: {error.strerror}")
        return
    if stat.S_ISREG(mode):
        if path.name.removesuffix(".gz").endswith(_SKIPPED_SUFFIXES):
            left_out.append(f"{printable(path)}: not a log by its name")
        else:
            found[path] = None
    elif not stat.S_ISDIR(mode):
        left_out.append(f"{printable(path)}: no regular file")


def process_name(name: str) -> str:
    """A file's name without what rotation and compression append: the same for one process."""
    if ".log" in name:
        before, _, after = name.rpartition(".log")
        return before + ".log" if _ROTATION.fullmatch(after) else name
    return name.removesuffix(".gz")


def _named(groups: dict[Path, Process]) -> list[Process]:
    """The processes; files of the same name in different folders get the folder's name."""
    names = [process.name for process in groups.values()]
    for base, process in groups.items():
        if names.count(process.name) > 1:
            process.name = f"{base.parent.name}/{base.name}"
    return list(groups.values())


class LineReader:
    """The lines of a file, without their ends.

    :raises InputError: ``LOG001`` if it cannot be read, is broken gzip, or is no text.
    """

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self.cut = 0
        """Lines that were longer than is kept."""
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self.file.path.open("rb") as raw:
                yield from self._lines(_unpacked(raw))
        except (OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise InputError(
                "LOG001",
                f"{self.file.shown}:{self.number + 1}: {why}; copy the file again, or leave it out",
            ) from None

    def _lines(self, stream: io.BufferedReader) -> Iterator[bytes]:
        first = True
        while line := stream.readline(LONGEST_LINE):
            self.number += 1
            if first:
                first = False
                if b"\0" in line[:SEEN]:
                    raise InputError(
                        "LOG001",
                        f"{self.file.shown} is no text file; name the log files, or their folder",
                    )
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                self.cut += 1
                while (more := stream.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
                    pass
            yield line.rstrip(b"\r\n")


def _unpacked(raw: io.BufferedReader) -> io.BufferedReader:
    """The text of a file that may be gzipped, whatever its name."""
    if raw.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 17)
    return raw
