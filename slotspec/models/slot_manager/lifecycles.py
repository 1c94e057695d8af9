"""Lifecycles of the slot manager and of its slots, requests, calls and connections."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class TaskManagerSlot(Lifecycle):
    """A slot of a registered TaskExecutor, by its SlotID.

    Flink: TaskManagerSlot, in SlotManagerImpl's ``slots``.
    """

    ABSENT = State("No registered TaskExecutor has a slot of this name.", initial=True)
    FREE = State("Believed to be empty.")
    PENDING = State("Assigned to a request; its TaskExecutor was called and has not confirmed.")
    ALLOCATED = State("Believed to carry an allocation.")

    register = Event("Its TaskExecutor registers.", (ABSENT, FREE))
    assign = Event("A request gets it; its TaskExecutor is called.", (FREE, PENDING))
    clear = Event("The call failed.", (PENDING, FREE))
    complete = Event("It carries the allocation of its request.", (PENDING, ALLOCATED))
    displace = Event(
        "It carries another allocation than that of its request.", (PENDING, ALLOCATED)
    )
    occupy = Event("A report or an answer shows an allocation in it.", (FREE, ALLOCATED))
    overwrite = Event(
        "A report or an answer shows another allocation in it.", (ALLOCATED, ALLOCATED)
    )
    free = Event("Its allocation is gone.", (ALLOCATED, FREE))
    remove = Event(
        "Its TaskExecutor is gone, or registers again.", ((FREE, PENDING, ALLOCATED), ABSENT)
    )


class PendingTaskManagerSlot(Lifecycle):
    """A slot of a worker that was asked for and has not registered.

    Flink: PendingTaskManagerSlot, in SlotManagerImpl's ``pendingSlots``.
    """

    ABSENT = State("Nothing is expected here.", initial=True)
    OPEN = State("Expected, and not reserved.")
    RESERVED = State("Expected, and reserved for a request, which may be dead by now.")

    ask = Event("A worker is asked for.", (ABSENT, OPEN))
    reserve = Event("A request reserves it.", (OPEN, RESERVED))
    give_back = Event("Its request no longer needs it.", (RESERVED, OPEN))
    arrive = Event("A slot like it registers.", ((OPEN, RESERVED), ABSENT))


class ManagerRequest(Lifecycle):
    """One slot request that a JobMaster has sent, as an entry of the SlotManager.

    A slot or a pending slot may still refer to a dead request. Flink: PendingSlotRequest, in
    SlotManagerImpl's ``pendingSlotRequests``.
    """

    UNUSED = State("No request.", initial=True)
    WAITING = State("No slot is in view for it.")
    RESERVED = State("It has reserved a slot of a worker that has not registered.")
    REQUESTED = State("A slot is assigned to it, and the TaskExecutor was called.")
    FULFILLED = State("A slot carries its allocation.", final=True)
    WITHDRAWN = State("The JobMaster gave it up, or the manager was suspended.", final=True)
    TIMED_OUT = State("It took too long, and the JobMaster was told.", final=True)
    FAILED = State("No slot can ever match, and the JobMaster was told.", final=True)

    register = Event("A JobMaster asks for a slot.", (UNUSED, WAITING))
    reserve = Event("It reserves an expected slot.", (WAITING, RESERVED))
    lose_reservation = Event(
        "The expected slot is used for another request, or no longer needed.", (RESERVED, WAITING)
    )
    call = Event(
        "A slot is assigned to it, and the TaskExecutor is called.",
        ((WAITING, REQUESTED), REQUESTED),
    )
    retry = Event("The call failed; it looks for a slot again.", (REQUESTED, WAITING))
    fulfil = Event(
        "A slot turns out to carry its allocation.", ((WAITING, RESERVED, REQUESTED), FULFILLED)
    )
    withdraw = Event("It is no longer needed.", ((WAITING, REQUESTED), WITHDRAWN))
    time_out = Event(
        "It is older than the request timeout.", ((WAITING, RESERVED, REQUESTED), TIMED_OUT)
    )
    fail = Event(
        "No slot matches, and no matching one is expected.", ((WAITING, REQUESTED), FAILED)
    )


class SlotCall(Lifecycle):
    """One call of ``TaskExecutorGateway.requestSlot``, as a future of the manager.

    The answer or the manager itself settles it, once. The main thread acts on the outcome later.
    Flink: SlotManagerImpl.allocateSlot.
    """

    UNUSED = State("No call.", initial=True)
    OPEN = State("It is not settled.")
    ACKNOWLEDGED = State("The TaskExecutor agreed; the main thread has not acted on it.")
    OCCUPIED = State("The slot carries another allocation; the main thread has not acted on it.")
    REJECTED = State("It failed; the main thread has not acted on it.")
    CANCELLED = State("It was cancelled; the main thread has not acted on it.")
    SPENT = State("The main thread has acted on the outcome.", final=True)

    send = Event("The manager calls the TaskExecutor for the slot.", (UNUSED, OPEN))
    acknowledge = Event("The TaskExecutor agrees.", (OPEN, ACKNOWLEDGED))
    occupy = Event("The TaskExecutor answers what the slot carries.", (OPEN, OCCUPIED))
    reject = Event("The TaskExecutor refuses, or the slot is gone.", (OPEN, REJECTED))
    cancel = Event("The request is withdrawn, or the answer is a cancellation.", (OPEN, CANCELLED))
    conclude = Event(
        "The main thread acts on the outcome.",
        ((ACKNOWLEDGED, OCCUPIED, REJECTED, CANCELLED), SPENT),
    )


class Manager(Lifecycle):
    """The SlotManager of one ResourceManager. Flink: SlotManagerImpl.start, suspend, close."""

    STOPPED = State("Not started, or suspended: most operations fail.", initial=True)
    STARTED = State("Serves JobMasters.")

    start = Event("The ResourceManager gains leadership.", ((STOPPED, STARTED), STARTED))
    suspend = Event(
        "The ResourceManager loses leadership, or shuts down.", ((STARTED, STOPPED), STOPPED)
    )


class ManagedTaskManager(Lifecycle):
    """One connection of a TaskExecutor, by its InstanceID.

    Flink: TaskManagerRegistration, in SlotManagerImpl's ``taskManagerRegistrations``.
    """

    UNREGISTERED = State("Unknown.", initial=True)
    IDLE = State("Registered, and unused for some time.")
    IN_USE = State("Registered, and not counted as idle.")

    register = Event("It registers with its slots.", (UNREGISTERED, IDLE))
    use = Event("One of its slots is assigned, or found in use.", (IDLE, IN_USE))
    become_idle = Event("The last of its slots is freed.", (IN_USE, IDLE))
    unregister = Event("It is lost or closed.", ((IDLE, IN_USE), UNREGISTERED))


class IdleQuery(Lifecycle):
    """The query to an idle TaskExecutor whether it may be released.

    Flink: SlotManagerImpl.releaseTaskExecutorIfPossible, TaskExecutorGateway.canBeReleased.
    """

    UNUSED = State("No query.", initial=True)
    ASKED = State("Its TaskExecutor has been idle ever since.")
    STALE = State("Its TaskExecutor was used in the meantime.")
    DETACHED = State("Its TaskExecutor was idle until it was unregistered.")

    ask = Event("An idle TaskExecutor is asked.", (UNUSED, ASKED))
    use = Event("The TaskExecutor is used.", (ASKED, STALE))
    detach = Event("The TaskExecutor is unregistered.", (ASKED, DETACHED))
    conclude = Event("The manager acts on the answer.", ((ASKED, STALE, DETACHED), UNUSED))
