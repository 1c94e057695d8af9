"""Channels: messages in flight between two of the cluster's processes.

Each pair has a channel for each direction that keeps its order, as Akka does between two
actors; nothing orders two channels. A message may take any time.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.cluster.state import ENDLESS, ClusterState, Message
from slotspec.statemachine.declaration.rules import NONE


class Way(IntEnum):
    """The channels of one TaskExecutor."""

    FROM_JOB_MASTER = 0
    TO_JOB_MASTER = 1
    FROM_RESOURCE_MANAGER = 2
    TO_RESOURCE_MANAGER = 3


TO_RESOURCE_MANAGER = 0
"""The channel from the JobMaster to the ResourceManager."""
TO_JOB_MASTER = 1
"""The channel from the ResourceManager to the JobMaster."""
HUBS = 2
WAYS = 4


def way(tm: int, direction: int) -> int:
    """A channel of a TaskExecutor."""
    return HUBS + tm * WAYS + direction


def room_of(s: ClusterState) -> int:
    """How many messages a channel holds."""
    return len(s.message) // (HUBS + WAYS * len(s.process))


def in_flight(s: ClusterState, channel: int) -> int:
    """How many messages are in a channel."""
    room = room_of(s)
    count = 0
    while count < room and s.message[channel * room + count] != Message.NOTHING:
        count += 1
    return count


def send(s: ClusterState, channel: int, message: int, subject: int, detail: int) -> None:
    """Put a message into a channel; one that does not fit in is a fault of the bounds."""
    room = room_of(s)
    place = in_flight(s, channel)
    if place == room:
        place = len(s.message)  # out of range: the search reports it
    else:
        place += channel * room
    s.message[place] = message
    s.subject[place] = subject
    s.detail[place] = detail


def take_out(s: ClusterState, channel: int, at: int) -> None:
    """Take a message out of a channel; those behind it move up."""
    room = room_of(s)
    first = channel * room
    for i in range(at, room - 1):
        s.message[first + i] = s.message[first + i + 1]
        s.subject[first + i] = s.subject[first + i + 1]
        s.detail[first + i] = s.detail[first + i + 1]
    last = first + room - 1
    s.message[last] = int(Message.NOTHING)
    s.subject[last] = NONE
    s.detail[last] = 0


def empty(s: ClusterState, channel: int) -> None:
    """Everything in a channel is lost: its receiver, or its session, is no more."""
    while in_flight(s, channel) > 0:
        take_out(s, channel, 0)


def is_in_channel(s: ClusterState, channel: int, message: int) -> bool:
    """Whether a channel has a message of this kind."""
    room = room_of(s)
    for i in range(room):
        if s.message[channel * room + i] == message:
            return True
    return False


def forget_registrations(s: ClusterState, there: int, back: int) -> None:
    """Whatever is under way of earlier registrations is answered to nobody.

    Flink: RetryingRegistration, RegisteredRpcConnection.close.

    :param there: the channel of registrations.
    :param back: the channel of their answers.
    """
    room = room_of(s)
    for post in range(there * room, there * room + room):
        if s.message[post] == Message.REGISTER:
            s.detail[post] = 1
    i = 0
    while i < in_flight(s, back):
        if s.message[back * room + i] == Message.REGISTERED:
            take_out(s, back, i)
        else:
            i += 1


def is_retry(message: int) -> bool:
    """Whether a message may belong to a request that is made and refused again and again."""
    return message in (Message.REQUEST_TASK_SLOT, Message.CALL_FAILED)


def is_endless(s: ClusterState, post: int) -> bool:
    """Whether the message there is one of those, and there is no end of them."""
    return s.retries == ENDLESS and is_retry(s.message[post])


def has_retries(s: ClusterState) -> bool:
    """Whether such messages are in flight."""
    for post in range(len(s.message)):
        if is_retry(s.message[post]):
            return True
    return False


def is_busy(s: ClusterState) -> bool:
    """Whether a channel is so full that nobody acts of its own until messages have arrived.

    Answers are sent all the same, so a busy net always drains.
    """
    room = room_of(s)
    for channel in range(HUBS + WAYS * len(s.process)):
        full = s.message[channel * room + s.busy - 1] != Message.NOTHING
        if full and not is_endless(s, channel * room):
            return True
    return False


def is_mentioned(s: ClusterState, allocation: int) -> bool:
    """Whether a message in flight is about this allocation."""
    for post in range(len(s.message)):
        if s.subject[post] == allocation:
            return True
    for entry in range(len(s.slot_report)):
        if s.slot_report[entry] == allocation:
            return True
    width = len(s.pool.slot)
    for tm in range(len(s.process)):
        if s.allocation_report[tm * width + allocation]:
            return True
    return False


def is_mentioned_instance(s: ClusterState, tm: int, instance: int) -> bool:
    """Whether a message of this TaskExecutor's connection names this InstanceID."""
    room = room_of(s)
    for channel in range(way(tm, int(Way.FROM_RESOURCE_MANAGER)), way(tm, WAYS)):
        for post in range(channel * room, channel * room + room):
            if s.detail[post] == instance and (
                s.message[post] == Message.REGISTERED
                or s.message[post] == Message.SLOT_REPORT
                or s.message[post] == Message.HEARTBEAT
            ):
                return True
    return False


def is_quiet(s: ClusterState, but_for_retries: int) -> bool:
    """Whether nothing is in flight: then time passes, and whatever waits in vain times out.

    :param but_for_retries: requests that are refused and repeated without end do not count.
    """
    for post in range(len(s.message)):
        if s.message[post] != Message.NOTHING and not (but_for_retries and is_endless(s, post)):
            return False
    for instance in range(len(s.connecting)):
        if s.connecting[instance]:
            return False
    return True
