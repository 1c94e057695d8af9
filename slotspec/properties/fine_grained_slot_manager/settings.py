"""Settings that the properties distinguish, and why Flink violates some."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.environment import (
    declares_workers,
    has_allocator,
    has_any_order,
    has_blocking,
)
from slotspec.models.fine_grained_slot_manager.state import wants_spare_workers
from slotspec.models.fine_grained_slot_manager.versions import Strategy
from slotspec.statemachine.declaration.conditions import Condition, equals, is_set
from slotspec.statemachine.declaration.records import Setting

SPARE_BEYOND_MAXIMUM = (
    "M1: a check that wants a worker in reserve, and is refused it, raises NullPointerException"
)
SECOND_FAILURE = "M2: only the first failure of a batch is followed by a check"
MOVE_OF_NONE = (
    "M3: a surplus that the slots of one profile make up exactly raises IllegalArgumentException"
)
USED_BEFORE_DECLARED = (
    "M4: a TaskExecutor marked for release takes part in planning, and the mark stays"
)
ACROSS_SUSPEND = "M5: a declaration that comes due after suspend raises, and stays under way"
BEFORE_START = "M5: a check that comes due before the first start raises, and stays under way"
FATAL_ANSWER = "M6: an acknowledgement that does not fit raises where nobody handles it"
STALE_INDEX = "M7: the index of expected workers survives suspend"
OCCUPIED = "M8: an answer that a slot is occupied leaves it PENDING"
STALE_UNFULFILLABLE = "M8: only a check with something missing renews who cannot be served"
MIXED_SIZES = "M8: a busy TaskExecutor counts with the configured size, whatever it has"
MORE_THAN_THERE_IS = (
    "M8: a slot confirmed without its resources gives them back; then every plan raises"
)
APPLICATION_STAYS = "M8: clearing the requirements of a job does not forget its application"
HALF_REGISTERED = "M8: a reported slot that does not fit stays in the map of slots"
PLANNED_BEFORE_BLOCKED = (
    "M10: a worker that registers gets the slots planned for it, though it is blocked"
)
NO_CHECK_AFTER_REGISTRATION = (
    "M11: a worker that takes an expected one's place is followed by no check, whoever waits"
)
SECOND_START = "a second start forgets which answers are waited for"
NEVER_GIVEN_BACK = "1.14 drops no worker that it has asked for"


has_redundancy = wants_spare_workers & declares_workers
"""Workers are kept in reserve, or there is a minimum."""
has_maximum = is_set("max_slots")
"""There is a maximum."""


def has_small_maximum(setting: Setting) -> bool:
    """The maximum refuses workers that slots are planned on."""
    wanted = setting["jobs"] * setting.bounds["profiles"] * setting["most_required"]
    return has_maximum(setting) and bool(setting["max_slots"] < wanted)


def has_waiting_jobs(setting: Setting) -> bool:
    """A job is refused a worker, and another one gives up a worker that stays expected.

    With blocked TaskExecutors somebody asks for a check.
    """
    stays = has_redundancy(setting) or not declares_workers(setting)
    jobs = bool(setting["jobs"] > 1 and setting["allocator"])
    return jobs and stays and has_small_maximum(setting) and not has_blocking(setting)


has_delayed_checks = is_set("check_delay") | ~declares_workers
"""Checks are delayed; in 1.14 even without a delay."""
triggers_delayed_checks = has_blocking & is_set("check_delay")
"""Somebody may ask for a delayed check, even before the first start."""
has_delayed_declarations = is_set("declare_delay") & declares_workers
"""Declarations are delayed."""


@Condition
def has_batches(setting: Setting) -> bool:
    """Two slots may be requested together."""
    return bool(setting["most_required"] > 1 or setting["jobs"] > 1) and (
        setting.bounds["instances"] * setting["slots_per_worker"] > 1
    )


def has_mixed_profiles(setting: Setting) -> bool:
    """A requirement for any slot may be fulfilled by slots of two profiles."""
    return bool(
        setting.bounds["profiles"] > 2
        and setting["most_required"] > 1
        and setting["slots_per_worker"] > 2
    )


def offers(strategy: Strategy) -> Condition:
    """Whether the release has this strategy."""
    return Condition(lambda setting: strategy in setting["strategies"])


spreads = equals("strategy", Strategy.SLOTS) & offers(Strategy.SLOTS)
"""The least utilized TaskExecutor comes first."""
concentrates = equals("strategy", Strategy.MIN_RESOURCES) & offers(Strategy.MIN_RESOURCES)
"""The most utilized TaskExecutor that fits comes first."""
has_spare_workers = is_set("redundant_task_managers") & declares_workers
"""Workers are kept in reserve."""
spare_is_refused = (has_spare_workers & has_maximum & has_allocator) | (
    has_redundancy & ~has_allocator
)
"""A worker in reserve may exceed the maximum (M1), or cannot be asked for (M9)."""
spare_is_refused_first = spare_is_refused & has_small_maximum & has_any_order
"""Among refused workers, one in reserve may come before one that slots are planned on."""
