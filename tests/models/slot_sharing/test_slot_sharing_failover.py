"""Actions of the scheduler in the middle of a release of shared slots."""

from __future__ import annotations

import pytest

from slotspec.bugs import known_bugs
from slotspec.models import load_model
from slotspec.models.slot_sharing import environment, failover, tree
from slotspec.models.slot_sharing.state import Effect
from slotspec.statemachine.declaration.rules import DISABLED, NONE

model = load_model("slot_sharing")


@pytest.mark.parametrize(("asked", "gets"), [(0, False), (1, True)])
def test_a_slot_that_is_being_released_gets_no_share(asked: int, gets: bool) -> None:
    instance = model.instance(scope="callbacks")
    s = instance.fresh()
    environment.create_root_slot(s)
    environment.create_root_slot(s)
    environment.allocate_single(s, 0, 0, 0)
    assert failover.release_multi_and_ask(s, 0, asked, 1) != DISABLED
    there = tree.single_child(s, asked, 1)
    assert (there != NONE) == gets
    assert not any(s.wanted)
    assert not any(s.leaving)
    assert s.single_parent[1] == (asked if gets else NONE)


@pytest.mark.parametrize("waiting", [1, 2, 3])
def test_a_slot_is_handed_on_as_often_as_tasks_wait(waiting: int) -> None:
    bug = known_bugs()["FLINK-22945"]
    bounds = {"multis": waiting + 1, "slots": waiting + 1, "allocations": 1}
    given = []
    for instance in (
        bug.instance(bounds),
        model.instance({**bug.bounds, **bounds}, generation=bug.generation, scope=bug.scope),
    ):
        s = instance.fresh()
        for root in range(waiting + 1):
            environment.create_root_slot(s)
            environment.allocate_single(s, root, 0, 0)
        environment.resolve_context(s, 0, 0, 0, 0)
        s.effects.clear()
        assert instance.rule(failover.cancel_job)(s) != DISABLED
        given.append(sum(e.kind == Effect.LOGICAL_SLOT_FULFILLED for e in s.effects))
        assert not any(tree.is_multi_registered(s, root) for root in range(waiting + 1))
    assert given == [waiting, 0]


def test_a_job_without_tasks_is_not_cancelled() -> None:
    s = model.instance(scope="callbacks").fresh()
    environment.create_root_slot(s)
    assert failover.cancel_job(s) == DISABLED
