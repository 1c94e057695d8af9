"""Names of the lifelines that several models share."""

from __future__ import annotations

JOB_MASTER, POOL, CLOCK = "JobMaster", "SlotPool", "clock"
RESOURCE_MANAGER, TASK_MANAGER, REQUEST = "ResourceManager", "TaskManager", "request"
PAYLOADS, SCHEDULER, TASK_EXECUTOR, TASKS = "payloads", "Scheduler", "TaskExecutor", "tasks"
