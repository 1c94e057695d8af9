"""Settings that the slot manager's properties distinguish, and why Flink violates some."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Matching
from slotspec.models.slot_manager.environment import (
    has_any_order,
    has_occupied_answers,
    has_queue,
    has_reports,
    has_time,
)
from slotspec.models.slot_manager.versions import IdleRelease, PairedSlots
from slotspec.statemachine.declaration.conditions import Condition, equals, exceeds, is_set
from slotspec.statemachine.declaration.records import Setting

has_cancelled_answers = is_set("cancelled_answers")
"""Calls may fail with a cancellation."""


@Condition
def has_workers(setting: Setting) -> bool:
    """New workers are granted, and the maximum leaves room for one."""
    return bool(setting["workers"]) and setting["slots_per_worker"] <= setting["max_slots"]


has_several_per_worker = has_workers & exceeds("slots_per_worker", 1)
"""A new worker has slots that nobody asked for."""
has_several_slots = exceeds("slots", 1)
"""There is more than one slot."""
has_several_allocations = exceeds("allocations", 1)
"""There is more than one allocation id."""


def has_several_per_task_manager(setting: Setting) -> bool:
    """A TaskExecutor has more than one slot."""
    return bool(setting["slots"] > setting["task_managers"])


loses_reservations = has_workers & has_time
"""Requests may time out while a worker is on its way for them."""


@Condition
def reconnects(setting: Setting) -> bool:
    """A TaskExecutor may have two connections at a time."""
    return bool(setting["instances"] > setting["task_managers"])


@Condition
def throws(setting: Setting) -> bool:
    """Slots of UNKNOWN profile are compared, which throws (1.13)."""
    return bool(setting["matching"] == Matching.EQUAL and setting.bounds["profiles"] > 2)


finds_other_content = has_reports | has_occupied_answers
"""A report or an answer may say that a slot carries what nobody assigned to it."""
runs_at_once = ~has_queue
"""Outcomes run at the end of the operation that settles them."""
is_linked = ~has_any_order
"""Maps keep the order of entry."""
keeps_redundancy = equals("idle_release", IdleRelease.KEEP_REDUNDANT)
"""The check of TaskExecutors honours redundancy (1.12, 1.13)."""
pairs_full_slots = equals("paired_slots", PairedSlots.ANY)
"""Reported slots that carry an allocation count as expected ones (1.11, 1.12)."""
