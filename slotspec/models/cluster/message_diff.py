"""What a step of the cluster does to the messages in flight: one is received, others are sent.

Rules only know the channels, so this module compares the channels before and after a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slotspec.models.cluster.messages import (
    HUBS,
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    WAYS,
    Way,
    way,
)
from slotspec.models.cluster.state import STRIDE, Message
from slotspec.statemachine.declaration.model import Call
from slotspec.statemachine.message_formatting import Delivery
from slotspec.statemachine.results import TraceStep

RECEIVES: Mapping[str, int] = {
    "resource_manager_hears_job_master": TO_RESOURCE_MANAGER,
    "job_master_hears_resource_manager": TO_JOB_MASTER,
}
"""Actions that receive a message of a channel between JobMaster and ResourceManager."""
RECEIVES_OF_TASK_EXECUTOR: Mapping[str, Way] = {
    "task_executor_hears_job_master": Way.FROM_JOB_MASTER,
    "job_master_hears_task_executor": Way.TO_JOB_MASTER,
    "task_executor_hears_resource_manager": Way.FROM_RESOURCE_MANAGER,
    "resource_manager_hears_task_executor": Way.TO_RESOURCE_MANAGER,
}
"""Actions that receive a message of a channel of one TaskExecutor."""
LOST = "message_is_lost"


@dataclass(frozen=True)
class Envelope:
    """A message in a channel."""

    channel: int
    message: int
    subject: int
    detail: int

    def is_same(self, other: Envelope) -> bool:
        """Whether `other` is this message a step later."""
        return (self.channel, self.message, self.subject, self.lasting_detail) == (
            other.channel,
            other.message,
            other.subject,
            other.lasting_detail,
        )

    @property
    def lasting_detail(self) -> int:
        """What of the detail stays as it is while the message is on its way.

        The call of a request may end, and a newer offer or registration may be made.
        """
        match self.message:
            case Message.REQUEST_TASK_SLOT:
                return self.detail // STRIDE
            case Message.OFFER_SLOT:
                return self.detail // 2
            case (
                Message.OFFER_ACCEPTED
                | Message.OFFER_REJECTED
                | Message.OFFER_FAILED
                | Message.REGISTER
            ):
                return 0
        return self.detail


def envelopes(state: Mapping[str, Any], channel: int) -> tuple[Envelope, ...]:
    """The messages in a channel, oldest first."""
    room = len(state["message"]) // channels_in(state)
    found = []
    for at in range(channel * room, channel * room + room):
        if state["message"][at] == Message.NOTHING:
            break
        what = state["message"][at], state["subject"][at], state["detail"][at]
        found.append(Envelope(channel, *what))
    return tuple(found)


def channels_in(state: Mapping[str, Any]) -> int:
    """How many channels there are."""
    return HUBS + WAYS * len(state["process"])


def channel_taken(call: Call) -> int | None:
    """The channel that an action takes a message from."""
    name = call.action.name
    if name in RECEIVES:
        return RECEIVES[name]
    if name in RECEIVES_OF_TASK_EXECUTOR:
        return way(call.arguments[0], int(RECEIVES_OF_TASK_EXECUTOR[name]))
    return call.arguments[0] if name == LOST else None


def place_taken(call: Call) -> int:
    """The place in the channel that an action takes a message from."""
    given = dict(zip(call.action.parameters, call.arguments, strict=True))
    return int(given.get("place", 0))


def deliveries(step: TraceStep) -> Iterator[Delivery]:
    """What happened to each channel, in order."""
    taken = channel_taken(step.call)
    place = place_taken(step.call)
    for channel in range(channels_in(step.before)):
        before, after = envelopes(step.before, channel), envelopes(step.after, channel)
        yield compared(channel, before, after, channel == taken, place)


def compared(
    channel: int,
    before: tuple[Envelope, ...],
    after: tuple[Envelope, ...],
    taken: bool,
    place: int = 0,
) -> Delivery:
    """Compare a channel with itself: messages keep their order, and new ones come between.

    :param place: where the message is that the step takes out, if it takes one.
    """
    heard = taken and place < len(before)
    left = [i for i in range(len(before)) if not (heard and i == place)]
    kept: list[int] = []
    gone: list[int] = []
    fresh: list[int] = []
    at = 0
    for where, envelope in enumerate(after):
        same = at
        while same < len(left) and not before[left[same]].is_same(envelope):
            same += 1
        if same == len(left):
            fresh.append(where)
            continue
        gone += left[at:same]
        kept.append(left[same])
        at = same + 1
    gone += left[at:]
    sent = tuple(after[where] for where in fresh)
    return Delivery(channel, before, tuple(kept), tuple(gone), sent, heard, place, tuple(fresh))
