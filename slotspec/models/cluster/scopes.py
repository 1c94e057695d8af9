"""The bounds of the cluster's default runs, and of its simulation."""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

ANY_NUMBER = 254

one_slot = partial(
    dict[str, int], task_managers=1, slots_per_task_manager=1, parallelism=1, allocations=2
)
"""One slot, and a job that needs it."""

two_slots = partial(
    one_slot, slots_per_task_manager=2, parallelism=2, allocations=3, channel_room=10
)
"""Two slots of one TaskExecutor, for a job of two tasks."""

storm = partial(
    dict[str, int],
    task_managers=3,
    slots_per_task_manager=2,
    parallelism=4,
    vertices=2,
    channel_room=18,
    overtaking=3,
    cancel_tries=4,
    late_slots=1,
    busy=3,
    failures=ANY_NUMBER,
    losses=ANY_NUMBER,
    repeats=ANY_NUMBER,
    crashes=ANY_NUMBER,
    leader_changes=ANY_NUMBER,
    stragglers=ANY_NUMBER,
    failovers=ANY_NUMBER,
    early_timeouts=ANY_NUMBER,
)
"""Three TaskExecutors of two slots, a job of four shares, and any number of faults."""

STRAGGLERS = Scope(
    "stragglers",
    "One slot; the JobMaster loses its leadership, and one of its last calls arrives after"
    " those of the next.",
    one_slot(leader_changes=1, stragglers=1),
    large=True,
)

UNHEARD = Scope(
    "unheard",
    "One slot; the user cancels the job, and its JobMaster loses its leadership, perhaps before"
    " anybody has heard that the job has ended.",
    one_slot(leader_changes=1, lost_results=1, cancels=1),
    large=True,
)

WHOLE_JOB = Scope(
    "whole_job",
    "Two slots and a job of two tasks that are deployed each alone; one task fails, and both"
    " restart.",
    two_slots(allocations=4, regions=1, full_failover=1, failures=1),
    large=True,
)

RECOMPUTATION = Scope(
    "recomputation",
    "One slot and a batch job of two stages, which use it one after the other; one task fails, and"
    " what the first stage has written may be lost.",
    one_slot(
        parallelism=2,
        regions=1,
        stages=1,
        batch_requests=1,
        lost_partitions=1,
        failures=1,
        early_timeouts=1,
    ),
    large=True,
)

TOGETHER = Scope(
    "together",
    "Two TaskExecutors of one slot each, and a job of two tasks that needs both; one message is"
    " lost, and one TaskExecutor crashes and restarts.",
    one_slot(task_managers=2, parallelism=2, allocations=4, channel_room=10, losses=1, crashes=1),
    large=True,
)

SCOPES = (
    Scope(
        "losses",
        "One slot and a job that needs it; two messages are lost, and one timer fires early.",
        one_slot(losses=2, early_timeouts=1),
        large=True,
    ),
    Scope(
        "sharing",
        "Two slots of one TaskExecutor, shared by the three tasks of a job with two vertices;"
        " one message is lost.",
        two_slots(vertices=2, losses=1),
        large=True,
    ),
    Scope(
        "slots",
        "Two slots of one TaskExecutor, for a job of two tasks; one message is lost.",
        two_slots(losses=1),
    ),
    Scope(
        "orders",
        "One slot for a job of two tasks, which restarts for ever; its requests and its tasks are"
        " in hash tables.",
        one_slot(parallelism=2, allocations=3, channel_room=12, iteration_order=1),
        large=True,
    ),
    Scope(
        "releases",
        "One slot for a job of two shares of two tasks each; its TaskExecutor crashes, and the"
        " tasks of a lost slot are in a hash table.",
        one_slot(
            parallelism=2, vertices=2, allocations=3, channel_room=12, crashes=1, release_orders=1
        ),
        large=True,
    ),
    Scope(
        "crashes",
        "Two TaskExecutors of one slot each, of which the job needs one; one crashes and"
        " restarts, and one timer fires early.",
        one_slot(task_managers=2, crashes=1, early_timeouts=1),
        large=True,
    ),
    Scope(
        "leaders",
        "One slot; the JobMaster and the ResourceManager each lose their leadership and regain it.",
        one_slot(leader_changes=1, failovers=1),
        large=True,
    ),
    Scope(
        "job_masters",
        "One slot; the JobMaster loses its leadership and regains it, and answers are overtaken.",
        one_slot(leader_changes=1, overtaking=3),
    ),
    Scope(
        "resource_managers",
        "One slot; the ResourceManager loses its leadership and regains it, and the JobMaster"
        " registers there by messages.",
        one_slot(failovers=1, registrations=1),
    ),
    Scope(
        "registrations",
        "One slot; the JobMaster registers at the ResourceManager by messages, loses its leadership"
        " and regains it, and one message is lost.",
        one_slot(leader_changes=1, losses=1, registrations=1),
        large=True,
    ),
    Scope(
        "repeats",
        "One slot; two calls are repeated, and the JobMaster loses its leadership and regains it.",
        one_slot(leader_changes=1, repeats=2),
        large=True,
    ),
    Scope(
        "answers",
        "One slot; answers and submissions are overtaken by what is sent after them, one message is"
        " lost, and one timer fires early.",
        one_slot(overtaking=3, losses=1, early_timeouts=1),
        large=True,
    ),
    Scope(
        "late_answers",
        "The same without losses.",
        one_slot(overtaking=3, early_timeouts=1),
    ),
    Scope(
        "lost_answers",
        "The same with a loss, where only one answer at a time is overtaken.",
        one_slot(overtaking=1, losses=1, early_timeouts=1),
    ),
    Scope(
        "cancels",
        "One slot; answers are overtaken, one task fails, and the user cancels the job: up to four"
        " calls to cancel each task.",
        one_slot(overtaking=3, failures=1, cancels=1, cancel_tries=4),
    ),
    Scope(
        "delays",
        "One slot; answers are overtaken, the user cancels the job, one timer fires early, perhaps"
        " that of a call to cancel a task, and a freed slot leaves in a step of its own.",
        one_slot(overtaking=2, cancels=1, cancel_tries=2, early_timeouts=1, late_slots=1),
        large=True,
    ),
    Scope(
        "reconciliation",
        "One slot; answers are overtaken, the user cancels the job, and one timer fires early."
        " Heartbeats tell of tasks that the JobMaster has given up, and a freed slot may leave"
        " before its memory is released.",
        one_slot(
            overtaking=1,
            cancels=1,
            early_timeouts=1,
            late_slots=1,
            deployment_reports=1,
            slow_closing=1,
        ),
        large=True,
    ),
    Scope(
        "queues",
        "One slot; the ResourceManager may handle other messages before the outcome of a call for a"
        " slot, which it has queued, one timer fires early, and a task that is told to stop may"
        " have done its work before.",
        one_slot(queued_steps=1, early_timeouts=1, late_stops=1),
        large=True,
    ),
    Scope(
        "regions",
        "Two slots and a job of two tasks that are deployed, and restart, each alone; answers are"
        " overtaken, and one task fails.",
        two_slots(regions=1, failures=1, overtaking=3),
    ),
    Scope(
        "batch",
        "One slot and a batch job of two stages, which use it one after the other; answers are"
        " overtaken, one task fails, and one timer fires early.",
        {
            "task_managers": 1,
            "slots_per_task_manager": 1,
            "parallelism": 2,
            "allocations": 2,
            "regions": 1,
            "stages": 1,
            "failures": 1,
            "early_timeouts": 1,
            "overtaking": 3,
        },
        large=True,
    ),
    STRAGGLERS,
    UNHEARD,
    RECOMPUTATION,
    WHOLE_JOB,
    Scope(
        "spread",
        "Two TaskExecutors of two slots each, and a job of two tasks: each gets one.",
        two_slots(task_managers=2, allocations=4, evenly_spread=1),
        large=True,
    ),
    Scope(
        "look_ups",
        "One slot; the JobMaster loses its leadership and regains it, and the ResourceManager may"
        " register the former one.",
        one_slot(leader_changes=1, registrations=1, late_look_ups=1),
        large=True,
    ),
    TOGETHER,
    Scope(
        "storm",
        "Three TaskExecutors of two slots, a job of five tasks in four slots, and any number"
        " of faults.",
        storm(allocations=6, release_orders=1, registrations=1),
        simulation_only=True,
    ),
)
