"""Declares what a line of a log looks like and what it tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

ID = r"[0-9a-f]{32}"

FIELDS = {
    "allocation": ID,
    "request": ID,
    "job": ID,
    "instance": ID,
    "leader": rf"(?:{ID}|[0-9a-f-]{{36}})",
    "graph": ID,
    "execution": rf"{ID}(?:_{ID}_\d+_\d+)?",
    "attempt": r"\d+",
    "count": r"\d+",
    "slot": r"-?\d+",
    "tm": r"\S+",
    "before": "[A-Z]+",
    "after": "[A-Z]+",
    "task": ".+",
    "name": ".+",
    "items": ".*",
    "reason": ".*",
    "version": r"\d+\.\d+(?:\.\d+)?[-\w.]*",
}
"""The fields that a template may name, and what they match."""

HEX_OF_REQUEST = r"(?:SlotRequestId\{)?"
LONGEST = 4096
"""Characters of a text that a template is matched with; lists are read from the whole text."""


class Level(IntEnum):
    """Log levels, the most talkative first."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    FATAL = 5


class Party(IntEnum):
    """Who writes a line. JobMaster and ResourceManager usually share a process."""

    JOB_MASTER = 0
    RESOURCE_MANAGER = 1
    TASK_MANAGER = 2


@dataclass(frozen=True)
class LineKind:
    """One kind of line.

    :param logger: the class that logs it, without its package.
    :param name: what it tells, the same for each wording and version.
    :param text: the wording: ``{field}`` is a field of :data:`FIELDS`, ``*`` anything.
    :param versions: the first and the last minor version that log it; None for no limit.
    :param causes: whether an exception may follow on lines of its own.
    """

    party: Party
    logger: str
    level: Level
    name: str
    text: str
    versions: tuple[str | None, str | None] = (None, None)
    causes: bool = False
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    prefix: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", template(self.text))
        object.__setattr__(self, "prefix", re.split(r"[{*]", self.text, maxsplit=1)[0])

    def of(self, text: str) -> dict[str, str] | None:
        """The fields of a line of this kind; None if the text is no such line."""
        if not text.startswith(self.prefix):
            return None
        found = self.pattern.match(text, 0, LONGEST)
        return None if found is None else found.groupdict()

    def in_version(self, version: str | None) -> bool:
        """Whether this version logs it; an unknown version may."""
        if version is None:
            return True
        first, last = self.versions
        number = minor(version)
        return (first is None or minor(first) <= number) and (last is None or number <= minor(last))


def minor(version: str) -> tuple[int, int]:
    """``1.12.5`` as ``(1, 12)``."""
    parts = re.findall(r"\d+", version)
    return int(parts[0]), int(parts[1])


def template(text: str) -> re.Pattern[str]:
    """The regular expression of a template."""
    parts = []
    for piece in re.split(r"(\{\w+\}|\*)", text):
        if piece == "*":
            parts.append(".*?")
        elif re.fullmatch(r"\{\w+\}", piece):
            name = piece[1:-1]
            what = FIELDS[name]
            lazy = f"{what}?" if what.endswith(("+", "*")) else what
            before = HEX_OF_REQUEST if name == "request" else ""
            after = r"\}?" if name == "request" else ""
            parts.append(f"{before}(?P<{name}>{lazy}){after}")
        else:
            parts.append(re.escape(piece))
    ending = "" if text.endswith("*") else r"\.?\s*(?:\n|\Z)"
    return re.compile("".join(parts) + ending, re.DOTALL if text.endswith("{items}") else 0)


class KindTable:
    """All kinds of lines, found by logger."""

    def __init__(self, kinds: Iterable[LineKind]) -> None:
        self.kinds = tuple(kinds)
        self.by_logger: dict[str, list[LineKind]] = {}
        self.by_name: dict[str, list[LineKind]] = {}
        self._deciding: dict[tuple[str, str | None], list[LineKind]] = {}
        for kind in self.kinds:
            self.by_logger.setdefault(kind.logger, []).append(kind)
            self.by_name.setdefault(kind.name, []).append(kind)

    def find(self, logger: str, text: str) -> tuple[LineKind, dict[str, str]] | None:
        """The kind of a line and its fields; None for a line about something else."""
        for kind in self.by_logger.get(logger, ()):
            fields = kind.of(text)
            if fields is not None:
                return kind, fields
        return None

    def deciding(self, name: str, version: str | None) -> list[LineKind]:
        """The kinds of lines of a version that tell `name`."""
        key = (name, version)
        if key not in self._deciding:
            self._deciding[key] = [k for k in self.by_name.get(name, ()) if k.in_version(version)]
        return self._deciding[key]
