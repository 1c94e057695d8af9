"""The participants in traces of slot sharing in the scheduler."""

from __future__ import annotations

from slotspec.models.common.lifelines import CLOCK, PAYLOADS, POOL, SCHEDULER
from slotspec.statemachine.participants import single_lifelines

ALLOCATOR = "SlotSharingExecutionSlotAllocator"

PARTICIPANTS = single_lifelines(
    ALLOCATOR,
    (CLOCK, SCHEDULER, ALLOCATOR, POOL, PAYLOADS),
    callers={
        "add_slot": POOL,
        "fulfil": POOL,
        "fulfil_and_lose": POOL,
        "fail_request": POOL,
        "fail_slot": POOL,
        "fail_task_manager": POOL,
        "foreign_payload": POOL,
        "pool_mode": POOL,
        "finish": PAYLOADS,
        "terminate": PAYLOADS,
        "fail_termination": PAYLOADS,
        "run_check": CLOCK,
        "advance_time": CLOCK,
    },
    others=SCHEDULER,
    receivers={
        "allocate_available": POOL,
        "request_new": POOL,
        "release_slot": POOL,
        "foreign_release": POOL,
        "lost": POOL,
        "retriever_created": SCHEDULER,
        "asked": SCHEDULER,
        "completed": SCHEDULER,
        "failed": SCHEDULER,
        "released": SCHEDULER,
        "process_ends": SCHEDULER,
        "payload_fail": PAYLOADS,
        "timer_raised": CLOCK,
    },
    prefixes={
        "retriever": SCHEDULER,
        "logical": SCHEDULER,
        "pool": POOL,
        "foreign": POOL,
        "payload": PAYLOADS,
        "timer": CLOCK,
    },
)
