"""Lines of TaskManagers: their registrations, slot table and tasks."""

from __future__ import annotations

from functools import partial

from slotspec.logs.line_kinds import Level, LineKind, Party

_line = partial(LineKind, party=Party.TASK_MANAGER)
_DEBUG, _INFO = Level.DEBUG, Level.INFO
_EXECUTOR, _TABLE, _LEADERS = "TaskExecutor", "TaskSlotTableImpl", "DefaultJobLeaderService"

KINDS = [
    _line(
        name="task_manager_starts",
        logger="TaskManagerRunner",
        level=_INFO,
        text="Starting TaskManager with ResourceID: {tm}",
    ),
    _line(
        name="task_manager_starts",
        logger="TaskManagerRunner",
        level=_INFO,
        text="Starting TaskManager with ResourceID: {tm} *",
    ),
    _line(
        name="registered_at_resource_manager",
        logger=_EXECUTOR,
        level=_INFO,
        text="Successful registration at resource manager * under registration id {instance}",
    ),
    _line(
        name="slot_asked",
        logger=_EXECUTOR,
        level=_INFO,
        text="Receive slot request {allocation} for job {job} from resource manager with leader id"
        " {leader}",
    ),
    _line(
        name="slot_allocated",
        logger=_EXECUTOR,
        level=_INFO,
        text="Allocated slot for {allocation}",
        versions=(None, "1.13"),
    ),
    _line(
        name="slot_allocated",
        logger=_TABLE,
        level=_INFO,
        text="Allocated slot for {allocation} with resources *",
        versions=("1.14", None),
    ),
    _line(
        name="slot_occupied",
        logger=_EXECUTOR,
        level=_INFO,
        text="The slot {name} has already been allocated for a different job*",
        versions=(None, "1.13"),
    ),
    _line(
        name="job_master_found",
        logger=_LEADERS,
        level=_INFO,
        text="Successful registration at job manager * for job {job}",
    ),
    _line(
        name="job_connected",
        logger=_EXECUTOR,
        level=_INFO,
        text="Establish JobManager connection for job {job}",
    ),
    _line(
        name="job_leader_lost",
        logger=_EXECUTOR,
        level=_INFO,
        text="JobManager for job {job} with leader id {leader} lost leadership",
    ),
    _line(
        name="slots_offered",
        logger=_EXECUTOR,
        level=_INFO,
        text="Offer reserved slots to the leader of job {job}",
    ),
    _line(
        name="offer_timed_out",
        logger=_EXECUTOR,
        level=_INFO,
        text="Slot offering to JobManager did not finish in time*",
    ),
    _line(
        name="slot_activated",
        logger=_TABLE,
        level=_INFO,
        text="Activate slot {allocation}",
    ),
    _line(
        name="task_received",
        logger=_EXECUTOR,
        level=_INFO,
        text="Received task {task} ({execution}), deploy into slot with allocation id {allocation}",
        versions=("1.12", None),
    ),
    _line(
        name="task_received",
        logger=_EXECUTOR,
        level=_INFO,
        text="Received task {task}",
        versions=("1.11", "1.11"),
    ),
    _line(
        name="slot_freed",
        logger=_EXECUTOR,
        level=_DEBUG,
        text="Free slot with allocation id {allocation} because: {reason}",
    ),
    _line(
        name="slot_left",
        logger=_TABLE,
        level=_DEBUG,
        text="Free slot TaskSlot(index:{slot}, state:{before}, *allocationId: {allocation}, jobId:"
        " {job})",
    ),
    _line(
        name="job_closed",
        logger=_EXECUTOR,
        level=_DEBUG,
        text="Close JobManager connection for job {job}",
        versions=(None, "1.13"),
        causes=True,
    ),
    _line(
        name="job_closed",
        logger=_EXECUTOR,
        level=_INFO,
        text="Close JobManager connection for job {job}",
        versions=("1.14", None),
        causes=True,
    ),
]
