"""Lines of ResourceManagers and their slot managers."""

from __future__ import annotations

from functools import partial

from slotspec.logs.line_kinds import Level, LineKind, Party

_line = partial(LineKind, party=Party.RESOURCE_MANAGER)
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
    line = partial(_line, logger=logger)
    return [
        line(
            name="resource_manager_leads",
            level=_INFO,
            text="ResourceManager * was granted leadership with fencing token {leader}",
            versions=_OLD,
        ),
        line(
            name="resource_manager_starts",
            level=_INFO,
            text="Starting the resource manager",
        ),
        line(
            name="resource_manager_revoked",
            level=_INFO,
            text="ResourceManager * was revoked leadership*",
            versions=_OLD,
        ),
        line(
            name="task_manager_registered",
            level=_INFO,
            text="Registering TaskManager with ResourceID {tm} (*) at ResourceManager",
        ),
        line(
            name="task_manager_replaced",
            level=_DEBUG,
            text="Replacing old registration of TaskExecutor {tm}",
        ),
        line(
            name="heartbeat_timed_out",
            level=_INFO,
            text="The heartbeat of TaskManager with id {tm} timed out",
        ),
        line(
            name="heartbeat_timed_out",
            level=_INFO,
            text="TaskManager with id {tm} is no longer reachable",
            versions=_NEW,
        ),
        line(
            name="task_manager_closed",
            level=_INFO,
            text="Closing TaskExecutor connection {tm} because: {reason}",
        ),
        line(
            name="job_registered",
            level=_INFO,
            text="Registered job manager {leader}@* for job {job}",
        ),
        line(
            name="job_disconnected",
            level=_INFO,
            text="Disconnect job manager {leader}@* for job {job} from the resource manager",
        ),
        line(
            name="request_received",
            level=_INFO,
            text="Request slot with profile * for job {job} with allocation id {allocation}",
            versions=_OLD,
        ),
    ]


def _of_new_manager(logger: str) -> list[LineKind]:
    line = partial(_line, logger=logger, versions=_NEW)
    return [
        line(
            name="instance_registered",
            level=_INFO,
            text="Registering task executor {tm} under {instance} at the slot manager",
        ),
        line(
            name="requirements_received",
            level=_INFO,
            text="Received resource requirements from job {job}: {items}",
        ),
        line(
            name="requirements_cleared",
            level=_INFO,
            text="Clearing resource requirements of job {job}",
        ),
        line(
            name="requirements_not_fulfilled",
            level=_WARN,
            text="Could not fulfill resource requirements of job {job}*",
        ),
    ]


KINDS = [
    *(kind for logger in RESOURCE_MANAGERS for kind in _of_resource_manager(logger)),
    # -- the slot manager of 1.11 to 1.13
    _line(
        name="instance_registered",
        logger=_MANAGER,
        level=_DEBUG,
        text="Registering TaskManager {tm} under {instance} at the SlotManager",
        versions=_OLD,
    ),
    _line(
        name="slot_report",
        logger=_MANAGER,
        level=_DEBUG,
        text="Received slot report from instance {instance}: {items}",
        versions=_OLD,
    ),
    _line(
        name="request_cancelled",
        logger=_MANAGER,
        level=_DEBUG,
        text="Cancel slot request {allocation}",
        versions=_OLD,
    ),
    _line(
        name="allocation_refused",
        logger=_MANAGER,
        level=_DEBUG,
        text="Slot request with allocation id {allocation} failed for slot {name}",
        versions=_OLD,
        causes=True,
    ),
    # -- the managers of 1.14 and later
    *(kind for logger in _NEW_MANAGERS for kind in _of_new_manager(logger)),
    _line(
        name="allocation_started",
        logger=_SYNCER,
        level=_INFO,
        text="Starting allocation of slot {allocation} from {tm} for job {job} *",
        versions=_NEW,
    ),
    _line(
        name="allocation_refused",
        logger=_SYNCER,
        level=_WARN,
        text="Slot allocation for allocation {allocation} for job {job} failed",
        versions=_NEW,
        causes=True,
    ),
    _line(
        name="allocation_confirmed",
        logger="FineGrainedTaskManagerTracker",
        level=_DEBUG,
        text="Complete slot allocation with allocationId {allocation}",
        versions=_NEW,
    ),
    _line(
        name="slot_freed_at_manager",
        logger=_SYNCER,
        level=_INFO,
        text="Freeing slot {allocation}*",
        versions=_NEW,
    ),
    _line(
        name="slot_report",
        logger=_SYNCER,
        level=_DEBUG,
        text="Received slot report from instance {instance}: {items}",
        versions=_NEW,
    ),
]
