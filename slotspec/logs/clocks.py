"""How far the clocks of processes are apart: no message is heard before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from slotspec.logs.events import Event, ProcessLog
from slotspec.logs.line_kinds import Party

TOLERANCE = 0.05
"""Seconds that clocks of one machine may differ by; below that nothing is corrected."""
ZONE = 900.0
"""Time zones differ by multiples of this many seconds."""

ORDERS: tuple[tuple[str, str, str], ...] = (
    ("request_received", "slot_asked", "allocation"),
    ("allocation_started", "slot_asked", "allocation"),
    ("slot_asked", "allocation_confirmed", "allocation"),
    ("slot_allocated", "offer_fulfils", "allocation"),
    ("slot_allocated", "offer_matched", "allocation"),
    ("slot_allocated", "deploying", "allocation"),
    ("deploying", "task_received", "execution"),
    ("registered_at_resource_manager", "instance_registered", "instance"),
)
"""Lines of two processes, the earlier first, and the id that both name."""


@dataclass(frozen=True)
class Offset:
    """What is known of the clock of one process, compared with the reference.

    :param low: its clock is at least this many seconds ahead; None if nothing says so.
    :param high: at most this many.
    """

    low: float | None
    high: float | None

    @property
    def contradictory(self) -> bool:
        """Whether no constant offset explains the lines."""
        return self.low is not None and self.high is not None and self.low > self.high + TOLERANCE

    @property
    def seconds(self) -> float:
        """The offset to correct by: none, if that explains the lines."""
        low = self.low if self.low is not None else float("-inf")
        high = self.high if self.high is not None else float("inf")
        if low <= TOLERANCE and high >= -TOLERANCE:
            return 0.0
        if self.contradictory:
            return (low + high) / 2
        nearest = low if low > 0 else high
        zone = round(nearest / ZONE) * ZONE
        if zone and low - TOLERANCE <= zone <= high + TOLERANCE:
            return zone
        return nearest

    def __str__(self) -> str:
        apart = self.seconds
        if self.contradictory:
            return "changed, or lines are out of order: no message is heard before it is sent"
        way = "ahead" if apart > 0 else "behind"
        zone = " (another time zone?)" if apart % ZONE == 0 else ""
        return f"about {abs(apart):,.1f} s {way}{zone}: corrected"


def offsets(logs: Iterable[ProcessLog]) -> dict[str, Offset]:
    """The clocks that have to be corrected, compared with that of the JobManager."""
    logs = list(logs)
    reference = next((log for log in logs if Party.TASK_MANAGER not in log.parties), None)
    if reference is None:
        return {}
    firsts: dict[tuple[str, str], list[Event]] = {}
    names = {name: key for first, second, key in ORDERS for name in (first, second)}
    for log in logs:
        seen: set[tuple[str, str]] = set()
        for event in log.events:
            key = names.get(event.name)
            if key is None or key not in event.fields:
                continue
            named = (event.name, event.fields[key])
            if named not in seen:
                seen.add(named)
                firsts.setdefault(named, []).append(event)
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for before, after, _ in ORDERS:
        for (name, value), sent in firsts.items():
            if name != before:
                continue
            for first in sent[:1]:
                for second in firsts.get((after, value), [])[:1]:
                    apart = second.time - first.time
                    if first.process == reference.name != second.process:
                        high[second.process] = min(apart, high.get(second.process, apart))
                    elif second.process == reference.name != first.process:
                        low[first.process] = max(-apart, low.get(first.process, -apart))
    found = {}
    for log in logs:
        offset = Offset(low.get(log.name), high.get(log.name))
        if log.apart:
            # known from more lines than the time that is read has
            offset = Offset(log.apart, log.apart)
        if offset.contradictory or abs(offset.seconds) > TOLERANCE:
            found[log.name] = offset
    return found
