"""Lifecycles of slots as the ResourceManager sees them, existing ones and expected ones."""

from __future__ import annotations

from slotspec.statemachine.lifecycle import Event, Lifecycle, State


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
