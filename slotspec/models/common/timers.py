"""What a main thread has scheduled: kinds and delays in arrays, oldest first, then unused places.

Flink: ComponentMainThreadExecutor.schedule.
"""

from __future__ import annotations

from typing import Protocol

from slotspec.statemachine.declaration.rules import NONE, Array

UNUSED = 0
"""The kind of a place without a timer, in every model."""


class Scheduled(Protocol):
    """A state with timers. Each model says what else a timer has."""

    timer: Array
    due_in: Array
    follow_clock: int
    clock: int


def next_timer(s: Scheduled) -> int:
    """The timer that runs next: the shortest delay, then the oldest; NONE without timers."""
    found = NONE
    for place, timer in enumerate(s.timer):
        if timer != UNUSED and (found == NONE or s.due_in[place] < s.due_in[found]):
            found = place
    return found


def pass_time(s: Scheduled, ms: int) -> None:
    """Let `ms` pass: the clock moves on, and every timer is due so much sooner."""
    if s.follow_clock:
        s.clock += ms
    for place, timer in enumerate(s.timer):
        if timer != UNUSED:
            s.due_in[place] -= ms


def take_out(values: Array, place: int) -> None:
    """Take out one value of the timer at `place`; the other timers keep their order."""
    last = len(values) - 1
    for later in range(place, last):
        values[later] = values[later + 1]
    values[last] = UNUSED
