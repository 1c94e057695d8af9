"""Which levels a process logs at: silence tells something only of a logger that would write.

Operators set single classes to DEBUG, also in a running process. So a logger counts as set to
DEBUG from its own first such line on. If classes of several packages write some, all of them do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from slotspec.logs.line_kinds import Level

RUNTIME = (
    b"org.apache.flink.runtime.",
    b"o.apache.flink.runtime.",
    b"o.a.flink.runtime.",
    b"o.a.f.runtime.",
    b"o.a.f.r.",
)
"""What the classes of Flink's runtime begin with; logback abbreviates packages."""
WHOLE = 3
"""Packages of Flink's runtime, each with a class that tells nothing about slots and writes at
DEBUG. Nobody sets all these one by one, so the whole process was set to DEBUG, all at once."""


@dataclass
class Levels:
    """What a process was seen to log at.

    :param usual: the most talkative level from INFO on.
    :param talks: logger -> the time of its first line below INFO.
    :param whole: the time from which on every logger writes such lines; None if they do not.
    :param packages: package -> the first such line of a class that tells nothing about slots.
    """

    usual: Level = Level.ERROR
    talks: dict[str, float] = field(default_factory=dict)
    whole: float | None = None
    packages: dict[bytes, float] = field(default_factory=dict)

    @property
    def most(self) -> Level:
        """The level of the process as a whole."""
        return self.usual if self.whole is None else Level.DEBUG

    def of(self, logger: str, at: float) -> Level:
        """The level of a logger for lines that were written from a time on."""
        since = self.talks.get(logger)
        if since is None or (self.whole is not None and self.whole < since):
            since = self.whole
        return self.usual if since is None or since > at else Level.DEBUG

    def talk(self, logger: bytes, about_slots: bool, time: float) -> None:
        """A class of the runtime writes a line below INFO."""
        name = logger[logger.rfind(b".") + 1 :].decode("utf-8", "replace")
        self.talks.setdefault(name, time)
        package = logger.split(b".")[4:-1][:1]
        if not about_slots and package:
            self.packages.setdefault(package[0], time)
            if len(self.packages) >= WHOLE:
                self.whole = min(self.packages.values())
