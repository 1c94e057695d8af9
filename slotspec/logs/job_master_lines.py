"""Lines of JobMasters: their slot pool, scheduler and job."""

from __future__ import annotations

from functools import partial

from slotspec.logs.line_kinds import Level, LineKind, Party

_line = partial(LineKind, party=Party.JOB_MASTER)
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
        name="job_master_leads",
        logger="JobMaster",
        level=_INFO,
        text="Starting execution of job {name} ({job}) under job master id {leader}",
    ),
    _line(
        name="job_master_stops",
        logger="JobMaster",
        level=_INFO,
        text="Stopping the JobMaster for job {name}({job})",
    ),
    _line(
        name="job_switched",
        logger="ExecutionGraph",
        level=_INFO,
        text="Job {name} ({job}) switched from state {before} to {after}",
        causes=True,
    ),
    _line(
        name="task_switched",
        logger="ExecutionGraph",
        level=_INFO,
        text="{task} ({execution}) switched from {before} to {after} on {name}",
        causes=True,
    ),
    _line(
        name="task_switched",
        logger="ExecutionGraph",
        level=_INFO,
        text="{task} ({execution}) switched from {before} to {after}",
        causes=True,
    ),
    _line(
        name="job_ended",
        logger="StandaloneDispatcher",
        level=_INFO,
        text="Job {job} reached terminal state {after}",
        causes=True,
    ),
    _line(
        name="deploying",
        logger="ExecutionGraph",
        level=_INFO,
        text="Deploying {task} (attempt #{attempt}) with attempt id {execution} * to {tm} @ *"
        " with allocation id {allocation}",
        versions=("1.12", None),
    ),
    _line(
        name="deploying",
        logger="ExecutionGraph",
        level=_INFO,
        text="Deploying {task} (attempt #{attempt}) with attempt id {execution} to {tm} @ *"
        " with allocation id {allocation}",
        versions=("1.12", None),
    ),
    _line(
        name="deploying",
        logger="ExecutionGraph",
        level=_INFO,
        text="Deploying {task} (attempt #{attempt}) to {tm} @ *",
        versions=("1.11", "1.11"),
    ),
    # -- connections
    _line(
        name="resource_manager_connected",
        logger="JobMaster",
        level=_INFO,
        text="JobManager successfully registered at ResourceManager, leader id: {leader}",
    ),
    _line(
        name="task_manager_at_job_master",
        logger=_POOL,
        level=_DEBUG,
        text="Register new TaskExecutor {tm}",
        versions=_OLD,
    ),
    _line(
        name="task_manager_at_job_master",
        logger=_BRIDGE,
        level=_DEBUG,
        text="Register new TaskExecutor {tm}",
        versions=_NEW,
    ),
    _line(
        name="task_manager_disconnected",
        logger="JobMaster",
        level=_DEBUG,
        text="Disconnect TaskExecutor {tm} because: {reason}",
        versions=_OLD,
    ),
    _line(
        name="task_manager_disconnected",
        logger="JobMaster",
        level=_INFO,
        text="Disconnect TaskExecutor {tm} because: {reason}",
        versions=_NEW,
    ),
    _line(
        name="task_manager_lost",
        logger="JobMaster",
        level=_INFO,
        text="The heartbeat of TaskManager with id {tm} timed out",
    ),
    _line(
        name="task_manager_lost",
        logger="JobMaster",
        level=_INFO,
        text="TaskManager with id {tm} is no longer reachable",
    ),
    # -- the slot pool of 1.11 to 1.13
    _line(
        name="request_waits",
        logger=_POOL,
        level=_INFO,
        text="Cannot serve slot request, no ResourceManager connected. Adding as pending request"
        " [{request}]",
        versions=_OLD,
    ),
    _line(
        name="slot_requested",
        logger=_POOL,
        level=_INFO,
        text="Requesting new slot [{request}] * with allocation id {allocation} from resource"
        " manager",
        versions=("1.12", "1.13"),
    ),
    _line(
        name="slot_requested",
        logger=_POOL,
        level=_INFO,
        text="Requesting new slot [{request}] * from resource manager",
        versions=("1.11", "1.11"),
    ),
    _line(
        name="offer_fulfils",
        logger=_POOL,
        level=_DEBUG,
        text="Fulfilling pending slot request [{request}] with slot [{allocation}]",
        versions=("1.12", "1.13"),
    ),
    _line(
        name="offer_fulfils",
        logger=_POOL,
        level=_DEBUG,
        text="Fulfilled slot request [{request}] with allocated slot [{allocation}]",
        versions=("1.11", "1.11"),
    ),
    _line(
        name="slot_available",
        logger=_POOL,
        level=_DEBUG,
        text="Adding slot [{allocation}] to available slots",
        versions=("1.12", "1.13"),
    ),
    _line(
        name="slot_available",
        logger=_POOL,
        level=_DEBUG,
        text="Adding returned slot [{allocation}] to available slots",
        versions=("1.11", "1.11"),
    ),
    _line(
        name="offer_repeated",
        logger=_POOL,
        level=_INFO,
        text="Received repeated offer for slot [{allocation}]*",
        versions=_OLD,
    ),
    _line(
        name="request_failed",
        logger=_POOL,
        level=_INFO,
        text="Failing pending slot request [{request}]: {reason}",
        versions=_OLD,
    ),
    _line(
        name="slot_failed",
        logger=_POOL,
        level=_DEBUG,
        text="Failed allocated slot [{allocation}]: {reason}",
        versions=_OLD,
    ),
    _line(
        name="slot_expired",
        logger=_POOL,
        level=_INFO,
        text="Releasing idle slot [{allocation}]",
        versions=_OLD,
    ),
    _line(
        name="request_released",
        logger=_POOL,
        level=_DEBUG,
        text="Releasing slot [{request}] because: {reason}",
        versions=_OLD,
    ),
    _line(
        name="pool_suspended",
        logger=_POOL,
        level=_INFO,
        text="Suspending SlotPool",
        versions=_OLD,
    ),
    # -- the declarative pool
    _line(
        name="slot_wanted",
        logger=_BRIDGE,
        level=_DEBUG,
        text="Request new allocated slot with slot request id {request} *",
        versions=_NEW,
    ),
    _line(
        name="requirements_declared",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Declare new resource requirements for job {job}*",
        versions=_NEW,
    ),
    _line(
        name="offers_received",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Received {items}",
        versions=_NEW,
    ),
    _line(
        name="offers_received",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Register slots {items}",
        versions=_NEW,
    ),
    _line(
        name="offer_matched",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Matched slot offer {allocation} to requirement *",
        versions=_NEW,
    ),
    _line(
        name="offer_matched",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Re-matched slot offer {allocation} to requirement *",
        versions=_NEW,
    ),
    _line(
        name="offer_rejected",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Could not match offer {allocation}*",
        versions=_NEW,
    ),
    _line(
        name="slot_reserved",
        logger=_BRIDGE,
        level=_DEBUG,
        text="Reserve slot {allocation} for slot request id {request}",
        versions=("1.14", None),
    ),
    _line(
        name="slot_reserved",
        logger=_BRIDGE,
        level=_DEBUG,
        text="Reserving free slot {allocation} for slot request id {request} *",
        versions=_NEW,
    ),
    _line(
        name="reservation_freed",
        logger=_DECLARATIVE,
        level=_DEBUG,
        text="Free reserved slot {allocation}",
        versions=_NEW,
    ),
    _line(
        name="slot_released",
        logger=_DECLARATIVE,
        level=_INFO,
        text="Releasing slot [{allocation}]",
        versions=_NEW,
        causes=True,
    ),
    _line(
        name="resources_not_acquired",
        logger=_BRIDGE,
        level=_WARN,
        text="Could not acquire the minimum required resources*",
        versions=_NEW,
    ),
]
