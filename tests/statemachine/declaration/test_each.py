"""Properties of each element, and step properties that take the arguments they name."""

from __future__ import annotations

from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    Array,
    DeclarationError,
    Model,
    Record,
    RuleError,
    Sort,
    UsageError,
    Verdict,
    emit,
    per,
)
from slotspec.statemachine.check import check
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.interpreter.random_walk import InterpretedWalk
from slotspec.statemachine.results import Limits, PropertyResult, Result
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.random_walk import CompiledWalk, compile_walk
from slotspec.statemachine.simulate import simulate

JOBS = Sort("jobs", "Jobs.", default=3, symmetric=True)
DAYS = Sort("days", "Days, in order.", default=2, ordered=True)


class Work(Record):
    """Which jobs are begun and done, and on which days anything was."""

    begun: Array = per(JOBS, FLAG, "It is begun.")
    done: Array = per(JOBS, FLAG, "It is done.")
    busy: Array = per(DAYS, FLAG, "Something was done then.")


def work(last: int = 3) -> Model:
    """Jobs that are begun and done; jobs from `last` on are never done."""
    model = Model("work", "Jobs on days.", Work)

    @model.action(job=JOBS, day=DAYS)
    def begin(s: Work, job: int, day: int) -> int:
        """Begin."""
        if s.begun[job] == 1:
            return DISABLED
        s.begun[job] = 1
        emit(s, 7, job)
        return day + 10

    @model.action(job=JOBS, day=DAYS)
    def finish(s: Work, job: int, day: int) -> int:
        """Do it."""
        if s.begun[job] == 0 or s.done[job] == 1 or job >= last:
            return DISABLED
        s.done[job] = 1
        s.busy[day] = 1
        return job

    @model.final_states
    def rest(s: Work) -> bool:
        """Any."""
        return True

    return model


def both(instance: Instance) -> tuple[Result, Result]:
    results = explore_interpreted(instance), explore_compiled(instance)
    assert len({(r.states, r.transitions, r.depth) for r in results}) == 1
    assert [summary(p) for p in results[0].properties] == [
        summary(p) for p in results[1].properties
    ]
    return results


def summary(found: PropertyResult) -> tuple[Any, ...]:
    finding = found.finding
    trace = finding and [str(call) for call in finding.calls]
    about = None if finding is None else finding.elements
    return found.property.name, found.verdict, found.reason, trace and len(trace), about


def test_always_names_the_element_that_breaks_it() -> None:
    model = work()

    @model.always("here", each={"job": JOBS, "day": DAYS})
    def job_2_has_a_day_off(s: Work, job: int, day: int) -> bool:
        """Job 2 is done on day 0 alone."""
        return job != 2 or s.done[job] == 0 or day == 0 or s.busy[day] == 0

    for result in both(model.instance()):
        (found,) = result.properties
        assert found.verdict is Verdict.VIOLATED
        assert found.finding is not None
        assert found.finding.elements == (2, 1)
        words = formatter_of(result.instance)
        assert words.about(found.property, found.finding) == " [job=job2, day=day1]"


def test_step_names_the_element_that_breaks_it_and_takes_its_arguments_by_name() -> None:
    model = work()
    finish = model.actions["finish"].function

    @model.step("here", on=finish, each={"other": JOBS})
    def nothing_else_is_done(other: int, after: Work, job: int, result: int, before: Work) -> bool:
        """Job 2 is not done while job 1 is open."""
        return other != 1 or job != 2 or result != 2 or before.begun[1] == after.done[1]

    @model.step("here", each={"job": JOBS})
    def what_is_begun_stays(after: Work, job: int, before: Work) -> bool:
        """It stays so."""
        return after.begun[job] >= before.begun[job]

    for result in both(model.instance()):
        broken, kept = result.properties
        assert broken.verdict is Verdict.VIOLATED
        assert broken.finding is not None
        assert broken.finding.elements == (1,)
        assert kept.verdict is Verdict.HOLDS


def test_sometimes_with_each_needs_a_witness_for_every_element() -> None:
    model = work(last=2)

    @model.sometimes("here", each={"job": JOBS})
    def each_is_done(s: Work, job: int) -> bool:
        """It is done."""
        return s.done[job] == 1

    @model.sometimes("here", each={"job": JOBS})
    def each_is_begun_last(s: Work, job: int) -> bool:
        """All others are begun, and done where they can be."""
        return s.begun[job] == 1 and s.begun[(job + 1) % 3] == 1 and s.done[job] == 0

    instance = model.instance()
    for result in both(instance):
        missing, found = result.properties
        assert missing.verdict is Verdict.VIOLATED
        assert missing.missing == ((2,),)
        assert missing.reason == "no reachable state satisfies it [job=job2]"
        assert found.verdict is Verdict.HOLDS
        assert found.finding is not None
        assert len(found.finding.steps) == 2
    for engine in ("interpreted", "compiled"):
        early = check(instance, engine, Limits(states=2))
        assert {p.verdict for p in early.properties} == {Verdict.UNKNOWN}
        until = check(instance, engine, Limits(until="each_is_begun_last"))
        assert until.properties[1].verdict is Verdict.HOLDS
        assert until.depth == 2
        simulated = simulate(instance, seed=3, runs=30, steps=20, engine=engine)
        assert simulated.unwitnessed == ["each_is_done[job=job2]"]


def test_elements_under_symmetry_workers_and_checkpoints(tmp_path: Any) -> None:
    model = work()

    @model.sometimes("here", each={"job": JOBS, "other": JOBS})
    def one_before_the_other(s: Work, job: int, other: int) -> bool:
        """One is done, the other is begun."""
        return s.done[job] == 1 and s.begun[other] == 1 and s.done[other] <= (job == other)

    @model.always("here", each={"job": JOBS})
    def never_done(s: Work, job: int) -> bool:
        """It is never done."""
        return s.done[job] == 0

    instance = model.instance()
    plain = explore_compiled(instance)
    for how in ({"symmetry": True}, {"workers": 2}, {"checkpoint": tmp_path / "saved"}):
        result = explore_compiled(instance, **how)
        assert [p.verdict for p in result.properties] == [p.verdict for p in plain.properties]
        witness, broken = result.properties
        assert witness.verdict is Verdict.HOLDS
        for found in (witness, broken):
            assert found.finding is not None
            state = found.finding.steps[-1].after
            rule: Any = found.property.function
            record = type("Seen", (), {n: state[n] for n in ("begun", "done")})
            assert rule(record, *found.finding.elements) == (found is witness)


def test_properties_that_distinguish_elements_are_refused_under_symmetry() -> None:
    model = work()

    @model.sometimes("here", each={"job": JOBS})
    def the_first_is_done(s: Work, job: int) -> bool:
        """Some job is done, and this is the first."""
        return job == 0 and s.done[0] + s.done[1] + s.done[2] > 0

    with pytest.raises(UsageError, match=r"SET033.*the_first_is_done"):
        explore_compiled(model.instance(), symmetry=True)
    (found,) = explore_compiled(model.instance()).properties
    assert found.missing == ((1,), (2,))


def test_both_walks_find_the_same_elements() -> None:
    model = work(last=2)

    @model.sometimes("here", each={"job": JOBS})
    def done(s: Work, job: int) -> bool:
        """It is done."""
        return s.done[job] == 1

    @model.always("here", each={"job": JOBS})
    def job_1_is_open(s: Work, job: int) -> bool:
        """It is."""
        return job != 1 or s.done[job] == 0

    instance = model.instance()
    tallies = [
        InterpretedWalk(instance, 12, 0.0).block(range(6), 5, lambda: False),
        CompiledWalk(compile_walk(instance), 12, 0.0).block(range(6), 5, lambda: False),
    ]
    assert tallies[0].witnessed == tallies[1].witnessed
    assert tallies[0].witnessed
    assert tallies[0].violation == tallies[1].violation
    result = simulate(instance, seed=5, runs=6, steps=12)
    assert result.finding is not None
    assert result.finding.elements == (1,)


def test_a_property_of_each_that_cannot_be_evaluated_is_unknown_in_both() -> None:
    model = work()

    @model.sometimes("here", each={"job": JOBS})
    def beyond(s: Work, job: int) -> bool:
        """It is done, and so is the next."""
        return s.done[job] == 1 and s.done[job + 1] == 1

    results = explore_interpreted(model.instance()), explore_compiled(model.instance())
    for result in results:
        assert result.properties[0].verdict is Verdict.UNKNOWN
        assert result.fault is not None
    assert len({len(r.fault.steps) for r in results if r.fault}) == 1


@pytest.mark.parametrize("engine", [explore_interpreted, explore_compiled])
def test_the_order_of_before_and_after_does_not_matter_to_effects(engine: Any) -> None:
    model = work()

    @model.step("here", on=model.actions["begin"].function)
    def one_effect(job: int, after: Work) -> bool:
        """Beginning a job tells it."""
        return len(after.effects) == 1 and after.effects[0][1] == job

    @model.step("here", on=model.actions["begin"].function)
    def day_is_the_result(result: int, day: int) -> bool:
        """It is."""
        return result == day + 10

    result = engine(model.instance())
    assert [p.verdict for p in result.properties] == [Verdict.HOLDS] * 2


def effects_of(s: Work) -> int:
    return len(s.effects)


def test_the_state_before_a_step_has_no_effects_wherever_it_goes() -> None:
    model = work()

    @model.step("here")
    def silent(after: Work, before: Work) -> bool:
        """Nothing was emitted before."""
        return effects_of(after) >= 0 and effects_of(before) == 0

    with pytest.raises(RuleError, match=r"RUL014: .*test_each.py:\d+: in silent: only the"):
        explore_compiled(model.instance())


def test_an_unknown_argument_of_a_step_property_is_refused() -> None:
    model = work()

    def strange(before: Work, jbo: int) -> bool:
        """Strange."""
        return True

    finish = model.actions["finish"].function
    with pytest.raises(DeclarationError, match="'jbo'; a step of finish has before, after, result"):
        model.step("here", on=finish)(strange)
    with pytest.raises(DeclarationError, match=r"'jbo'; a step has before, after; what belongs"):
        model.step("here")(strange)
    with pytest.raises(DeclarationError, match=r"MDL014.*each names job"):
        model.step("here", on=finish, each={"job": JOBS})(strange)
    with pytest.raises(DeclarationError, match=r"MDL014.*other, which it does not take"):
        model.step("here", on=finish, each={"other": JOBS})(strange)
    with pytest.raises(DeclarationError, match="MDL009"):
        model.always("here", each={"job": JOBS})(strange)
    with pytest.raises(DeclarationError, match="MDL009"):
        model.sometimes("here")(strange)
