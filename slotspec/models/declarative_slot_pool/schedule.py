"""What is scheduled for later, oldest first. Flink: ComponentMainThreadExecutor.schedule."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.state import DeclarativePoolState, Timer
from slotspec.statemachine.declaration.rules import NONE


def schedule(
    s: DeclarativePoolState, timer: int, delay: int, repeats: int = 0, backoff: int = 0
) -> None:
    """Run something after `delay`. It is a fault if the bounds leave no place for it."""
    place = place_of_timer(s, Timer.UNUSED)
    s.timer[place] = timer
    s.due_in[place] = delay
    s.repeats[place] = repeats
    s.timer_backoff[place] = backoff


def unschedule(s: DeclarativePoolState, place: int) -> None:
    """Take out the timer at `place`; the others keep their order."""
    last = len(s.timer) - 1
    for later in range(place, last):
        s.timer[later] = s.timer[later + 1]
        s.due_in[later] = s.due_in[later + 1]
        s.repeats[later] = s.repeats[later + 1]
        s.timer_backoff[later] = s.timer_backoff[later + 1]
    s.timer[last] = Timer.UNUSED
    s.due_in[last] = 0
    s.repeats[last] = 0
    s.timer_backoff[last] = 0


def place_of_timer(s: DeclarativePoolState, timer: int) -> int:
    """Where a timer of this kind is scheduled, or NONE."""
    return next((place for place, scheduled in enumerate(s.timer) if scheduled == timer), NONE)


def next_timer(s: DeclarativePoolState) -> int:
    """The timer that runs next: least delay, scheduled first; NONE without timers."""
    found = NONE
    for place, timer in enumerate(s.timer):
        if timer != Timer.UNUSED and (found == NONE or s.due_in[place] < s.due_in[found]):
            found = place
    return found
