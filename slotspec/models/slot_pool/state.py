"""The state of a slot pool: the fields of SlotPoolImpl as a record of small integers.

Three ideas keep it small. An allocation id that the pool generates is *identified with the
request record* that it was generated for, since a request is sent at most once; only the ids
that others generate (``foreign_allocations``) are extra. A slot is kept under its allocation
id, since the pool's maps are keyed by it. Times are *ages*, so that nothing grows.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.resource_profile import CATALOGUE, matching_table
from slotspec.models.common.settings import (
    choice,
    following_clock,
    longest,
    longest_age,
    profiles_of,
    switch,
)
from slotspec.models.slot_pool.lifecycles import (
    LeakedSlot,
    Payload,
    PhysicalSlot,
    Pool,
    ResourceManagerConnection,
    SlotRequest,
    TaskManagerRegistration,
)
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
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
from slotspec.statemachine.declaration.rules import Array


class Effect(Effects):
    """What an operation tells the world, in order."""

    REQUEST_SLOT = effect("rm", "allocation", "profile")
    """ResourceManagerGateway.requestSlot"""
    CANCEL_SLOT_REQUEST = effect("rm", "allocation")
    """ResourceManagerGateway.cancelSlotRequest"""
    FREE_SLOT = effect("tm", "allocation")
    """TaskManagerGateway.freeSlot"""
    REQUEST_FULFILLED = effect("request", "allocation")
    """the caller's future gets a slot"""
    REQUEST_FAILED = effect("request", "error", "root")
    """the caller's future gets an error, an :class:`Error` with a :class:`Root`"""
    PAYLOAD_RELEASED = effect("allocation")
    """PhysicalSlot.Payload.release"""
    RAISES = effect("raised")
    """the operation ends with an exception (:class:`Raised`); it is always the last effect"""
    LISTED = effect("allocation", "allocated", "available", "leak")
    """an element of a query's answer, with the numbers of slots of its TaskExecutor; `leak` is
    its leak record, or NONE"""
    ANY_ORDER = effect("begins")
    """the effects from here (1) to the next one (0) come in an arbitrary order"""


class Error(JavaExceptions):
    """What a caller's future fails with."""

    RELEASED = 0, "FlinkException"
    """The job released the request."""
    NO_RESOURCE = 1, "NoResourceAvailableException"
    """The ResourceManager failed."""
    TIMEOUT = 2, "TimeoutException"
    """The request timed out."""
    GIVEN = 3, "the given cause"
    """The very cause that fail_allocation was called with."""


class Root(IntEnum):
    """The deepest cause of such an error."""

    ITSELF = 0
    GIVEN = 1
    """The cause that the operation was called with."""


class Raised(JavaExceptions):
    """Exceptions that operations raise."""

    NULL_POINTER = 0, "NullPointerException"
    """The pool was never started."""
    UNSUPPORTED = 1, "UnsupportedOperationException"
    """An UNKNOWN slot was compared (1.13)."""


class Cause(IntEnum):
    """Why the job, a TaskExecutor or the ResourceManager gives something up."""

    OTHER = 0
    UNFULFILLABLE = 1
    """UnfulfillableSlotRequestException somewhere in its chain: final even for batch."""
    TIMEOUT = 2
    """A TimeoutException."""
    ABSENT = 3
    """null."""


class Timer(IntEnum):
    """The two checks that the pool schedules for itself."""

    UNUSED = 0
    IDLE_CHECK = 1
    BATCH_CHECK = 2


task_managers = Sort(
    "task_managers", "TaskExecutors, by ResourceID.", default=2, symmetric=True, prefix="tm"
)
slot_indices = Sort("slot_indices", "Slot numbers at one TaskExecutor.", default=1, symmetric=True)
requests = Sort(
    "requests",
    "Records of requests alive at a time, each with an allocation id of its own.",
    default=2,
    symmetric=True,
    prefix="a",  # the number of a request record is that of its own allocation id
)
request_ids = Sort(
    "request_ids", "SlotRequestIds in use at a time.", default=2, symmetric=True, prefix="r"
)
foreign_allocations = Sort(
    "foreign_allocations",
    "Allocation ids that this pool did not generate (stale, or of an earlier leader).",
    default=1,
    minimum=0,
    symmetric=True,
    prefix="x",
)
allocations = Sort("allocations", "Allocation ids.", parts=(requests, foreign_allocations))
profiles = Sort(
    "profiles",
    "Resource profiles: small, large, unknown, any.",
    default=2,
    maximum=len(CATALOGUE),
)
gateways = Sort(
    "gateways", "ResourceManager leaders, by gateway.", default=1, symmetric=True, prefix="rm"
)
leaks = Sort("leaks", "Slots that may have leaked at a time.", default=0, minimum=0)
timers = Sort("timers", "Scheduled checks at a time: two for each start.", default=0, minimum=0)
queue_places = Sort("queue_places", "Positions in a queue.", parts=(requests,), ordered=True)
judged_places = Sort(
    "judged_places", "Positions among the judged.", parts=(requests, requests), ordered=True
)

BOUNDS = (
    Bound("idle_timeout", "Idle slot timeout in ticks; 0: no time passes.", 0, 0, 20),
    Bound("batch_timeout", "Batch request timeout in ticks; 0: no time passes.", 0, 0, 20),
    switch("batch_requests", "Whether the job makes batch requests."),
    switch("payloads", "Whether the job puts payloads into slots."),
    switch("reused_ids", "Whether the job uses a request id again while it is in use."),
    switch("unstarted", "Whether operations come before the first start."),
)


def _longest_idle(setting: Setting) -> int:
    """One more than a slot can be idle while the checks run."""
    return int(2 * setting["idle_timeout"] + 1)


class SlotPoolState(Record):
    """The state of one SlotPoolImpl, and of the futures that it has returned."""

    # the pool and its connections
    pool: Array = single(Pool, "The pool itself.", label="pool")
    executor: int = scalar(FLAG, "It has a main thread: it was started at least once.")
    job_master: int = scalar(FLAG, "It has a job master id.")
    connection: Array = single(ResourceManagerConnection, "The ResourceManager.")
    gateway: int = scalar(
        ref(gateways), "The present ResourceManager gateway.", label="connected to"
    )
    registration: Array = per(
        task_managers, TaskManagerRegistration, "Each TaskExecutor.", label="{}"
    )
    batch_check: int = scalar(
        FLAG, "The batch timeout check is enabled.", initial=1, label="batch timeout check"
    )

    # requests: one record for each call
    request: Array = per(requests, SlotRequest, "The future that the call returned.")
    request_id: Array = per(requests, ref(request_ids), "Its SlotRequestId.")
    request_profile: Array = per(requests, ref(profiles), "The profile it asks for.")
    batch: Array = per(requests, FLAG, "It is a batch request.")
    waited: Array = per(requests, FLAG, "It waited for a ResourceManager before it was sent.")
    sent_to: Array = per(requests, ref(gateways), "The gateway it was sent to.")
    stored_allocation: Array = per(
        requests,
        ref(allocations),
        "The allocation it is pending under; inherited by a remap.",
        label="{} pending under",
    )
    call_open: Array = per(requests, FLAG, "The ResourceManager has not answered its call.")
    unfulfillable: Array = per(
        requests,
        FLAG,
        "The batch check found no matching slot for it.",
        label="{} found unfulfillable",
    )
    unfulfillable_for: Array = per(
        requests,
        number(lambda g: g["batch_timeout"]),
        "How long ago the check first found that.",
        label="{} unfulfillable for",
    )
    pending: Array = per(queue_places, ref(requests), "Requests sent, oldest first.")
    waiting: Array = per(queue_places, ref(requests), "Requests not sent, oldest first.")

    # slots: one record for each allocation id
    slot: Array = per(allocations, PhysicalSlot, "The slot under this allocation.")
    slot_tm: Array = per(allocations, ref(task_managers), "The TaskExecutor that offered it.")
    slot_index: Array = per(allocations, ref(slot_indices), "Its number there.")
    slot_profile: Array = per(allocations, ref(profiles), "Its profile.")
    slot_request: Array = per(allocations, ref(request_ids), "The request id it serves.")
    payload: Array = per(allocations, Payload, "What runs in it.", label="payload of {}")
    idle_for: Array = per(
        allocations,
        number(_longest_idle),
        "How long it has been available.",
        label="{} available for",
    )
    entered: Array = per(
        allocations, number(0), "When it entered the allocated slots, as a serial number."
    )

    # slots that only the index by TaskExecutor still knows
    leaked: Array = per(leaks, LeakedSlot, "A leaked slot.")
    leaked_allocation: Array = per(leaks, ref(allocations), "Its allocation.")
    leaked_tm: Array = per(leaks, ref(task_managers), "Its TaskExecutor.")
    leaked_index: Array = per(leaks, ref(slot_indices), "Its number there.")
    leaked_profile: Array = per(leaks, ref(profiles), "Its profile.")
    leaked_payload: Array = per(leaks, FLAG, "A payload runs in it.")

    # time
    timer: Array = per(timers, number(2), "Which check is scheduled (a Timer), oldest first.")
    due_in: Array = per(
        timers, number(lambda g: max(g["idle_timeout"], g["batch_timeout"])), "When it runs."
    )
    clock: int = scalar(number(0), "Time since the beginning; only where a clock is followed.")
    serial: int = scalar(number(0), "Last serial number given; likewise.")
    judged: Array = per(judged_places, ref(request_ids), "Ids to be timed out.", scratch=True)

    # constants
    satisfies: Array = constant(
        "Answer of comparing slot profile (row) and wanted profile (column).",
        lambda g: matching_table(list(profiles_of(g).values()), g["matching"]),
    )
    profile_count: int = constant("Width of `satisfies`.", lambda g: len(profiles_of(g)))
    idle_timeout: int = choice("idle_timeout", "Idle slot timeout.")
    batch_timeout: int = choice("batch_timeout", "Batch request timeout.")
    longest_idle: int = constant("Ages of slots stop here.", longest_age(_longest_idle))
    longest_unfulfillable: int = constant("Ages of marks stop here.", longest("batch_timeout"))
    follow_clock: int = following_clock("Clock and map order are kept (to follow a recording).")
    reused_ids: int = choice("reused_ids", "Request ids are reused.")
    unstarted: int = choice("unstarted", "Operations before the first start.")
    offered_slot: int = choice("offered_slot", "Who gets an offered slot.")
    orphaned_allocation: int = choice("orphaned_allocation", "What an orphan becomes.")
    repeated_id: int = choice("repeated_id", "Where a repeated pending id goes.")
    removal: int = choice("removal", "Which queue entry is removed.")
    ignored_failure: int = choice("ignored_failure", "What an ignored failure does.")
    cancel_order: int = choice("cancel_order", "Order of cancels at the end.")
    release_cause: int = choice("release_cause", "What a released caller learns.")
