"""Lifecycles of the slot pool: slots and payloads, requests, the pool itself and its peers."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class PhysicalSlot(Lifecycle):
    """The slot that an allocation id stands for, from being asked for to being given back.

    Flink: AllocatedSlot, in SlotPoolImpl's ``availableSlots`` and ``allocatedSlots``; before
    it is offered, an entry of ``pendingRequests``.
    """

    UNKNOWN = State("The pool neither asks for nor holds a slot under this id.", initial=True)
    PENDING = State("Asked of the ResourceManager; no TaskExecutor has offered it yet.")
    AVAILABLE = State("Held by the pool, serving nobody.")
    ALLOCATED = State("Held by the pool, serving a request.")
    RELEASED = State("Given back to its TaskExecutor.", final=True)
    CANCELLED = State("No longer asked for; the pool told the ResourceManager.", final=True)
    ORPHANED = State("No longer asked for; the pool did not tell the ResourceManager.", final=True)
    FORGOTTEN = State("Dropped, but not given back; it must be offered again.", final=True)
    LEAKED = State("Gone from the maps, but still counted for its TaskExecutor.", final=True)

    ask = Event("A request is sent to the ResourceManager under this id.", (UNKNOWN, PENDING))
    fulfil = Event(
        "An offer of it is accepted and serves a request at once.", ((UNKNOWN, PENDING), ALLOCATED)
    )
    store = Event(
        "An offer of it is accepted and no request matches.", ((UNKNOWN, PENDING), AVAILABLE)
    )
    allocate = Event("The job takes it from the available ones.", (AVAILABLE, ALLOCATED))
    hand_over = Event("Returned by one request, it serves the next.", (ALLOCATED, ALLOCATED))
    give_back = Event("Returned by its request; nobody else matches.", (ALLOCATED, AVAILABLE))
    expire = Event("It was available for longer than the idle timeout.", (AVAILABLE, RELEASED))
    fail = Event(
        "Its allocation fails; it is freed at its TaskExecutor.", ((AVAILABLE, ALLOCATED), RELEASED)
    )
    lose_task_manager = Event(
        "Its TaskExecutor is released; it is freed with it.", ((AVAILABLE, ALLOCATED), RELEASED)
    )
    cancel = Event("Nobody waits for it; the pool tells the ResourceManager.", (PENDING, CANCELLED))
    orphan = Event(
        "Nobody waits for it; the pool does not tell the ResourceManager.", (PENDING, ORPHANED)
    )
    drop = Event(
        "The pool clears its maps, or loses it to an exception.",
        ((AVAILABLE, ALLOCATED), FORGOTTEN),
    )
    leak = Event(
        "Its request id is entered again with another slot, or a leaked slot of the same"
        " allocation is freed with another TaskExecutor.",
        (ALLOCATED, LEAKED),
    )


class LeakedSlot(Lifecycle):
    """A slot that only the per-TaskExecutor index of allocated slots still knows.

    Flink: AllocatedSlots.allocatedSlotsByTaskManager, out of step with allocatedSlotsById.
    """

    ABSENT = State("No leaked slot is recorded here.", initial=True)
    COUNTED = State("Counted in reports and utilization, found by nothing else.")

    leak = Event("A slot leaves the map by id, but not the index.", (ABSENT, COUNTED))
    lose_task_manager = Event("It is freed with its TaskExecutor.", (COUNTED, ABSENT))
    drop = Event("The pool clears its maps.", (COUNTED, ABSENT))


class Payload(Lifecycle):
    """What runs in a slot: the logical slot, or the tasks that share it.

    Flink: PhysicalSlot.Payload, AllocatedSlot.tryAssignPayload and releasePayload.
    """

    UNASSIGNED = State("Nothing runs in the slot.", initial=True)
    ASSIGNED = State("A payload runs in the slot; a second one is refused.")

    assign = Event("A payload is put into the slot.", (UNASSIGNED, ASSIGNED))
    release = Event("The pool tells the payload to stop.", (ASSIGNED, UNASSIGNED))
    leave = Event(
        "The slot is dropped or leaks; its payload does not notice.", (ASSIGNED, UNASSIGNED)
    )


class SlotRequest(Lifecycle):
    """The future that a request for a slot has returned.

    It says what the caller knows, not whether the pool still has the request queued: reused
    request ids can leave a finished request in a queue. Flink: SlotPoolImpl.PendingRequest.
    """

    UNUSED = State("No request.", initial=True)
    WAITING = State("Queued until a ResourceManager is connected.")
    PENDING = State("Sent to the ResourceManager; waits for a slot.")
    FORGOTTEN = State("The pool dropped it and did not tell its caller.")
    FULFILLED = State("The caller has a slot.", final=True)
    FAILED = State("The caller got an error: there is no slot.", final=True)
    TIMED_OUT = State("The caller got an error: it took too long.", final=True)
    CANCELLED = State("The caller gave it up.", final=True)
    UNANSWERED = State(
        "Forgotten and without a timeout: the caller never gets an answer.", final=True
    )

    stash = Event("Asked for while no ResourceManager is connected.", (UNUSED, WAITING))
    send = Event(
        "Sent to the ResourceManager under an allocation id of its own.",
        ((UNUSED, WAITING), PENDING),
    )
    fulfil = Event("A slot serves it.", ((WAITING, PENDING), FULFILLED))
    fail = Event("Its allocation, or the ResourceManager, fails.", (PENDING, FAILED))
    time_out = Event(
        "Its own timeout fires, or the batch check gives up.",
        ((WAITING, PENDING, FORGOTTEN), TIMED_OUT),
    )
    cancel = Event("The job releases it before it has a slot.", ((WAITING, PENDING), CANCELLED))
    forget = Event(
        "Suspend, close, or another request with the same id drops it.",
        ((WAITING, PENDING), FORGOTTEN),
    )
    abandon = Event("Nothing can complete it any more.", (FORGOTTEN, UNANSWERED))


class Pool(Lifecycle):
    """The slot pool of one job. Flink: SlotPoolImpl.start, suspend, close."""

    CREATED = State("Never started: most operations fail.", initial=True)
    STARTED = State("Serves the job.")
    SUSPENDED = State("Leadership is lost; the pool dropped everything.")
    CLOSED = State("The job is over; the pool gave everything back. Nothing forbids a new start.")

    start = Event("The job gains leadership.", ((CREATED, STARTED, SUSPENDED, CLOSED), STARTED))
    suspend = Event("The job loses leadership.", ((STARTED, SUSPENDED, CLOSED), SUSPENDED))
    close = Event("The job ends.", ((CREATED, STARTED, SUSPENDED, CLOSED), CLOSED))


class TaskManagerRegistration(Lifecycle):
    """Whether the pool considers a TaskExecutor's offers. Flink: registeredTaskManagers."""

    UNREGISTERED = State("The pool refuses its offers.", initial=True)
    REGISTERED = State("The pool considers its offers.")

    register = Event("The TaskExecutor registers at the JobMaster.", (UNREGISTERED, REGISTERED))
    release = Event("The TaskExecutor is given up or lost.", (REGISTERED, UNREGISTERED))
    drop = Event("The pool is suspended or closed.", (REGISTERED, UNREGISTERED))


class ResourceManagerConnection(Lifecycle):
    """Whether requests can be sent. Flink: SlotPoolImpl.resourceManagerGateway."""

    DISCONNECTED = State("Requests wait.", initial=True)
    CONNECTED = State("Requests are sent.")

    connect = Event("A ResourceManager is found.", (DISCONNECTED, CONNECTED))
    replace = Event("Another ResourceManager takes over.", (CONNECTED, CONNECTED))
    disconnect = Event("The connection is given up.", (CONNECTED, DISCONNECTED))
    drop = Event("The pool is suspended.", (CONNECTED, DISCONNECTED))
