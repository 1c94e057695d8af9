"""``leads to`` under symmetry: the verdicts of a search without it, from far fewer states."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    NONE,
    Array,
    Event,
    Fairness,
    Lifecycle,
    Limits,
    Model,
    Record,
    Sort,
    State,
    UsageError,
    check,
    fire,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.interpreter.liveness import Stopped, flaw
from slotspec.statemachine.results import Limit, Verdict
from slotspec.statemachine.search import quotient
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.quotient import Group
from tests.statemachine.search.liveness_fuzzer import examine, facts, goes_round
from tests.variants import fast_first


class Worker(Lifecycle):
    """Someone who uses a lock."""

    AWAY = State("It does not want the lock.", initial=True)
    WAITING = State("It wants the lock.")
    INSIDE = State("It has the lock.")

    ask = Event("It asks.", (AWAY, WAITING))
    enter = Event("It gets the lock.", (WAITING, INSIDE))
    leave = Event("It returns the lock.", (INSIDE, AWAY))


WORKERS = Sort("workers", "Who shares the lock.", default=3, symmetric=True)
LOCKS = Sort("locks", "Locks.", default=1, symmetric=True)


class Shared(Record):
    """Locks and who uses them."""

    worker: Array = per(WORKERS, Worker, "Each worker.")
    holder: Array = per(LOCKS, ref(WORKERS), "Who has it.")
    last: int = scalar(ref(WORKERS), "Who entered last.")


def lock(enter: Fairness, *, turns: bool = False) -> Model:
    """A lock; with `turns`, nobody gets it twice in a row while another waits."""
    model = Model("lock", "A shared lock.", Shared)

    @model.action(one=WORKERS)
    def ask(s: Shared, one: int) -> int:
        """Somebody asks."""
        if s.worker[one] != Worker.AWAY:
            return DISABLED
        fire(s.worker, one, Worker.ask)
        return 0

    def may_enter(s: Shared, one: int, door: int) -> int:
        """Somebody gets a lock."""
        if s.worker[one] != Worker.WAITING or s.holder[door] != NONE:
            return DISABLED
        fire(s.worker, one, Worker.enter)
        s.holder[door] = one
        return 0

    def in_turn(s: Shared, one: int, door: int) -> int:
        """Somebody else gets a lock."""
        others = any(w == Worker.WAITING and x != one for x, w in enumerate(s.worker))
        if s.last == one and others:
            return DISABLED
        if s.worker[one] != Worker.WAITING or s.holder[door] != NONE:
            return DISABLED
        fire(s.worker, one, Worker.enter)
        s.holder[door] = one
        s.last = one
        return 0

    rule = in_turn if turns else may_enter
    model.action(one=WORKERS, door=LOCKS, fair=enter)(rule)

    @model.action(one=WORKERS, door=LOCKS, fair=Fairness.WEAK)
    def leave(s: Shared, one: int, door: int) -> int:
        """It returns the lock."""
        if s.holder[door] != one:
            return DISABLED
        fire(s.worker, one, Worker.leave)
        s.holder[door] = NONE
        return 0

    def gets_in(s: Shared, one: int) -> bool:
        return s.worker[one] == Worker.INSIDE

    @model.leads_to("Locks.", gets_in, each={"one": WORKERS})
    def who_waits_gets_in(s: Shared, one: int) -> bool:
        """Who waits gets in."""
        return s.worker[one] == Worker.WAITING

    def somebody_is_in(s: Shared) -> bool:
        return any(holder != NONE for holder in s.holder)

    @model.leads_to("Locks.", somebody_is_in)
    def somebody_gets_in(s: Shared) -> bool:
        """If anybody waits, somebody gets in."""
        return any(worker == Worker.WAITING for worker in s.worker)

    def other_first(s: Shared, one: int, other: int) -> bool:
        return one == other or s.worker[other] == Worker.INSIDE

    @model.leads_to("Locks.", other_first, each={"one": WORKERS, "other": WORKERS})
    def then_the_other(s: Shared, one: int, other: int) -> bool:
        """After one, any other: this does not hold, since the other need not ask."""
        return s.worker[one] == Worker.INSIDE

    return model


@pytest.mark.parametrize("workers", fast_first([2, 3, 4], 2))
@pytest.mark.parametrize("locks", [1, 2])
@pytest.mark.parametrize("enter", [Fairness.WEAK, Fairness.STRONG])
@pytest.mark.parametrize("turns", [False, True])
def test_verdicts_are_those_of_a_search_without_symmetry(
    workers: int, locks: int, enter: Fairness, turns: bool
) -> None:
    instance = lock(enter, turns=turns).instance({"workers": workers, "locks": locks})
    reduced, plain = check(instance, "compiled"), check(instance, "compiled", symmetry=False)
    assert (reduced.symmetry, plain.symmetry) == ("exact", None)
    assert reduced.states < plain.states
    assert facts(reduced) == facts(plain) == facts(check(instance, "interpreted"))
    if locks == 1 and not turns:
        waits = reduced.properties[0]
        assert waits.verdict is (Verdict.HOLDS if enter is Fairness.STRONG else Verdict.VIOLATED)
        assert goes_round(waits.finding) is (enter is Fairness.WEAK)
    for found, other in zip(reduced.properties, plain.properties, strict=True):
        if found.finding is not None and other.finding is not None:
            assert found.finding.loop == other.finding.loop
            assert len(found.finding.calls) == len(other.finding.calls)
            assert flaw(instance, found.property, found.finding) is None


def test_turns_are_enough_for_two_but_not_for_three() -> None:
    for workers, verdict in ((2, Verdict.HOLDS), (3, Verdict.VIOLATED)):
        instance = lock(Fairness.WEAK, turns=True).instance({"workers": workers})
        result = check(instance, "compiled")
        assert result.symmetry == "exact"
        assert result.properties[0].verdict is verdict, workers


def test_several_workers_and_limits() -> None:
    instance = lock(Fairness.STRONG).instance({"workers": 6})
    two = explore_compiled(instance, symmetry="exact", workers=2)
    assert facts(two) == facts(check(instance, "compiled"))
    cut = check(instance, "compiled", limits=Limits(states=5))
    assert [p.verdict for p in cut.properties] == [Verdict.UNKNOWN] * 3
    assert cut.limit is Limit.STATES


def test_a_resumed_search_decides_the_same(tmp_path: Path) -> None:
    instance = lock(Fairness.WEAK, turns=True).instance({"workers": 5, "locks": 2})
    cut = check(instance, "compiled", limits=Limits(depth=4), checkpoint=tmp_path / "kept")
    assert cut.limit is Limit.DEPTH
    resumed = check(instance, "compiled", checkpoint=tmp_path / "kept", resume=True)
    assert (resumed.symmetry, resumed.limit) == ("exact", None)
    assert facts(resumed) == facts(check(instance, "compiled", symmetry=False))


def test_time_and_memory_end_the_search_for_loops() -> None:
    instance = lock(Fairness.STRONG, turns=True).instance({"workers": 6, "locks": 2})

    def stop(*_: Any) -> None:
        raise Stopped(Limit.MEMORY)

    whole = check(instance, "compiled")
    assert whole.limit is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotient.QuotientGraph, "loops", stop)
        cut = check(instance, "compiled")
    assert cut.limit is Limit.MEMORY
    assert [p.verdict for p in cut.properties] == [Verdict.UNKNOWN] * 3


def test_a_large_lock_is_decided_from_few_states() -> None:
    instance = lock(Fairness.STRONG).instance({"workers": 12})
    result = check(instance, "compiled")
    assert result.states < 400
    verdicts = [p.verdict for p in result.properties]
    assert verdicts == [Verdict.HOLDS, Verdict.HOLDS, Verdict.VIOLATED]


@pytest.mark.parametrize("near", [0, 3])
def test_a_loop_through_renamed_states_is_fair_too(
    near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the way back to the very same state is not looked for among more states than these
    monkeypatch.setattr(quotient, "NEAR", near)
    for enter, turns, size in product(Fairness, (False, True), ((3, 1), (4, 1), (4, 2))):
        bounds = dict(zip(("workers", "locks"), size, strict=True))
        instance = lock(enter, turns=turns).instance(bounds)
        assert facts(check(instance, "compiled")) == facts(
            check(instance, "compiled", symmetry=False)
        )


class Token(Record):
    """A token that goes from hand to hand."""

    owner: int = scalar(ref(WORKERS), "Who has it.")


def test_a_step_to_a_renamed_form_of_the_same_state_is_a_loop() -> None:
    model = Model("token", "A token.", Token)

    @model.action(one=WORKERS, fair=Fairness.WEAK)
    def take(s: Token, one: int) -> int:
        """Somebody takes it."""
        if s.owner == one:
            return DISABLED
        s.owner = one
        return 0

    def lies_there(s: Token) -> bool:
        return s.owner == NONE

    def comes_to(s: Token, one: int) -> bool:
        return s.owner == one

    @model.leads_to("Tokens.", lies_there)
    def it_comes_back(s: Token) -> bool:
        """Who has it puts it down: nobody ever does."""
        return s.owner != NONE

    @model.leads_to("Tokens.", comes_to, each={"one": WORKERS})
    def everybody_gets_it(s: Token, one: int) -> bool:
        """Everybody gets it, since taking it is possible as long as it is elsewhere."""
        return s.owner != one

    instance = model.instance({"workers": 4})
    result = check(instance, "compiled")
    assert (result.symmetry, result.states) == ("exact", 2)
    assert [p.verdict for p in result.properties] == [Verdict.VIOLATED, Verdict.HOLDS]
    assert goes_round(result.properties[0].finding)
    assert facts(result) == facts(check(instance, "compiled", symmetry=False))


def test_random_models_have_the_same_verdicts(tmp_path: Path) -> None:
    results = [examine(tmp_path, seed) for seed in range(1, 26)]
    found = [result for result in results if result is not None]
    assert [different for _, different in found if different] == []
    properties = [p for result, _ in found for p in result.properties]
    assert sum(goes_round(p.finding) for p in properties) > 2
    assert sum(p.verdict is Verdict.HOLDS and p.reason is None for p in properties) > 4


def test_renamings_are_numbered_and_undone() -> None:
    group = Group(lock(Fairness.WEAK).instance({"workers": 3, "locks": 2}))
    frames = [group.renaming(rank) for rank in range(12)]
    assert len(set(frames)) == 12
    assert frames[0] == group.same
    for frame in frames:
        assert group.after(frame, group.inverse(frame)) == group.same


def test_symmetry_that_is_not_proven_is_refused() -> None:
    model = lock(Fairness.WEAK)

    @model.action()
    def favour(s: Shared) -> int:
        """The first is special."""
        s.last = 0
        return 0

    with pytest.raises(UsageError, match=r"SET035: .*who_waits_gets_in.*rules prove it"):
        explore_compiled(model.instance(), symmetry=True)
    with pytest.raises(UsageError, match=r"SET035"):
        explore_compiled(lock(Fairness.WEAK).instance(), symmetry="fast")
    result: Any = check(model.instance(), "compiled")
    assert result.symmetry is None
    assert "test_liveness_symmetry.py:" in result.symmetry_reason
