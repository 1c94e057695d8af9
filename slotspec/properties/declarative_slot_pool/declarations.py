"""What is required is what the job needs, and it is declared."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.environment import (
    advance_time,
    connect_to_resource_manager,
    disconnect_resource_manager,
    has_repetitions,
    is_delayed,
    is_pool,
    set_no_resource_requirements,
    set_resource_requirements,
)
from slotspec.models.declarative_slot_pool.lifecycles import DelayedDeclaration, Requirements
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.schedule import place_of_timer
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    Effect,
    Timer,
)
from slotspec.properties.declarative_slot_pool.views import (
    MISTAKES,
    TWINS,
    bridged,
    declared_in,
    is_mixed,
    is_started,
    pending_count,
    raised,
    reserved_count,
    total_required,
)
from slotspec.statemachine.declaration.conditions import always, first_of, is_set, known
from slotspec.statemachine.declaration.rules import NONE, unchanged

left_behind = first_of(
    (
        "a slot that is reserved for another requirement adjusts what is required, and"
        " nothing undoes it (D1)",
        is_mixed,
    ),
    (MISTAKES, is_set("mistakes")),
    (TWINS, is_set("reused_ids")),
)


@declarative_slot_pool.always(
    "DefaultDeclarativeSlotPool.totalResourceRequirements", when=bridged, deviation=left_behind
)
def what_is_required_is_needed(s: DeclarativePoolState) -> bool:
    """No more slots are required than requests are pending and slots are in use."""
    return not is_started(s) or total_required(s) <= pending_count(s) + reserved_count(s)


@declarative_slot_pool.always("DefaultDeclarativeSlotPool.totalResourceRequirements", when=bridged)
def what_is_needed_is_required(s: DeclarativePoolState) -> bool:
    """As many slots are required as requests are pending and slots are in use."""
    return not is_started(s) or total_required(s) >= pending_count(s) + reserved_count(s)


def is_told(s: DeclarativePoolState) -> bool:
    """Whether the ResourceManager was told what is required."""
    return all(count == s.declared[profile] for profile, count in enumerate(s.required))


@declarative_slot_pool.always(
    "DeclarativeSlotPoolService.declareResourceRequirements", when=bridged
)
def what_is_required_is_declared_or_about_to_be(s: DeclarativePoolState) -> bool:
    """A connected ResourceManager was told what is required, or a declaration waits."""
    if not is_started(s) or s.gateway == NONE:
        return True
    return is_told(s) or place_of_timer(s, Timer.DECLARATION) != NONE


@declarative_slot_pool.always("DefaultDeclarativeSlotPool: the scheduled declaration (FLIP-370)")
def a_declaration_that_waits_is_scheduled(s: DeclarativePoolState) -> bool:
    """Exactly when a declaration waits, its timer is scheduled, once."""
    scheduled = sum(timer == Timer.DECLARATION for timer in s.timer)
    return scheduled == int(s.delayed[0] != DelayedDeclaration.NONE_WAITS)


swallowed = first_of(
    (
        "a declaration that is due after the close raises, and announces nothing",
        is_set("late_calls"),
    ),
    (
        "an adjustment cancels the declaration that waits, and its own never announces that"
        " requirements are stable (D2)",
        always,
    ),
)


@declarative_slot_pool.always(
    "DefaultDeclarativeSlotPool.isResourceRequirementsStable", deviation=swallowed
)
def requirements_that_change_will_be_stable(s: DeclarativePoolState) -> bool:
    """Until requirements are stable again, a declaration waits that will say so."""
    return (
        not (is_started(s) or not s.bridge)
        or s.requirements[0] == Requirements.STABLE
        or s.delayed[0] == DelayedDeclaration.WAITS
    )


half_closed = known(
    "a payload in a free slot makes close raise; the pool then ignores it (D5)", is_set("mistakes")
)
"""Why a ResourceManager may be found in vain."""


@declarative_slot_pool.step(
    "DeclarativeSlotPoolService.connectToResourceManager",
    on=connect_to_resource_manager,
    deviation=half_closed,
)
def a_new_resource_manager_is_told_everything(after: DeclarativePoolState, gateway: int) -> bool:
    """A ResourceManager that is found is told at once what is required, even if it is nothing."""
    told = any(e.kind == Effect.DECLARE and e.rm == gateway for e in after.effects)
    return raised(after) or (told and is_told(after))


@declarative_slot_pool.step("DeclarativeSlotPoolService: no gateway")
def nothing_is_declared_without_a_resource_manager(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """While no ResourceManager is connected, nothing is sent."""
    return not any(
        e.kind == Effect.DECLARE and before.gateway == NONE and after.gateway == NONE
        for e in after.effects
    )


@declarative_slot_pool.step(
    "DeclarativeSlotPoolService.disconnectResourceManager", on=disconnect_resource_manager
)
def losing_the_resource_manager_changes_nothing_else(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """Slots, requests and requirements outlive the connection."""
    return unchanged(before, after, but=("gateway", "connection"))


is_at_once = bridged & ~is_delayed
"""A bridge that declares every change at once."""


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.declareResourceRequirements", when=is_at_once
)
def every_change_is_declared(before: DeclarativePoolState, after: DeclarativePoolState) -> bool:
    """A step that changes what is required declares it, if a ResourceManager is connected."""
    if unchanged(before, after, "required") or after.gateway == NONE or not is_started(after):
        return True
    return declared_in(after) > 0 and is_told(after)


@declarative_slot_pool.step(
    "DefaultDeclareResourceRequirementServiceConnectionManager",
    on=advance_time,
    when=has_repetitions,
)
def repetitions_slow_down(before: DeclarativePoolState, after: DeclarativePoolState) -> bool:
    """Each repetition of a failed declaration waits twice as long as the one before, up to a limit.

    A declaration that is made in the same step begins anew.
    """
    place = place_of_timer(before, Timer.REPETITION)
    if place == NONE or before.due_in[place] > 1 or after.current == NONE:
        return True
    if before.delayed[0] != DelayedDeclaration.NONE_WAITS:
        return True
    again = min(2 * before.timer_backoff[place], before.longest_backoff)
    return after.call_backoff[after.current] == again


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.setResourceRequirements",
    on=set_resource_requirements,
    when=is_pool,
)
def setting_requirements_declares_at_once(
    before: DeclarativePoolState, after: DeclarativePoolState, profile: int
) -> bool:
    """Requirements that are set are declared in the same step, and alone; what waits, waits on."""
    return (
        declared_in(after) == 1
        and after.required[profile] == 1
        and total_required(after) == 1
        and unchanged(before, after, but=("required",))
    )


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.setResourceRequirements",
    on=set_no_resource_requirements,
    when=is_pool,
)
def requiring_nothing_keeps_the_slots(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """An owner that requires nothing any more keeps its slots until they are idle."""
    return total_required(after) == 0 and unchanged(before, after, but=("required",))
