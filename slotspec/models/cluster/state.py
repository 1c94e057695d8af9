"""The state of a whole cluster: three of the other models, and what connects them.

The JobMaster's pool, the ResourceManager's manager and each TaskExecutor's table are the
unchanged records of those models. The cluster adds who leads, who is connected to whom in
whose view, the job, and the messages in flight. Allocation ids are numbers of the pool's
request records everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from slotspec.models.cluster.lifecycles import (
    Execution,
    Job,
    Leader,
    Process,
    Registration,
    Share,
)
from slotspec.models.cluster.versions import SlotReturn
from slotspec.models.common.settings import choice, switch
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.state import CALLS_PER_SLOT, SlotManagerState
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine.declaration.conditions import Condition, equals, exceeds, is_set
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.parts import SizedSort
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Record,
    Setting,
    Sort,
    constant,
    number,
    part,
    per,
    ref,
    scalar,
    single,
)
from slotspec.statemachine.declaration.rules import Array

POOL = 100
MANAGER = 200
TABLE = 300
"""What the cluster adds to the numbers of its parts' effects."""


class Message(IntEnum):
    """The kinds of messages. In brackets: subject (an allocation), detail."""

    NOTHING = 0

    # JobMaster to ResourceManager, and back
    REQUEST_SLOT = 1
    """(allocation) ResourceManagerGateway.requestSlot"""
    CANCEL_SLOT_REQUEST = 2
    """(allocation) ResourceManagerGateway.cancelSlotRequest"""
    REQUEST_ACKNOWLEDGED = 3
    """(allocation) its answer: the request is registered"""
    REQUEST_REFUSED = 4
    """(allocation) its answer: it cannot be fulfilled"""
    ALLOCATION_FAILED = 5
    """(allocation) JobMasterGateway.notifyAllocationFailure"""

    # ResourceManager to TaskExecutor, and back
    REQUEST_TASK_SLOT = 6
    """(allocation, call) TaskExecutorGateway.requestSlot"""
    CALL_ACKNOWLEDGED = 7
    """(-, call) its answer: the slot is allocated"""
    CALL_OCCUPIED = 8
    """(what is there, call) its answer: SlotOccupiedException"""
    CALL_FAILED = 9
    """(-, call) its answer: another exception"""
    REGISTER = 10
    """(-, whether the sender would ignore the answer) registerTaskExecutor, registerTaskManager"""
    REGISTERED = 11
    """(-, instance) its answer"""
    SLOT_REPORT = 12
    """(-, instance) sendSlotReport: the first, which registers the slots"""
    HEARTBEAT = 13
    """(-, instance) heartbeat with the current contents of the slots"""
    SLOT_AVAILABLE = 14
    """(allocation, slot number at the TaskExecutor) notifySlotAvailable"""

    # TaskExecutor to JobMaster, and back
    OFFER_SLOT = 15
    """(allocation, slot number and whether a newer offer was sent) offerSlots, one slot of it"""
    OFFER_ACCEPTED = 16
    """(allocation, whether a newer offer was sent) its answer"""
    OFFER_REJECTED = 17
    """(allocation, whether a newer offer was sent) its answer"""
    FREE_SLOT = 18
    """(allocation) TaskExecutorGateway.freeSlot"""
    FAIL_SLOT = 19
    """(allocation) JobMasterGateway.failSlot"""
    SUBMIT_TASK = 20
    """(allocation, execution) TaskExecutorGateway.submitTask"""
    SUBMISSION_FAILED = 21
    """(allocation, execution) its answer: an exception; no other answer changes anything"""
    CANCEL_TASK = 22
    """(allocation, execution and which try) TaskExecutorGateway.cancelTask"""
    TASK_FINISHED = 23
    """(allocation, execution) updateTaskExecutionState: FINISHED"""
    TASK_FAILED = 24
    """(allocation, execution) updateTaskExecutionState: FAILED or CANCELED"""
    DISCONNECT = 25
    """() disconnectJobManager or disconnectTaskManager: the sender has closed the connection"""
    ALLOCATION_REPORT = 26
    """() heartbeat with the JobMaster's AllocatedSlotReport"""
    OFFER_FAILED = 27
    """(allocation, whether a newer offer was sent) its answer is an exception: the JobMaster
    does not know the TaskExecutor"""

    TASK_RUNNING = 28
    """(allocation, execution) updateTaskExecutionState: RUNNING"""
    UPDATE_REFUSED = 29
    """(allocation, execution) its answer: an exception; no other answer changes anything"""
    CANCELLATION_FAILED = 30
    """(allocation, execution and which try) its answer: an exception, the task is not there"""

    # since 1.14, between JobMaster and ResourceManager, and from there to TaskExecutors
    DECLARE_REQUIREMENTS = 40
    """(-, number of slots) ResourceManagerGateway.declareRequiredResources"""
    NOT_ENOUGH_RESOURCES = 41
    """() JobMasterGateway.notifyNotEnoughResourcesAvailable"""
    FREE_INACTIVE_SLOTS = 42
    """() TaskExecutorGateway.freeInactiveSlots"""


LAST_WITH_REQUESTS = 39
"""The largest number of a message up to 1.13."""

task_managers = Sort(
    "task_managers", "TaskExecutors, by ResourceID.", default=1, maximum=8, prefix="TaskExecutor "
)
slot_numbers = Sort("slots_per_task_manager", "Slots of each TaskExecutor.", default=1, maximum=4)
shares = Sort(
    "parallelism",
    "Slots that the job needs: its highest parallelism.",
    default=1,
    maximum=8,
    prefix="share ",
)
vertices = Sort("vertices", "Vertices of the job.", 1, maximum=3)
tasks = Sort("tasks", "Subtasks of each vertex, in each share.", factors=(vertices, shares))
allocations = Sort(
    "allocations", "Allocation ids in use at a time.", default=2, maximum=40, prefix="a"
)
attempts = SizedSort(
    "attempts",
    "Connections of a TaskExecutor that may be known.",
    fixed=2,
    prefix="connection ",
)
instances = Sort("instances", "InstanceIDs.", factors=(attempts, task_managers), prefix="i")
own_slots = Sort("own_slots", "Slots by TaskExecutor.", factors=(task_managers, slot_numbers))
own_allocations = Sort(
    "own_allocations", "Allocation ids by TaskExecutor.", factors=(task_managers, allocations)
)
tries = Sort("tries", "Attempts of a task that may be known at a time.", 2, minimum=2, maximum=8)
executions = Sort("executions", "Attempts of tasks: tries * task + which.", factors=(tasks, tries))
own_executions = Sort(
    "own_executions", "Attempts by TaskExecutor.", factors=(task_managers, executions)
)
call_records = SizedSort("call_records", "Calls for a slot.", fixed=CALLS_PER_SLOT)
calls = Sort("calls", "Calls by slot.", factors=(task_managers, slot_numbers, call_records))
hubs = SizedSort("hubs", "Channels between JobMaster and ResourceManager.", fixed=2)
directions = SizedSort("directions", "Channels of a TaskExecutor.", fixed=4)
spokes = Sort("spokes", "Channels of TaskExecutors.", factors=(task_managers, directions))
channels = Sort("channels", "Channels, each in order.", parts=(hubs, spokes), ordered=True)
places = Sort("channel_room", "Messages in flight in a channel.", default=8, maximum=40)
nexts = Sort(
    "overtaking",
    "Messages of a channel of which any may arrive next, if no order binds them; 1: the oldest.",
    default=1,
    maximum=40,
)
MOST_POSTS = 480
"""Messages in flight that a state holds, whichever their channels."""
posts = Sort(
    "posts", "Places of all channels.", factors=(channels, places), ordered=True, most=MOST_POSTS
)

assert nexts.bound is not None
BOUNDS = (
    nexts.bound,
    Bound("busy", "Messages in a channel at which no process acts on its own.", 2, 1, 40),
    Bound("sources", "Parallelism of the first of several vertices, or stages.", 1, 1, 8),
    switch("stages", "Whether the job is a batch job: shares after the sources wait for them."),
    switch("regions", "Whether each share is deployed, and restarts, alone."),
    switch("batch_requests", "Whether the job asks for slots as a batch job does."),
    switch("iteration_order", "Whether slot requests are in a hash table (1.12)."),
    switch("late_slots", "Whether a freed slot leaves in a step of its own after its tasks."),
    switch(
        "registrations",
        "Whether the JobMaster registers at the ResourceManager, and disconnects, by messages.",
    ),
    switch(
        "queued_steps",
        "Whether other messages may come before a step that the ResourceManager has queued.",
    ),
    switch("late_stops", "Whether a task that is told to stop may have done its work before."),
    switch("release_orders", "Whether the tasks of a lost slot may be released in either order."),
    Bound(
        "stragglers",
        "Calls of a former JobMaster that may arrive after those of the next one (since 1.13).",
        0,
        0,
        254,
    ),
    switch(
        "lost_results",
        "Whether a job may end unheard as its JobMaster loses its leadership (since 1.13).",
    ),
    switch(
        "lost_partitions",
        "Whether what a finished source has written may be lost, so that it runs again.",
    ),
    switch("full_failover", "Whether a failure restarts every region of the job."),
    switch("evenly_spread", "Whether the least utilized TaskExecutor is asked for slots first."),
    switch(
        "late_look_ups",
        "Whether the ResourceManager may register a JobMaster that leads no more since it asked.",
    ),
    switch("quick_tasks", "Whether a task may end as soon as its slot is freed."),
    switch(
        "deployment_reports",
        "Whether a heartbeat may tell the JobMaster of a task that it has given up (since 1.12).",
    ),
    switch(
        "slow_closing",
        "Whether a freed slot may leave before its memory is released, so that nobody is told.",
    ),
    Bound("cancel_tries", "Calls to cancel a task that is not there; Flink: 4.", 1, 1, 4),
    switch("cancels", "Whether the job may be cancelled."),
    Bound("failures", "Tasks that may fail on their own.", 0, 0),
    Bound("losses", "Messages that may be lost.", 0, 0),
    Bound("repeats", "Messages that may be delivered twice.", 0, 0),
    Bound("crashes", "Times that a TaskExecutor may crash.", 0, 0),
    Bound("leader_changes", "Times that the JobMaster may lose its leadership.", 0, 0),
    Bound("failovers", "Times that the ResourceManager may fail over.", 0, 0),
    Bound("early_timeouts", "Timers that may fire while something is in flight.", 0, 0, 10_000),
)

NOBODY_WAITS = 2
"""Of a look-up, instead of 1: its TaskExecutor has registered again, and ignores the answer."""
OF_FORMER = 2
"""Of a JobMaster's registration: it leads no more. 1: it has registered again since."""
ENDLESS = 2
"""Retries in a row after which the model assumes that they will never end."""
STRIDE = CALLS_PER_SLOT + 1
"""How a message names a call: slot * STRIDE + which of its calls; the last number means none."""


def pool_instance(g: Setting) -> Instance:
    """The JobMaster's pool in a cluster."""
    return slot_pool.instance(
        {
            "task_managers": g["task_managers"],
            "slot_indices": g["slots_per_task_manager"],
            "requests": g["allocations"],
            "request_ids": g["parallelism"],
            "foreign_allocations": 0,
            "profiles": 1,
            "payloads": 1,
            "batch_requests": g["batch_requests"],
            "gateways": 2 if g["failovers"] else 1,
        },
        generation=g["generation"],
    )


def slots_of(g: Setting) -> int:
    """Slots of the whole cluster."""
    return int(g["task_managers"] * g["slots_per_task_manager"])


def manager_instance(g: Setting) -> Instance:
    """The ResourceManager's manager in a standalone cluster."""
    return slot_manager.instance(
        {
            "task_managers": g["task_managers"],
            "instances": 2 * g["task_managers"],
            "slots": slots_of(g),
            "report_entries": g["slots_per_task_manager"],
            "allocations": g["allocations"],
            "requests": 2 * g["allocations"],
            "calls": CALLS_PER_SLOT * slots_of(g),
            "pending_slots": slots_of(g),
            "max_slots": slots_of(g),
            "workers": 0,
            "spread": g["evenly_spread"],
            "auto_run": int(not g["queued_steps"]),
        },
        generation=g["generation"],
    )


def table_instance(g: Setting) -> Instance:
    """The slot table of one TaskExecutor in a cluster."""
    attempts_of_job = executions.size(g.bounds)
    return task_slot_table.instance(
        {
            "static_slots": g["slots_per_task_manager"],
            "dynamic_slots": 0,
            "allocations": g["allocations"],
            "jobs": 1,
            "executions": attempts_of_job,
            "tasks": attempts_of_job,
            "tickets": g["allocations"] + 1,
            "profiles": 1,
        },
        generation=g["generation"],
    )


def _largest_detail(g: Setting) -> int:
    return max(
        STRIDE * slots_of(g),
        2 * int(g["slots_per_task_manager"]),
        executions.size(g.bounds) * int(g["cancel_tries"]),
        instances.size(g.bounds),
    )


def _last_message(g: Setting) -> int:
    return max(one for one in Message if is_declarative(g) or one <= LAST_WITH_REQUESTS)


@Condition
def is_declarative(g: Setting) -> bool:
    """Whether requirements are declared: the cluster since 1.14."""
    return bool(g.choices.get("declarative", 0))


registers_by_messages = is_declarative | is_set("registrations")
"""Whether the JobMaster registers at the ResourceManager by messages; always since 1.14."""
has_queued_steps = ~is_declarative & is_set("queued_steps")
"""Whether other messages may come before a step that the ResourceManager has queued."""
has_stragglers = is_set("leader_changes", "stragglers") & ~is_set("can_suspend")
"""Whether calls of a former JobMaster may fall behind.

Before FLINK-11719 (1.13) the same JobMaster leads again, whose calls stay in order.
"""
may_be_deposed = is_set("leader_changes") & registers_by_messages
"""Whether the ResourceManager may know a JobMaster that leads no more."""
may_lose_results = is_set("leader_changes", "lost_results") & ~is_set("can_suspend")
"""Whether nobody may hear that a job has ended; a JobMaster that leads again says it itself."""
may_lose_partitions = is_set("stages", "lost_partitions")
"""Whether the results of a finished stage may be lost with a TaskExecutor."""
has_full_failover = is_set("regions", "full_failover")
"""Whether a failure restarts every region of the job."""
has_late_look_ups = registers_by_messages & is_set("late_look_ups")
"""Whether the ResourceManager may register a JobMaster that leads no more since it asked."""
may_lose_cancellations = is_set("losses") & exceeds("cancel_tries", 1)
"""Whether a call to cancel a task that was given up may be lost, and is tried again."""
may_return_first = equals("slot_return", SlotReturn.IN_BETWEEN) & is_set("iteration_order")
"""Whether a failing region may return slots before it withdraws its requests."""
may_release_last_first = is_set("release_orders") & exceeds("vertices", 1)
"""Whether the last task in a lost slot may be released first."""


class ClusterState(Record):
    """A JobMaster with its job, a ResourceManager, TaskExecutors, and messages in flight."""

    # JobMaster
    pool: SlotPoolState = part(pool_instance, "Its slot pool.", effects_from=POOL)
    job_master: Array = single(Leader, "The JobMaster.")
    revoked: int = scalar(FLAG, "Its leadership is revoked, which it does not know yet.")
    rm_deposed: int = scalar(FLAG, "The ResourceManager that the JobMaster knows no longer leads.")
    registering: int = scalar(
        FLAG, "The JobMaster has registered at the ResourceManager, and has no answer yet."
    )
    known: Array = per(task_managers, FLAG, "Registered TaskExecutors, in its view.")
    dead_end: Array = per(task_managers, FLAG, "Its gateway leads to a process that is gone.")

    # its scheduler
    job: Array = per(shares, Job, "The job, or each region of it.")
    ending: int = scalar(FLAG, "The job has been cancelled and will not restart.")
    alone: Array = per(
        shares, FLAG, "The region has restarted, so it no longer waits for the others (1.11)."
    )
    slots_first: int = scalar(
        number(may_return_first),
        "A region that fails next returns its slots first.",
    )
    last_first: int = scalar(
        number(may_release_last_first),
        "The next slot that is lost releases its last task first.",
    )
    lost_partitions: Array = per(
        shares,
        number(may_lose_partitions),
        "What this finished source has written is lost, which nobody has noticed.",
    )
    written_at: Array = per(
        shares,
        number(lambda g: g["task_managers"] if may_lose_partitions(g) else 0),
        "Which TaskExecutor, from 1, has what this finished source has written.",
    )
    reader_failed: int = scalar(
        number(lambda g: int(may_lose_partitions(g) or has_full_failover(g))),
        "A region has failed that drags others along: within a step, until its slot is returned.",
    )
    share: Array = per(shares, Share, "Each share of the job.")
    share_allocation: Array = per(shares, ref(allocations), "Its slot.")
    share_tm: Array = per(shares, ref(task_managers), "The TaskExecutor of its slot.")
    task: Array = per(tasks, Execution, "Each task.")
    attempt: Array = per(tasks, number(lambda g: g["tries"] - 1), "Its current attempt.")
    cancel_calls: Array = per(
        tasks,
        number(lambda g: g["cancel_tries"] if g["cancel_tries"] > 1 else 0),
        "After a call to cancel it was lost: how many there were.",
    )
    lost_cancellations: Array = per(
        own_executions,
        number(lambda g: g["cancel_tries"] if may_lose_cancellations(g) else 0),
        "After a call to cancel an attempt that was given up was lost: how many there were.",
    )

    # ResourceManager
    manager: SlotManagerState = part(manager_instance, "Its slot manager.", effects_from=MANAGER)
    resource_manager: Array = single(Leader, "The ResourceManager.")
    held_up: int = scalar(
        number(has_queued_steps),
        "Its main thread handles other messages before what it has queued.",
    )
    job_registered: int = scalar(FLAG, "The JobMaster is registered there.")
    jm_deposed: int = scalar(
        number(may_be_deposed),
        "The JobMaster that the ResourceManager knows leads no more, and refuses all that it says.",
    )
    job_connecting: int = scalar(
        number(NOBODY_WAITS),
        "The JobMaster has registered; the ResourceManager looks up who leads its job.",
    )
    registered: Array = per(task_managers, ref(instances), "The current connection of each.")
    stale: Array = per(task_managers, FLAG, "That connection leads to a process that is gone.")
    retries: int = scalar(
        number(ENDLESS), "Requests for slots that were refused and retried at once."
    )
    connecting: Array = per(
        instances,
        number(NOBODY_WAITS),
        "It has registered; the ResourceManager looks up its gateway.",
    )

    # TaskExecutors
    tables: Sequence[TaskSlotTableState] = part(
        table_instance, "Their slot tables.", per=task_managers, effects_from=TABLE
    )
    process: Array = per(task_managers, Process, "Each TaskExecutor.")
    at_rm: Array = per(task_managers, Registration, "Its connection to the ResourceManager.")
    instance: Array = per(task_managers, ref(instances), "Its InstanceID there.")
    outdated: Array = per(task_managers, FLAG, "The ResourceManager that it knows no longer leads.")
    deposed_jm: Array = per(task_managers, FLAG, "The JobMaster that it knows no longer leads.")
    at_jm: Array = per(task_managers, Registration, "Its connection to the JobMaster.")
    offering: Array = per(own_allocations, FLAG, "It waits for the answer to an offer.")
    stopping: Array = per(own_executions, FLAG, "An attempt has been told to stop.")
    announced: Array = per(own_executions, FLAG, "An attempt runs, and has said so.")

    # in flight
    message: Array = per(posts, number(_last_message), "The kind of message, oldest first.")
    subject: Array = per(posts, ref(allocations), "The allocation that it is about.")
    detail: Array = per(posts, number(_largest_detail), "What else it says.")
    slot_report: Array = per(own_slots, ref(allocations), "Contents of the slot report in flight.")
    allocation_report: Array = per(
        own_allocations, FLAG, "Contents of the JobMaster's report in flight."
    )
    late_releases: Array = per(
        own_allocations,
        number(has_stragglers),
        "A former JobMaster's call to free it is in flight.",
    )
    late_disconnects: Array = per(
        task_managers,
        number(has_stragglers),
        "A former JobMaster's call to disconnect is in flight.",
    )

    # faults so far, up to a bound
    lost: int = scalar(number(lambda g: g["losses"]), "Messages lost.")
    repeated: int = scalar(number(lambda g: g["repeats"]), "Messages delivered twice.")
    crashed: int = scalar(number(lambda g: g["crashes"]), "Crashes of TaskExecutors.")
    deposed: int = scalar(number(lambda g: g["leader_changes"]), "Losses of leadership.")
    fallen_behind: int = scalar(
        number(lambda g: g["stragglers"] if has_stragglers(g) else 0),
        "Calls of former JobMasters that fell behind.",
    )
    failed_over: int = scalar(number(lambda g: g["failovers"]), "Failovers of the RM.")
    failed: int = scalar(number(lambda g: g["failures"]), "Tasks that failed on their own.")
    hurry: int = scalar(FLAG, "The next timer may fire early.")
    hurried: int = scalar(number(lambda g: g["early_timeouts"]), "Timers that fired early.")

    # constants
    width: int = choice("slots_per_task_manager", "Slots of a TaskExecutor.")
    busy: int = choice("busy", "Messages that make a channel busy.")
    overtaking: int = choice("overtaking", "Messages of which any may arrive next.")
    sources: int = choice("sources", "Parallelism of the first of several vertices.")
    regions: int = choice("regions", "Each share is a region of its own.")
    full_failover: int = constant("A failure restarts every region.", has_full_failover)
    batch_requests: int = choice("batch_requests", "The job asks for slots as a batch job does.")
    cancel_tries: int = choice("cancel_tries", "Calls to cancel a task that is not there.")
    cancels: int = choice("cancels", "The job may be cancelled.")
    failures: int = choice("failures", "Tasks that may fail on their own.")
    losses: int = choice("losses", "Messages that may be lost.")
    repeats: int = choice("repeats", "Messages that may be delivered twice.")
    crashes: int = choice("crashes", "Crashes of TaskExecutors.")
    leader_changes: int = choice("leader_changes", "Losses of leadership.")
    stragglers: int = choice("stragglers", "Calls of former JobMasters that may fall behind.")
    failovers: int = choice("failovers", "Failovers of the ResourceManager.")
    early_timeouts: int = choice("early_timeouts", "Early timers.")
    offer_answers: int = choice("offer_answers", "Which answers to offers count.")
    late_slots: int = choice("late_slots", "A freed slot leaves in a step of its own.")
    queued_steps: int = constant("The ResourceManager may be held up.", has_queued_steps)
    slow_closing: int = choice("slow_closing", "A TaskExecutor may have lost its slots unnoticed.")
    registrations: int = constant("The JobMaster registers by messages.", registers_by_messages)
    stages: int = choice("stages", "Shares wait for those before them to finish.")
    tracks_partitions: int = constant(
        "The JobMaster knows where the results of finished stages are.",
        may_lose_partitions,
    )
    withdraws_requests: int = constant(
        "A job that is cancelled withdraws its requests (1.13.3, FLINK-22945).",
        lambda g: int(g["slot_return"] == SlotReturn.LAST),
    )
    deployment: int = choice("deployment", "When the tasks of a region are deployed.")
    can_suspend: int = choice("can_suspend", "A JobMaster that leads again keeps its pool.")
