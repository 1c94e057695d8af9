"""``--since`` and ``--until``: a date with a time, or a time of the day of the logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotspec.logs.layout import clock, date, seconds
from slotspec.statemachine.errors import UsageError

if TYPE_CHECKING:
    from slotspec.logs.events import ProcessLog

DAY = 86_400
_TIME = re.compile(
    r"(?:(?P<date>\d{4}-\d\d-\d\d)[ T])?(?P<minute>\d\d:\d\d)(?P<rest>:.*)?", re.ASCII
)


@dataclass(frozen=True)
class Moment:
    """A time that the user names.

    :param option: the option that has it.
    :param seconds: since 1970, or since midnight if it is a time of day.
    """

    option: str
    text: str
    seconds: float
    of_day: bool

    @staticmethod
    def of(option: str, text: str) -> Moment:
        """Read an option.

        :raises UsageError: ``SET134`` unless it is a time.
        """
        found = _TIME.fullmatch(text.strip())
        if found is not None:
            day = found["date"] or "1970-01-01"
            time = seconds(f"{day} {found['minute']}{found['rest'] or ':00'}")
            of_day = found["date"] is None
            if time is not None and (not of_day or 0 <= time < DAY):
                return Moment(option, text, time, of_day)
        raise UsageError(
            "SET134", f"{option} {text!r}: write a time such as 15:04:00 or 2026-11-21T15:04:00"
        )

    def near(self, first: float) -> float:
        """The same in seconds since 1970, on the day of a log's first line."""
        return first // DAY * DAY + self.seconds if self.of_day else self.seconds


def check_times(logs: Sequence[ProcessLog], since: Moment | None, until: Moment | None) -> None:
    """Refuse times that leave nothing.

    :raises UsageError: ``SET135`` if no time of the logs is between them, or if a time of day
        may be of several days.
    """
    given = [moment for moment in (since, until) if moment is not None]
    first = min((log.first - log.apart for log in logs if log.first is not None), default=None)
    last = max((log.end - log.apart for log in logs if log.end is not None), default=None)
    if not given or first is None or last is None:
        return
    span = f"the logs go from {_shown(first)} to {_shown(last)}"
    for moment in given:
        if moment.of_day and first // DAY != last // DAY:
            raise UsageError("SET135", f"{moment.option} {moment.text}: name the day too; {span}")
    if since is not None and until is not None and since.near(first) > until.near(first):
        raise UsageError(
            "SET135", f"--since {since.text} is after --until {until.text}; exchange them"
        )
    if since is not None and since.near(first) > last:
        raise UsageError("SET135", f"--since {since.text} is after the last line; {span}")
    if until is not None and until.near(first) < first:
        raise UsageError("SET135", f"--until {until.text} is before the first line; {span}")


def _shown(time: float) -> str:
    return f"{date(time)}T{clock(time)}"
