"""How traces show the cluster of today: as the older one, with what is new in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slotspec.models.cluster.formatting import (
    AT_JOB_MASTER,
    AT_RESOURCE_MANAGER,
    AT_TASK_EXECUTOR,
    JOB_MASTER,
    RESOURCE_MANAGER,
    SHOWN_BY_CHANGES,
    TEXTS,
    ClusterFormatter,
    Phrase,
    effects_of_parts,
)
from slotspec.models.cluster.part_formatting import PartFormatter, TablePart
from slotspec.models.cluster.state import MANAGER, POOL, TABLE, Message, allocations
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.part_formatting import (
    DeclarativePoolPart,
    FineGrainedPart,
)
from slotspec.models.declarative_cluster.state import table_instance
from slotspec.models.declarative_slot_pool.state import Effect as PoolEffect
from slotspec.models.fine_grained_slot_manager.state import Effect as ManagerEffect
from slotspec.models.task_slot_table.state import Effect as TableEffect
from slotspec.statemachine.results import TraceStep

OF_REQUESTS = frozenset(
    {
        Message.REQUEST_SLOT,
        Message.CANCEL_SLOT_REQUEST,
        Message.ALLOCATION_FAILED,
        Message.CALL_OCCUPIED,
    }
)
"""Messages of the older cluster that this one does not have."""


class DeclarativeClusterFormatter(ClusterFormatter):
    """Renders what happens in a cluster with declared requirements."""

    texts: Mapping[int, str] = {
        **{message: text for message, text in TEXTS.items() if message not in OF_REQUESTS},
        Message.DECLARE_REQUIREMENTS: "the job requires {detail} slots",
        Message.REQUEST_ACKNOWLEDGED: "the declaration is noted",
        Message.REQUEST_REFUSED: "the declaration is refused",
        Message.REQUEST_TASK_SLOT: "allocate a slot for {a}",
        Message.CALL_ACKNOWLEDGED: "a slot is allocated for {a}",
        Message.CALL_FAILED: "no slot could be allocated for {a}",
        Message.SLOT_AVAILABLE: "the slot of {a} is free",
        Message.NOT_ENOUGH_RESOURCES: "there are not enough slots",
        Message.FREE_INACTIVE_SLOTS: "free what the job does not use",
    }
    actions_of: Mapping[str, Mapping[str, str]] = {
        JOB_MASTER: {
            **AT_JOB_MASTER,
            "scheduler_takes_slot": "takes the free slot {allocation} for {share}",
            "declaration_is_due": "has waited long enough to declare what it requires",
            "request_times_out": "waits no longer for the slot of {share}",
            "declaration_times_out": "had no answer to its declaration in time",
        },
        RESOURCE_MANAGER: {
            **AT_RESOURCE_MANAGER,
            "check_is_due": "checks what the job requires",
            "check_is_due_in_order": "checks what the job requires",
            "slot_call_times_out": "had no answer to its call for {allocation} in time",
        },
        "TaskExecutor": AT_TASK_EXECUTOR,
    }
    shown_otherwise = frozenset(
        {
            POOL + PoolEffect.DECLARE,
            POOL + PoolEffect.DECLARED,
            POOL + PoolEffect.FREE_SLOT,
            POOL + PoolEffect.ACCEPTED,
            POOL + PoolEffect.LISTED,
            POOL + PoolEffect.ANY_ORDER,
            MANAGER + ManagerEffect.REQUEST_SLOT,
            MANAGER + ManagerEffect.FREE_INACTIVE_SLOTS,
            MANAGER + ManagerEffect.ACQUIRED,
            *(effect for effect in SHOWN_BY_CHANGES if effect >= TABLE + min(TableEffect)),
        }
    )

    def made_parts(self) -> dict[str, PartFormatter]:
        """A formatter for each kind of part."""
        return {
            "pool": DeclarativePoolPart(self),
            "manager": FineGrainedPart(self),
            "tables": TablePart(self, table_instance),
        }

    def is_for_the_job_master(self, effect: int) -> bool:
        """Whether the ResourceManager sends this effect to the JobMaster, if one is there."""
        return effect == MANAGER + ManagerEffect.NOT_ENOUGH_RESOURCES

    def _slots_reported(self, state: Mapping[str, object], tm: int) -> str:
        entries = state["slot_report"]
        assert isinstance(entries, list | tuple)
        width = len(entries) // len(state["process"])  # type: ignore[arg-type]
        told = [one for one in entries[tm * width : (tm + 1) * width] if one >= 0]
        return ", ".join(self.element(allocations, one) for one in told) or "no slots"

    def _declared(self, step: TraceStep) -> Iterator[Phrase]:
        """Answers of the ResourceManager that the pool no longer waits for."""
        for _, (was, now) in self._pairs(step, "pool.call"):
            if now < was:
                yield Phrase(JOB_MASTER, "has the answer to its declaration")


declarative_cluster.formatter = DeclarativeClusterFormatter
declarative_cluster.effects = effects_of_parts(PoolEffect, ManagerEffect)
