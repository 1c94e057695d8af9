"""Who sends what to whom in traces of slot pools."""

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
        "offer_slots": Caller(TASK_MANAGER, "tm"),
        "resource_manager_acknowledges": Caller(RESOURCE_MANAGER),
        "resource_manager_fails": Caller(RESOURCE_MANAGER),
        "request_timeout": Caller(CLOCK),
        "advance_time": Caller(CLOCK),
    },
    receivers={
        "request_slot": RESOURCE_MANAGER,
        "cancel_slot_request": RESOURCE_MANAGER,
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
    # the message names the leader: there is one at a time
    single=frozenset({JOB_MASTER, POOL, CLOCK, RESOURCE_MANAGER, PAYLOADS}),
)
