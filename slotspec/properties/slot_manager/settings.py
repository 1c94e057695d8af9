"""Settings that the slot manager's properties distinguish, and why Flink violates some."""

from __future__ import annotations

from collections.abc import Callable

from slotspec.models.common.resource_profile import Matching
from slotspec.models.slot_manager.environment import (
    has_any_order,
    has_occupied_answers,
    has_queue,
    has_reports,
    has_time,
)
from slotspec.models.slot_manager.versions import IdleRelease, PairedSlots
from slotspec.statemachine.declaration.records import Setting

Condition = Callable[[Setting], bool]


def always(setting: Setting) -> bool:
    """In every setting."""
    return True


def has_cancelled_answers(setting: Setting) -> bool:
    """Calls may fail with a cancellation."""
    return bool(setting["cancelled_answers"])


def has_workers(setting: Setting) -> bool:
    """New workers are granted, and the maximum leaves room for one."""
    return bool(setting["workers"]) and setting["slots_per_worker"] <= setting["max_slots"]


def has_several_slots(setting: Setting) -> bool:
    """There is more than one slot."""
    return bool(setting["slots"] > 1)


def has_several_allocations(setting: Setting) -> bool:
    """There is more than one allocation id."""
    return bool(setting["allocations"] > 1)


def has_several_per_task_manager(setting: Setting) -> bool:
    """A TaskExecutor has more than one slot."""
    return bool(setting["slots"] > setting["task_managers"])


def loses_reservations(setting: Setting) -> bool:
    """Requests may time out while a worker is on its way for them."""
    return has_workers(setting) and has_time(setting)


def reconnects(setting: Setting) -> bool:
    """A TaskExecutor may have two connections at a time."""
    return bool(setting["instances"] > setting["task_managers"])


def throws(setting: Setting) -> bool:
    """Slots of UNKNOWN profile are compared, which throws (1.13)."""
    return bool(setting["matching"] == Matching.EQUAL and setting.bounds["profiles"] > 2)


def finds_other_content(setting: Setting) -> bool:
    """A report or an answer may say that a slot carries what nobody assigned to it."""
    return has_reports(setting) or has_occupied_answers(setting)


def runs_at_once(setting: Setting) -> bool:
    """Outcomes run at the end of the operation that settles them."""
    return not has_queue(setting)


def is_linked(setting: Setting) -> bool:
    """Maps keep the order of entry."""
    return not has_any_order(setting)


def keeps_redundancy(setting: Setting) -> bool:
    """The check of TaskExecutors honours redundancy (1.12, 1.13)."""
    return bool(setting["idle_release"] == IdleRelease.KEEP_REDUNDANT)


def pairs_full_slots(setting: Setting) -> bool:
    """Reported slots that carry an allocation count as expected ones (1.11, 1.12)."""
    return bool(setting["paired_slots"] == PairedSlots.ANY)


def both(*conditions: Condition) -> Condition:
    """All of the conditions."""
    return lambda setting: all(condition(setting) for condition in conditions)


def either(*conditions: Condition) -> Condition:
    """Any of the conditions."""
    return lambda setting: any(condition(setting) for condition in conditions)


def known(reason: str, condition: Condition = always) -> Callable[[Setting], str | None]:
    """Flink violates the property where `condition` holds, for this reason."""
    return lambda setting: reason if condition(setting) else None
