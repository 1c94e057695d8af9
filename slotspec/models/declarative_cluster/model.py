"""The cluster of today: a JobMaster that declares what it requires, and a ResourceManager that
decides which slots to request.

It consists of the bridge with the declarative pool, the fine-grained manager and a slot table for
each TaskExecutor, and calls their rules unchanged. Scheduler, TaskExecutors, messages, timers and
faults are those of the older cluster: the same rules, which call pool and manager through their
interfaces. `replace` says what stands for what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slotspec.models.cluster import job_master as older_job_master
from slotspec.models.cluster import resource_manager as older_resource_manager
from slotspec.models.cluster import task_executor as older_task_executor
from slotspec.models.cluster import timers as older_timers
from slotspec.models.cluster.state import BOUNDS
from slotspec.models.declarative_cluster import (
    job_master,
    resource_manager,
    task_executor,
    waiting,
)
from slotspec.models.declarative_cluster.scopes import SCOPES
from slotspec.models.declarative_cluster.slot_manager_service import SLOT_MANAGER_SERVICE
from slotspec.models.declarative_cluster.slot_pool_service import SLOT_POOL_SERVICE
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_cluster.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import Bound

LEFT_OUT = ("iteration_order", "registrations", "queued_steps")
"""Bounds of the older cluster that are about what this one does not have, or always has."""
CONNECTION_ORDERS = Bound(
    "connection_orders",
    "Whether the ResourceManager may look at any three connections first.",
    0,
    0,
    1,
)

PROCESSES: Mapping[Callable[..., Any], Callable[..., Any]] = {
    older_job_master.apply_each: job_master.apply_each,
    older_job_master.register_task_manager: job_master.register_task_manager,
    older_job_master.revoke_leadership: job_master.stop_scheduling,
    older_job_master.end_job: job_master.end_job,
    older_job_master.known_gateway: job_master.known_gateway,
    older_job_master.close_connection: job_master.close_connection,
    older_resource_manager.apply_effects: resource_manager.apply_effects,
    older_resource_manager.read_report: resource_manager.read_report,
    older_resource_manager.call_answered: resource_manager.call_answered,
    older_resource_manager.note_retry: resource_manager.note_retry,
    older_resource_manager.close_job_manager_connection: (
        resource_manager.close_job_manager_connection
    ),
    older_task_executor.request_slot: task_executor.request_slot,
    older_task_executor.write_slot_report: task_executor.write_slot_report,
    older_timers.is_idle: waiting.is_idle,
    older_timers.has_news: waiting.has_news,
}
"""Which rule of a process stands for which of the older one."""

declarative_cluster = Model(
    "declarative_cluster",
    "The whole slot protocol of today: JobMaster, ResourceManager, TaskExecutors, messages.",
    DeclarativeClusterState,
    bounds=[*(bound for bound in BOUNDS if bound.name not in LEFT_OUT), CONNECTION_ORDERS],
    generations=GENERATIONS,
    scopes=SCOPES,
    replace={**SLOT_POOL_SERVICE, **SLOT_MANAGER_SERVICE, **PROCESSES},
)
