"""The state of a SlotSharingManager: its trees of task slots as small integers.

A tree consists of parent references, and of a flag for each slot: whether it is in its parent's
map of children. A child that another one of its group has replaced keeps its parent, but is not
in the map. A single-task slot and the logical slot that it becomes have the same number, so the
rules of logical slots run on this record as they are.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.resource_profile import matching_table
from slotspec.models.common.settings import choice, switch
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
from slotspec.statemachine.declaration.effects import Effects, effect
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


class Effect(Effects):
    """What an operation tells the outside, in order; the first six are those of logical slots."""

    PAYLOAD_FAIL = effect("payload", "cause")
    """LogicalSlot.Payload.fail"""
    RETURN_SLOT = effect("slot")
    """SlotOwner.returnLogicalSlot"""
    RELEASE_DONE = effect("slot")
    """the release future completes"""
    RELEASE_FAILED = effect("slot")
    """the release future fails"""
    PHYSICAL_ASSIGN = effect("physical", "slot", "accepted")
    """Never emitted here: the pool assigns the root as payload."""
    RAISES = effect("raised")
    """the operation ends with an exception (:class:`Raised`); it is always the last effect"""
    LOGICAL_SLOT_FULFILLED = effect("slot", "root")
    """the caller's future completes with a logical slot in the root's physical slot"""
    LOGICAL_SLOT_FAILED = effect("slot", "cause")
    """the caller's future fails"""
    RELEASE_POOL_SLOT = effect("root", "cause")
    """AllocatedSlotActions.releaseSlot"""
    LISTED = effect("root", "with_group", "resolved")
    """one element of the answer to a query; of the `resolved` roots of its TaskExecutor,
    `with_group` have the group"""
    ANY_ORDER = effect("begins")
    """the effects from `begins` = 1 to `begins` = 0 come in an arbitrary order"""


class Cause(JavaExceptions):
    """The reason for a release or a failure."""

    OTHER = 0, "RuntimeException"
    FLINK = 1, "FlinkException"
    """Also when a slot loses its last child."""
    TIMEOUT = 2, "TimeoutException"
    ILLEGAL_STATE = 3, "IllegalStateException"
    """The slot is oversubscribed, or its allocation is taken."""
    ABSENT = 4, "no cause"
    """null; only logical slots are released without a cause."""


class Raised(JavaExceptions):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0, "IllegalStateException"
    """A group is below itself, or another root is listed in the place of this one."""
    PAYLOADS_OWN = 1, "the payload's exception"
    """Never raised here: payloads do not throw."""
    ILLEGAL_ARGUMENT = 2, "IllegalArgumentException"
    """More is reserved than there is."""
    COMPLETION = 3, "CompletionException"
    """The physical slot failed."""
    CONCURRENT_MODIFICATION = 4, "ConcurrentModificationException"
    """A map of children has changed while they are being released. The rules prevent this."""


class Wanted(IntEnum):
    """What the scheduler does about a share as soon as it learns that another has ended."""

    NOTHING = 0
    ANOTHER = 1
    """It requests this one."""
    AGAIN = 2
    """It requests this one in place of the one that has ended, under the same id."""
    NAMESAKE = 3
    """It has done that."""
    CANCEL = 4
    """It cancels the execution, which returns its logical slot."""


multis = Sort(
    "multis",
    "Multi-task slots: roots, and co-location slots below them.",
    default=2,
    symmetric=True,
    prefix="m",
)
groups = Sort(
    "groups", "Job vertices and co-location groups.", default=2, symmetric=True, prefix="g"
)
task_managers = Sort("task_managers", "TaskExecutors.", default=1, symmetric=True, prefix="tm")
allocations = Sort(
    "allocations", "Allocation ids of physical slots.", default=1, symmetric=True, prefix="a"
)
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
    switch(
        "owner_releases",
        "Whether owners release the task slots of returned logical slots.",
        on=True,
    ),
    switch("repeated_groups", "Whether a group is requested again below a slot."),
    switch("taken_allocations", "Whether the pool answers with an allocation in use."),
    switch("small_slots", "Whether shares exceed what their slot has."),
    switch("deployments", "Whether executions are deployed to logical slots.", on=True),
    switch("late_calls", "Whether callers call slots that have left the tables."),
    switch("callbacks", "Whether the scheduler calls back while a slot is released."),
)


class SlotSharingState(LogicalSlotState):
    """The state of one SlotSharingManager, and of all task slots that can be called."""

    # multi-task slots
    multi: Array = per(multis, MultiTaskSlot, "Each multi-task slot.")
    multi_registration: Array = per(
        multis, TaskSlotRegistration, "Whether the manager finds it by its id.", label="{}"
    )
    context: Array = per(
        multis,
        SlotContextFuture,
        "Whether its physical slot is known.",
        label="physical slot of {}",
    )
    listing: Array = per(
        multis, RootListing, "The table of roots that it is in.", label="{} as a root"
    )
    parent: Array = per(multis, ref(multis), "The slot that it was created below; a root has none.")
    group: Array = per(multis, ref(groups), "Its group; a root has none.")
    multi_held: Array = per(
        multis, FLAG, "It is in its parent's map.", label="{} is its parent's child"
    )
    special: Array = per(
        multis,
        number(2),
        "Whether its reservation is a vector (a Special).",
        label="{} has reserved a vector (0), UNKNOWN (1), ANY (2)",
    )
    reserved: Array = per(
        reservations,
        number(largest_amount),
        "The amount of each resource that is reserved.",
        label="reserved in {}",
    )
    tm: Array = per(multis, ref(task_managers), "A root's TaskExecutor, once known.")
    allocation: Array = per(
        multis, ref(allocations), "A root's allocation, once known.", label="allocation of {}"
    )
    profile: Array = per(multis, ref(profiles), "The profile of its physical slot, once known.")
    failure: Array = per(multis, number(4), "Why a root has no physical slot (a Cause).")
    releasing: Array = per(multis, FLAG, "It is releasing its children.", scratch=True)
    changed: Array = per(multis, FLAG, "Its map has changed since then.", scratch=True)

    # roots
    has_roots: Array = per(
        task_managers,
        FLAG,
        "The manager has a map of its resolved roots.",
        label="{} has a map of roots",
    )
    unresolved: Array = per(root_places, ref(multis), "Unresolved roots, if order matters.")
    resolved: Array = per(root_places, ref(multis), "Resolved roots, if order matters.")
    tm_order: Array = per(tm_places, ref(task_managers), "Those with roots, if order matters.")

    # single-task slots; the logical slots that they become are fields of the base class
    single: Array = per(slots, SingleTaskSlot, "Each single-task slot.")
    single_registration: Array = per(
        slots, TaskSlotRegistration, "Whether the manager finds it by its id.", label="{}"
    )
    future: Array = per(
        slots, LogicalSlotFuture, "The future of its logical slot.", label="logical slot of {}"
    )
    single_parent: Array = per(slots, ref(multis), "The slot that it was created below.")
    single_group: Array = per(slots, ref(groups), "Its group.")
    single_held: Array = per(
        slots, FLAG, "It is in its parent's map.", label="{} is its parent's child"
    )
    single_profile: Array = per(slots, ref(profiles), "What it reserves.")
    leaving: Array = per(slots, FLAG, "A release above it has not reached it yet.", scratch=True)
    wanted: Array = per(
        slots, number(4), "What the scheduler will do with it (a Wanted).", scratch=True
    )

    # constants; the first three replace bounds of the logical slots' own model
    reactions: int = constant("Payloads and owners call back.", lambda _: 1)
    faults: int = constant("They never throw.", lambda _: 0)
    fatal_faults: int = constant("No fault ends the process.", lambda _: 0)
    resource_count: int = constant("The number of resources.", lambda g: len(scales_of(g)))
    amounts: Array = constant("For each profile (row), the amount of each resource.", amount_table)
    specials: Array = constant("For each profile, its Special.", special_table)
    satisfies: Array = constant(
        "Whether a slot of a profile (row) can serve another one (column).",
        lambda g: matching_table(profiles_of(g), g["matching"]),
    )
    most_reserved: int = choice("most_reserved", "The bound of reservations.")
    owner_releases: int = choice("owner_releases", "Owners release task slots.")
    repeated_groups: int = choice("repeated_groups", "Groups are requested again.")
    taken_allocations: int = choice("taken_allocations", "Allocations clash.")
    small_slots: int = choice("small_slots", "Slots may be too small.")
    late_calls: int = choice("late_calls", "Callers call slots that have left.")
    callbacks: int = choice("callbacks", "The scheduler calls back.")
    map_order: int = choice("map_order", "The order of the tables of roots.")
