"""The participants in traces of slot tables."""

from __future__ import annotations

from slotspec.models.common.lifelines import CLOCK, TASK_EXECUTOR, TASKS
from slotspec.statemachine.participants import single_lifelines

PARTICIPANTS = single_lifelines(
    "TaskSlotTable",
    (CLOCK, TASK_EXECUTOR, "TaskSlotTable", TASKS),
    callers={
        "task_terminates": TASKS,
        "fire_timeout": CLOCK,
        "timeout_arrives": CLOCK,
        "advance_time": CLOCK,
    },
    others=TASK_EXECUTOR,
    receivers={
        "fail_task": TASKS,
        "free_slot": TASK_EXECUTOR,
        "timeout_slot": TASK_EXECUTOR,
        "table_closed": TASK_EXECUTOR,
        "close_failed": TASK_EXECUTOR,
        "timers_shut_down": CLOCK,
    },
    prefixes={
        "actions": TASK_EXECUTOR,
        "table": TASK_EXECUTOR,
        "task": TASKS,
        "timer_service": CLOCK,
    },
)
