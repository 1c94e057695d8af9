"""Lines of TaskManagers: their registrations, slot table and tasks."""

from __future__ import annotations

from functools import partial

from slotspec.logs.line_kinds import Level, LineKind, Party

_line = partial(LineKind, Party.TASK_MANAGER)
_DEBUG, _INFO = Level.DEBUG, Level.INFO
_EXECUTOR, _TABLE, _LEADERS = "TaskExecutor", "TaskSlotTableImpl", "DefaultJobLeaderService"

KINDS = [
    _line(
        "TaskManagerRunner",
        _INFO,
        "task_manager_starts",
        "Starting TaskManager with ResourceID: {tm}",
    ),
    _line(
        "TaskManagerRunner",
        _INFO,
        "task_manager_starts",
        "Starting TaskManager with ResourceID: {tm} *",
    ),
    _line(
        _EXECUTOR,
        _INFO,
        "registered_at_resource_manager",
        "Successful registration at resource manager * under registration id {instance}",
    ),
    _line(
        _EXECUTOR,
        _INFO,
        "slot_asked",
        (
            "Receive slot request {allocation} for job {job} from resource manager with leader id"
            " {leader}"
        ),
    ),
    _line(_EXECUTOR, _INFO, "slot_allocated", "Allocated slot for {allocation}", (None, "1.13")),
    _line(
        _TABLE,
        _INFO,
        "slot_allocated",
        "Allocated slot for {allocation} with resources *",
        ("1.14", None),
    ),
    _line(
        _EXECUTOR,
        _INFO,
        "slot_occupied",
        "The slot {name} has already been allocated for a different job*",
        (None, "1.13"),
    ),
    _line(
        _LEADERS,
        _INFO,
        "job_master_found",
        "Successful registration at job manager * for job {job}",
    ),
    _line(_EXECUTOR, _INFO, "job_connected", "Establish JobManager connection for job {job}"),
    _line(
        _EXECUTOR,
        _INFO,
        "job_leader_lost",
        "JobManager for job {job} with leader id {leader} lost leadership",
    ),
    _line(_EXECUTOR, _INFO, "slots_offered", "Offer reserved slots to the leader of job {job}"),
    _line(
        _EXECUTOR, _INFO, "offer_timed_out", "Slot offering to JobManager did not finish in time*"
    ),
    _line(_TABLE, _INFO, "slot_activated", "Activate slot {allocation}"),
    _line(
        _EXECUTOR,
        _INFO,
        "task_received",
        "Received task {task} ({execution}), deploy into slot with allocation id {allocation}",
        ("1.12", None),
    ),
    _line(_EXECUTOR, _INFO, "task_received", "Received task {task}", ("1.11", "1.11")),
    _line(
        _EXECUTOR,
        _DEBUG,
        "slot_freed",
        "Free slot with allocation id {allocation} because: {reason}",
    ),
    _line(
        _TABLE,
        _DEBUG,
        "slot_left",
        (
            "Free slot TaskSlot(index:{slot}, state:{before}, *allocationId: {allocation}, jobId:"
            " {job})"
        ),
    ),
    _line(
        _EXECUTOR,
        _DEBUG,
        "job_closed",
        "Close JobManager connection for job {job}",
        (None, "1.13"),
        causes=True,
    ),
    _line(
        _EXECUTOR,
        _INFO,
        "job_closed",
        "Close JobManager connection for job {job}",
        ("1.14", None),
        causes=True,
    ),
]
