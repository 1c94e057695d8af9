"""Lines of ResourceManagers and their slot managers."""

from __future__ import annotations

from functools import partial

from slotspec.logs.line_kinds import Level, LineKind, Party

_line = partial(LineKind, Party.RESOURCE_MANAGER)
_DEBUG, _INFO, _WARN = Level.DEBUG, Level.INFO, Level.WARN
_OLD = ("1.11", "1.13")
_NEW = ("1.14", None)

RESOURCE_MANAGERS = (
    "StandaloneResourceManager",
    "ActiveResourceManager",
    "YarnResourceManager",
    "KubernetesResourceManager",
    "MesosResourceManager",
)
_MANAGER, _SYNCER = "SlotManagerImpl", "DefaultSlotStatusSyncer"
_NEW_MANAGERS = ("FineGrainedSlotManager", "DeclarativeSlotManager")


def _of_resource_manager(logger: str) -> list[LineKind]:
    line = partial(_line, logger)
    return [
        line(
            _INFO,
            "resource_manager_leads",
            "ResourceManager * was granted leadership with fencing token {leader}",
            _OLD,
        ),
        line(_INFO, "resource_manager_starts", "Starting the resource manager"),
        line(_INFO, "resource_manager_revoked", "ResourceManager * was revoked leadership*", _OLD),
        line(
            _INFO,
            "task_manager_registered",
            "Registering TaskManager with ResourceID {tm} (*) at ResourceManager",
        ),
        line(_DEBUG, "task_manager_replaced", "Replacing old registration of TaskExecutor {tm}"),
        line(_INFO, "heartbeat_timed_out", "The heartbeat of TaskManager with id {tm} timed out"),
        line(_INFO, "heartbeat_timed_out", "TaskManager with id {tm} is no longer reachable", _NEW),
        line(
            _INFO, "task_manager_closed", "Closing TaskExecutor connection {tm} because: {reason}"
        ),
        line(_INFO, "job_registered", "Registered job manager {leader}@* for job {job}"),
        line(
            _INFO,
            "job_disconnected",
            "Disconnect job manager {leader}@* for job {job} from the resource manager",
        ),
        line(
            _INFO,
            "request_received",
            "Request slot with profile * for job {job} with allocation id {allocation}",
            _OLD,
        ),
    ]


def _of_new_manager(logger: str) -> list[LineKind]:
    line = partial(_line, logger, versions=_NEW)
    return [
        line(
            _INFO,
            "instance_registered",
            "Registering task executor {tm} under {instance} at the slot manager",
        ),
        line(
            _INFO, "requirements_received", "Received resource requirements from job {job}: {items}"
        ),
        line(_INFO, "requirements_cleared", "Clearing resource requirements of job {job}"),
        line(
            _WARN,
            "requirements_not_fulfilled",
            "Could not fulfill resource requirements of job {job}*",
        ),
    ]


KINDS = [
    *(kind for logger in RESOURCE_MANAGERS for kind in _of_resource_manager(logger)),
    # -- the slot manager of 1.11 to 1.13
    _line(
        _MANAGER,
        _DEBUG,
        "instance_registered",
        "Registering TaskManager {tm} under {instance} at the SlotManager",
        _OLD,
    ),
    _line(
        _MANAGER,
        _DEBUG,
        "slot_report",
        "Received slot report from instance {instance}: {items}",
        _OLD,
    ),
    _line(_MANAGER, _DEBUG, "request_cancelled", "Cancel slot request {allocation}", _OLD),
    _line(
        _MANAGER,
        _DEBUG,
        "allocation_refused",
        "Slot request with allocation id {allocation} failed for slot {name}",
        _OLD,
        causes=True,
    ),
    # -- the managers of 1.14 and later
    *(kind for logger in _NEW_MANAGERS for kind in _of_new_manager(logger)),
    _line(
        _SYNCER,
        _INFO,
        "allocation_started",
        "Starting allocation of slot {allocation} from {tm} for job {job} *",
        _NEW,
    ),
    _line(
        _SYNCER,
        _WARN,
        "allocation_refused",
        "Slot allocation for allocation {allocation} for job {job} failed",
        _NEW,
        causes=True,
    ),
    _line(
        "FineGrainedTaskManagerTracker",
        _DEBUG,
        "allocation_confirmed",
        "Complete slot allocation with allocationId {allocation}",
        _NEW,
    ),
    _line(_SYNCER, _INFO, "slot_freed_at_manager", "Freeing slot {allocation}*", _NEW),
    _line(
        _SYNCER,
        _DEBUG,
        "slot_report",
        "Received slot report from instance {instance}: {items}",
        _NEW,
    ),
]
