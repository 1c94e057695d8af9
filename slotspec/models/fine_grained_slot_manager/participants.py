"""Who talks to whom in traces of fine-grained slot managers."""

from __future__ import annotations

from slotspec.models.common.lifelines import CLOCK, RESOURCE_MANAGER, TASK_MANAGER
from slotspec.models.fine_grained_slot_manager.versions import ORDER_CHANGES
from slotspec.statemachine.participants import single_lifelines

PARTICIPANTS = single_lifelines(
    "SlotManager",
    (CLOCK, RESOURCE_MANAGER, "SlotManager", TASK_MANAGER),
    callers={
        **dict.fromkeys(
            ("call_acknowledged", "call_occupied", "call_fails", "query_answered"), TASK_MANAGER
        ),
        **dict.fromkeys(("advance_time", "run_main_thread", *ORDER_CHANGES), CLOCK),
    },
    others=RESOURCE_MANAGER,
    receivers={
        "request_slot": TASK_MANAGER,
        "can_be_released": TASK_MANAGER,
        "free_inactive_slots": TASK_MANAGER,
        "not_enough_resources": RESOURCE_MANAGER,
        "acquired": RESOURCE_MANAGER,
        "declare": RESOURCE_MANAGER,
        "needed": RESOURCE_MANAGER,
        "unwanted": RESOURCE_MANAGER,
        "allocate_resource": RESOURCE_MANAGER,
        "release_resource": RESOURCE_MANAGER,
        "dies": RESOURCE_MANAGER,
    },
    prefixes={
        "tm": TASK_MANAGER,
        "job": RESOURCE_MANAGER,
        "resource": RESOURCE_MANAGER,
    },
)
