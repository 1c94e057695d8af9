"""What reading keeps: events, one for each line that tells something about slots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from slotspec.logs.layout import clock
from slotspec.logs.levels import Levels
from slotspec.logs.line_kinds import LineKind, Party


class Place(NamedTuple):
    """Where a line is."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class Event:
    """A line that tells something.

    :param time: in seconds since 1970, by the clock of its process.
    :param process: the name of its process.
    :param order: its position among the lines of its process.
    :param endpoint: the TaskManager that the layout's context names, for logs of one process.
    :param items: the members of a list: slots of a report, offers.
    :param cause: the exception that follows.
    """

    time: float
    process: str
    order: int
    kind: LineKind
    fields: dict[str, str]
    place: Place
    text: str
    endpoint: str | None = None
    items: tuple[tuple[str, ...], ...] = ()
    cause: str | None = None
    repeated: int = 0

    @property
    def name(self) -> str:
        """What it tells."""
        return self.kind.name

    def __str__(self) -> str:
        return f"{clock(self.time)} {self.process} {self.text}"


@dataclass
class ProcessLog:
    """What was read of one process.

    :param levels: the levels that Flink's runtime logged at.
    :param version: Flink's, as it says last; ``versions`` are all that it says in the time read.
    :param first: the time of its first line; ``end`` is that of its last.
    :param last: the latest time of a line about slots.
    :param from_start: whether the log begins with the start of the process.
    :param since: lines before this time were left out; None if none were.
    :param no_time: what stands in the place of the time, if it is none.
    :param apart: how many seconds its clock is ahead of the one that ``--since`` is told by.
    """

    name: str
    files: list[str] = field(default_factory=list)
    lines: int = 0
    events: list[Event] = field(default_factory=list)
    levels: Levels = field(default_factory=Levels)
    version: str | None = None
    versions: set[str] = field(default_factory=set)
    first: float | None = None
    last: float | None = None
    end: float | None = None
    since: float | None = None
    until: float | None = None
    apart: float = 0.0
    backwards: int = 0
    cut: int = 0
    unread: int = 0
    no_time: str | None = None
    from_start: bool = False
    resource_id: str | None = None
    parties: set[Party] = field(default_factory=set)

    @property
    def begins(self) -> float | None:
        """The time from which on every line was read."""
        known = [time for time in (self.first, self.since) if time is not None]
        return max(known, default=None)
