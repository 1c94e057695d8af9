"""FLINK-13555: a batch request that nobody can fulfil waits for its timeout."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.operations import is_batch_request_and_failure_can_be_ignored
from slotspec.models.slot_pool.state import SlotPoolState


def is_batch_request(s: SlotPoolState, request: int, cause: int) -> bool:
    """Whatever the cause."""
    return s.batch[request] == 1


BUGS = [
    Bug(
        issue="FLINK-13555",
        description="A batch request for more than any ResourceManager can give is not failed at once:"
        " that failure is ignored like those that may pass.",
        model="slot_pool",
        property="a_batch_request_that_nobody_can_fulfil_fails_at_once",
        length=4,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2, "batch_requests": 1},
        replace={is_batch_request_and_failure_can_be_ignored: is_batch_request},
        fixed="1.9.0",
    ),
]
