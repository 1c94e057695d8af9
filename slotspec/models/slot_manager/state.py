"""What a SlotManager remembers: the fields of SlotManagerImpl as a record of small integers.

Request objects, calls and questions outlive their entries in the maps, so each has a record
of its own. A record is taken from a *block*: that of its allocation, its slot or its
TaskExecutor; so equal situations are equal states. Times are *ages*, so that nothing grows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.common.resource_profile import CATALOGUE, matching_table
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    ManagerRequest,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
)
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


class Effect(IntEnum):
    """What an operation tells the world, in order. Arguments in brackets."""

    REQUEST_SLOT = 0
    """(call, slot, request) TaskExecutorGateway.requestSlot"""
    CAN_BE_RELEASED = 1
    """(query, instance) TaskExecutorGateway.canBeReleased"""
    ALLOCATE_RESOURCE = 2
    """(granted) ResourceActions.allocateResource: a worker is asked for"""
    RELEASE_RESOURCE = 3
    """(instance) ResourceActions.releaseResource"""
    ALLOCATION_FAILED = 4
    """(allocation, job, Failure) ResourceActions.notifyAllocationFailure"""
    RAISES = 5
    """(Raised) the operation ends with an exception"""
    COUNTED = 6
    """(Size, number) an element of a query's answer"""


class Failure(IntEnum):
    """Why a JobMaster is told that its allocation failed."""

    TASK_MANAGER_LOST = 0
    """FlinkException: the TaskExecutor is no longer connected."""
    SLOT_GONE = 1
    """SlotManagerException: the manager is suspended, or the slot is registered anew."""
    TIMED_OUT = 2
    """TimeoutException."""
    UNFULFILLABLE = 3
    """UnfulfillableSlotRequestException."""


class Raised(IntEnum):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0
    """IllegalStateException: not started, or an internal check failed."""
    UNSUPPORTED = 1
    """UnsupportedOperationException: an UNKNOWN slot was compared (1.13)."""
    UNFULFILLABLE = 2
    """ResourceManagerException with cause UnfulfillableSlotRequestException."""


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
    """How a TaskExecutor has answered the question whether it may be released."""

    NONE_YET = 0
    YES = 1
    NO = 2


OK = 0
"""A step went well."""
ILLEGAL_STATE = -2
"""A step ended with IllegalStateException; what it did before stays."""
UNSUPPORTED = -3
"""A step ended with UnsupportedOperationException (1.13)."""
UNFULFILLABLE = -4
"""A step ended with UnfulfillableSlotRequestException."""


instances = Sort("instances", "Connections of TaskExecutors, by InstanceID.", default=2)
slots = Sort("slots", "Slots of TaskExecutors, by SlotID.", default=2)
slot_places = Sort("slot_places", "Positions in a list of slots.", parts=(slots,), ordered=True)
reported_places = Sort(
    "reported_places",
    "What each connection reported, by position.",
    factors=(instances, slot_places),
)
report_entries = Sort("report_entries", "Entries of one slot report.", default=2, ordered=True)
allocations = Sort("allocations", "Allocation ids.", default=2)
jobs = Sort("jobs", "Jobs, by JobID.", default=1, symmetric=True)
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
    "queries", "Questions alive at a time: a block for each connection.", default=0, minimum=0
)
pending_slots = Sort("pending_slots", "Slots expected of workers that were asked for.", default=2)
pending_places = Sort(
    "pending_places", "Positions of pending slots.", parts=(pending_slots,), ordered=True
)
instance_places = Sort(
    "instance_places", "Positions of registrations.", parts=(instances,), ordered=True
)
timers = Sort("timers", "Scheduled checks at a time: two for each start.", default=0, minimum=0)
main_places = Sort(
    "main_places",
    "Positions in the queue of the main thread.",
    parts=(calls, queries, timers),
    ordered=True,
)

BOUNDS = (
    Bound("task_managers", "TaskExecutors; slots and connections belong to them in turn.", 1, 1, 8),
    Bound("task_manager_timeout", "Idle timeout of TaskExecutors in ticks; 0: no time.", 0, 0, 20),
    Bound("slot_request_timeout", "Request timeout in ticks; 0: no time.", 0, 0, 20),
    Bound("slots_per_worker", "Slots of each new worker.", 1, 1, 8),
    Bound("max_slots", "Most slots, registered and expected.", 2, 0, 100),
    Bound("redundant_task_managers", "Workers to keep in reserve (1.12, 1.13).", 0, 0, 8),
    Bound("workers", "Whether new workers are granted at all (0: standalone).", 1, 0, 1),
    Bound("moody_resources", "Whether the grant of new workers may change.", 0, 0, 1),
    Bound("spread", "Least utilized TaskExecutors first.", 0, 0, 1),
    Bound(
        "wait_result_consumed", "Idle TaskExecutors are asked before they are released.", 0, 0, 1
    ),
    Bound("auto_run", "The main thread runs everything at the end of an operation.", 1, 0, 1),
    Bound("iteration_order", "0: oldest first; 1: any order.", 0, 0, 1),
    Bound(
        "occupied_answers", "Whether a TaskExecutor may answer that a slot is occupied.", 1, 0, 1
    ),
    Bound("cancelled_answers", "Whether a call may fail with a cancellation.", 1, 0, 1),
    Bound("reports", "Whether TaskExecutors report their slots in heartbeats.", 1, 0, 1),
    Bound("fail_flag", "Whether unfulfillable requests may be tolerated for a while.", 0, 0, 1),
)


def _profiles(setting: Setting) -> list[Any]:
    chosen = setting.choices.get("profiles")
    if chosen is not None:
        return list(chosen.values())
    return list(CATALOGUE.values())[: setting.bounds["profiles"]]


def _default_profile(setting: Setting) -> int:
    return int(setting.choices.get("default_profile", 0))


def _choice(name: str, description: str) -> Any:
    return constant(description, lambda setting: int(setting[name]))


def _longest(name: str) -> Callable[[Setting], int]:
    """The age at which time stops to matter; never, when a recorded clock is followed."""
    return lambda setting: 2**62 if setting.choices.get("follow_clock") else int(setting[name])


CALLS_PER_SLOT = 3
"""Calls for a slot that may be alive at a time: one, and two more that a step may make."""


def _fits(setting: Setting) -> int:
    """1 if there are records enough for what the other bounds allow.

    :raises UsageError: ``SET002`` where a run would miss something for want of records.
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
    """The state of one SlotManagerImpl, and of what it has set going."""

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
    slot_request: Array = per(slots, ref(requests), "The request that it was given to.")
    slot_serial: Array = per(slots, number(0), "When it was registered, as a serial number.")
    free: Array = per(slot_places, ref(slots), "Free slots, oldest first.")
    fulfilled: Array = per(allocations, ref(slots), "The slot that carries this allocation.")
    fulfilled_serial: Array = per(allocations, number(0), "When that was entered, likewise.")

    # registrations, by connection
    registration: Array = per(instances, ManagedTaskManager, "This connection.")
    reported: Array = per(reported_places, ref(slots), "The slot names it came with.")
    free_count: Array = per(
        instances, number(lambda g: g["report_entries"]), "Its own count of free slots."
    )
    idle_for: Array = per(
        instances, number(lambda g: g["task_manager_timeout"]), "How long it is idle."
    )
    registrations: Array = per(instance_places, ref(instances), "All of them, oldest first.")

    # requests: one record for each object
    request: Array = per(requests, ManagerRequest, "The request.")
    request_allocation: Array = per(requests, ref(allocations), "Its allocation id.")
    request_job: Array = per(requests, ref(jobs), "Its job.")
    request_profile: Array = per(requests, ref(profiles), "The profile it asks for.")
    request_age: Array = per(
        requests, number(lambda g: g["slot_request_timeout"]), "How long ago it was made."
    )
    request_call: Array = per(requests, ref(calls), "The call it waits for.")
    reservation: Array = per(requests, ref(pending_slots), "The pending slot reserved for it.")
    entered: Array = per(request_places, ref(requests), "Requests in the map, oldest first.")

    # slots that are expected
    pending: Array = per(pending_slots, PendingTaskManagerSlot, "An expected slot.")
    pending_request: Array = per(pending_slots, ref(requests), "The request it is reserved for.")
    pending_serial: Array = per(
        pending_slots, number(0), "Its number among all that were made; only with a clock."
    )
    expected: Array = per(pending_places, ref(pending_slots), "All of them, oldest first.")

    # calls to TaskExecutors
    call: Array = per(calls, SlotCall, "The future of a requestSlot call.")
    call_slot: Array = per(calls, ref(slots), "The slot it was made for.")
    call_allocation: Array = per(calls, ref(allocations), "The allocation it was made for.")
    call_job: Array = per(calls, ref(jobs), "The job it was made for.")
    found_allocation: Array = per(calls, ref(allocations), "What occupies the slot instead.")
    found_job: Array = per(calls, ref(jobs), "The job of that.")
    answered: Array = per(calls, FLAG, "The TaskExecutor has answered; only with a clock.")
    query: Array = per(queries, IdleQuery, "A question whether to release.")
    query_instance: Array = per(queries, ref(instances), "Whom it was put to.")
    query_answer: Array = per(queries, number(2), "The answer (an Answer).")

    # the main thread's queue: in each place one of the three
    main_call: Array = per(main_places, ref(calls), "The outcome of this call.")
    main_query: Array = per(main_places, ref(queries), "The answer to this question.")
    main_check: Array = per(main_places, number(2), "A check (a Check).")

    # time
    timer: Array = per(timers, number(2), "Which check is scheduled (a Check), oldest first.")
    due_in: Array = per(
        timers,
        number(lambda g: max(g["task_manager_timeout"], g["slot_request_timeout"])),
        "When it runs.",
    )
    cancellable: Array = per(timers, FLAG, "It belongs to the newest start.")
    clock: int = scalar(number(0), "Time since the beginning; only where a clock is followed.")
    serial: int = scalar(number(0), "Last serial number given; likewise.")
    made: int = scalar(number(0), "How many slots were expected so far; likewise.")

    # the report that an operation was called with
    report_slot: Array = per(report_entries, ref(slots), "Name of a slot.", scratch=True)
    report_profile: Array = per(report_entries, ref(profiles), "Its profile.", scratch=True)
    report_allocation: Array = per(report_entries, ref(allocations), "Its content.", scratch=True)
    report_job: Array = per(report_entries, ref(jobs), "The job of that.", scratch=True)
    paired: Array = per(pending_slots, FLAG, "A reported slot may use it up.", scratch=True)
    late: Array = per(instance_places, ref(instances), "Idle too long.", scratch=True)

    # constants
    satisfies: Array = constant(
        "Answer of comparing slot profile (row) and wanted profile (column).",
        lambda g: matching_table(_profiles(g), g["matching"]),
    )
    profile_count: int = constant("Width of `satisfies`.", lambda g: len(_profiles(g)))
    default_profile: int = constant("The profile of slots of new workers.", _default_profile)
    is_default: Array = constant(
        "Whether a profile equals the default one.",
        lambda g: [int(p == _profiles(g)[_default_profile(g)]) for p in _profiles(g)],
    )
    task_managers: int = _choice("task_managers", "Number of TaskExecutors.")
    task_manager_timeout: int = _choice("task_manager_timeout", "Idle timeout.")
    slot_request_timeout: int = _choice("slot_request_timeout", "Request timeout.")
    longest_idle: int = constant("Idle times stop here.", _longest("task_manager_timeout"))
    longest_request: int = constant("Ages of requests stop here.", _longest("slot_request_timeout"))
    slots_per_worker: int = _choice("slots_per_worker", "Slots of each new worker.")
    max_slots: int = _choice("max_slots", "Most slots.")
    fits: int = constant("There are records enough.", _fits)
    redundant_task_managers: int = _choice("redundant_task_managers", "Workers in reserve.")
    workers: int = _choice("workers", "New workers are granted.")
    spread: int = _choice("spread", "Least utilized TaskExecutors first.")
    wait_result_consumed: int = _choice("wait_result_consumed", "Ask before releasing.")
    auto_run: int = _choice("auto_run", "The main thread runs at the end of an operation.")
    cancelled_answers: int = _choice("cancelled_answers", "A call may be cancelled.")
    idle_release: int = _choice("idle_release", "Which idle TaskExecutors are released.")
    paired_slots: int = _choice("paired_slots", "Which reported slots count as expected.")
    follow_clock: int = constant(
        "Clock and map order are kept (to follow a recording).",
        lambda g: int(g.choices.get("follow_clock", 0)),
    )
