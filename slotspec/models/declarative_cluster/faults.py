"""Faults: those of the older cluster, each as often as its bound allows."""

from __future__ import annotations

from slotspec.models.cluster import faults
from slotspec.models.cluster.model import cluster
from slotspec.models.declarative_cluster.model import declarative_cluster

declarative_cluster.share(
    cluster,
    faults.message_is_lost,
    faults.message_is_repeated,
    faults.task_executor_crashes,
    faults.job_is_cancelled,
    faults.task_fails,
    faults.task_is_not_set_up,
    faults.job_master_loses_leadership,
    faults.job_master_ends_unheard,
    faults.resource_manager_fails_over,
    faults.release_falls_behind,
    faults.disconnect_falls_behind,
)
