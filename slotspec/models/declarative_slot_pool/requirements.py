"""What the job requires, and how its owner or the ResourceManager hears of it.

Rules return a status: ``OK``, or how they ended (a ``Raised``). Flink: DefaultDeclarativeSlotPool,
DeclarativeSlotPoolService, DefaultDeclareResourceRequirementServiceConnectionManager.
"""

from __future__ import annotations

from slotspec.models.common.orders import in_order
from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.lifecycles import (
    Bridge,
    DeclarationCall,
    DelayedDeclaration,
    Requirements,
)
from slotspec.models.declarative_slot_pool.schedule import place_of_timer, schedule, unschedule
from slotspec.models.declarative_slot_pool.state import (
    OK,
    DeclarativePoolState,
    Effect,
    Raised,
    Timer,
)
from slotspec.models.declarative_slot_pool.versions import Adjustment
from slotspec.statemachine.declaration.rules import NONE, Array, emit, fire

# -------------------------------------------------------------------------------- counters


def answer(s: DeclarativePoolState, profile: int, wanted: int) -> int:
    """Compare the profile of a slot with a wanted one; an Answer. Flink: isMatching."""
    return s.satisfies[profile * s.profile_count + wanted]


def profile_at(s: DeclarativePoolState, place: int) -> int:
    """The profile at this place of a hash table of profiles."""
    return in_order(s.profile_count, s.profile_order, place)


def subtract(counter: Array, profile: int, count: int) -> None:
    """Take `count` of a profile from a counter; what is missing is forgotten."""
    counter[profile] = max(0, counter[profile] - count)


def is_empty(counter: Array) -> bool:
    """Whether a counter counts nothing."""
    return not any(count > 0 for count in counter)


def is_lacking(s: DeclarativePoolState, profile: int) -> bool:
    """Whether more slots are required for this profile than count for it."""
    return s.required[profile] > s.acquired[profile]


def find_requirement(s: DeclarativePoolState, profile: int) -> tuple[int, int]:
    """A status, and the requirement that a slot of this profile can count for, or NONE.

    Flink: DefaultRequirementMatcher.match.
    """
    if is_lacking(s, profile):
        return OK, profile
    for place in range(s.profile_count):
        wanted = profile_at(s, place)
        if s.required[wanted] > 0:
            match answer(s, profile, wanted):
                case Answer.THROWS:
                    return int(Raised.UNSUPPORTED), NONE
                case Answer.YES:
                    if is_lacking(s, wanted):
                        return OK, wanted
    return OK, NONE


# ------------------------------------------------------------------------------- declaring


def declare(s: DeclarativePoolState) -> int:
    """Tell the owner all that is required, even if it is the same as last time."""
    if not s.bridge:
        emit(s, Effect.REQUIREMENTS)
        for profile, count in enumerate(s.required):
            if count > 0:
                emit(s, Effect.DECLARED, profile, count)
        return OK
    if s.bridge_state[0] != Bridge.STARTED:
        return int(Raised.ILLEGAL_STATE)
    if s.gateway != NONE:
        outdate(s)
        for profile in range(s.profile_count):
            s.declared[profile] = s.required[profile]
        send(s, min(1, s.longest_backoff))
    return OK


def outdate(s: DeclarativePoolState) -> None:
    """The current declaration is outdated: it is not sent again."""
    if s.current != NONE and not s.follow_clock:
        fire(s.call, s.current, DeclarationCall.outdate)
        s.call_backoff[s.current] = 0
    s.current = NONE
    place = 0
    while place < len(s.timer):
        if s.repeats[place]:
            s.repeats[place] = 0
            if not s.follow_clock:
                unschedule(s, place)
                place -= 1
        place += 1


def send(s: DeclarativePoolState, backoff: int) -> None:
    """Send the current declaration. If that fails, it is sent again after `backoff`."""
    call = next((c for c, state in enumerate(s.call) if state == DeclarationCall.UNUSED), NONE)
    fire(s.call, call, DeclarationCall.send)
    s.call_backoff[call] = backoff
    s.current = call
    emit(s, Effect.DECLARE, s.gateway, call)
    for profile, count in enumerate(s.declared):
        if count > 0:
            emit(s, Effect.DECLARED, profile, count)


def delay(s: DeclarativePoolState) -> None:
    """A declaration waits from now on; one that waits already is cancelled."""
    place = place_of_timer(s, Timer.DECLARATION)
    if place != NONE:
        unschedule(s, place)
    schedule(s, Timer.DECLARATION, s.interval)


def change_requirements(s: DeclarativePoolState) -> int:
    """What is required has been raised or lowered: declare it, now or later.

    Flink: DefaultDeclarativeSlotPool.declareResourceRequirements, since 2.3 with FLIP-370.
    """
    if s.interval == 0:
        return declare(s)
    fire(s.requirements, 0, Requirements.change)
    delay_change(s)
    return OK


def delay_change(s: DeclarativePoolState) -> None:
    """Declare later, and announce then that requirements are stable."""
    fire(s.delayed, 0, DelayedDeclaration.delay)
    delay(s)


def delay_adjustment(s: DeclarativePoolState) -> None:
    """Declare later, and announce nothing. It cancels a declaration that would announce."""
    fire(s.delayed, 0, DelayedDeclaration.adjust)
    delay(s)


def increase_by(s: DeclarativePoolState, profile: int, count: int) -> int:
    """Require more of one profile. Flink: increaseResourceRequirementsBy."""
    s.required[profile] += count
    return change_requirements(s)


def decrease_by(s: DeclarativePoolState, profile: int, count: int) -> int:
    """Require less of one profile. Flink: decreaseResourceRequirementsBy."""
    subtract(s.required, profile, count)
    return change_requirements(s)


def decrease_by_counted(s: DeclarativePoolState) -> int:
    """Require less by what ``counted`` says, which is cleared; nothing happens if it is empty."""
    if is_empty(s.counted):
        return OK
    for profile, count in enumerate(s.counted):
        subtract(s.required, profile, count)
        s.counted[profile] = 0
    return change_requirements(s)


def adjust_requirements(s: DeclarativePoolState, old: int, new: int) -> int:
    """A slot that counted for `old` counts for `new`: require one less of `new`, one more of `old`.

    Flink: DefaultDeclarativeSlotPool.adjustRequirements.
    """
    if s.adjustment == Adjustment.TWICE:
        status = decrease_by(s, new, 1)
        return status if status != OK else increase_by(s, old, 1)
    subtract(s.required, new, 1)
    s.required[old] += 1
    if s.interval == 0:
        return declare(s)
    delay_adjustment(s)
    return OK


def run_declaration(s: DeclarativePoolState) -> int:
    """The delayed declaration is made. The caller has unscheduled its timer."""
    announces = s.delayed[0] == DelayedDeclaration.WAITS
    fire(s.delayed, 0, DelayedDeclaration.run)
    status = declare(s)
    if status != OK or not announces:
        return status
    fire(s.requirements, 0, Requirements.settle)
    return announce_stable(s)


def announce_stable(s: DeclarativePoolState) -> int:
    """Tell the listener that requirements are stable.

    The bridge then matches deferred requests, in a run of the main thread of its own.
    """
    if s.bridge:
        if s.defer and s.pending[0] != NONE:
            schedule(s, Timer.MATCHING, 0)
    elif s.stable_listener:
        emit(s, Effect.STABLE)
    return OK


def repeat_declaration(s: DeclarativePoolState, repeats: int, backoff: int) -> None:
    """A failed declaration is sent again, if it is still the current one."""
    if repeats and s.gateway != NONE:
        send(s, min(2 * backoff, s.longest_backoff))
