"""FLINK-12736: an idle TaskExecutor is released although it was used after it agreed."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import timers as checks
from slotspec.models.slot_manager.lifecycles import Manager
from slotspec.models.slot_manager.state import Answer, Effect, SlotManagerState
from slotspec.statemachine.declaration.rules import emit


def release_without_check(s: SlotManagerState, query: int) -> None:
    """Release a TaskExecutor that agreed, without checking that it is still idle."""
    if s.query_answer[query] == Answer.YES and s.manager[0] == Manager.STARTED:
        emit(s, Effect.RELEASE_RESOURCE, s.query_instance[query])
    checks.forget_query(s, query)


BUGS = [
    Bug(
        issue="FLINK-12736",
        description="An idle TaskExecutor agrees to be released. Meanwhile one of its slots is"
        " given away, and the ResourceManager releases it anyway.",
        model="slot_manager",
        property="who_was_used_meanwhile_stays",
        length=5,
        replace={checks.run_answer: release_without_check},
        generation="1.12",
        scope="asking",
        fixed="1.8.2, 1.9.0",
    )
]
