"""Who sends what to whom in traces of declarative slot pools."""

from __future__ import annotations

from slotspec.models.common.lifelines import (
    CLOCK,
    JOB_MASTER,
    PAYLOADS,
    POOL,
    REQUEST,
    RESOURCE_MANAGER,
    TASK_MANAGER,
)
from slotspec.statemachine.participants import Caller, Participants

PARTICIPANTS = Participants(
    system=POOL,
    order=(CLOCK, JOB_MASTER, POOL, RESOURCE_MANAGER, TASK_MANAGER, REQUEST, PAYLOADS),
    caller_of_others=JOB_MASTER,
    callers={
        "offer_slot": Caller(TASK_MANAGER, "tm"),
        "offer_two_slots": Caller(TASK_MANAGER, "tm"),
        "offer_slots": Caller(TASK_MANAGER, "tm"),
        "rm_acknowledges": Caller(RESOURCE_MANAGER),
        "rm_fails": Caller(RESOURCE_MANAGER),
        "not_enough_resources": Caller(RESOURCE_MANAGER),
        "request_timeout": Caller(CLOCK),
        "advance_time": Caller(CLOCK),
        "offer_slot_in_order": Caller(TASK_MANAGER, "tm"),
        "offer_two_slots_in_order": Caller(TASK_MANAGER, "tm"),
        "advance_time_in_order": Caller(CLOCK),
    },
    receivers={
        "declare": RESOURCE_MANAGER,
        "declared": RESOURCE_MANAGER,
        "requirements": JOB_MASTER,
        "new_slots": JOB_MASTER,
        "new_slot": JOB_MASTER,
        "stable": JOB_MASTER,
        "timer_raised": CLOCK,
        "free_slot": TASK_MANAGER,
        "request_fulfilled": REQUEST,
        "request_failed": REQUEST,
        "payload_released": PAYLOADS,
    },
    prefixes={
        "rm": RESOURCE_MANAGER,
        "tm": TASK_MANAGER,
        "request": REQUEST,
        "payload": PAYLOADS,
    },
    single=frozenset({JOB_MASTER, POOL, CLOCK, RESOURCE_MANAGER, PAYLOADS}),
)
