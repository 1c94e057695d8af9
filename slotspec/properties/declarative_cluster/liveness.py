"""What happens eventually, once faults have stopped."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.scheduler import is_finished
from slotspec.models.cluster.state import shares
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.properties.cluster.liveness import is_settled
from slotspec.properties.cluster.views import has_enough_slots, is_retired, pool_agrees
from slotspec.properties.declarative_cluster.views import (
    manager_agrees,
    nothing_is_allocated,
    requirements_agree,
)
from slotspec.statemachine.declaration.conditions import is_set, known


@declarative_cluster.leads_to(
    "DeclarativeSlotPoolBridge.requestNewAllocatedSlot", is_settled, each={"share": shares}
)
def every_request_is_settled(s: DeclarativeClusterState, share: int) -> bool:
    """Every request for a slot is eventually fulfilled, failed or withdrawn."""
    return s.share[share] == Share.WAITING


def views_agree(s: DeclarativeClusterState) -> bool:
    """Whether pool, manager and tables agree on every slot, and on what is required."""
    return pool_agrees(s) and manager_agrees(s) and requirements_agree(s)


retained = known(
    "a JobMaster that ends before it has registered again tells nobody, and the"
    " ResourceManager keeps what was declared before (closeJobManagerConnection, RETAIN)",
    is_set("leader_changes") | is_set("early_timeouts"),
)
"""Why the ResourceManager may never learn that a job has ended."""


@declarative_cluster.leads_to("AllocatedSlotReport, SlotReport", views_agree, deviation=retained)
def the_views_agree_in_the_end(s: DeclarativeClusterState) -> bool:
    """JobMaster, ResourceManager and TaskExecutors always agree again."""
    return not views_agree(s)


@declarative_cluster.leads_to("JobMaster.onStop", nothing_is_allocated, deviation=retained)
def a_finished_job_leaves_nothing(s: DeclarativeClusterState) -> bool:
    """After the job has ended, no slot stays allocated and nothing is required anywhere."""
    return is_retired(s)


@declarative_cluster.leads_to("DefaultScheduler", is_finished, when=has_enough_slots)
def the_job_finishes(s: DeclarativeClusterState) -> bool:
    """A job whose slots exist eventually runs to its end."""
    return s.job_master[0] == Leader.STANDBY or not is_finished(s)
