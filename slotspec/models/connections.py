"""Lifecycles of the pool itself and of whom it talks to."""

from __future__ import annotations

from slotspec.statemachine.lifecycle import Event, Lifecycle, State


class Pool(Lifecycle):
    """The slot pool of one job. Flink: SlotPoolImpl.start, suspend, close."""

    CREATED = State("Never started: most operations fail.", initial=True)
    STARTED = State("Serves the job.")
    SUSPENDED = State("Lost leadership; everything was dropped.")
    CLOSED = State("The job is over; everything was given back. Nothing forbids a new start.")

    start = Event(
        "The job gains leadership.",
        (CREATED, STARTED),
        (STARTED, STARTED),
        (SUSPENDED, STARTED),
        (CLOSED, STARTED),
    )
    suspend = Event(
        "The job loses leadership.",
        (STARTED, SUSPENDED),
        (SUSPENDED, SUSPENDED),
        (CLOSED, SUSPENDED),
    )
    close = Event(
        "The job ends.",
        (CREATED, CLOSED),
        (STARTED, CLOSED),
        (SUSPENDED, CLOSED),
        (CLOSED, CLOSED),
    )


class TaskManagerRegistration(Lifecycle):
    """Whether offers of a TaskExecutor are welcome. Flink: SlotPoolImpl.registeredTaskManagers."""

    UNREGISTERED = State("Its offers are refused.", initial=True)
    REGISTERED = State("Its offers are considered.")

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
