"""Lifecycles of the slot manager: slots, requests and calls, the manager and TaskExecutors."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class TaskManagerSlot(Lifecycle):
    """A slot of a registered TaskExecutor, by its SlotID.

    Flink: TaskManagerSlot, in SlotManagerImpl's ``slots``.
    """

    ABSENT = State("No registered TaskExecutor has a slot of this name.", initial=True)
    FREE = State("Believed to be empty.")
    PENDING = State("Given to a request; its TaskExecutor was asked and has not confirmed.")
    ALLOCATED = State("Believed to carry an allocation.")

    register = Event("Its TaskExecutor registers.", (ABSENT, FREE))
    assign = Event("A request gets it; its TaskExecutor is asked.", (FREE, PENDING))
    clear = Event("The call came to nothing.", (PENDING, FREE))
    complete = Event("It carries the allocation that it was given to.", (PENDING, ALLOCATED))
    displace = Event("It carries another allocation than it was given to.", (PENDING, ALLOCATED))
    occupy = Event("A report shows an allocation in it.", (FREE, ALLOCATED))
    overwrite = Event("A report shows another allocation in it.", (ALLOCATED, ALLOCATED))
    free = Event("Its allocation is gone.", (ALLOCATED, FREE))
    remove = Event(
        "Its TaskExecutor is gone, or registers anew.",
        (FREE, ABSENT),
        (PENDING, ABSENT),
        (ALLOCATED, ABSENT),
    )


class PendingTaskManagerSlot(Lifecycle):
    """A slot of a worker that was asked for and has not registered.

    Flink: PendingTaskManagerSlot, in SlotManagerImpl's ``pendingSlots``.
    """

    ABSENT = State("Nothing is expected here.", initial=True)
    OPEN = State("Expected, reserved for nobody.")
    RESERVED = State("Expected, reserved for a request (that may be dead by now).")

    ask = Event("A worker is asked for.", (ABSENT, OPEN))
    reserve = Event("A request will get it.", (OPEN, RESERVED))
    give_back = Event("Its request needs it no longer.", (RESERVED, OPEN))
    arrive = Event("A slot like it registers.", (OPEN, ABSENT), (RESERVED, ABSENT))


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


class Manager(Lifecycle):
    """The SlotManager of one ResourceManager. Flink: SlotManagerImpl.start, suspend, close."""

    STOPPED = State("Not started, or suspended: most operations fail.", initial=True)
    STARTED = State("Serves JobMasters.")

    start = Event("The ResourceManager gains leadership.", (STOPPED, STARTED), (STARTED, STARTED))
    suspend = Event(
        "The ResourceManager loses leadership, or ends.", (STARTED, STOPPED), (STOPPED, STOPPED)
    )


class ManagedTaskManager(Lifecycle):
    """One connection of a TaskExecutor, by its InstanceID.

    Flink: TaskManagerRegistration, in SlotManagerImpl's ``taskManagerRegistrations``.
    """

    UNREGISTERED = State("Unknown.", initial=True)
    IDLE = State("Registered, and unused for some time.")
    IN_USE = State("Registered, and not counted as idle.")

    register = Event("It registers with its slots.", (UNREGISTERED, IDLE))
    use = Event("One of its slots is given away, or found in use.", (IDLE, IN_USE))
    become_idle = Event("The last of its slots is freed.", (IN_USE, IDLE))
    unregister = Event("It is lost or given up.", (IDLE, UNREGISTERED), (IN_USE, UNREGISTERED))


class IdleQuery(Lifecycle):
    """The question to an idle TaskExecutor whether it may be released.

    Flink: SlotManagerImpl.releaseTaskExecutorIfPossible, TaskExecutorGateway.canBeReleased.
    """

    UNUSED = State("No question.", initial=True)
    ASKED = State("Its TaskExecutor has been idle ever since.")
    STALE = State("Its TaskExecutor was used in the meantime.")
    DETACHED = State("Its TaskExecutor was idle until it was unregistered.")

    ask = Event("An idle TaskExecutor is asked.", (UNUSED, ASKED))
    use = Event("The TaskExecutor is used.", (ASKED, STALE))
    detach = Event("The TaskExecutor is unregistered.", (ASKED, DETACHED))
    conclude = Event(
        "The answer is dealt with.", (ASKED, UNUSED), (STALE, UNUSED), (DETACHED, UNUSED)
    )
