"""Lifecycles of the manager, and of its slots, calls, requirements, workers and questions."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class Manager(Lifecycle):
    """The slot manager of one ResourceManager. Flink: FineGrainedSlotManager.start, suspend."""

    CREATED = State("Never started: it has no main thread yet.", initial=True)
    STARTED = State("Serves JobMasters.")
    SUSPENDED = State("It was started, and is stopped.")
    KILLED = State("A fatal exception has ended the process.", final=True)

    start = Event("The ResourceManager gains leadership.", ((CREATED, STARTED, SUSPENDED), STARTED))
    suspend = Event("The ResourceManager loses leadership.", (STARTED, SUSPENDED))
    die = Event("An answer leads to an exception that nobody handles.", (STARTED, KILLED))


class ManagedSlot(Lifecycle):
    """A slot that exists for one allocation. There are no free slots, only free resources.

    Flink: FineGrainedTaskManagerSlot.
    """

    ABSENT = State("The manager knows no such slot.", initial=True)
    PENDING = State("Its TaskExecutor was asked for it and has not confirmed.")
    ALLOCATED = State("Its TaskExecutor has confirmed or reported it.")

    ask = Event("A TaskExecutor is asked for it.", (ABSENT, PENDING))
    confirm = Event("The TaskExecutor acknowledges or reports it.", (PENDING, ALLOCATED))
    appear = Event("A report shows a slot that the manager did not know.", (ABSENT, ALLOCATED))
    leave = Event(
        "It is freed, missing from a report, refused, or its TaskExecutor is gone.",
        ((PENDING, ALLOCATED), ABSENT),
    )


class SlotCall(Lifecycle):
    """One call of ``TaskExecutorGateway.requestSlot``.

    Flink: DefaultSlotStatusSyncer.allocateSlot.
    """

    UNUSED = State("No call.", initial=True)
    OPEN = State("The TaskExecutor has not answered.")
    ACKNOWLEDGED = State("It has agreed; the main thread has not acted on it.")
    OCCUPIED = State("It says that the slot is occupied; the main thread has not acted on it.")
    FAILED = State("It has refused or is lost; the main thread has not acted on it.")

    send = Event("The TaskExecutor is asked.", (UNUSED, OPEN))
    acknowledge = Event("The TaskExecutor agrees.", (OPEN, ACKNOWLEDGED))
    occupy = Event("The TaskExecutor answers SlotOccupiedException.", (OPEN, OCCUPIED))
    fail = Event("The TaskExecutor refuses, or does not answer in time.", (OPEN, FAILED))
    conclude = Event(
        "The main thread acts on the answer.", ((ACKNOWLEDGED, OCCUPIED, FAILED), UNUSED)
    )


class Requirement(Lifecycle):
    """What one job requires of one profile. Flink: JobScopedResourceTracker."""

    ABSENT = State("The job requires nothing of this profile.", initial=True)
    MISSING = State("Fewer slots fulfil it than it requires.")
    FULFILLED = State("Enough slots are requested or confirmed.")

    declare = Event("The job requires slots, and too few are there.", (ABSENT, MISSING))
    meet = Event("The last missing slot is found.", ((ABSENT, MISSING), FULFILLED))
    miss = Event("A slot is lost, or more are required.", (FULFILLED, MISSING))
    withdraw = Event("The job no longer requires it.", ((MISSING, FULFILLED), ABSENT))


class ManagedTaskManager(Lifecycle):
    """One connection of a TaskExecutor, by its InstanceID.

    Flink: FineGrainedTaskManagerRegistration.
    """

    UNREGISTERED = State("Unknown.", initial=True)
    IDLE = State("Registered, without a slot.")
    IN_USE = State("Registered, with at least one slot.")

    register = Event("It registers.", (UNREGISTERED, IDLE))
    use = Event("It gets its first slot.", (IDLE, IN_USE))
    become_idle = Event("The last of its slots leaves.", (IN_USE, IDLE))
    unregister = Event("It is lost or closed.", ((IDLE, IN_USE), UNREGISTERED))


class PendingTaskManager(Lifecycle):
    """A worker that was asked for and has not registered. Flink: PendingTaskManager."""

    ABSENT = State("No such worker.", initial=True)
    SPARE = State("Asked for; nothing is planned on it.")
    PLANNED = State("Asked for; slots of jobs are planned on it.")
    STALE = State("The manager was suspended, and the index still has it.", final=True)

    ask = Event("A worker is asked for.", (ABSENT, SPARE))
    plan = Event("A slot is planned on it.", (SPARE, PLANNED))
    clear = Event("Its plan is dropped.", (PLANNED, SPARE))
    arrive = Event("A worker like it registers.", (SPARE, ABSENT))
    drop = Event("It is no longer needed, or the manager is suspended.", (SPARE, ABSENT))
    suspend = Event("The manager is suspended.", ((SPARE, PLANNED), STALE))


class IdleQuery(Lifecycle):
    """The question to an idle TaskExecutor whether it may be released.

    Flink: TaskExecutorGateway.canBeReleased.
    """

    UNUSED = State("No question.", initial=True)
    ASKED = State("Its TaskExecutor has been idle ever since.")
    STALE = State("Its TaskExecutor was used in the meantime.")
    DETACHED = State("Its TaskExecutor was idle until it was unregistered.")

    ask = Event("An idle TaskExecutor is asked.", (UNUSED, ASKED))
    use = Event("The TaskExecutor is used.", (ASKED, STALE))
    detach = Event("The TaskExecutor is unregistered.", (ASKED, DETACHED))
    conclude = Event("The manager acts on the answer.", ((ASKED, STALE, DETACHED), UNUSED))
