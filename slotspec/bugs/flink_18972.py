"""FLINK-18972: the check of batch requests is switched off for everybody."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.state import SlotPoolState


def start_without_batch_check(s: SlotPoolState) -> int:
    """As if every job timed its requests in bulk."""
    pool.start(s)
    return pool.disable_batch_slot_request_timeout_check(s)


BUGS = [
    Bug(
        issue="FLINK-18972",
        description="The timeout check of batch requests is switched off at the start for everybody,"
        " not only where somebody else does it: a request without slots never times out.",
        model="slot_pool",
        property="starting_switches_no_check_off",
        length=1,
        generation="1.12",
        scope="time",
        bounds={"requests": 1, "request_ids": 1, "profiles": 1, "payloads": 0},
        replace={pool.start: start_without_batch_check},
        fixed="1.12.0",
        likeness="The scheduler switched it off while it was built, before any request.",
    ),
]
