"""What is scheduled for later, oldest first. Flink: ComponentMainThreadExecutor.schedule."""

from __future__ import annotations

from slotspec.models.common.timers import take_out
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
    take_out(s.timer, place)
    take_out(s.due_in, place)
    take_out(s.repeats, place)
    take_out(s.timer_backoff, place)


def place_of_timer(s: DeclarativePoolState, timer: int) -> int:
    """Where a timer of this kind is scheduled, or NONE."""
    return next((place for place, scheduled in enumerate(s.timer) if scheduled == timer), NONE)
