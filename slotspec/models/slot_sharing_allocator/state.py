"""The state of a SlotSharingExecutionSlotAllocator, with its pool and payloads, as small integers.

A group has at most one shared slot, and this one physical request. A vertex has at most one
request, and this at most one logical slot. So requests and logical slots need no records of
their own. All bulks have the same timeout: their checks are due in the order in which they were
scheduled, and a check only needs to know whether an earlier one, or the call, found the bulk
unfulfillable. Only a replay of a recording needs the clock, ages and the numbers of requests.
"""

from __future__ import annotations

from enum import IntEnum
from typing import cast

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.orders import MOST, ORDERS, number_of_orders
from slotspec.models.common.settings import choice, following_clock, switch
from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    Process,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.profiles import (
    SLOT_PROFILES,
    Sharing,
    even_sharing,
    fits,
)
from slotspec.models.slot_sharing_allocator.versions import GroupOrder, SlotOrder
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Number,
    Record,
    Setting,
    Sort,
    constant,
    number,
    per,
    ref,
    scalar,
    single,
)
from slotspec.statemachine.declaration.rules import NONE, Array
from slotspec.statemachine.errors import UsageError


class Effect(Effects):
    """What an operation tells the outside, in order; requests also by their numbers."""

    RETRIEVER_CREATED = effect()
    """SlotProfileRetrieverFactory.createFromBulk"""
    ASKED = effect("group")
    """SlotProfileRetriever.getSlotProfile"""
    ALLOCATE_AVAILABLE = effect("group", "number", "allocation")
    """SlotPool.allocateAvailableSlot"""
    REQUEST_NEW = effect("group", "number")
    """SlotPool.requestNewAllocatedSlot, requestNewAllocatedBatchSlot"""
    RELEASE_SLOT = effect("group", "number")
    """SlotPool.releaseSlot"""
    COMPLETED = effect("vertex", "number", "allocation")
    """the futures of a vertex complete with its logical slot"""
    FAILED = effect("vertex", "cause")
    """the futures of a vertex fail"""
    RELEASED = effect("vertex", "number", "failed")
    """the release future of a logical slot completes, or fails"""
    PAYLOAD_FAIL = effect("vertex", "cause")
    """LogicalSlot.Payload.fail"""
    FOREIGN_RELEASE = effect("allocation", "cause")
    """PhysicalSlot.Payload.release of a payload that is no shared slot"""
    TIMER_RAISED = effect()
    """a check of a bulk ends with ConcurrentModificationException"""
    RAISES = effect("raised")
    """the operation ends with an exception (:class:`Raised`); it is always the last effect"""
    LOST = effect("allocation")
    """one of the slots that a lost TaskExecutor had"""
    PROCESS_ENDS = effect()
    """the process ends: an uncaught exception is fatal"""


class Raised(JavaExceptions):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0, "IllegalStateException"
    ILLEGAL_ARGUMENT = 1, "IllegalArgumentException"
    NULL_POINTER = 2, "NullPointerException"


class Cause(IntEnum):
    """Why requests fail and slots are lost. Recordings list further ones."""

    CANCELLATION = 0
    """CancellationException: the caller has cancelled the request."""
    NO_RESOURCE = 1
    """NoResourceAvailableException: the bulk has timed out."""
    POOL = 2
    """RuntimeException: the pool refuses new requests."""
    ILLEGAL_STATE = 3
    """IllegalStateException: the physical slot has a payload."""
    FLINK = 4
    """FlinkException: the shared slot is given back."""
    GIVEN = 5
    """What a caller says; the first of those that a recording lists."""


class PoolMode(IntEnum):
    """How the pool answers."""

    NORMAL = 0
    FAILS = 1
    """New requests fail at once."""
    RAISES = 2
    """Every request raises."""
    REFUSES = 3
    """New requests raise."""


class Foreign(IntEnum):
    """A payload of a slot that is no shared slot."""

    NOBODY = 0
    FOR_A_WHILE = 1
    INDEFINITELY = 2


groups = Sort("groups", "Slot sharing groups.", default=2, prefix="g")
vertices = Sort("vertices", "Vertices of the job.", default=3, prefix="v")
allocations = Sort("allocations", "Allocation ids of slots.", default=2, prefix="a")
task_managers = Sort("task_managers", "TaskExecutors.", default=1, prefix="tm")
profiles = Sort("profiles", "Profiles of slots: small, large, any.", default=1)
orders = Sort(
    "orders",
    "Orders of requests and of slots that a step may choose: all of them, or 1 as recorded.",
    default=2,
    ordered=True,
)
bulks = Sort("bulks", "Bulks that are checked at a time.", default=2, prefix="b")
positions = Sort("positions", "Vertices in one call.", default=3, ordered=True)
waiting_positions = Sort(
    "waiting_positions", "The queue of physical requests.", parts=(groups,), ordered=True
)
bulk_positions = Sort("bulk_positions", "The queue of checks.", parts=(bulks,), ordered=True)
bulk_groups = Sort("bulk_groups", "Groups of bulks.", factors=(bulks, groups))
bulk_vertices = Sort("bulk_vertices", "Vertices of bulks.", factors=(bulks, vertices))

BOUNDS = (
    switch("at_once", "Whether the pool gives its slots to requests by itself.", on=True),
    switch("indefinitely", "Whether shared slots keep their slots: 1 for streaming.", on=True),
    Bound("strangers", "1: the last vertex is no member of its group; 2: it has none.", 0, 0, 2),
    Bound("modes", "Ways in which the pool may answer: 1 normal, 2 fails, 3 raises.", 1, 1, 4),
    switch("foreigners", "Whether slots may have other payloads."),
    switch("payloads", "Whether executions are deployed to logical slots."),
    switch("failing_payloads", "Whether termination futures fail."),
    switch("failures", "Whether the pool fails physical requests.", on=True),
    switch("cancellations", "Whether the scheduler cancels requests.", on=True),
    switch("losses", "Whether slots are lost.", on=True),
    switch("reactions", "Whether a slot may be lost while its requests complete."),
    cast(Bound, orders.bound),
)


def sharing_of(setting: Setting) -> Sharing:
    """The slot sharing groups of an instance."""
    given = setting.choices.get("sharing_given")
    if given is not None:
        assert isinstance(given, Sharing)
        return given
    bounds = setting.bounds
    return even_sharing(
        bounds["groups"], bounds["vertices"], bounds["strangers"], bounds["profiles"]
    )


def _has_any_order(setting: Setting) -> int:
    return int(setting["slot_order"] == SlotOrder.ARBITRARY and setting.bounds["orders"] > 1)


def _tries_all_orders(setting: Setting) -> None:
    """Whether a check tries all orders of what is arbitrary.

    :raises UsageError: ``SET002`` if there are more than it tries.
    """
    bounds = setting.bounds
    arbitrary = [
        *(["groups"] if setting["group_order"] == GroupOrder.ARBITRARY else []),
        *(["allocations"] if _has_any_order(setting) else []),
    ]
    for name in arbitrary:
        if bounds[name] > MOST:
            raise UsageError(
                "SET002",
                f"bound {name}={bounds[name]}: a check tries all orders of at most {MOST};"
                f" set {name}={MOST}",
            )
        needed = number_of_orders(bounds[name])
        if 1 < bounds["orders"] < needed:
            raise UsageError(
                "SET002",
                f"bound orders={bounds['orders']}: all orders of {bounds[name]} {name} are"
                f" {needed}; set orders={needed} or orders=1",
            )


def _fits(setting: Setting) -> list[int]:
    _tries_all_orders(setting)
    wanted = sharing_of(setting).wanted(setting["group_profile"])
    rows = [fits(slot, wanted, setting["matching"]) for slot in SLOT_PROFILES]
    return [will_do for row in rows for will_do in row]


_ORDER = Number(ORDERS - 1)


class SlotSharingAllocatorState(Record):
    """The state of one allocator, its slot pool, and the payloads in its logical slots."""

    process: Array = single(Process, "The process.")

    # shared slots
    group: Array = per(groups, SharedSlot, "The shared slot of a group.", label="{}")
    slot_of: Array = per(groups, ref(allocations), "Its physical slot.", label="slot of {}")
    failure: Array = per(groups, number(len(Cause) - 1), "Why it failed.", label="failure of {}")

    # logical requests and slots
    request: Array = per(vertices, LogicalRequest, "The vertex's request.", label="request of {}")
    logical: Array = per(vertices, LogicalSlot, "Its logical slot.", label="logical slot of {}")
    payload: Array = per(vertices, Payload, "What is in that.", label="payload of {}")
    quick: Array = per(
        vertices, FLAG, "The payload terminates as soon as it is failed.", label="{} is quick"
    )

    # the pool
    mode: int = scalar(number(3), "How the pool answers.")
    slot: Array = per(allocations, PhysicalSlot, "The slot of this allocation.", label="{}")
    slot_tm: Array = per(allocations, ref(task_managers), "Its TaskExecutor.", label="{} is on")
    slot_profile: Array = per(allocations, ref(profiles), "Its profile.", label="profile of {}")
    foreign: Array = per(allocations, number(2), "Its other payload.", label="payload in {}")
    waiting: Array = per(
        waiting_positions,
        ref(groups),
        "Groups whose physical requests wait, in order.",
        label="waiting request {}",
    )

    # bulks
    bulk: Array = per(bulks, Bulk, "The bulk.", label="{}")
    unfulfillable: Array = per(
        bulks, FLAG, "It was unfulfillable when last looked at.", label="{} is unfulfillable"
    )
    walk: Array = per(bulks, _ORDER, "The order of the walks over its groups.")
    check_order: int = scalar(_ORDER, "The order in which the next check looks at slots.")
    queue: Array = per(
        bulk_positions, ref(bulks), "Bulks in the order of their next checks.", label="check {}"
    )
    includes: Array = per(bulk_vertices, FLAG, "The call has named the vertex.")
    pending: Array = per(bulk_groups, FLAG, "The group is pending.", label="{} is pending")
    fulfilled: Array = per(
        bulk_groups, FLAG, "The group counts as fulfilled.", label="{} counts as fulfilled"
    )
    fulfilled_by: Array = per(
        bulk_groups, ref(allocations), "The slot that did it.", label="slot of {}"
    )

    # one call, and one walk over a bulk
    call: Array = per(
        positions,
        number(lambda g: g["vertices"]),
        "The vertices of the call, each plus one.",
        scratch=True,
    )
    named: Array = per(
        groups, number(lambda g: g["positions"]), "Where the call first names it.", scratch=True
    )
    chosen: Array = per(
        groups, number(lambda g: g["allocations"]), "The free slot it got, plus one.", scratch=True
    )
    dead: Array = per(
        groups, number(len(Cause)), "Why it was given back within the call.", scratch=True
    )
    request_order: int = scalar(_ORDER, "The order of the physical requests of a call.")
    free_order: int = scalar(_ORDER, "The order in which a call looks at free slots.")
    walked: Array = per(groups, FLAG, "It was pending when the walk began.", scratch=True)
    used: Array = per(allocations, FLAG, "It is meant for a request.", scratch=True)
    losing: Array = per(
        allocations, FLAG, "It is lost as soon as a request completes.", scratch=True
    )

    # time, ages, numbers: used only to follow a recording
    clock: int = scalar(number(0), "The time.")
    serial: int = scalar(number(0), "The last age in use.")
    ids: int = scalar(number(0), "The last number of a request in use.")
    request_number: Array = per(groups, number(0), "The number of its physical request.")
    logical_number: Array = per(vertices, number(0), "The number of its logical request.")
    arrived: Array = per(allocations, number(0), "When the slot came.")
    freed: Array = per(allocations, number(0), "When it became free.")
    due: Array = per(bulks, number(0), "When its check is due.")
    since: Array = per(bulks, number(0), "Since when it is unfulfillable.")
    place: Array = per(bulk_groups, number(0), "Where the call first names the group.")
    listens: Array = per(
        bulk_groups, number(0), "It is told of the group's slot, even if it is not pending."
    )
    fulfilled_age: Array = per(bulk_groups, number(0), "Its age among those that count.")

    # constants
    group_of: Array = constant(
        "The group of each vertex.",
        lambda g: [NONE if v.group is None else v.group for v in sharing_of(g).vertices],
    )
    member: Array = constant(
        "Whether its group contains the vertex.",
        lambda g: [int(vertex.member) for vertex in sharing_of(g).vertices],
    )
    fits: Array = constant(
        "For each profile of a slot (row), the groups that it will do for.", _fits
    )
    at_once: int = choice("at_once", "The pool gives its slots to requests by itself.")
    indefinitely: int = choice("indefinitely", "Shared slots occupy their slots indefinitely.")
    any_order: int = constant("Slots are looked at in any order.", _has_any_order)
    modes: int = choice("modes", "Ways in which the pool may answer.")
    timeout: int = constant(
        "The timeout of bulks, in ms.", lambda g: int(g.choices.get("timeout_ms", 1))
    )
    follow_clock: int = following_clock("The run follows a recording.")
    new_requests: int = choice("new_requests", "How physical requests are made.")
    repeated_vertex: int = choice("repeated_vertex", "The same vertex twice in a call.")
    failed_termination: int = choice("failed_termination", "A failed termination future.")
    group_order: int = choice("group_order", "The order of the groups of a call.")
