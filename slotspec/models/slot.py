"""Lifecycles of a physical slot as the JobMaster's pool sees it, and of its payload."""

from __future__ import annotations

from slotspec.statemachine.lifecycle import Event, Lifecycle, State


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
    CANCELLED = State("No longer asked for, and the ResourceManager was told.", final=True)
    ORPHANED = State("No longer asked for, and the ResourceManager was not told.", final=True)
    FORGOTTEN = State("Dropped without being given back; it must be offered anew.", final=True)
    LEAKED = State("Gone from the maps, but still counted for its TaskExecutor.", final=True)

    ask = Event("A request is sent to the ResourceManager under this id.", (UNKNOWN, PENDING))
    fulfil = Event(
        "An offer of it is accepted and serves a request at once.",
        (UNKNOWN, ALLOCATED),
        (PENDING, ALLOCATED),
    )
    store = Event(
        "An offer of it is accepted and no request matches.",
        (UNKNOWN, AVAILABLE),
        (PENDING, AVAILABLE),
    )
    allocate = Event("The job takes it from the available ones.", (AVAILABLE, ALLOCATED))
    hand_over = Event("Returned by one request, it serves the next.", (ALLOCATED, ALLOCATED))
    give_back = Event("Returned by its request; nobody else matches.", (ALLOCATED, AVAILABLE))
    expire = Event("It was available for longer than the idle timeout.", (AVAILABLE, RELEASED))
    fail = Event(
        "Its allocation fails; it is freed at its TaskExecutor.",
        (AVAILABLE, RELEASED),
        (ALLOCATED, RELEASED),
    )
    lose_task_manager = Event(
        "Its TaskExecutor is released; it is freed with it.",
        (AVAILABLE, RELEASED),
        (ALLOCATED, RELEASED),
    )
    cancel = Event("Nobody waits for it; the ResourceManager is told.", (PENDING, CANCELLED))
    orphan = Event("Nobody waits for it; the ResourceManager is not told.", (PENDING, ORPHANED))
    drop = Event(
        "The pool clears its maps, or loses it to an exception.",
        (AVAILABLE, FORGOTTEN),
        (ALLOCATED, FORGOTTEN),
    )
    leak = Event("Its request id is entered again with another slot.", (ALLOCATED, LEAKED))


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
    leave = Event("The slot is dropped or leaks; its payload is not told.", (ASSIGNED, UNASSIGNED))
