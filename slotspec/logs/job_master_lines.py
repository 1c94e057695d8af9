"""Lines of JobMasters: their slot pool, scheduler and job."""

from __future__ import annotations

from functools import partial

from slotspec.logs.line_kinds import Level, LineKind, Party

_line = partial(LineKind, Party.JOB_MASTER)
_DEBUG, _INFO, _WARN = Level.DEBUG, Level.INFO, Level.WARN
_OLD = ("1.11", "1.13")
_NEW = ("1.14", None)

_POOL, _BRIDGE, _DECLARATIVE = (
    "SlotPoolImpl",
    "DeclarativeSlotPoolBridge",
    "DefaultDeclarativeSlotPool",
)

KINDS = [
    # -- the job
    _line(
        "JobMaster",
        _INFO,
        "job_master_leads",
        "Starting execution of job {name} ({job}) under job master id {leader}",
    ),
    _line("JobMaster", _INFO, "job_master_stops", "Stopping the JobMaster for job {name}({job})"),
    _line(
        "ExecutionGraph",
        _INFO,
        "job_switched",
        "Job {name} ({job}) switched from state {before} to {after}",
        causes=True,
    ),
    _line(
        "ExecutionGraph",
        _INFO,
        "task_switched",
        "{task} ({execution}) switched from {before} to {after} on {name}",
        causes=True,
    ),
    _line(
        "ExecutionGraph",
        _INFO,
        "task_switched",
        "{task} ({execution}) switched from {before} to {after}",
        causes=True,
    ),
    _line(
        "StandaloneDispatcher",
        _INFO,
        "job_ended",
        "Job {job} reached terminal state {after}",
        causes=True,
    ),
    _line(
        "ExecutionGraph",
        _INFO,
        "graph_created",
        "Created execution graph {graph} for job {job}",
        _NEW,
    ),
    _line(
        "ExecutionGraph",
        _INFO,
        "deploying",
        (
            "Deploying {task} (attempt #{attempt}) with attempt id {execution} * to {tm} @ *"
            " with allocation id {allocation}"
        ),
        ("1.12", None),
    ),
    _line(
        "ExecutionGraph",
        _INFO,
        "deploying",
        (
            "Deploying {task} (attempt #{attempt}) with attempt id {execution} to {tm} @ *"
            " with allocation id {allocation}"
        ),
        ("1.12", None),
    ),
    _line(
        "ExecutionGraph",
        _INFO,
        "deploying",
        "Deploying {task} (attempt #{attempt}) to {tm} @ *",
        ("1.11", "1.11"),
    ),
    # -- connections
    _line(
        "JobMaster",
        _INFO,
        "resource_manager_connected",
        "JobManager successfully registered at ResourceManager, leader id: {leader}",
    ),
    _line(_POOL, _DEBUG, "task_manager_at_job_master", "Register new TaskExecutor {tm}", _OLD),
    _line(_BRIDGE, _DEBUG, "task_manager_at_job_master", "Register new TaskExecutor {tm}", _NEW),
    _line(
        "JobMaster",
        _DEBUG,
        "task_manager_disconnected",
        "Disconnect TaskExecutor {tm} because: {reason}",
        _OLD,
    ),
    _line(
        "JobMaster",
        _INFO,
        "task_manager_disconnected",
        "Disconnect TaskExecutor {tm} because: {reason}",
        _NEW,
    ),
    _line(
        "JobMaster",
        _INFO,
        "task_manager_lost",
        "The heartbeat of TaskManager with id {tm} timed out",
    ),
    _line(
        "JobMaster",
        _INFO,
        "task_manager_lost",
        "Heartbeat of TaskManager with id {tm} timed out",
        _NEW,
    ),
    _line(
        "JobMaster", _INFO, "task_manager_lost", "TaskManager with id {tm} is no longer reachable"
    ),
    # -- the slot pool of 1.11 to 1.13
    _line(
        _POOL,
        _INFO,
        "request_waits",
        (
            "Cannot serve slot request, no ResourceManager connected. Adding as pending request"
            " [{request}]"
        ),
        _OLD,
    ),
    _line(
        _POOL,
        _INFO,
        "slot_requested",
        ("Requesting new slot [{request}] * with allocation id {allocation} from resource manager"),
        ("1.12", "1.13"),
    ),
    _line(
        _POOL,
        _INFO,
        "slot_requested",
        "Requesting new slot [{request}] * from resource manager",
        ("1.11", "1.11"),
    ),
    _line(
        _POOL,
        _DEBUG,
        "offer_fulfils",
        "Fulfilling pending slot request [{request}] with slot [{allocation}]",
        ("1.12", "1.13"),
    ),
    _line(
        _POOL,
        _DEBUG,
        "offer_fulfils",
        "Fulfilled slot request [{request}] with allocated slot [{allocation}]",
        ("1.11", "1.11"),
    ),
    _line(
        _POOL,
        _DEBUG,
        "slot_available",
        "Adding slot [{allocation}] to available slots",
        ("1.12", "1.13"),
    ),
    _line(
        _POOL,
        _DEBUG,
        "slot_available",
        "Adding returned slot [{allocation}] to available slots",
        ("1.11", "1.11"),
    ),
    _line(_POOL, _INFO, "offer_repeated", "Received repeated offer for slot [{allocation}]*", _OLD),
    _line(
        _POOL, _INFO, "request_failed", "Failing pending slot request [{request}]: {reason}", _OLD
    ),
    _line(_POOL, _DEBUG, "slot_failed", "Failed allocated slot [{allocation}]: {reason}", _OLD),
    _line(_POOL, _INFO, "slot_expired", "Releasing idle slot [{allocation}]", _OLD),
    _line(_POOL, _DEBUG, "request_released", "Releasing slot [{request}] because: {reason}", _OLD),
    _line(_POOL, _INFO, "pool_suspended", "Suspending SlotPool", _OLD),
    # -- the declarative pool
    _line(
        _BRIDGE,
        _DEBUG,
        "slot_wanted",
        "Request new allocated slot with slot request id {request} *",
        _NEW,
    ),
    _line(
        _DECLARATIVE,
        _DEBUG,
        "requirements_declared",
        "Declare new resource requirements for job {job}*",
        _NEW,
    ),
    _line(_DECLARATIVE, _DEBUG, "offers_received", "Received {items}", _NEW),
    _line(_DECLARATIVE, _DEBUG, "offers_received", "Register slots {items}", _NEW),
    _line(
        _DECLARATIVE,
        _DEBUG,
        "offer_matched",
        "Matched slot offer {allocation} to requirement *",
        _NEW,
    ),
    _line(
        _DECLARATIVE,
        _DEBUG,
        "offer_matched",
        "Re-matched slot offer {allocation} to requirement *",
        _NEW,
    ),
    _line(_DECLARATIVE, _DEBUG, "offer_rejected", "Could not match offer {allocation}*", _NEW),
    _line(
        _BRIDGE,
        _DEBUG,
        "slot_reserved",
        "Reserve slot {allocation} for slot request id {request}",
        ("1.14", None),
    ),
    _line(
        _BRIDGE,
        _DEBUG,
        "slot_reserved",
        "Reserving free slot {allocation} for slot request id {request} *",
        _NEW,
    ),
    _line(_DECLARATIVE, _DEBUG, "reservation_freed", "Free reserved slot {allocation}", _NEW),
    _line(_DECLARATIVE, _INFO, "slot_released", "Releasing slot [{allocation}]", _NEW, causes=True),
    _line(
        _BRIDGE,
        _WARN,
        "resources_not_acquired",
        "Could not acquire the minimum required resources*",
        _NEW,
    ),
]
