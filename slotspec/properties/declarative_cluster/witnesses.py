"""What can happen in a cluster: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.cluster.scheduler import is_finished
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState


@declarative_cluster.sometimes("DefaultScheduler")
def the_job_can_finish(s: DeclarativeClusterState) -> bool:
    """A run of the job to its end."""
    return is_finished(s)
