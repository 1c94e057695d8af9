"""The state of the fine-grained slot manager, as the record that its rules work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.orders import MOST, ORDERS
from slotspec.models.common.settings import choice, following_clock, longest, switch
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    ManagedTaskManager,
    Manager,
    PendingTaskManager,
    Requirement,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.resources import CATALOGUE, Resources, equal_split
from slotspec.models.fine_grained_slot_manager.versions import Strategy
from slotspec.statemachine.declaration.conditions import is_set
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
    """What the manager does to others, and how an operation ends."""

    REQUEST_SLOT = effect("allocation", "instance", "job", "profile")
    """TaskExecutorGateway.requestSlot"""
    CAN_BE_RELEASED = effect("query", "instance")
    """TaskExecutorGateway.canBeReleased"""
    FREE_INACTIVE_SLOTS = effect("instance", "job")
    """TaskExecutorGateway.freeInactiveSlots"""
    NOT_ENOUGH_RESOURCES = effect("job")
    """ResourceEventListener.notEnoughResourceAvailable; what the job has follows."""
    ACQUIRED = effect("job", "profile", "number")
    """Part of such a message: the job has so many slots of a profile."""
    DECLARE = effect()
    """ResourceAllocator.declareResourceNeeded; the declarations follow."""
    NEEDED = effect("total", "slots", "number")
    """Part of a declaration: so many workers of this kind are needed."""
    UNWANTED = effect("total", "slots", "instance")
    """Part of a declaration: this worker of the kind is not wanted."""
    ALLOCATE_RESOURCE = effect("granted")
    """ResourceActions.allocateResource (1.14); `granted` is 1 or 0."""
    RELEASE_RESOURCE = effect("instance")
    """ResourceActions.releaseResource (1.14)"""
    RAISES = effect("raised")
    """The operation ends with an exception (:class:`Raised`)."""
    DIES = effect("raised")
    """A fatal exception ends the process."""
    COUNTED = effect("size", "number")
    """One number of a query's answer, with a :class:`Size`."""
    COUNTED_RESOURCE = effect("resource", "total", "free")
    """Of a query's answer: how much there is of a resource, and how much is free."""
    COUNTED_JOB = effect("job")
    """Of a query's answer: a slot of the TaskExecutor belongs to this job."""


class Raised(JavaExceptions):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0, "IllegalStateException"
    ILLEGAL_ARGUMENT = 1, "IllegalArgumentException"
    NULL_POINTER = 2, "NullPointerException"


class Size(IntEnum):
    """What the query ``counts`` counts."""

    SLOTS = 0
    FREE_SLOTS = 1
    ASSIGNED_TASKS = 2
    REQUIRED_WORKERS = 3


class Timer(IntEnum):
    """What the manager has scheduled."""

    UNUSED = 0
    RECONCILE = 1
    """Periodic: look for idle TaskExecutors."""
    CHECK = 2
    """A delayed check of requirements."""
    DECLARE = 3
    """A delayed declaration."""


class Work(IntEnum):
    """What waits for the main thread."""

    NOTHING = 0
    RECONCILE = 1
    CHECK = 2
    DECLARE = 3
    CALL = 4
    """The answer to a call."""
    QUERY = 5
    """The answer to a question."""
    BATCH_DONE = 6
    BATCH_FAILED = 7


class Registration(IntEnum):
    """How a registration ends; 1.14 answers only whether the connection is known."""

    REJECTED = 0
    SUCCESS = 1
    IGNORED = 2


class Answer(IntEnum):
    """How a TaskExecutor has answered whether it may be released."""

    NONE_YET = 0
    """Not at all, or the question failed."""
    YES = 1
    NO = 2


OK = 0
"""A step went well."""
ILLEGAL_STATE = -2
"""A step ended with IllegalStateException; what was done before remains."""
ILLEGAL_ARGUMENT = -3
"""A step ended with IllegalArgumentException."""
NULL_POINTER = -4
"""A step ended with NullPointerException."""

jobs = Sort("jobs", "Jobs, by JobID.", default=1, prefix="j")
targets = Sort("targets", "Addresses of JobMasters.", default=1, prefix="jm-j")
applications = Sort("applications", "Applications (2.3).", default=1, prefix="app")
profiles = Sort("profiles", "Resource profiles: small, unknown, large.", default=1)
totals = Sort("totals", "What a TaskExecutor may have in total: worker, big.", default=1)
resources = Sort("resources", "Resources: cpu, memory.", default=2, minimum=2)
task_managers = Sort("task_managers", "TaskExecutors.", default=1, prefix="tm")
instances = Sort("instances", "Connections of TaskExecutors.", default=1, prefix="i")
allocations = Sort("allocations", "Allocation ids.", default=2, prefix="a")
pending_workers = Sort(
    "pending_workers", "Workers that were asked for, or might be.", default=1, minimum=0, prefix="p"
)
queries = Sort("queries", "Open questions.", default=0, minimum=0)
timers = Sort("timers", "Timers scheduled at a time.", default=2)
report_entries = Sort("report_entries", "Entries of one slot report.", default=1, ordered=True)
requirement_entries = Sort(
    "requirement_entries", "Entries of one list of requirements.", default=1, ordered=True
)

profile_places = Sort("profile_places", "Positions of profiles.", parts=(profiles,), ordered=True)
job_profiles = Sort("job_profiles", "A job and a profile.", factors=(jobs, profiles))
job_places = Sort("job_places", "Positions of a job's profiles.", factors=(jobs, profile_places))
job_pairs = Sort(
    "job_pairs", "A job, a requirement and a slot profile.", factors=(jobs, profiles, profiles)
)
job_pair_places = Sort(
    "job_pair_places",
    "A job, a profile and a position.",
    factors=(jobs, profiles, profile_places),
)
pairs = Sort("pairs", "Positions of pairs of profiles.", factors=(profiles, profile_places))
instance_resources = Sort(
    "instance_resources", "A connection and a resource.", factors=(instances, resources)
)
instance_places = Sort(
    "instance_places", "Positions of connections.", parts=(instances,), ordered=True
)
allocation_places = Sort(
    "allocation_places", "Positions of allocations.", parts=(allocations,), ordered=True
)
pending_places = Sort(
    "pending_places", "Positions of workers.", parts=(pending_workers,), ordered=True
)
pending_resources = Sort(
    "pending_resources", "A worker and a resource.", factors=(pending_workers, resources)
)
planned_slots = Sort(
    "planned_slots", "A worker, a job and a profile.", factors=(pending_workers, jobs, profiles)
)
planned_places = Sort(
    "planned_places",
    "A worker, a job and a position.",
    factors=(pending_workers, jobs, profile_places),
)
requested_slots = Sort(
    "requested_slots", "A connection, a job and a profile.", factors=(instances, jobs, profiles)
)
requested_places = Sort(
    "requested_places",
    "A connection, a job and a position.",
    factors=(instances, jobs, profile_places),
)
main_places = Sort(
    "main_places",
    "Positions in the queue of the main thread.",
    parts=(allocations, queries, timers, allocations),
    ordered=True,
)

BOUNDS = (
    Bound("strategy", "The Strategy; a release without it takes the first that fits.", 0, 0, 3),
    switch("allocator", "Whether workers can be asked for (0: standalone).", on=True),
    Bound("slots_per_worker", "Slots of the default profile in each worker.", 1, 1, 4),
    Bound("max_slots", "Maximum in small slots, as cpu and memory; 0: none.", 0, 0, 20),
    Bound("min_slots", "Minimum in small slots, as cpu and memory.", 0, 0, 20),
    Bound("redundant_task_managers", "Workers to keep in reserve.", 0, 0, 4),
    Bound("check_delay", "Delay of checks in ticks.", 0, 0, 4),
    Bound("declare_delay", "Delay of declarations in ticks.", 0, 0, 4),
    Bound("task_manager_timeout", "Idle timeout of TaskExecutors in ticks; 0: none.", 0, 0, 8),
    switch("wait_result_consumed", "Idle TaskExecutors are asked before release.", on=True),
    switch("auto_run", "The main thread runs everything at the end of an operation.", on=True),
    switch("iteration_order", "0: as recorded; 1: any order."),
    Bound("most_required", "Most slots that a job requires of one profile.", 1, 1, 8),
    Bound("reports", "Whether TaskExecutors report slots.", 0, 0, 2),
    switch("occupied_answers", "Whether an answer may be that a slot is occupied."),
    switch("failing_answers", "Whether a TaskExecutor may refuse a slot.", on=True),
    switch("losses", "Whether TaskExecutors are lost.", on=True),
    Bound("restarts", "1: the manager is suspended and started again; 2: also twice.", 0, 0, 2),
    switch("blocking", "Whether TaskExecutors are blocked."),
    switch("notify_flag", "Whether notifications are switched off and on."),
    switch("moody_resources", "Whether workers may stop being granted (1.14)."),
)


def resources_of(setting: Setting) -> Resources:
    """The resources of a recording, or those of a check."""
    given = setting.choices.get("resources_given")
    if given is not None:
        assert isinstance(given, Resources)
        return given
    return _split(tuple(sorted(setting.bounds.items())))


@lru_cache(maxsize=64)
def _split(bounds: tuple[tuple[str, int], ...]) -> Resources:
    return equal_split(dict(bounds))


def _resource(description: str, value: Callable[[Resources], Any]) -> Any:
    """A constant that follows from the resources."""
    return constant(description, lambda setting: value(resources_of(setting)))


def most(setting: Setting) -> int:
    """The largest amount of a resource that a check can count."""
    found = resources_of(setting)
    largest = max(found.table(found.totals) + found.table(found.profiles))
    return 2 * largest + setting.bounds["allocations"] * largest


def _strategy(setting: Setting) -> int:
    """The strategy, if this release has it; else the first TaskExecutor that fits."""
    known = setting["strategies"]
    return int(setting["strategy"]) if setting["strategy"] in known else int(Strategy.NONE)


def _unknown(found: Resources) -> int:
    """The number of the profile UNKNOWN; -1 if there is none."""
    return next((n for n, p in enumerate(found.profiles.values()) if p.unknown), -1)


def _largest(setting: Setting) -> int:
    """Small slots in the largest TaskExecutor of a check."""
    return int(setting.bounds["slots_per_worker"] + setting.bounds["totals"] - 1)


def _capacity(setting: Setting) -> int:
    return int(setting.bounds["instances"] * _largest(setting))


wants_spare_workers = is_set("redundant_task_managers") | is_set("min_slots")
"""Whether a plan may have workers that no slot is planned on."""


def has_several_slot_profiles(setting: Setting) -> bool:
    """Whether a check has slots of several profiles; slots for UNKNOWN are small."""
    return sum(not p.unknown for p in resources_of(setting).profiles.values()) > 1


def _most_workers(setting: Setting) -> int:
    bounds = setting.bounds
    wanted = bounds["jobs"] * bounds["profiles"] * bounds["most_required"]
    spare = bounds["redundant_task_managers"] + bounds["min_slots"]
    return int(wanted + spare)


def _most_refused(setting: Setting) -> int:
    """Workers that one plan of a check may need: small slots fill them up, large ones may not."""
    bounds, slots = setting.bounds, setting["slots_per_worker"]
    wanted = bounds["jobs"] * bounds["profiles"] * bounds["most_required"]
    if not has_several_slot_profiles(setting):
        wanted = -(-wanted // slots)
    return int(wanted + bounds["redundant_task_managers"] + -(-bounds["min_slots"] // slots))


def _fits(setting: Setting) -> int:
    """1 if the bounds leave room for what they allow.

    :raises UsageError: ``SET002`` if a run would miss something for lack of records.
    """
    if setting.choices.get("follow_clock"):
        return 1
    bounds = setting.bounds
    if bounds["profiles"] > len(CATALOGUE):
        _too_large("profiles", len(CATALOGUE), "a check knows no more profiles")
    if bounds["totals"] > 2:
        _too_large("totals", 2, "a check knows no more kinds of workers")
    if bounds["resources"] != 2:
        raise UsageError("SET002", "bound resources: a check has cpu and memory; set resources=2")
    _at_least(bounds, "allocations", _capacity(setting), "all slots may be requested")
    _at_least(bounds, "pending_workers", _most_workers(setting), "a plan may ask for as many")
    _at_least(bounds, "requirement_entries", bounds["profiles"], "a list may have all profiles")
    _tries_all_orders(setting)
    if bounds["reports"]:
        _at_least(bounds, "report_entries", bounds["allocations"], "a report may have all slots")
    needed = 1 + int(bounds["declare_delay"] > 0)
    needed += int(bool(bounds["allocator"] and bounds["task_manager_timeout"]))
    _at_least(bounds, "timers", needed, "each kind of timer may be scheduled")
    if bounds["task_manager_timeout"] and bounds["allocator"]:
        _at_least(bounds, "queries", 2 * bounds["instances"], "each connection is asked twice")
    return 1


def _tries_all_orders(setting: Setting) -> None:
    """Whether a check that tries any order tries all of them.

    Refused workers have an order that matters if some have a plan and others none. Four slots in
    a TaskExecutor as large as four small ones are all small.

    :raises UsageError: ``SET002`` if there are more than it tries.
    """
    if not setting["iteration_order"]:
        return
    if wants_spare_workers(setting) and _most_refused(setting) > MOST:
        raise UsageError(
            "SET002",
            f"bounds allow {_most_refused(setting)} refused workers: a check tries all orders of"
            f" at most {MOST}; set most_required=1 or iteration_order=0",
        )
    if has_several_slot_profiles(setting) and _largest(setting) > MOST + 1:
        raise UsageError(
            "SET002",
            f"bounds allow {_largest(setting)} small slots in a TaskExecutor: a check tries all"
            f" orders of at most {MOST} slots; set slots_per_worker={MOST} or iteration_order=0",
        )


def _too_large(name: str, most: int, reason: str) -> None:
    raise UsageError("SET002", f"bound {name} is too large ({reason}); set {name}={most}")


def _at_least(bounds: Mapping[str, int], name: str, wanted: int, reason: str) -> None:
    if bounds[name] < wanted:
        raise UsageError(
            "SET002", f"bound {name}={bounds[name]} is too small ({reason}); set {name}={wanted}"
        )


def _delay(g: Setting) -> int:
    return int(max(g["check_delay"], g["declare_delay"], g["task_manager_timeout"]))


_ORDER = number(ORDERS - 1)


class FineGrainedSlotManagerState(Record):
    """The state of one FineGrainedSlotManager, and of the calls that it has made."""

    # the manager
    manager: Array = single(Manager, "The manager itself.")
    notify: int = scalar(FLAG, "Jobs are told that resources are missing.", initial=1)
    resources_granted: int = scalar(FLAG, "A new worker will be granted (1.14).", initial=1)
    check_waiting: int = scalar(FLAG, "A delayed check counts as under way.")
    declare_waiting: int = scalar(FLAG, "A delayed declaration counts as under way.")

    # jobs: what they require, and which slots fulfil it
    target: Array = per(jobs, ref(targets), "The address of the JobMaster.")
    application: Array = per(jobs, ref(applications), "The application (2.3).")
    unfulfillable: Array = per(jobs, FLAG, "The last check could not serve the job.")
    requirement: Array = per(job_profiles, Requirement, "What a job requires of a profile.")
    required: Array = per(job_profiles, number(lambda g: 254), "How many slots of it.")
    required_order: Array = per(job_places, ref(profiles), "Its requirements, oldest first.")
    excess: Array = per(
        job_profiles, number(lambda g: g["allocations"]), "Slots that fulfil no requirement."
    )
    excess_order: Array = per(job_places, ref(profiles), "Their profiles, oldest first.")
    served: Array = per(
        job_pairs,
        number(lambda g: g["allocations"]),
        "How many slots of a profile (second) fulfil a requirement (first).",
    )
    fulfilled_order: Array = per(
        job_places, ref(profiles), "Requirements with slots, newest first."
    )
    fulfilled_by: Array = per(
        job_pair_places, ref(profiles), "Profiles of the slots of a requirement, oldest first."
    )
    serves_order: Array = per(job_places, ref(profiles), "Profiles of slots, newest first.")
    serves_for: Array = per(
        job_pair_places, ref(profiles), "Requirements that a profile serves, oldest first."
    )

    # TaskExecutors, by connection
    registration: Array = per(instances, ManagedTaskManager, "This connection.")
    owner: Array = per(instances, ref(task_managers), "Its TaskExecutor.")
    total: Array = per(instances, ref(totals), "What it has in total.")
    default_slot: Array = per(instances, ref(profiles), "Its default profile.")
    unused: Array = per(instance_resources, number(most), "Its total, less ALLOCATED slots.")
    idle_for: Array = per(
        instances, number(lambda g: g["task_manager_timeout"]), "How long it has been idle."
    )
    unwanted: Array = per(instances, FLAG, "It is marked for release.")
    blocked: Array = per(task_managers, FLAG, "This TaskExecutor is blocked.")

    # slots, by allocation
    slot: Array = per(allocations, ManagedSlot, "The slot of this allocation.")
    slot_job: Array = per(allocations, ref(jobs), "Its job.")
    slot_profile: Array = per(allocations, ref(profiles), "Its profile.")
    slot_instance: Array = per(allocations, ref(instances), "The connection that has it.")
    slot_known: Array = per(allocations, FLAG, "Its TaskExecutor's record knows it.")
    assigned_tasks: Array = per(allocations, number(0), "Tasks in it, as reported (2.3).")
    awaited: Array = per(allocations, FLAG, "The answer to its call is still waited for.")
    call: Array = per(allocations, SlotCall, "The call for it.")
    call_batch: Array = per(
        allocations, ref(allocations), "Its batch: the first call of that which is not decided."
    )

    # workers that are expected
    pending: Array = per(pending_workers, PendingTaskManager, "An expected worker.")
    planned: Array = per(
        planned_slots, number(lambda g: 254), "Slots of a job planned on it, by profile."
    )
    planned_order: Array = per(planned_places, ref(profiles), "Their profiles, oldest first.")
    expected: Array = per(pending_places, ref(pending_workers), "All of them, oldest first.")
    indexed: Array = per(
        pending_places, ref(pending_workers), "Those that a registration finds, oldest first."
    )
    pending_serial: Array = per(
        pending_workers, number(0), "Its number among all workers; only with a clock."
    )

    # questions, timers, the main thread
    query: Array = per(queries, IdleQuery, "A question whether to release a connection.")
    query_instance: Array = per(queries, ref(instances), "The connection that is asked.")
    query_answer: Array = per(queries, number(2), "The answer (an Answer).")
    timer: Array = per(timers, number(3), "What is scheduled (a Timer), oldest first.")
    due_in: Array = per(timers, number(_delay), "When it runs.")
    cancellable: Array = per(timers, FLAG, "It belongs to the newest start.")
    work: Array = per(main_places, number(7), "What waits for the main thread (a Work).")
    work_call: Array = per(main_places, ref(allocations), "The call that was answered.")
    work_query: Array = per(main_places, ref(queries), "The question that was answered.")
    refused_order: int = scalar(_ORDER, "The order in which refused workers are looked at.")
    leaving_order: int = scalar(_ORDER, "The order in which slots leave together.")
    clock: int = scalar(number(0), "Time since the beginning; only if a clock is followed.")
    made: int = scalar(number(0), "Workers asked for so far; only if a clock is followed.")
    given: int = scalar(number(0), "Where the next allocation is looked for; only with a clock.")

    # what an operation receives
    report_allocation: Array = per(report_entries, ref(allocations), "Reported.", scratch=True)
    report_job: Array = per(report_entries, ref(jobs), "Its job.", scratch=True)
    report_profile: Array = per(report_entries, ref(profiles), "Its profile.", scratch=True)
    report_tasks: Array = per(report_entries, number(0), "Tasks in it.", scratch=True)
    declared_profile: Array = per(
        requirement_entries, ref(profiles), "A profile that is required.", scratch=True
    )
    declared_count: Array = per(
        requirement_entries, number(lambda g: g["most_required"]), "How often.", scratch=True
    )
    leaving: Array = per(
        allocation_places, ref(allocations), "The order in which slots leave.", scratch=True
    )
    noted: Array = per(
        jobs, number(2), "1, 2: a recording says what a failed check notes.", scratch=True
    )

    # what a plan works on
    left: Array = per(instance_resources, number(most), "What a connection has left.", scratch=True)
    worker_left: Array = per(
        pending_resources, number(most), "What is left of a worker.", scratch=True
    )
    open_count: Array = per(
        profiles, number(lambda g: 254), "Slots of a job that no place is found for.", scratch=True
    )
    unserved: Array = per(jobs, FLAG, "A slot of the job fits nowhere.", scratch=True)
    requested: Array = per(
        requested_slots, number(lambda g: 254), "Slots to request at once.", scratch=True
    )
    requested_order: Array = per(requested_places, ref(profiles), "Their order.", scratch=True)
    draft: Array = per(
        planned_slots, number(lambda g: 254), "Slots planned on workers.", scratch=True
    )
    draft_order: Array = per(planned_places, ref(profiles), "Their order.", scratch=True)
    fresh: Array = per(pending_places, ref(pending_workers), "New workers.", scratch=True)
    refused: Array = per(pending_places, ref(pending_workers), "Refused ones.", scratch=True)
    heap: Array = per(instance_places, ref(instances), "Candidates, best first.", scratch=True)
    late: Array = per(instances, FLAG, "It is released now.", scratch=True)
    sum_left: Array = per(resources, number(lambda g: 254), "Spare resources.", scratch=True)
    sum_total: Array = per(resources, number(lambda g: 254), "All resources.", scratch=True)
    taken: Array = per(profiles, number(lambda g: 254), "Taken from excess.", scratch=True)
    move_requirement: Array = per(pairs, ref(profiles), "A move's requirement.", scratch=True)
    move_profile: Array = per(pairs, ref(profiles), "Its slot profile.", scratch=True)
    move_count: Array = per(pairs, number(lambda g: 254), "How many.", scratch=True)
    order: Array = per(
        instance_places,
        ref(instances),
        "The order in which a plan looks at connections; by number if it is not given.",
        scratch=True,
    )
    elsewhere: Array = per(
        allocations, FLAG, "Somebody else still knows this id, so it is not new.", scratch=True
    )
    is_going: Array = per(allocations, FLAG, "This slot leaves.", scratch=True)
    going: Array = per(allocation_places, ref(allocations), "Slots that leave.", scratch=True)

    # constants
    profile_count: int = _resource("Number of profiles.", lambda r: len(r.profiles))
    resource_count: int = _resource("Number of resources.", lambda r: len(r.names))
    memory_count: int = _resource("How many of them are memory.", lambda r: r.memory_count)
    amount: Array = _resource("Amounts of profiles.", lambda r: r.table(r.profiles))
    total_amount: Array = _resource("Amounts of totals.", lambda r: r.table(r.totals))
    slots_in: Array = _resource("How often a profile fits.", lambda r: r.slots_in())
    worker: int = _resource("The total of a new worker.", lambda r: [*r.totals].index(r.worker))
    worker_slot: int = _resource("Its default slot.", lambda r: [*r.profiles].index(r.slot))
    unknown: int = _resource("The profile UNKNOWN, or -1.", _unknown)
    limits: Array = _resource("Least and most cpu and memory; -1: no maximum.", lambda r: r.bounds)
    slots_per_worker: int = choice("slots_per_worker", "Slots of each new worker.")
    strategy: int = constant("The Strategy.", _strategy)
    allocator: int = choice("allocator", "Workers can be asked for.")
    redundant_task_managers: int = choice("redundant_task_managers", "Workers in reserve.")
    check_delay: int = choice("check_delay", "Delay of checks.")
    declare_delay: int = choice("declare_delay", "Delay of declarations.")
    task_manager_timeout: int = choice("task_manager_timeout", "Idle timeout.")
    longest_idle: int = constant(
        "The largest idle time that is counted.", longest("task_manager_timeout")
    )
    wait_result_consumed: int = choice("wait_result_consumed", "Ask before releasing.")
    auto_run: int = choice("auto_run", "The main thread runs at the end of an operation.")
    worker_control: int = choice("worker_control", "How workers are asked for.")
    idle_release: int = choice("idle_release", "Whether idle ones are asked.")
    candidates: int = choice("candidates", "When a candidate stays one.")
    applications_needed: int = choice("applications_needed", "Requests name an application.")
    most_required: int = choice("most_required", "Most slots of a profile.")
    capacity: int = constant("Small slots in all TaskExecutors of a check.", _capacity)
    most_workers: int = constant("Workers that a plan of a check may need.", _most_workers)
    fits: int = constant("There are enough records.", _fits)
    follow_clock: int = following_clock("Keep the clock and serial numbers, to follow a recording.")
