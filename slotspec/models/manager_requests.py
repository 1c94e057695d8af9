"""Lifecycles of a slot request at the ResourceManager, and of the calls made for it."""

from __future__ import annotations

from slotspec.statemachine.lifecycle import Event, Lifecycle, State


class ManagerRequest(Lifecycle):
    """One slot request that a JobMaster has sent, as an entry of the SlotManager.

    An entry that is over may still be referred to by a slot or by a pending slot. Flink:
    PendingSlotRequest, in SlotManagerImpl's ``pendingSlotRequests``.
    """

    UNUSED = State("No request.", initial=True)
    WAITING = State("Nothing is in view for it.")
    RESERVED = State("A slot of a worker that has not registered is reserved for it.")
    REQUESTED = State("A TaskExecutor was asked for it.")
    FULFILLED = State("A slot carries its allocation.", final=True)
    WITHDRAWN = State("The JobMaster gave it up, or the manager was suspended.", final=True)
    TIMED_OUT = State("The JobMaster was told that it took too long.", final=True)
    FAILED = State("The JobMaster was told that no slot can ever match.", final=True)

    register = Event("A JobMaster asks for a slot.", (UNUSED, WAITING))
    reserve = Event("A slot that is to come is reserved.", (WAITING, RESERVED))
    lose_reservation = Event("That slot is used otherwise or not needed.", (RESERVED, WAITING))
    call = Event(
        "A slot is given to it and its TaskExecutor is asked.",
        (WAITING, REQUESTED),
        (REQUESTED, REQUESTED),
    )
    retry = Event("The call failed; it looks for a slot anew.", (REQUESTED, WAITING))
    fulfil = Event(
        "A slot is found to carry its allocation.",
        (WAITING, FULFILLED),
        (RESERVED, FULFILLED),
        (REQUESTED, FULFILLED),
    )
    withdraw = Event(
        "It is not wanted any more.",
        (WAITING, WITHDRAWN),
        (REQUESTED, WITHDRAWN),
    )
    time_out = Event(
        "It is older than the request timeout.",
        (WAITING, TIMED_OUT),
        (RESERVED, TIMED_OUT),
        (REQUESTED, TIMED_OUT),
    )
    fail = Event("No slot matches, and none is waited for.", (WAITING, FAILED), (REQUESTED, FAILED))


class SlotCall(Lifecycle):
    """One call of ``TaskExecutorGateway.requestSlot``, as a future of the manager.

    It is settled once, by the answer or by the manager itself; what follows from that is run
    later, by the main thread. Flink: SlotManagerImpl.allocateSlot.
    """

    UNUSED = State("No call.", initial=True)
    OPEN = State("Nobody has settled it.")
    ACKNOWLEDGED = State("The TaskExecutor agreed; the main thread does not know yet.")
    OCCUPIED = State("The slot carries another allocation; likewise.")
    REJECTED = State("It failed; likewise.")
    CANCELLED = State("It was cancelled; likewise.")
    SPENT = State("The main thread has drawn the consequences.", final=True)

    send = Event("The TaskExecutor is asked for the slot.", (UNUSED, OPEN))
    acknowledge = Event("The TaskExecutor agrees.", (OPEN, ACKNOWLEDGED))
    occupy = Event("The TaskExecutor says what the slot carries.", (OPEN, OCCUPIED))
    reject = Event("The TaskExecutor refuses, or the slot goes away.", (OPEN, REJECTED))
    cancel = Event("The request is withdrawn, or the answer is a cancellation.", (OPEN, CANCELLED))
    conclude = Event(
        "The main thread runs its outcome.",
        (ACKNOWLEDGED, SPENT),
        (OCCUPIED, SPENT),
        (REJECTED, SPENT),
        (CANCELLED, SPENT),
    )
