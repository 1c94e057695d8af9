"""Lifecycles of the SlotManager itself and of the TaskExecutors that it knows."""

from __future__ import annotations

from slotspec.statemachine.lifecycle import Event, Lifecycle, State


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
