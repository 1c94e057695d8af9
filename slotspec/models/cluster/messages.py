"""Channels: messages in flight between two of the cluster's processes.

Each pair of processes has one channel for each direction. A channel keeps its order, as Akka
does between two actors; messages in different channels are not ordered. A message may take any
time to arrive.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.cluster.lifecycles import Process
from slotspec.models.cluster.own_elements import own_allocation
from slotspec.models.cluster.state import (
    ENDLESS,
    ClusterState,
    Message,
    channels,
    places,
    posts,
    task_managers,
)
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
    return len(s.elements(places))


def in_flight(s: ClusterState, channel: int) -> int:
    """How many messages are in a channel."""
    room = room_of(s)
    first = channel * room
    return next((i for i in range(room) if s.message[first + i] == Message.NOTHING), room)


def is_slow(s: ClusterState, message: int) -> bool:
    """Whether messages that are sent later may overtake this one; it overtakes none.

    An answer completes a future on another thread, which then queues a step; a message goes
    straight to the mailbox. Tasks are submitted by a pool of threads. Without `overtaking`
    these arrive in order too.
    """
    return s.overtaking > 1 and message in (
        Message.REQUEST_ACKNOWLEDGED,
        Message.REQUEST_REFUSED,
        Message.CALL_ACKNOWLEDGED,
        Message.CALL_OCCUPIED,
        Message.CALL_FAILED,
        Message.REGISTERED,
        Message.OFFER_ACCEPTED,
        Message.OFFER_REJECTED,
        Message.OFFER_FAILED,
        Message.SUBMIT_TASK,
        Message.SUBMISSION_FAILED,
        Message.UPDATE_REFUSED,
        Message.CANCELLATION_FAILED,
    )


def is_one_of_several(s: ClusterState, message: int) -> bool:
    """Whether a step may send several messages of this kind in no order that means anything.

    The slots of an offer, of a pool that is closed, or that are freed or lost together, the tasks
    and requests of a job are in hash tables.
    """
    if message == Message.ALLOCATION_FAILED:
        return s.overtaking > 1 and s.width > 1
    return s.overtaking > 1 and message in (
        Message.OFFER_SLOT,
        Message.SLOT_AVAILABLE,
        Message.FREE_SLOT,
        Message.CANCEL_TASK,
        Message.CANCEL_SLOT_REQUEST,
    )


def send(s: ClusterState, channel: int, message: int, subject: int = NONE, detail: int = 0) -> None:
    """Put a message into a channel. If the channel is full, the bounds are too small: a fault.

    Neighbours that no order binds are sorted, since their order means nothing.
    """
    room = room_of(s)
    first = channel * room
    place = in_flight(s, channel)
    if place == room:
        place = len(s.message)  # out of range: the search reports it
    else:
        place += first
        if s.overtaking > 1:
            while place > first and is_after(s, place - 1, message, subject, detail):
                s.message[place] = s.message[place - 1]
                s.subject[place] = s.subject[place - 1]
                s.detail[place] = s.detail[place - 1]
                place -= 1
    s.message[place] = int(message)
    s.subject[place] = subject
    s.detail[place] = detail


def tell_task_executor(
    s: ClusterState, tm: int, message: int, subject: int = NONE, detail: int = 0
) -> None:
    """Send a message from the JobMaster, unless its gateway leads to a process that is gone."""
    if not s.dead_end[tm]:
        send(s, way(tm, Way.FROM_JOB_MASTER), message, subject, detail)


def answer_task_executor(
    s: ClusterState, tm: int, message: int, subject: int = NONE, detail: int = 0
) -> None:
    """Answer a call to the JobMaster: an answer needs no gateway, and finds the caller."""
    if s.process[tm] == Process.UP:
        send(s, way(tm, Way.FROM_JOB_MASTER), message, subject, detail)


def order_task_executor(
    s: ClusterState, tm: int, message: int, subject: int = NONE, detail: int = 0
) -> None:
    """Send a message from the ResourceManager, unless the connection leads to a dead process."""
    if not s.stale[tm]:
        send(s, way(tm, Way.FROM_RESOURCE_MANAGER), message, subject, detail)


def is_after(s: ClusterState, post: int, message: int, subject: int, detail: int) -> bool:
    """Whether the message at `post` stands behind this one, as no order binds the two."""
    other = s.message[post]
    if other == message:
        if not is_slow(s, message) and not is_one_of_several(s, message):
            return False
        if is_of_the_same_slot(s, post, message, detail):
            return False
        if s.subject[post] != subject:
            return s.subject[post] > subject
        return s.detail[post] > detail
    return is_slow(s, message) and is_slow(s, other) and other > message


def can_arrive(s: ClusterState, channel: int, place: int) -> bool:
    """Whether the message at this place of a channel may be the next to arrive."""
    room = room_of(s)
    if place >= room or s.message[channel * room + place] == Message.NOTHING:
        return False
    if place == 0:
        return True
    first = channel * room
    message = s.message[first + place]
    return all(
        is_slow(s, s.message[post])
        or (
            s.message[post] == message
            and is_one_of_several(s, message)
            and not is_of_the_same_slot(s, post, message, s.detail[first + place])
        )
        for post in range(first, first + place)
    )


def is_of_the_same_slot(s: ClusterState, post: int, message: int, detail: int) -> bool:
    """Whether two messages say that the same slot is free: they were sent one after another."""
    return message == Message.SLOT_AVAILABLE and s.detail[post] == detail


def receive(s: ClusterState, channel: int, place: int) -> tuple[int, int, int]:
    """Take the message at this place, which can arrive, out of a channel.

    :returns: the message, its subject and its detail.
    """
    post = channel * room_of(s) + place
    message, subject, detail = s.message[post], s.subject[post], s.detail[post]
    take_out(s, channel, place)
    return message, subject, detail


def place_of(s: ClusterState, channel: int, message: int, subject: int) -> int:
    """Where a channel has this message; NONE for nowhere."""
    first = channel * room_of(s)
    return next(
        (
            place
            for place in range(in_flight(s, channel))
            if s.message[first + place] == message and s.subject[first + place] == subject
        ),
        NONE,
    )


def take_out(s: ClusterState, channel: int, at: int) -> None:
    """Take a message out of a channel; those behind it move up."""
    room = room_of(s)
    first = channel * room
    for post in range(first + at, first + room - 1):
        s.message[post] = s.message[post + 1]
        s.subject[post] = s.subject[post + 1]
        s.detail[post] = s.detail[post + 1]
    last = first + room - 1
    s.message[last] = int(Message.NOTHING)
    s.subject[last] = NONE
    s.detail[last] = 0


def repeat(s: ClusterState, post: int) -> None:
    """Put a message into its channel once more, right behind itself; there is room for it."""
    place = post // room_of(s) * room_of(s) + in_flight(s, post // room_of(s))
    while place > post:
        s.message[place] = s.message[place - 1]
        s.subject[place] = s.subject[place - 1]
        s.detail[place] = s.detail[place - 1]
        place -= 1


def empty(s: ClusterState, channel: int) -> None:
    """Lose everything in a channel: its receiver, or its session, no longer exists."""
    while in_flight(s, channel) > 0:
        take_out(s, channel, 0)


def is_in_channel(s: ClusterState, channel: int, message: int) -> bool:
    """Whether a channel has a message of this kind."""
    first = channel * room_of(s)
    return any(s.message[first + i] == message for i in s.elements(places))


def messages_about(s: ClusterState, channel: int, message: int, allocation: int) -> int:
    """How many messages of this kind in a channel are about this allocation."""
    first = channel * room_of(s)
    return sum(
        s.message[post] == message and s.subject[post] == allocation
        for post in range(first, first + room_of(s))
    )


def forget_registrations(s: ClusterState, there: int, back: int) -> None:
    """Let nobody wait for the answers to earlier registrations any more.

    Flink: RetryingRegistration, RegisteredRpcConnection.close.

    :param there: the channel of registrations.
    :param back: the channel of their answers.
    """
    room = room_of(s)
    for post in range(there * room, there * room + room):
        if s.message[post] == Message.REGISTER:
            s.detail[post] = max(s.detail[post], 1)
    i = 0
    while i < in_flight(s, back):
        if s.message[back * room + i] == Message.REGISTERED:
            take_out(s, back, i)
        else:
            i += 1


def is_retry(message: int) -> bool:
    """Whether a message may belong to a request that is refused and retried without end."""
    return message in (Message.REQUEST_TASK_SLOT, Message.CALL_FAILED)


def is_endless(s: ClusterState, post: int) -> bool:
    """Whether the message at `post` belongs to retries without end."""
    return s.retries == ENDLESS and is_retry(s.message[post])


def has_retries(s: ClusterState) -> bool:
    """Whether messages of retries are in flight."""
    return any(is_retry(message) for message in s.message)


def is_busy(s: ClusterState) -> bool:
    """Whether a channel is so full that no process acts on its own until messages have arrived.

    Processes still send answers, so a busy network always drains.
    """
    room = room_of(s)
    return any(
        s.message[channel * room + s.busy - 1] != Message.NOTHING
        and not is_endless(s, channel * room)
        for channel in s.elements(channels)
    )


def is_mentioned(s: ClusterState, allocation: int) -> bool:
    """Whether a message in flight is about this allocation."""
    return (
        allocation in s.subject
        or allocation in s.slot_report
        or any(
            s.allocation_report[own_allocation(s, tm, allocation)]
            or s.late_releases[own_allocation(s, tm, allocation)]
            for tm in s.elements(task_managers)
        )
    )


def is_mentioned_instance(s: ClusterState, tm: int, instance: int) -> bool:
    """Whether a message between this TaskExecutor and the ResourceManager has this InstanceID."""
    room = room_of(s)
    return any(
        s.detail[post] == instance
        and s.message[post] in (Message.REGISTERED, Message.SLOT_REPORT, Message.HEARTBEAT)
        for post in range(way(tm, Way.FROM_RESOURCE_MANAGER) * room, way(tm, WAYS) * room)
    )


def is_quiet(s: ClusterState, but_for_retries: int = 0) -> bool:
    """Whether nothing is in flight: then time passes, and whoever waits in vain times out.

    :param but_for_retries: whether to ignore requests that are refused and retried without end.
    """
    if any(s.connecting) or any(s.late_releases) or any(s.late_disconnects):
        return False
    return all(
        s.message[post] == Message.NOTHING or (but_for_retries and is_endless(s, post))
        for post in s.elements(posts)
    )
