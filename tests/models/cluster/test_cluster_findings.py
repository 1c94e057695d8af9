"""The finding about the cluster: found by a check, and mended by one rule."""

from __future__ import annotations

import pytest

from slotspec.models.cluster import messages
from slotspec.models.cluster.messages import room_of
from slotspec.models.cluster.state import ClusterState, Message
from tests.models.findings import Known, confirm


def can_arrive_after_its_task(s: ClusterState, channel: int, place: int) -> bool:
    """A call that cancels a task waits until the call that submits it has left."""
    if not messages.can_arrive(s, channel, place):
        return False
    first = channel * room_of(s)
    if s.message[first + place] != Message.CANCEL_TASK:
        return True
    execution = s.detail[first + place] // s.cancel_tries
    return not any(
        s.message[post] == Message.SUBMIT_TASK and s.detail[post] == execution
        for post in range(first, first + place)
    )


FINDINGS = [
    Known(
        "C1",
        "cluster",
        "1.13",
        "a_task_that_was_given_up_does_not_start",
        "cancels",
        26,
        {messages.can_arrive: can_arrive_after_its_task},
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("known", FINDINGS, ids=lambda known: known.name)
def test_a_finding_is_found_and_mended(known: Known) -> None:
    confirm(known)
