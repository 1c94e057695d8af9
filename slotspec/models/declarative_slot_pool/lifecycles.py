"""Lifecycles of the declarative slot pool: its slots, requests, requirements and declarations."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class Bridge(Lifecycle):
    """The slot pool of one job. Flink: DeclarativeSlotPoolService.State."""

    CREATED = State("Never started.", initial=True)
    STARTED = State("Serves the job.")
    CLOSED = State("The job is over.", final=True)

    start = Event("The JobMaster starts.", (CREATED, STARTED))
    close = Event("The job ends.", ((CREATED, STARTED), CLOSED))


class TaskManagerRegistration(Lifecycle):
    """Whether the pool considers a TaskExecutor's offers. Flink: registeredTaskManagers."""

    UNREGISTERED = State("The pool ignores its offers.", initial=True)
    REGISTERED = State("The pool considers its offers.")

    register = Event("The TaskExecutor registers at the JobMaster.", (UNREGISTERED, REGISTERED))
    release = Event("The TaskExecutor is lost or given up.", (REGISTERED, UNREGISTERED))


class AllocatedSlot(Lifecycle):
    """A slot, by its allocation id. Flink: AllocatedSlot in DefaultAllocatedSlotPool."""

    ABSENT = State("The pool has no slot of this allocation.", initial=True)
    FREE = State("In the pool, and nobody's. It may count for a requirement all the same.")
    RESERVED = State("In the pool, and given to somebody, or lost to a failed reservation.")

    add = Event("A TaskExecutor offers it, and the pool takes it.", (ABSENT, FREE))
    reserve = Event("Somebody takes it.", (FREE, RESERVED))
    free = Event("Whoever had it gives it up.", (RESERVED, FREE))
    expire = Event("It is not required and was free for too long.", (FREE, ABSENT))
    remove = Event("It failed, or its TaskExecutor is gone.", ((FREE, RESERVED), ABSENT))


class Payload(Lifecycle):
    """What runs in a slot. Flink: PhysicalSlot.Payload."""

    UNASSIGNED = State("Nothing runs in the slot.", initial=True)
    ASSIGNED = State("The job runs something in the slot.")

    assign = Event("The job puts something into the slot.", (UNASSIGNED, ASSIGNED))
    release = Event("The pool tells it to stop.", (ASSIGNED, UNASSIGNED))
    leave = Event("The slot is gone, and nobody told it.", (ASSIGNED, UNASSIGNED))


class SlotRequest(Lifecycle):
    """The future of one request call. Flink: PendingRequest in DeclarativeSlotPoolBridge."""

    UNUSED = State("No call.", initial=True)
    PENDING = State("It waits for a slot.")
    BOUND = State("A slot is reserved for it; the caller has not heard of it yet.")
    FORGOTTEN = State("The pool has lost it: only its own timeout can complete it.")
    FULFILLED = State("The caller has a slot.", final=True)
    RELEASED = State("The caller gave it up, and its future failed.", final=True)
    CANCELLED = State("No resources, or the pool was closed: its future failed.", final=True)
    TIMED_OUT = State("Its own timeout fired.", final=True)
    UNANSWERED = State("Its future never completes.", final=True)

    ask = Event("The job asks for a slot.", (UNUSED, PENDING))
    bind = Event("A slot is reserved for it.", (PENDING, BOUND))
    fulfil = Event("The caller gets the slot.", (BOUND, FULFILLED))
    release = Event("The job gives the request up, or a batch timeout does.", (PENDING, RELEASED))
    cancel = Event("All waiting requests fail at once.", (PENDING, CANCELLED))
    time_out = Event("Its own timeout fires.", ((PENDING, FORGOTTEN), TIMED_OUT))
    forget = Event(
        "Its entry is replaced, or an exception comes between entry and answer.",
        ((PENDING, BOUND), FORGOTTEN),
    )
    abandon = Event("It has no timeout, so nothing can complete it.", (FORGOTTEN, UNANSWERED))


class Requirements(Lifecycle):
    """What the job requires, and whether its owner knows.

    Flink: DefaultDeclarativeSlotPool, since 2.3 with isResourceRequirementsStable.
    """

    STABLE = State("No change waits to be declared.", initial=True)
    CHANGING = State("A change was made, and has not been declared.")

    change = Event(
        "Requirements are raised or lowered, and are to be declared later.",
        ((STABLE, CHANGING), CHANGING),
    )
    settle = Event("The delayed declaration is made.", (CHANGING, STABLE))


class DelayedDeclaration(Lifecycle):
    """The one declaration that waits. Flink: DefaultDeclarativeSlotPool (2.3, FLIP-370)."""

    NONE_WAITS = State("No declaration waits.", initial=True)
    WAITS = State("A declaration waits that will make the requirements stable.")
    WAITS_QUIETLY = State("A declaration waits that only declares.")

    delay = Event(
        "Requirements change: the delay begins anew.", ((NONE_WAITS, WAITS, WAITS_QUIETLY), WAITS)
    )
    adjust = Event(
        "A slot is reserved for another requirement: the delay begins anew.",
        ((NONE_WAITS, WAITS, WAITS_QUIETLY), WAITS_QUIETLY),
    )
    run = Event("The delay is over.", ((WAITS, WAITS_QUIETLY), NONE_WAITS))


class DeclarationCall(Lifecycle):
    """One call of ``ResourceManagerGateway.declareRequiredResources``.

    Flink: DefaultDeclareResourceRequirementServiceConnectionManager.
    """

    UNUSED = State("No call.", initial=True)
    OPEN = State("The ResourceManager has not answered.")

    send = Event("The requirements are declared.", (UNUSED, OPEN))
    answer = Event("The ResourceManager answers, or the call fails.", (OPEN, UNUSED))
    outdate = Event("A newer declaration makes its answer meaningless.", (OPEN, UNUSED))


class ResourceManagerConnection(Lifecycle):
    """Whether declarations are sent. Flink: ServiceConnectionManager."""

    DISCONNECTED = State("Declarations go nowhere, and nobody remembers them.", initial=True)
    CONNECTED = State("Declarations are sent.")

    connect = Event(
        "A ResourceManager is found: everything required is declared.",
        ((DISCONNECTED, CONNECTED), CONNECTED),
    )
    disconnect = Event("The ResourceManager is lost.", (CONNECTED, DISCONNECTED))
    close = Event("The pool is closed.", (CONNECTED, DISCONNECTED))
