"""Lifecycles of a logical slot, its occupant, its payload and its release."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class LogicalSlot(Lifecycle):
    """What a task is deployed to: a share of a physical slot, until it is released.

    Flink: SingleLogicalSlot.State.
    """

    ABSENT = State("No slot has been created for this request id.", initial=True)
    ALIVE = State("A task may run in it.")
    RELEASING = State("Its payload was asked to stop; the slot waits for that.")
    RELEASED = State("Nothing can happen to it any more.", final=True)

    create = Event("It is created, with or without a physical slot.", (ABSENT, ALIVE))
    release = Event("Somebody releases it; its payload is asked to stop.", (ALIVE, RELEASING))
    end = Event("Its payload has terminated, or nobody waits for that.", (RELEASING, RELEASED))


class Occupant(Lifecycle):
    """What the slot's payload field holds; it is set at most once.

    Flink: SingleLogicalSlot.payload, an atomically updated field.
    """

    NOBODY = State("No payload was assigned, and the slot was not released.", initial=True)
    PAYLOAD = State("A payload was assigned, and stays.", final=True)
    STAND_IN = State("The slot was released while empty: a terminated dummy payload.", final=True)

    assign = Event("A payload is assigned.", (NOBODY, PAYLOAD))
    fill = Event("The slot is released while it is empty.", (NOBODY, STAND_IN))


class PayloadRun(Lifecycle):
    """The termination future of a payload. Flink: LogicalSlot.Payload.getTerminalStateFuture."""

    RUNNING = State("It has not terminated.", initial=True)
    ENDED = State("It has terminated.", final=True)
    BROKEN = State("Its termination future has failed.", final=True)

    end = Event("It terminates.", (RUNNING, ENDED))
    fail = Event("Its termination future fails.", (RUNNING, BROKEN))


class ReleaseFuture(Lifecycle):
    """What release_slot returns. Flink: SingleLogicalSlot.releaseFuture."""

    PENDING = State("The slot is not released.", initial=True)
    DONE = State("The slot is released.", final=True)
    FAILED = State("The slot is released; its payload's termination has failed.", final=True)

    complete = Event("The slot is released.", (PENDING, DONE))
    fail = Event(
        "The slot is released, and its payload's termination has failed.", (PENDING, FAILED)
    )
