"""What a SlotSharingManager remembers: its trees of task slots as small integers.

A tree is its parent references, and a flag of each slot that says whether its parent's map
of children has it: a child that another one of its group has replaced keeps its parent, but
not its place. A single-task slot and the logical slot that it turns into share one number,
so the rules of logical slots run on this record as they stand.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.resource_profile import matching_table
from slotspec.models.logical_slot.state import LogicalSlotState, slots
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    SlotContextFuture,
    TaskSlotRegistration,
)
from slotspec.models.slot_sharing.profiles import (
    CATALOGUE,
    amount_table,
    largest_amount,
    profiles_of,
    scales_of,
    special_table,
)
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Sort,
    constant,
    number,
    per,
    ref,
)
from slotspec.statemachine.declaration.rules import Array


class Effect(IntEnum):
    """What an operation tells the world, in order; the first six are a logical slot's own.

    Arguments in brackets.
    """

    PAYLOAD_FAIL = 0
    """(payload, Cause) LogicalSlot.Payload.fail"""
    RETURN_SLOT = 1
    """(slot) SlotOwner.returnLogicalSlot"""
    RELEASE_DONE = 2
    """(slot) the release future completes"""
    RELEASE_FAILED = 3
    """(slot) the release future fails"""
    PHYSICAL_ASSIGN = 4
    """Never emitted here: the pool assigns the root as payload."""
    RAISES = 5
    """(Raised) the operation ends with an exception; it is always the last effect"""
    LOGICAL_SLOT_FULFILLED = 6
    """(slot, root) the caller's future gets a logical slot in the root's physical slot"""
    LOGICAL_SLOT_FAILED = 7
    """(slot, Cause) the caller's future gets an error"""
    RELEASE_POOL_SLOT = 8
    """(root, Cause) AllocatedSlotActions.releaseSlot"""
    LISTED = 9
    """(root, roots of its TaskExecutor with the group, all its roots) an element of a
    query's answer"""
    ANY_ORDER = 10
    """(1 begins, 0 ends) the effects in between come in an arbitrary order"""


class Cause(IntEnum):
    """Why something is released or fails."""

    OTHER = 0
    FLINK = 1
    """A FlinkException: also what the tree gives when a slot loses its last child."""
    TIMEOUT = 2
    ILLEGAL_STATE = 3
    """An IllegalStateException: oversubscribed, or its allocation is taken."""
    ABSENT = 4
    """null; only logical slots are released without a cause."""


class Raised(IntEnum):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0
    """IllegalStateException: a group below itself, or another root in one's place."""
    PAYLOADS_OWN = 1
    """Never raised here: payloads do not throw."""
    ILLEGAL_ARGUMENT = 2
    """IllegalArgumentException: more is reserved than there is."""
    COMPLETION = 3
    """CompletionException: the physical slot failed."""
    CONCURRENT_MODIFICATION = 4
    """ConcurrentModificationException: a map of children has changed while they are released;
    the rules as they are see to it that none does."""


class Wanted(IntEnum):
    """What the scheduler does about a share as soon as it hears that one is over."""

    NOTHING = 0
    ANOTHER = 1
    """It asks for this one."""
    AGAIN = 2
    """It asks for this one in the place of the one that is over, under the same id."""
    NAMESAKE = 3
    """It has done that."""
    CANCEL = 4
    """It cancels the execution, which gives its logical slot up."""


multis = Sort(
    "multis",
    "Multi-task slots: roots, and co-location slots below them.",
    default=2,
    symmetric=True,
)
groups = Sort("groups", "Job vertices and co-location groups.", default=2, symmetric=True)
task_managers = Sort("task_managers", "TaskExecutors.", default=1, symmetric=True)
allocations = Sort("allocations", "Allocation ids of physical slots.", default=1, symmetric=True)
profiles = Sort(
    "profiles",
    "Resource profiles: small, large, unknown, tall, any.",
    default=2,
    maximum=len(CATALOGUE),
)
resources = Sort("resources", "Kinds of resources.", default=2, minimum=2, ordered=True)
reservations = Sort("reservations", "Amounts reserved.", factors=(multis, resources))
root_places = Sort("root_places", "Positions in a queue of roots.", parts=(multis,), ordered=True)
tm_places = Sort(
    "tm_places", "Positions in a queue of TaskExecutors.", parts=(task_managers,), ordered=True
)

BOUNDS = (
    Bound("most_reserved", "No root has more reserved than this.", 3, 1, 200),
    Bound("owner_releases", "Whether owners release the task slot of a returned one.", 1, 0, 1),
    Bound("repeated_groups", "Whether a group is asked for again below a slot.", 0, 0, 1),
    Bound("taken_allocations", "Whether the pool answers with an allocation in use.", 0, 0, 1),
    Bound("small_slots", "Whether more is put into a slot than it has.", 0, 0, 1),
    Bound("deployments", "Whether executions are put into logical slots.", 1, 0, 1),
    Bound("late_calls", "Whether slots that have left the tables are called.", 0, 0, 1),
    Bound("callbacks", "Whether the scheduler calls back while a slot is released.", 0, 0, 1),
)


class SlotSharingState(LogicalSlotState):
    """The state of one SlotSharingManager, and of all task slots that anybody can call."""

    # multi-task slots
    multi: Array = per(multis, MultiTaskSlot, "Each multi-task slot.")
    multi_registration: Array = per(multis, TaskSlotRegistration, "Whether it is found by id.")
    context: Array = per(multis, SlotContextFuture, "Whether its physical slot is known.")
    listing: Array = per(multis, RootListing, "In which table of roots it is.")
    parent: Array = per(multis, ref(multis), "The slot it was created below; a root has none.")
    group: Array = per(multis, ref(groups), "Its group; a root has none.")
    multi_held: Array = per(multis, FLAG, "Its parent's map has it.")
    special: Array = per(multis, number(2), "What is reserved is no vector (a Special).")
    reserved: Array = per(
        reservations, number(largest_amount), "What is reserved of each resource."
    )
    tm: Array = per(multis, ref(task_managers), "A root's TaskExecutor, once there is one.")
    allocation: Array = per(multis, ref(allocations), "A root's allocation, likewise.")
    profile: Array = per(multis, ref(profiles), "The profile of its physical slot, likewise.")
    failure: Array = per(multis, number(4), "Why a root has no physical slot (a Cause).")
    releasing: Array = per(multis, FLAG, "It releases its children.", scratch=True)
    changed: Array = per(multis, FLAG, "Its map changed meanwhile.", scratch=True)

    # roots
    has_roots: Array = per(task_managers, FLAG, "There is a map of its resolved roots.")
    unresolved: Array = per(root_places, ref(multis), "Unresolved roots, if order matters.")
    resolved: Array = per(root_places, ref(multis), "Resolved roots, if order matters.")
    tm_order: Array = per(tm_places, ref(task_managers), "Those with roots, if order matters.")

    # single-task slots; the logical slots that they become are fields of the base class
    single: Array = per(slots, SingleTaskSlot, "Each single-task slot.")
    single_registration: Array = per(slots, TaskSlotRegistration, "Whether it is found by id.")
    future: Array = per(slots, LogicalSlotFuture, "What becomes of it.")
    single_parent: Array = per(slots, ref(multis), "The slot it was created below.")
    single_group: Array = per(slots, ref(groups), "Its group.")
    single_held: Array = per(slots, FLAG, "Its parent's map has it.")
    single_profile: Array = per(slots, ref(profiles), "What it reserves.")
    leaving: Array = per(slots, FLAG, "A release above has yet to reach it.", scratch=True)
    wanted: Array = per(slots, number(4), "What is wanted of it (a Wanted).", scratch=True)

    # constants; payloads and owners do what they do here whatever the bounds of logical slots
    reactions: int = constant("Payloads and owners call back.", lambda _: 1)
    faults: int = constant("They never throw.", lambda _: 0)
    fatal_faults: int = constant("So no fault ends the process.", lambda _: 0)
    resource_count: int = constant("Number of resources.", lambda g: len(scales_of(g)))
    amounts: Array = constant("Amount of a profile (row) of a resource.", amount_table)
    specials: Array = constant("A profile's Special.", special_table)
    satisfies: Array = constant(
        "Whether a slot of a profile (row) serves another (column).",
        lambda g: matching_table(profiles_of(g), g["matching"]),
    )
    most_reserved: int = constant("Bound of reservations.", lambda g: g["most_reserved"])
    owner_releases: int = constant("Owners release.", lambda g: g["owner_releases"])
    repeated_groups: int = constant("Groups are replaced.", lambda g: g["repeated_groups"])
    taken_allocations: int = constant("Allocations clash.", lambda g: g["taken_allocations"])
    small_slots: int = constant("Slots are too small.", lambda g: g["small_slots"])
    late_calls: int = constant("Slots that have left are called.", lambda g: g["late_calls"])
    callbacks: int = constant("The scheduler calls back.", lambda g: g["callbacks"])
    map_order: int = constant("Order of the tables of roots.", lambda g: int(g["map_order"]))
