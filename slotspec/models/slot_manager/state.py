"""The state of a SlotManager: the fields of SlotManagerImpl as a record of small integers.

Request objects, calls and queries outlive their entries in the maps, so each has a record of its
own. A record comes from the *block* of its allocation, slot or connection, so that equal
situations are equal states. Times are *ages*, so that nothing grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.resource_profile import CATALOGUE, ResourceProfile, matching_table
from slotspec.models.common.settings import choice, following_clock, longest, profiles_of, switch
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    ManagerRequest,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
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
from slotspec.statemachine.errors import UsageError


class Effect(Effects):
    """Calls and answers that an operation causes, in order."""

    REQUEST_SLOT = effect("call", "slot", "request")
    """TaskExecutorGateway.requestSlot"""
    CAN_BE_RELEASED = effect("query", "instance")
    """TaskExecutorGateway.canBeReleased"""
    ALLOCATE_RESOURCE = effect("granted")
    """ResourceActions.allocateResource: the manager asks for a worker; `granted` is 1 or 0."""
    RELEASE_RESOURCE = effect("instance")
    """ResourceActions.releaseResource"""
    ALLOCATION_FAILED = effect("allocation", "job", "failure")
    """ResourceActions.notifyAllocationFailure, with a :class:`Failure`."""
    RAISES = effect("raised")
    """The operation ends with an exception (:class:`Raised`)."""
    COUNTED = effect("size", "number")
    """One number of a query's answer, with a :class:`Size`."""


class Failure(JavaExceptions):
    """Why a JobMaster is told that its allocation failed."""

    TASK_MANAGER_LOST = 0, "FlinkException"
    """The TaskExecutor is no longer connected."""
    SLOT_GONE = 1, "SlotManagerException"
    """The manager is suspended, or the slot is registered again."""
    TIMED_OUT = 2, "TimeoutException"
    UNFULFILLABLE = 3, "UnfulfillableSlotRequestException"


class Raised(JavaExceptions):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0, "IllegalStateException"
    """The manager is not started, or an internal check failed."""
    UNSUPPORTED = 1, "UnsupportedOperationException"
    """An UNKNOWN slot was compared (1.13)."""
    UNFULFILLABLE = 2, "ResourceManagerException"
    """Its cause is an UnfulfillableSlotRequestException."""


class Size(IntEnum):
    """What the query ``counts`` counts."""

    REGISTERED = 0
    FREE = 1
    PENDING_SLOTS = 2
    PENDING_REQUESTS = 3
    ASSIGNED_PENDING_SLOTS = 4
    REQUIRED_WORKERS = 5


class Check(IntEnum):
    """The two checks that the manager schedules for itself."""

    UNUSED = 0
    TASK_MANAGERS = 1
    REQUESTS = 2


class Answer(IntEnum):
    """How a TaskExecutor has answered whether it may be released."""

    NONE_YET = 0
    YES = 1
    NO = 2


OK = 0
"""A step went well."""
ILLEGAL_STATE = -2
"""A step ended with IllegalStateException; its effects so far remain."""
UNSUPPORTED = -3
"""A step ended with UnsupportedOperationException (1.13)."""
UNFULFILLABLE = -4
"""A step ended with UnfulfillableSlotRequestException."""


instances = Sort("instances", "Connections of TaskExecutors, by InstanceID.", default=2, prefix="i")
slots = Sort("slots", "Slots of TaskExecutors, by SlotID.", default=2)
slot_places = Sort("slot_places", "Positions in a list of slots.", parts=(slots,), ordered=True)
reported_places = Sort(
    "reported_places",
    "What each connection reported, by position.",
    factors=(instances, slot_places),
)
report_entries = Sort("report_entries", "Entries of one slot report.", default=2, ordered=True)
allocations = Sort("allocations", "Allocation ids.", default=2, prefix="a")
jobs = Sort("jobs", "Jobs, by JobID.", default=1, symmetric=True, prefix="j")
profiles = Sort(
    "profiles",
    "Resource profiles: small, large, unknown, any.",
    default=1,
    maximum=len(CATALOGUE),
)
requests = Sort(
    "requests", "Request objects alive at a time: a block for each allocation id.", default=4
)
request_places = Sort("request_places", "Positions of requests.", parts=(requests,), ordered=True)
calls = Sort("calls", "Calls alive at a time: a block for each slot.", default=6)
queries = Sort(
    "queries", "Queries alive at a time: a block for each connection.", default=0, minimum=0
)
pending_slots = Sort(
    "pending_slots", "Slots expected from workers that were asked for.", default=2, prefix="p"
)
pending_places = Sort(
    "pending_places", "Positions of pending slots.", parts=(pending_slots,), ordered=True
)
instance_places = Sort(
    "instance_places", "Positions of registrations.", parts=(instances,), ordered=True
)
timers = Sort("timers", "Checks scheduled at a time: two for each start.", default=0, minimum=0)
main_places = Sort(
    "main_places",
    "Positions in the queue of the main thread.",
    parts=(calls, queries, timers),
    ordered=True,
)

BOUNDS = (
    Bound(
        "task_managers", "TaskExecutors; slots and connections belong to them in rotation.", 1, 1, 8
    ),
    Bound("task_manager_timeout", "Idle timeout of TaskExecutors in ticks; 0: no time.", 0, 0, 20),
    Bound("slot_request_timeout", "Request timeout in ticks; 0: no time.", 0, 0, 20),
    Bound("slots_per_worker", "Slots of each new worker.", 1, 1, 8),
    Bound("max_slots", "Maximum number of slots, registered and expected.", 2, 0, 100),
    Bound("redundant_task_managers", "Workers to keep in reserve (1.12, 1.13).", 0, 0, 8),
    switch("workers", "Whether new workers are granted at all (0: standalone).", on=True),
    switch("moody_resources", "Whether workers may stop being granted, and be granted again."),
    switch("spread", "Least utilized TaskExecutors first."),
    switch("wait_result_consumed", "Idle TaskExecutors are asked before they are released."),
    switch("auto_run", "The main thread runs everything at the end of an operation.", on=True),
    switch("iteration_order", "0: oldest first; 1: any order."),
    switch(
        "occupied_answers", "Whether a TaskExecutor may answer that a slot is occupied.", on=True
    ),
    switch("cancelled_answers", "Whether a call may fail with a cancellation.", on=True),
    switch("reports", "Whether TaskExecutors report their slots in heartbeats.", on=True),
    switch("fail_flag", "Whether unfulfillable requests may be tolerated temporarily."),
)


def _default_profile(setting: Setting) -> int:
    return int(setting.choices.get("default_profile", 0))


def _is_default(found: Sequence[ResourceProfile], default: int) -> list[int]:
    return [int(profile == found[default]) for profile in found]


CALLS_PER_SLOT = 3
"""Calls for a slot that may be alive at a time: one, and two more that a step may add."""


def _fits(setting: Setting) -> int:
    """1 if there are enough records for what the other bounds allow.

    :raises UsageError: ``SET002`` if a run would miss something for lack of records.
    """
    if setting.choices.get("follow_clock"):
        return 1
    bounds = setting.bounds
    _at_least(bounds, "pending_slots", int(setting["max_slots"]), "max_slots may be expected")
    _at_least(bounds, "requests", bounds["allocations"], "each allocation id has a block")
    _at_least(bounds, "calls", CALLS_PER_SLOT * bounds["slots"], "each slot has a block")
    own = -(-bounds["slots"] // bounds["task_managers"])
    _at_least(bounds, "report_entries", own, "a TaskExecutor reports all of its slots")
    if bounds["timers"]:
        _at_least(bounds, "timers", 2, "each start schedules two")
    if bounds["timers"] and bounds["wait_result_consumed"]:
        questions = bounds["timers"] * bounds["instances"]
        _at_least(bounds, "queries", questions, "each connection has a block, and each timer one")
    return 1


def _at_least(bounds: Mapping[str, int], name: str, wanted: int, reason: str) -> None:
    if bounds[name] < wanted:
        raise UsageError(
            "SET002", f"bound {name}={bounds[name]} is too small ({reason}); set {name}={wanted}"
        )


class SlotManagerState(Record):
    """The state of one SlotManagerImpl, and of the calls that it has made."""

    # the manager
    manager: Array = single(Manager, "The manager itself.")
    fail_unfulfillable: int = scalar(FLAG, "Unfulfillable requests fail at once.", initial=1)
    resources_granted: int = scalar(FLAG, "A new worker will be granted.", initial=1)

    # slots, by name
    slot: Array = per(slots, TaskManagerSlot, "The slot of this name.")
    slot_instance: Array = per(slots, ref(instances), "The connection that reported it.")
    slot_profile: Array = per(slots, ref(profiles), "Its profile.")
    slot_allocation: Array = per(slots, ref(allocations), "The allocation in it.")
    slot_job: Array = per(slots, ref(jobs), "The job of that allocation.")
    slot_request: Array = per(slots, ref(requests), "The request that it was assigned to.")
    slot_serial: Array = per(slots, number(0), "A serial number for when it was registered.")
    free: Array = per(slot_places, ref(slots), "Free slots, oldest first.")
    fulfilled: Array = per(allocations, ref(slots), "The slot that carries this allocation.")
    fulfilled_serial: Array = per(
        allocations, number(0), "A serial number for when that was entered."
    )

    # registrations, by connection
    registration: Array = per(instances, ManagedTaskManager, "This connection.")
    reported: Array = per(reported_places, ref(slots), "The slot names that it reported.")
    free_count: Array = per(
        instances, number(lambda g: g["report_entries"]), "Its own count of free slots."
    )
    idle_for: Array = per(
        instances, number(lambda g: g["task_manager_timeout"]), "How long it has been idle."
    )
    registrations: Array = per(instance_places, ref(instances), "All of them, oldest first.")

    # requests: one record for each object
    request: Array = per(requests, ManagerRequest, "The request.")
    request_allocation: Array = per(requests, ref(allocations), "Its allocation id.")
    request_job: Array = per(requests, ref(jobs), "Its job.")
    request_profile: Array = per(requests, ref(profiles), "The profile it asks for.")
    request_age: Array = per(
        requests, number(lambda g: g["slot_request_timeout"]), "How long ago it was registered."
    )
    request_call: Array = per(requests, ref(calls), "The call it waits for.")
    reservation: Array = per(requests, ref(pending_slots), "The pending slot reserved for it.")
    entered: Array = per(request_places, ref(requests), "Requests in the map, oldest first.")

    # slots that are expected
    pending: Array = per(pending_slots, PendingTaskManagerSlot, "An expected slot.")
    pending_request: Array = per(pending_slots, ref(requests), "The request it is reserved for.")
    pending_serial: Array = per(
        pending_slots, number(0), "Its number among all that were ever expected; only with a clock."
    )
    expected: Array = per(pending_places, ref(pending_slots), "All of them, oldest first.")

    # calls to TaskExecutors
    call: Array = per(calls, SlotCall, "The future of a requestSlot call.")
    call_slot: Array = per(calls, ref(slots), "The slot that it asks for.")
    call_allocation: Array = per(calls, ref(allocations), "The allocation that it asks for.")
    call_job: Array = per(calls, ref(jobs), "The job that it asks for.")
    found_allocation: Array = per(
        calls, ref(allocations), "The allocation that occupies the slot instead."
    )
    found_job: Array = per(calls, ref(jobs), "The job of that allocation.")
    answered: Array = per(calls, FLAG, "The TaskExecutor has answered; only with a clock.")
    query: Array = per(queries, IdleQuery, "A query whether to release a connection.")
    query_instance: Array = per(queries, ref(instances), "The connection that it asks.")
    query_answer: Array = per(queries, number(2), "The answer (an Answer).")

    # the main thread's queue: each place holds one of the three
    main_call: Array = per(main_places, ref(calls), "The outcome of this call.")
    main_query: Array = per(main_places, ref(queries), "The answer to this query.")
    main_check: Array = per(main_places, number(2), "A check (a Check).")

    # time
    timer: Array = per(timers, number(2), "Which check is scheduled (a Check), oldest first.")
    due_in: Array = per(
        timers,
        number(lambda g: max(g["task_manager_timeout"], g["slot_request_timeout"])),
        "When it runs.",
    )
    cancellable: Array = per(timers, FLAG, "It belongs to the newest start.")
    clock: int = scalar(number(0), "Time since the beginning; only if a clock is followed.")
    serial: int = scalar(number(0), "The last serial number; only if a clock is followed.")
    made: int = scalar(number(0), "How many slots were ever expected; only if a clock is followed.")

    # the slot report that an operation receives
    report_slot: Array = per(report_entries, ref(slots), "The name of a slot.", scratch=True)
    report_profile: Array = per(report_entries, ref(profiles), "Its profile.", scratch=True)
    report_allocation: Array = per(
        report_entries, ref(allocations), "The allocation in it.", scratch=True
    )
    report_job: Array = per(report_entries, ref(jobs), "The job of that allocation.", scratch=True)
    late: Array = per(instance_places, ref(instances), "Idle too long.", scratch=True)

    # constants
    satisfies: Array = constant(
        "Whether a slot profile (row) matches a requested profile (column): an Answer.",
        lambda g: matching_table(list(profiles_of(g).values()), g["matching"]),
    )
    profile_count: int = constant("Width of `satisfies`.", lambda g: len(profiles_of(g)))
    default_profile: int = constant("The profile of slots of new workers.", _default_profile)
    is_default: Array = constant(
        "Whether a profile equals the default one.",
        lambda g: _is_default(list(profiles_of(g).values()), _default_profile(g)),
    )
    task_managers: int = choice("task_managers", "Number of TaskExecutors.")
    task_manager_timeout: int = choice("task_manager_timeout", "Idle timeout.")
    slot_request_timeout: int = choice("slot_request_timeout", "Request timeout.")
    longest_idle: int = constant(
        "The largest idle time that is counted.", longest("task_manager_timeout")
    )
    longest_request: int = constant(
        "The largest age of a request that is counted.", longest("slot_request_timeout")
    )
    slots_per_worker: int = choice("slots_per_worker", "Slots of each new worker.")
    max_slots: int = choice("max_slots", "Maximum number of slots.")
    fits: int = constant("There are enough records.", _fits)
    redundant_task_managers: int = choice("redundant_task_managers", "Workers in reserve.")
    workers: int = choice("workers", "New workers are granted.")
    spread: int = choice("spread", "Least utilized TaskExecutors first.")
    wait_result_consumed: int = choice("wait_result_consumed", "Ask before releasing.")
    auto_run: int = choice("auto_run", "The main thread runs at the end of an operation.")
    cancelled_answers: int = choice("cancelled_answers", "A call may be cancelled.")
    idle_release: int = choice("idle_release", "Which idle TaskExecutors are released.")
    paired_slots: int = choice("paired_slots", "Which reported slots count as expected.")
    follow_clock: int = following_clock(
        "Keep the clock and the order of maps, to follow a recording."
    )
