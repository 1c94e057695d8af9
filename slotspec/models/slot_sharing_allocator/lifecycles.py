"""Lifecycles of slot sharing: shared slots, requests, logical slots, payloads, slots, bulks."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class SharedSlot(Lifecycle):
    """The shared slot of a group, with its physical request. Flink: SharedSlot."""

    ABSENT = State("The group has no shared slot.", initial=True)
    REQUESTED = State("Its physical slot has been requested.")
    PRESENT = State("It has its physical slot, whose payload it is.")
    FAILED = State("There will be no physical slot; requests fail as they are made.")
    RETURNED = State("It has been given back; the group may get another one.", final=True)

    request = Event("A physical slot is requested for the group.", (ABSENT, REQUESTED))
    fulfil = Event("The physical slot is there.", (REQUESTED, PRESENT))
    fail = Event(
        "The pool fails the request, or the slot has another payload.", (REQUESTED, FAILED)
    )
    give_back = Event(
        "Its last request has gone, or its slot is lost.", ((REQUESTED, PRESENT, FAILED), RETURNED)
    )


class LogicalRequest(Lifecycle):
    """A vertex's request for a logical slot. Flink: SharedSlot.requestedLogicalSlots."""

    UNASKED = State("The vertex has no request.", initial=True)
    PENDING = State("It waits for the physical slot of its group.")
    COMPLETED = State("The vertex has got a logical slot.")
    FAILED = State("It has failed, or was cancelled.", final=True)
    RETURNED = State("Its logical slot was returned, or lost.", final=True)

    ask = Event("The vertex asks for a slot.", (UNASKED, PENDING))
    complete = Event("The physical slot is there.", (PENDING, COMPLETED))
    fail = Event("It fails, times out, or is cancelled.", (PENDING, FAILED))
    remove = Event("The shared slot forgets it.", (COMPLETED, RETURNED))


class LogicalSlot(Lifecycle):
    """The logical slot of a vertex. Flink: SingleLogicalSlot.State."""

    ABSENT = State("The vertex has no logical slot.", initial=True)
    ALIVE = State("An execution may use it.")
    RELEASING = State("It is released; its payload has not terminated.")
    RELEASED = State("Its release future is done.", final=True)

    create = Event("The physical slot is there.", (ABSENT, ALIVE))
    release = Event("It is released, or its physical slot is lost.", (ALIVE, RELEASING))
    finish = Event("Its payload has terminated, or its slot is lost.", (RELEASING, RELEASED))


class Payload(Lifecycle):
    """What a logical slot holds. Flink: LogicalSlot.Payload and its termination future."""

    EMPTY = State("The logical slot has no payload.", initial=True)
    RUNNING = State("An execution that has not terminated.")
    TERMINATED = State("An execution that has terminated.", final=True)
    FAILED = State("An execution whose termination future has failed.", final=True)
    STAND_IN = State("What a released slot has, so that no payload comes.", final=True)
    ABANDONED = State("An execution whose slot was lost; nobody waits for it.", final=True)

    assign = Event("An execution is deployed to the slot.", (EMPTY, RUNNING))
    stand_in = Event("The slot is released without payload.", (EMPTY, STAND_IN))
    terminate = Event("The execution terminates.", (RUNNING, TERMINATED))
    fail = Event("Its termination future fails.", (RUNNING, FAILED))
    abandon = Event("The physical slot is lost meanwhile.", (RUNNING, ABANDONED))


class PhysicalSlot(Lifecycle):
    """A slot of the pool. Flink: AllocatedSlot."""

    ABSENT = State("The pool has no slot under this allocation.", initial=True)
    FREE = State("No request has it.")
    TAKEN = State("A physical request has it.")
    LOST = State("It has left the pool.", final=True)

    arrive = Event("A TaskExecutor offers it.", (ABSENT, FREE))
    take = Event("It fulfils a request.", (FREE, TAKEN))
    free = Event("Its request is given back.", (TAKEN, FREE))
    lose = Event("Its TaskExecutor, or the slot itself, fails.", ((FREE, TAKEN), LOST))


class Bulk(Lifecycle):
    """The requests of one call, checked together. Flink: SharingPhysicalSlotRequestBulk."""

    UNUSED = State("No call.", initial=True)
    CHECKED = State("A check is scheduled.")
    FULFILLED = State("A check found nothing pending.", final=True)
    TIMED_OUT = State("It was unfulfillable for too long, and is cancelled.", final=True)
    BROKEN = State("Cancelling it raised an exception.", final=True)

    make = Event("Slots are allocated.", (UNUSED, CHECKED))
    end = Event("A check finds nothing pending.", (CHECKED, FULFILLED))
    time_out = Event("It cannot be fulfilled, and could not before.", (CHECKED, TIMED_OUT))
    break_off = Event("Cancelling changes the map that it walks over.", (CHECKED, BROKEN))


class Process(Lifecycle):
    """The process of the JobMaster. Flink: FatalExitExceptionHandler."""

    RUNNING = State("It works.", initial=True)
    DEAD = State("An exception that nobody may throw has ended it.", final=True)

    die = Event("A termination future fails while a release waits for it.", (RUNNING, DEAD))
