"""The layout of a line: where its time, level, logger and text are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from slotspec.statemachine.errors import UsageError

_TIME = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_LEVEL = rb"TRACE|DEBUG|INFO|WARN|ERROR|FATAL"

FLINK = (
    rb"(?P<time>" + _TIME + rb") +"
    rb"(?:\[[^\]]{0,200}\] +)?"
    rb"(?P<level>" + _LEVEL + rb") +"
    rb"(?:\[[^\]]{0,200}\] +)?"
    rb"(?P<logger>[\w.$]{1,300}) *"
    rb"(?:\[(?P<context>[^\]]{0,300})\])? *(?:[\w:/. ()#>-]{0,300}? )?- "
    rb"(?P<text>.*)"
)
"""What Flink's own log4j, log4j2 and logback configurations write, with or without a thread."""

GROUPS = ("time", "level", "logger", "text")
_TIME_PARTS = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?\Z"
)


@dataclass(frozen=True)
class Layout:
    """A layout as a regular expression over the bytes of a line."""

    pattern: re.Pattern[bytes]

    @property
    def usual(self) -> bool:
        """Whether it is one of Flink's own."""
        return self.pattern.pattern == FLINK

    @staticmethod
    def of(expression: str | None) -> Layout:
        """The layout of ``--layout``, or Flink's.

        :raises UsageError: ``SET130`` unless it is a regular expression with the groups time,
            level, logger and text.
        """
        if expression is None:
            return Layout(re.compile(FLINK))
        try:
            pattern = re.compile(expression.encode())
        except re.error as error:
            raise UsageError(
                "SET130", f"--layout '{expression}' is no regular expression: {error}; correct it"
            ) from None
        missing = [name for name in GROUPS if name not in pattern.groupindex]
        if missing:
            raise UsageError(
                "SET130",
                f"--layout '{expression}' has no group {', '.join(missing)};"
                " name its groups as in (?P<time>…)",
            )
        return Layout(pattern)


def seconds(text: str) -> float | None:
    """A time in seconds since 1970. Without a zone it is taken for UTC; None if it is no time."""
    found = _TIME_PARTS.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=_zone(zone)
        )
    except ValueError:
        return None
    return moment.timestamp() + (float(f"0.{fraction}") if fraction else 0.0)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    digits = text.replace(":", "")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-offset if digits[0] == "-" else offset)


def clock(time: float) -> str:
    """A time as hours, minutes, seconds and milliseconds."""
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S.%f")[:-3]


def date(time: float) -> str:
    """The day of a time."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
