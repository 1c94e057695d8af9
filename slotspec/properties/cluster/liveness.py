"""What happens eventually, once faults have stopped."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.scheduler import is_finished
from slotspec.models.cluster.state import ClusterState, shares
from slotspec.properties.cluster.views import (
    has_enough_slots,
    is_retired,
    manager_agrees,
    nothing_is_allocated,
    pool_agrees,
)


def is_settled(s: ClusterState, share: int) -> bool:
    """Whether a share does not wait for a slot."""
    return s.share[share] != Share.WAITING


@cluster.leads_to("SlotPool.requestNewAllocatedSlot", is_settled, each={"share": shares})
def every_request_is_settled(s: ClusterState, share: int) -> bool:
    """Every request for a slot is eventually fulfilled, failed or withdrawn."""
    return s.share[share] == Share.WAITING


def views_agree(s: ClusterState) -> bool:
    """Whether pool, manager and tables agree on every slot."""
    return pool_agrees(s) and manager_agrees(s)


@cluster.leads_to("AllocatedSlotReport, SlotReport", views_agree)
def the_views_agree_in_the_end(s: ClusterState) -> bool:
    """JobMaster, ResourceManager and TaskExecutors always agree again."""
    return not views_agree(s)


@cluster.leads_to("JobMaster.onStop", nothing_is_allocated)
def a_finished_job_leaves_nothing(s: ClusterState) -> bool:
    """After the job has ended, no slot stays allocated and no request is left anywhere."""
    return is_retired(s)


@cluster.leads_to("DefaultScheduler", is_finished, when=has_enough_slots)
def the_job_finishes(s: ClusterState) -> bool:
    """A job whose slots exist eventually runs to its end."""
    return s.job_master[0] == Leader.STANDBY or not is_finished(s)
