"""FLINK-12736: a TaskExecutor is released though it was used after it was asked."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import timers as checks
from slotspec.models.slot_manager.lifecycles import Manager
from slotspec.models.slot_manager.state import Answer, Effect, SlotManagerState
from slotspec.statemachine.declaration.rules import emit


def released_whatever_happened(s: SlotManagerState, query: int) -> None:
    """A TaskExecutor that agreed is released; whether it is still idle is not looked at."""
    if s.query_answer[query] == Answer.YES and s.manager[0] == Manager.STARTED:
        emit(s, Effect.RELEASE_RESOURCE, s.query_instance[query])
    checks.forget_query(s, query)


BUGS = [
    Bug(
        issue="FLINK-12736",
        description="An idle TaskExecutor agrees to be released; meanwhile one of its slots was"
        " given away, and it is released all the same.",
        model="slot_manager",
        property="who_was_used_meanwhile_stays",
        length=5,
        replace={checks.run_answer: released_whatever_happened},
        generation="1.12",
        scope="asking",
        fixed="1.8.2, 1.9.0",
    )
]
