"""Lifecycles of the TaskExecutor's slot table: the table, its slots, their timers and tasks."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class Table(Lifecycle):
    """The slot table of one TaskExecutor. Flink: TaskSlotTableImpl.State."""

    CREATED = State("Not started: only queries are possible.", initial=True)
    RUNNING = State("Slots can be allocated.")
    CLOSING = State("Every slot is being released; some tasks have not terminated.")
    CLOSED = State("Everything has terminated; the timers are gone.", final=True)
    DISCARDED = State("Closed without having been started.", final=True)

    start = Event("The TaskExecutor starts.", (CREATED, RUNNING))
    discard = Event("It is closed before its start.", (CREATED, DISCARDED))
    close = Event("The TaskExecutor stops.", (RUNNING, CLOSING))
    finish = Event("The last task that it waits for terminates.", (CLOSING, CLOSED))


class TaskSlot(Lifecycle):
    """A slot of the table, under its allocation id. Flink: TaskSlotState."""

    FREE = State("The table has no slot under this allocation.", initial=True)
    ALLOCATED = State("Promised to a job that does not use it yet; its timer runs.")
    ACTIVE = State("The job uses it: tasks may be added.")
    RELEASING = State("It was freed, and its tasks failed from outside.")
    LEFT = State("It has left the table.", final=True)

    allocate = Event("It is allocated for a job.", (FREE, ALLOCATED))
    activate = Event("The job uses it, or confirms that it does.", ((ALLOCATED, ACTIVE), ACTIVE))
    inactivate = Event(
        "The job stops using it for now, or the promise is renewed.",
        ((ACTIVE, ALLOCATED), ALLOCATED),
    )
    release = Event("It is freed.", ((ALLOCATED, ACTIVE), RELEASING))
    leave = Event("It was freed, and has no tasks.", (RELEASING, LEFT))


class SlotTimer(Lifecycle):
    """The timeout registered for an allocation. Flink: TimerService.Timeout."""

    OFF = State("No timeout is registered.", initial=True)
    RUNNING = State("It has not fired.")
    FIRED = State("It has fired; its ticket stays valid.")

    register = Event("A new ticket replaces any older one.", ((OFF, RUNNING, FIRED), RUNNING))
    fire = Event("The time is over; SlotActions.timeoutSlot is called.", (RUNNING, FIRED))
    unregister = Event(
        "The slot is activated or leaves, or the table is closed.", ((RUNNING, FIRED), OFF)
    )


class ClosingFuture(Lifecycle):
    """Whether a slot, or the whole table, is closed. Flink: TaskSlot.closingFuture."""

    PENDING = State("It is in use, or some of its tasks have not terminated.", initial=True)
    DONE = State("All its tasks have terminated; its memory is released.", final=True)
    FAILED = State("The termination future of a task has failed.", final=True)

    complete = Event("The last task terminates.", (PENDING, DONE))
    fail = Event("A termination future fails.", (PENDING, FAILED))


class Task(Lifecycle):
    """The termination future of a task. Flink: TaskSlotPayload.getTerminationFuture."""

    RUNNING = State("It has not terminated.", initial=True)
    FINISHED = State("It has terminated.", final=True)
    FAILED = State("Its termination future has failed.", final=True)

    finish = Event("It terminates.", (RUNNING, FINISHED))
    fail = Event("Its termination future fails.", (RUNNING, FAILED))
