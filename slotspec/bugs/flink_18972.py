"""FLINK-18972: the timeout check of batch requests is switched off for every job."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.state import SlotPoolState


def start_without_batch_check(s: SlotPoolState) -> int:
    """Start as if every job checked the timeouts of its requests in bulk."""
    pool.start(s)
    return pool.disable_batch_slot_request_timeout_check(s)


BUGS = [
    Bug(
        issue="FLINK-18972",
        description="The pool switches the timeout check of batch requests off at its start for"
        " every job, not only where another component does the check. A request without a slot"
        " never times out.",
        model="slot_pool",
        property="starting_switches_no_check_off",
        length=1,
        generation="1.12",
        scope="time",
        bounds={"requests": 1, "request_ids": 1, "profiles": 1, "payloads": 0},
        replace={pool.start: start_without_batch_check},
        fixed="1.12.0",
        likeness="In Flink the scheduler switched it off in its constructor, before any request.",
    ),
]
