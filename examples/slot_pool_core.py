"""The core of a slot pool: the bookkeeping between requests, offers and slots.

A JobMaster owns a slot pool. It takes slot requests, asks a ResourceManager (RM) for slots,
is offered slots by TaskManagers (TMs), and gives each request a slot. Meanwhile TMs are
lost, the RM connection drops, offers are repeated, move to another slot or are late,
allocations fail and things time out. The pool follows Apache Flink's, reduced to its
bookkeeping. ``benchmarks/peers`` holds the same model for SPIN, Rumur and TLC.

Run it with::

    slotspec check examples/slot_pool_core.py --set T=2 --set S=1 --set R=3 --set A=2
"""

from __future__ import annotations

from typing import Any

from slotspec import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Event,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    constant,
    fire,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.declaration.queues import append, remove

SOURCE = "benchmarks/peers/MODEL.md"


class TaskManager(Lifecycle):
    """A TaskManager as the JobMaster knows it."""

    UNKNOWN = State("It is not registered.", initial=True)
    REGISTERED = State("It is registered, its slots may be offered and used.")

    register = Event("It registers.", (UNKNOWN, REGISTERED))
    lose = Event("Its connection is lost.", (REGISTERED, UNKNOWN))


class Request(Lifecycle):
    """A slot request."""

    ABSENT = State("It is not made, or was released.", initial=True)
    WAITING = State("It waits for a connection to the ResourceManager.")
    PENDING = State("It was sent to the ResourceManager.")
    FULFILLED = State("It holds a slot.")
    FAILED = State("It failed, for good.", final=True)

    wait = Event("It is made while no ResourceManager is connected.", (ABSENT, WAITING))
    ask = Event("It is sent to the ResourceManager.", (ABSENT, PENDING), (WAITING, PENDING))
    serve = Event(
        "It gets a slot.", (ABSENT, FULFILLED), (WAITING, FULFILLED), (PENDING, FULFILLED)
    )
    release = Event("It gives its slot back.", (FULFILLED, ABSENT))
    lose = Event("Its slot is lost.", (FULFILLED, FAILED))
    fail = Event("It fails before it got a slot.", (PENDING, FAILED), (WAITING, FAILED))


class Slot(Lifecycle):
    """A slot as the JobMaster's pool knows it."""

    UNKNOWN = State("The pool does not hold it.", initial=True)
    AVAILABLE = State("The pool holds it and no request uses it.")
    ALLOCATED = State("A request uses it.")

    assign = Event(
        "A request gets it.", (UNKNOWN, ALLOCATED), (AVAILABLE, ALLOCATED), (ALLOCATED, ALLOCATED)
    )
    keep = Event("Nobody wants it for now.", (UNKNOWN, AVAILABLE), (ALLOCATED, AVAILABLE))
    drop = Event("It leaves the pool.", (AVAILABLE, UNKNOWN), (ALLOCATED, UNKNOWN))


class Message(Lifecycle):
    """Where an allocation id is on its way."""

    NOWHERE = State("No message with this id is in flight.", initial=True)
    REQUESTED = State("A request with this id is at the ResourceManager.")
    OFFERED = State("An offer with this id is on its way to the JobMaster.")

    request = Event("The pool asks the ResourceManager.", (NOWHERE, REQUESTED))
    cancel = Event("The request is withdrawn or lost.", (REQUESTED, NOWHERE))
    offer = Event("A TaskManager offers a slot under the id.", (REQUESTED, OFFERED))
    move = Event("Another slot is offered under the id instead.", (OFFERED, OFFERED))
    end = Event("The offer was handled, or got lost.", (OFFERED, NOWHERE))


class TaskSlot(Lifecycle):
    """A slot as its TaskManager knows it."""

    FREE = State("No id holds it.", initial=True)
    OFFERED = State("It is offered to the JobMaster.")
    ACTIVE = State("The JobMaster has accepted it.")

    offer = Event("It is offered under an id.", (FREE, OFFERED))
    accept = Event("The JobMaster accepts it.", (FREE, ACTIVE), (OFFERED, ACTIVE))
    free = Event("It is given up.", (OFFERED, FREE), (ACTIVE, FREE))


task_managers = Sort("T", "Task managers.", default=2, symmetric=True)
positions = Sort("S", "Slots on each task manager.", default=1, symmetric=True)
requests = Sort("R", "Slot requests.", default=2, symmetric=True)
ids = Sort("A", "Allocation ids.", default=2, symmetric=True)
slots = Sort("slots", "All slots: (task manager, position).", factors=(task_managers, positions))
places = Sort("places", "Places in a queue of requests.", parts=(requests,), ordered=True)


class Pool(Record):
    """All that is known anywhere; nothing else distinguishes two states."""

    tm: Array = per(task_managers, TaskManager, "Each task manager.")
    rm_connected: int = scalar(FLAG, "Whether the ResourceManager is connected.")
    request: Array = per(requests, Request, "Each request.")
    request_id: Array = per(requests, ref(ids), "The id under which a pending request was sent.")
    request_slot: Array = per(requests, ref(slots), "The slot of a fulfilled request.")
    pending: Array = per(places, ref(requests), "Pending requests, oldest first.")
    waiting: Array = per(places, ref(requests), "Waiting requests, oldest first.")
    slot: Array = per(slots, Slot, "Each slot, in the pool's view.")
    slot_id: Array = per(slots, ref(ids), "The id under which a slot came to the pool.")
    slot_request: Array = per(slots, ref(requests), "Whom an allocated slot serves.")
    message: Array = per(ids, Message, "Where each id is on its way.")
    offered_slot: Array = per(ids, ref(slots), "The slot that is offered under an id.")
    task_slot: Array = per(slots, TaskSlot, "Each slot, in its task manager's view.")
    task_slot_id: Array = per(slots, ref(ids), "The id that holds a slot, in that view.")
    width: int = constant("How many slots a task manager has.", lambda setting: setting["S"])


model = Model(
    "slot_pool_core",
    "The bookkeeping of a slot pool between requests, offers and task managers.",
    Pool,
)


# What several actions need ---------------------------------------------------------------


def host(s: Pool, k: int) -> int:
    return k // s.width


def free_id(s: Pool, a: int) -> bool:
    """Whether nobody uses id `a`."""
    return (
        s.message[a] == Message.NOWHERE
        and a not in s.request_id
        and a not in s.slot_id
        and a not in s.task_slot_id
    )


def pending_of(s: Pool, a: int) -> int:
    """The request that was sent under `a`, or NONE."""
    return next((r for r in s.elements(requests) if s.request_id[r] == a), NONE)


def slot_of(s: Pool, a: int) -> int:
    """The pool's slot that came under `a`, or NONE."""
    return next((k for k in s.elements(slots) if s.slot_id[k] == a), NONE)


def serve(s: Pool, r: int, k: int) -> int:
    """Request `r` gets slot `k`, and leaves whatever queue it stood in."""
    if s.request[r] == Request.PENDING:
        remove(s.pending, r)
        s.request_id[r] = NONE
    elif s.request[r] == Request.WAITING:
        remove(s.waiting, r)
    fire(s.request, r, Request.serve)
    s.request_slot[r] = k
    fire(s.slot, k, Slot.assign)
    s.slot_request[k] = r
    return r


def serve_or_keep(s: Pool, r: int, k: int) -> int:
    """`r` gets slot `k`; if it is NONE the oldest pending request, then the oldest waiting."""
    if r == NONE:
        r = s.pending[0]
    if r == NONE:
        r = s.waiting[0]
    if r != NONE:
        return serve(s, r, k)
    fire(s.slot, k, Slot.keep)
    s.slot_request[k] = NONE
    return NONE


def free_task_slot(s: Pool, k: int) -> int:
    if s.task_slot[k] != TaskSlot.FREE:
        fire(s.task_slot, k, TaskSlot.free)
        s.task_slot_id[k] = NONE
    return k


def drop(s: Pool, k: int) -> int:
    """Slot `k` leaves the pool; the request that it served fails."""
    if s.slot[k] == Slot.ALLOCATED:
        r = s.slot_request[k]
        fire(s.request, r, Request.lose)
        s.request_slot[r] = NONE
    if s.slot[k] != Slot.UNKNOWN:
        fire(s.slot, k, Slot.drop)
    s.slot_id[k] = NONE
    s.slot_request[k] = NONE
    return free_task_slot(s, k)


def make_pending(s: Pool, r: int, a: int) -> int:
    fire(s.request, r, Request.ask)
    s.request_id[r] = a
    append(s.pending, r)
    fire(s.message, a, Message.request)
    return r


def handle_offer(s: Pool, a: int) -> int:
    """The JobMaster looks at the offer under `a`; whether it takes the slot."""
    k = s.offered_slot[a]
    at = slot_of(s, a)
    if at == k:
        return False
    if at != NONE:
        if s.task_slot_id[k] == a:
            free_task_slot(s, k)
        return False
    if s.slot[k] != Slot.UNKNOWN:
        return False
    if s.task_slot[k] != TaskSlot.FREE and s.task_slot_id[k] != a:
        return False
    fire(s.task_slot, k, TaskSlot.accept)
    s.task_slot_id[k] = a
    s.slot_id[k] = a
    serve_or_keep(s, pending_of(s, a), k)
    return True


def end_message(s: Pool, a: int) -> int:
    fire(s.message, a, Message.end)
    s.offered_slot[a] = NONE
    return a


# What can happen -------------------------------------------------------------------------


@model.action(t=task_managers)
def register_tm(s: Pool, t: int) -> int:
    """A task manager registers."""
    if s.tm[t] != TaskManager.UNKNOWN:
        return DISABLED
    fire(s.tm, t, TaskManager.register)
    return t


@model.action(t=task_managers)
def lose_tm(s: Pool, t: int) -> int:
    """A task manager is lost, with its slots and its offers in flight."""
    if s.tm[t] != TaskManager.REGISTERED:
        return DISABLED
    fire(s.tm, t, TaskManager.lose)
    for k in range(t * s.width, (t + 1) * s.width):
        drop(s, k)
    for a in s.elements(ids):
        if s.message[a] == Message.OFFERED and host(s, s.offered_slot[a]) == t:
            end_message(s, a)
    return t


@model.action()
def connect_rm(s: Pool) -> int:
    """The ResourceManager is connected."""
    if s.rm_connected:
        return DISABLED
    s.rm_connected = 1
    return 0


@model.action()
def disconnect_rm(s: Pool) -> int:
    """The connection drops; requests that the ResourceManager had not answered are lost."""
    if not s.rm_connected:
        return DISABLED
    s.rm_connected = 0
    for a in s.elements(ids):
        if s.message[a] == Message.REQUESTED:
            fire(s.message, a, Message.cancel)
    return 0


@model.action(r=requests)
def new_request_wait(s: Pool, r: int) -> int:
    """A request is made while no ResourceManager is connected."""
    if s.request[r] != Request.ABSENT or s.rm_connected:
        return DISABLED
    fire(s.request, r, Request.wait)
    append(s.waiting, r)
    return r


@model.action(r=requests, a=ids)
def new_request_rm(s: Pool, r: int, a: int) -> int:
    """A request is made and sent to the ResourceManager under a free id."""
    if s.request[r] != Request.ABSENT or not s.rm_connected or not free_id(s, a):
        return DISABLED
    return make_pending(s, r, a)


@model.action(a=ids)
def promote(s: Pool, a: int) -> int:
    """The oldest waiting request is sent to the ResourceManager under a free id."""
    r = s.waiting[0]
    if r == NONE or not s.rm_connected or not free_id(s, a):
        return DISABLED
    remove(s.waiting, r)
    return make_pending(s, r, a)


@model.action(a=ids, k=slots)
def rm_assign(s: Pool, a: int, k: int) -> int:
    """The ResourceManager lets a task manager offer a free slot under a requested id."""
    if s.message[a] != Message.REQUESTED or s.task_slot[k] != TaskSlot.FREE:
        return DISABLED
    if s.tm[host(s, k)] != TaskManager.REGISTERED:
        return DISABLED
    fire(s.message, a, Message.offer)
    s.offered_slot[a] = k
    fire(s.task_slot, k, TaskSlot.offer)
    s.task_slot_id[k] = a
    return k


@model.action(a=ids, k=slots)
def rm_retry(s: Pool, a: int, k: int) -> int:
    """The offer in flight is replaced by that of another free slot under the same id."""
    if s.message[a] != Message.OFFERED or s.task_slot[k] != TaskSlot.FREE:
        return DISABLED
    old = s.offered_slot[a]
    if k == old or s.tm[host(s, k)] != TaskManager.REGISTERED:
        return DISABLED
    if s.task_slot[old] == TaskSlot.OFFERED and s.task_slot_id[old] == a:
        free_task_slot(s, old)
    fire(s.message, a, Message.move)
    s.offered_slot[a] = k
    fire(s.task_slot, k, TaskSlot.offer)
    s.task_slot_id[k] = a
    return k


@model.action(a=ids)
def deliver(s: Pool, a: int) -> int:
    """An offer reaches the JobMaster."""
    if s.message[a] != Message.OFFERED:
        return DISABLED
    handle_offer(s, a)
    return end_message(s, a)


@model.action(a=ids)
def deliver_dup(s: Pool, a: int) -> int:
    """An offer reaches the JobMaster, and a copy of it stays in flight."""
    if s.message[a] != Message.OFFERED:
        return DISABLED
    handle_offer(s, a)
    return a


@model.action(a=ids)
def fail_alloc(s: Pool, a: int) -> int:
    """An allocation fails: the request that is pending under it, or the slot that has it."""
    r = pending_of(s, a)
    k = slot_of(s, a)
    if r == NONE and k == NONE:
        return DISABLED
    if r == NONE:
        return drop(s, k)
    remove(s.pending, r)
    s.request_id[r] = NONE
    fire(s.request, r, Request.fail)
    return r


@model.action(r=requests)
def release(s: Pool, r: int) -> int:
    """A request gives its slot back, and the next one in line gets it."""
    if s.request[r] != Request.FULFILLED:
        return DISABLED
    k = s.request_slot[r]
    fire(s.request, r, Request.release)
    s.request_slot[r] = NONE
    return serve_or_keep(s, NONE, k)


@model.action(r=requests, k=slots)
def allocate_available(s: Pool, r: int, k: int) -> int:
    """A new request is given an available slot at once."""
    if s.request[r] != Request.ABSENT or s.slot[k] != Slot.AVAILABLE:
        return DISABLED
    return serve(s, r, k)


@model.action(k=slots)
def idle_timeout(s: Pool, k: int) -> int:
    """A slot was available for too long and is given up."""
    if s.slot[k] != Slot.AVAILABLE:
        return DISABLED
    return drop(s, k)


@model.action(r=requests)
def request_timeout(s: Pool, r: int) -> int:
    """A request waited too long; what it asked of the ResourceManager is withdrawn."""
    if s.request[r] == Request.PENDING:
        a = s.request_id[r]
        if s.message[a] == Message.REQUESTED:
            fire(s.message, a, Message.cancel)
        s.request_id[r] = NONE
        remove(s.pending, r)
    elif s.request[r] == Request.WAITING:
        remove(s.waiting, r)
    else:
        return DISABLED
    fire(s.request, r, Request.fail)
    return r


# What must hold --------------------------------------------------------------------------


@model.always(SOURCE, each={"k": slots})
def slots_agree(s: Pool, k: int) -> bool:
    """A slot in the pool has an id of its own, an active host, and the request it serves."""
    if s.slot[k] == Slot.UNKNOWN:
        return s.slot_id[k] == NONE and s.slot_request[k] == NONE
    return (
        s.tm[host(s, k)] == TaskManager.REGISTERED
        and s.slot_id[k] != NONE
        and all(s.slot_id[k] != s.slot_id[other] for other in range(k))
        and s.task_slot[k] == TaskSlot.ACTIVE
        and s.task_slot_id[k] == s.slot_id[k]
        and (s.slot_request[k] != NONE) == (s.slot[k] == Slot.ALLOCATED)
        and (s.slot[k] != Slot.ALLOCATED or s.request_slot[s.slot_request[k]] == k)
    )


def times_in(queue: Array, element: int) -> int:
    """How often the element stands in the queue."""
    return sum(entry == element for entry in queue)


@model.always(SOURCE, each={"r": requests})
def requests_agree(s: Pool, r: int) -> bool:
    """A request stands in exactly the queue, and has exactly the id and slot, of its state."""
    state = s.request[r]
    return (
        times_in(s.pending, r) == (state == Request.PENDING)
        and times_in(s.waiting, r) == (state == Request.WAITING)
        and (s.request_id[r] != NONE) == (state == Request.PENDING)
        and (s.request_slot[r] != NONE) == (state == Request.FULFILLED)
        and (state != Request.FULFILLED or s.slot_request[s.request_slot[r]] == r)
    )


@model.always(SOURCE)
def offers_agree(s: Pool) -> bool:
    """Offers in flight and task managers' slots belong to registered task managers."""
    return all(
        (k != NONE) == (s.message[a] == Message.OFFERED)
        and (k == NONE or s.tm[host(s, k)] == TaskManager.REGISTERED)
        for a, k in enumerate(s.offered_slot)
    ) and all(
        s.task_slot_id[k] == NONE
        if state == TaskSlot.FREE
        else s.task_slot_id[k] != NONE and s.tm[host(s, k)] == TaskManager.REGISTERED
        for k, state in enumerate(s.task_slot)
    )


@model.sometimes(SOURCE)
def every_request_is_served(s: Pool) -> bool:
    """As many requests hold a slot as there are slots and ids for."""
    served = sum(state == Request.FULFILLED for state in s.request)
    return served == min(len(s.request), len(s.slot), len(s.message))


@model.sometimes(SOURCE)
def an_offer_is_orphaned(s: Pool) -> bool:
    """An offer is in flight and the request that it was made for is gone."""
    return any(
        s.message[a] == Message.OFFERED and pending_of(s, a) == NONE for a in s.elements(ids)
    )


@model.sometimes(SOURCE)
def a_request_without_message_is_pending(s: Pool) -> bool:
    """A request is pending and nothing in flight can serve it under its own id."""
    return any(
        s.request[r] == Request.PENDING and s.message[s.request_id[r]] == Message.NOWHERE
        for r in s.elements(requests)
    )


def main(**options: Any) -> None:
    """Check the model at its default bounds and say what was found."""
    from slotspec.statemachine.search.engine import explore_compiled

    result = explore_compiled(model.instance(options))
    print(f"{result.verdict.value}: {result.states:,} states, depth {result.depth}")


if __name__ == "__main__":
    main()
