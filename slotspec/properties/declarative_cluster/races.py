"""What a message does that arrives early, late, or after a newer one of its kind."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader
from slotspec.models.cluster.messages import TO_RESOURCE_MANAGER, is_in_channel
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.state import Message
from slotspec.models.declarative_cluster.job_master import has_delayed, is_waiting
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.slot_manager_service import JOB
from slotspec.models.declarative_cluster.slot_pool_service import profile_of
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.properties.cluster import races
from slotspec.statemachine.declaration.rules import NONE

declarative_cluster.share(
    cluster,
    races.a_task_is_taken_if_its_slot_is_there,
    races.only_the_newest_registration_counts,
    races.a_waiting_job_takes_what_is_offered,
    races.a_slot_in_use_is_not_rejected,
    races.an_older_answer_changes_nothing,
    races.a_report_knows_what_was_accepted_before_it,
    races.a_task_that_was_given_up_does_not_start,
    races.a_former_job_master_frees_no_slot_of_the_next,
    races.a_former_job_master_closes_no_connection_of_the_next,
)


@declarative_cluster.always("DefaultDeclareResourceRequirementServiceConnectionManager")
def a_change_is_declared_or_about_to_be(s: DeclarativeClusterState) -> bool:
    """While JobMaster and ResourceManager are connected, a requirement that the ResourceManager
    does not know is in flight, is delayed, or its declaration is not answered yet."""
    return (
        s.job_master[0] != Leader.LEADING
        or s.pool.gateway == NONE
        or s.rm_deposed == 1
        or not s.job_registered
        or s.manager.required[JOB] == s.pool.required[profile_of(s.pool)]
        or is_in_channel(s, TO_RESOURCE_MANAGER, int(Message.DECLARE_REQUIREMENTS))
        or has_delayed(s)
        or is_waiting(s)
    )
