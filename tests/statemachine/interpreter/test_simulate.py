"""Simulations make reproducible runs, count everything, and take faults at their rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.statemachine import (
    DISABLED,
    Model,
    Record,
    RuleError,
    UsageError,
    fire,
    number,
    scalar,
)
from slotspec.statemachine.interpreter.random_walk import InterpretedWalk
from slotspec.statemachine.interpreter.rng import (
    REGISTERS,
    count_state,
    estimate,
    hash_record,
    mix,
    stream,
)
from slotspec.statemachine.results import Limit
from slotspec.statemachine.simulate import Simulation, SimulationProgress, simulate
from tests.statemachine.interpreter.simulated import (
    again,
    down,
    is_below_top,
    jump,
    one_of_each_kind,
    up,
    walks,
)
from tests.statemachine.tiny import LAMPS, Lamp, Room, anything, room, says

ENGINES = ("interpreted", "compiled")


def test_random_numbers_match_splitmix64() -> None:
    golden = 0x9E3779B97F4A7C15
    drawn = [mix(1234567 + step * golden & (1 << 64) - 1) for step in (1, 2, 3)]
    assert drawn == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("count", [22, 3_000, 50_000])
def test_the_estimate_is_close(count: int) -> None:
    registers = bytearray(REGISTERS)
    for state in range(count):
        for _ in range(2):
            count_state(registers, hash_record((state, 7)))
    assert estimate(registers) == pytest.approx(count, rel=0.05)


@pytest.mark.parametrize("swarm", [True, False])
@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
def test_both_engines_make_the_same_runs(rate: float, swarm: bool) -> None:
    options: dict[str, Any] = {"runs": 12, "steps": 40, "fault_rate": rate, "swarm": swarm}
    first, second = (
        simulate(one_of_each_kind().instance(), engine, **options) for engine in ENGINES
    )
    assert again(first) == again(second)
    assert (first.engine, second.engine) == ENGINES
    assert first.steps == 12 * 40


@pytest.mark.parametrize("engine", ENGINES)
def test_faults_that_are_only_looked_for_count_nothing(engine: Any) -> None:
    """Also after one that fires, undoes that, and is not possible."""

    def flicker(s: Room, lamp: int) -> int:
        """A lamp goes on; the first one goes off again."""
        fire(s.lamp, lamp, Lamp.press)
        if lamp == 0:
            fire(s.lamp, lamp, Lamp.press)
            return DISABLED
        return 0

    model = room()
    model.action(lamp=LAMPS, fault=True)(flicker)
    says(model, "sometimes", is_below_top)
    result = simulate(model.instance(), engine, runs=8, fault_rate=0.0)
    assert result.ends == {"at rest": 8}
    assert set(result.fired.values()) == {0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("slot_pool", "time"),
        ("slot_manager", None),
        ("task_slot_table", None),
        ("logical_slot", None),
        ("slot_sharing", None),
    ],
)
def test_both_engines_walk_bundled_models_alike(name: str, scope: str | None) -> None:
    instance = load_model(name).instance(scope=scope)
    first, second = (simulate(instance, engine, runs=6, steps=40) for engine in ENGINES)
    assert again(first) == again(second)
    assert first.violation is None
    assert first.stutters > 0


def test_every_second_run_leaves_half_of_the_actions_out() -> None:
    walk = InterpretedWalk(load_model("slot_pool").instance(), 1, 0)
    actions = len(walk.instance.actions)
    made = [walk.preference(stream(1, run)) for run in range(2_000)]
    for order, preferred in made:
        assert sorted(order) == list(range(actions))
        assert preferred <= actions
    fewer = [preferred for _, preferred in made if preferred < actions]
    assert len(fewer) == pytest.approx(1_000, rel=0.1)
    assert sum(fewer) / len(fewer) == pytest.approx(actions / 2, rel=0.05)


def test_different_seeds_make_different_runs() -> None:
    instance = walks().instance()
    one, same, other = (simulate(instance, runs=5, steps=50, seed=seed) for seed in (1, 1, 2))
    assert again(one) == again(same)
    assert one.moved != other.moved


@pytest.mark.parametrize("engine", ENGINES)
def test_the_result_reports_what_the_runs_saw(engine: Any) -> None:
    result = simulate(one_of_each_kind().instance(), engine, runs=20, steps=100, fault_rate=0.1)
    assert (result.runs, result.steps, result.longest) == (20, 2_000, 100)
    assert result.ends == {"full length": 20}
    assert set(result.witnessed) == {"is_at_top"}
    assert result.unwitnessed == ["is_out_of_range"]
    assert result.unchecked == ["is_at_bottom"]
    assert result.deviations["is_below_top"] == 20
    assert 10 <= result.deviations["changes_little"] <= 20
    assert result.never == []
    assert result.moved["nothing"] == 0 < result.taken["nothing"]
    assert result.stutters == sum(result.taken.values()) - sum(result.moved.values())
    assert result.faults == {"jump": result.moved["jump"]}
    # three counts without a chosen lamp, four with one of two; two lamps, looked at or not
    assert result.states == (3 + 4 * 2) * 4


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
def test_faults_occur_at_their_rate(rate: float) -> None:
    def toggle(s: Room) -> int:
        """The other way."""
        s.count = 1 - s.count
        return 0

    def fault(s: Room) -> int:
        """A fault that is always possible."""
        s.seen[0] = 1 - s.seen[0]
        return 0

    model = room()
    model.action()(toggle)
    model.action(fault=True)(fault)
    anything(model)
    result = simulate(model.instance(), "compiled", runs=20, steps=1_000, fault_rate=rate)
    assert result.faults["fault"] / result.steps == pytest.approx(rate, abs=0.01)


def test_an_action_with_many_arguments_does_not_crowd_out_others() -> None:
    def many(s: Room, lamp: int, other: int) -> int:
        """One of a hundred calls."""
        s.seen[0] = 1 - s.seen[0]
        return 0

    def alone(s: Room) -> int:
        """The only call."""
        s.seen[1] = 1 - s.seen[1]
        return 0

    model = room()
    model.action(lamp=10, other=10)(many)
    model.action()(alone)
    anything(model)
    result = simulate(model.instance(), "compiled", runs=4, steps=5_000, swarm=False)
    assert result.moved["alone"] / result.steps == pytest.approx(0.5, abs=0.02)


def test_arguments_are_tried_in_an_even_order() -> None:
    def choose(s: Room, lamp: int, other: int) -> int:
        """One of twelve calls."""
        return 0

    model = room()
    model.action(lamp=4, other=3)(choose)
    walk = InterpretedWalk(model.instance(), 1, 0)
    walk.begin(stream(1, 0), [0], 1, set())
    firsts: Counter[int] = Counter()
    seconds: Counter[int] = Counter()
    for _ in range(12_000):
        order = [call.index for call in walk.tries(0)]
        assert sorted(order) == list(range(12))
        firsts[order[0]] += 1
        seconds[order[1]] += 1
    for count in (*firsts.values(), *seconds.values()):
        # one of the thirteen places of the cycle is empty: its successor is met twice as often
        assert 750 < count < 1_250


@pytest.mark.parametrize("engine", ENGINES)
def test_half_of_the_runs_avoid_some_actions(engine: Any) -> None:
    def end(s: Room) -> int:
        """Nothing is possible any more."""
        if s.count == 3:
            return DISABLED
        s.count = 3
        return 0

    def toggle(s: Room) -> int:
        """The other way."""
        if s.count == 3:
            return DISABLED
        s.seen[0] = 1 - s.seen[0]
        return 0

    model = room()
    model.action()(end)
    model.action()(toggle)
    anything(model)
    swarm, plain = (
        simulate(model.instance(), engine, runs=200, steps=100, swarm=swarm)
        for swarm in (True, False)
    )
    assert plain.ends["full length"] == 0
    assert plain.ends["ended"] == 200
    # of the half that leaves actions out, a quarter leaves out the end alone
    assert 10 <= swarm.ends["full length"] <= 45


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_with_only_faults_is_no_deadlock_when_faults_are_off(engine: Any) -> None:
    model = room()
    model.action(fault=True, lamp=LAMPS)(jump)
    result = simulate(model.instance(), engine, runs=2, steps=9, fault_rate=0)
    assert (result.steps, result.violation) == (0, None)
    assert result.ends == {"at rest": 2}
    assert result.taken == {"jump": 0}
    result = simulate(model.instance(), engine, runs=2, steps=9, fault_rate=0.01)
    assert (result.steps, result.ends) == (18, {"full length": 2})


@pytest.mark.parametrize("engine", ENGINES)
def test_only_faults_at_their_rate_leave_a_final_state(engine: Any) -> None:
    model = room()
    model.action()(up)
    model.action(fault=True, lamp=LAMPS)(jump)

    @model.final_states
    def is_up(s: Room) -> bool:
        """It is as far up as it goes by itself."""
        return s.count == 2

    result = simulate(model.instance(), engine, runs=400, steps=9, fault_rate=0.1)
    assert set(result.ends) == {"ended", "full length"}
    # two steps up and one more draw, each a fault with probability 0.1; then faults continue
    assert result.ends["ended"] == pytest.approx(400 * 0.9**3, rel=0.1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_ends_where_nothing_changes_the_state(engine: Any) -> None:
    def still(s: Room) -> int:
        """Always possible, never of effect at the top."""
        if s.count < 3:
            s.count += 1
        return 0

    model = room()
    model.action()(still)
    result = simulate(model.instance(), engine, runs=3, steps=50)
    assert result.ends == {"at rest": 3}
    assert (result.steps, result.longest, result.stutters) == (9, 3, 3)
    assert result.states == 4


def test_time_ends_a_simulation() -> None:
    result = simulate(walks().instance(), "compiled", runs=None, seconds=0.2, steps=1_000_000)
    assert result.limit is Limit.SECONDS
    assert 0.1 < result.seconds < 10
    assert result.steps > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_keeps_what_was_seen(engine: Any) -> None:
    def interrupt(at: SimulationProgress) -> None:
        if at.steps:
            raise KeyboardInterrupt

    instance = walks().instance()
    result = simulate(instance, engine, runs=None, seconds=60, steps=200, reporter=interrupt)
    assert result.limit is Limit.INTERRUPTED
    assert result.runs > 0
    assert result.seconds < 30


def test_the_interpreter_walks_through_values_too_large_for_a_byte() -> None:
    class Far(Record):
        """A number that no compiled field holds."""

        far: int = scalar(number(1_000), "How far it came.")

    def go(s: Far) -> int:
        """One further."""
        if s.far == 1_000:
            return DISABLED
        s.far += 1
        return 0

    model = Model("far", "It goes far.", Far)
    model.action()(go)
    anything(model)
    result = simulate(model.instance(), runs=1, steps=2_000)
    assert (result.steps, result.ends) == (1_000, {"ended": 1})
    assert result.states == pytest.approx(1_001, rel=0.05)
    with pytest.raises(RuleError, match="a compiled field is one byte"):
        simulate(model.instance(), "compiled", runs=1)


def test_a_rule_that_cannot_be_run_is_an_error() -> None:
    def fails(s: Room) -> int:
        """Not a rule."""
        return s.count.nowhere  # type: ignore[attr-defined, no-any-return]

    model = walks()
    model.action()(fails)
    with pytest.raises(RuleError, match=r"fails\(\) cannot be run: AttributeError"):
        simulate(model.instance(), "interpreted", runs=10, steps=50)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"engine": "fast"}, "SET020"),
        ({"workers": 0}, "SET021"),
        ({"engine": "interpreted", "workers": 2}, "SET022"),
        ({"seconds": 0}, "SET024"),
        ({"seconds": float("nan")}, "SET024"),
        ({"engine": "compiled", "workers": 65}, "SET030"),
        ({"fault_rate": 1.5}, "SET080"),
        ({"fault_rate": float("nan")}, "SET080"),
        ({"runs": 0}, "SET081"),
        ({"steps": 0}, "SET082"),
        ({"seed": -1}, "SET083"),
        ({"runs": None}, "SET084"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        simulate(walks().instance(), **options)
    assert caught.value.code == code


def test_few_steps_are_interpreted() -> None:
    assert simulate(walks().instance(), runs=2, steps=10).engine == "interpreted"
    assert simulate(walks().instance(), runs=200, steps=1_000).engine == "compiled"


Plant = Callable[[Model], None]


def broken_state(model: Model) -> None:
    says(model, "always", is_below_top)


def broken_step(model: Model) -> None:
    def looks_rarely(before: Room, after: Room) -> bool:
        """Not both lamps are looked at."""
        return after.seen[0] + after.seen[1] < 2

    says(model, "step", looks_rarely)


def broken_result(model: Model) -> None:
    def nothing_is_said(before: Room, after: Room, result: int) -> bool:
        """What is done without effect says nothing."""
        return result < 2

    says(model, "step", nothing_is_said, on=model.actions["nothing"].function)


def cannot_be_asked(model: Model) -> None:
    def asks_too_far(s: Room) -> bool:
        """Asks for a lamp that is not there."""
        return s.count < 2 or s.seen[s.count + 5] == 0

    says(model, "always", asks_too_far)


def out_of_domain(model: Model) -> None:
    @model.action(lamp=LAMPS)
    def go_too_far(s: Room, lamp: int) -> int:
        """Beyond what a count may be."""
        if s.count < 2 or s.seen[lamp] == 0:
            return DISABLED
        s.count = 9
        return 0


def fails_after_firing(model: Model) -> None:
    @model.action(lamp=LAMPS)
    def switch(s: Room, lamp: int) -> int:
        """Switch a lamp, and sometimes go too far."""
        if s.lamp[lamp] == Lamp.BROKEN:
            return DISABLED
        fire(s.lamp, lamp, Lamp.press)
        if s.count == 2 and s.seen[lamp]:
            s.count = 9
        return 0


def gets_stuck(model: Model) -> None:
    model.final = None
    model.actions = {
        name: action for name, action in model.actions.items() if name not in ("nothing", "look")
    }

    def climb(s: Room) -> int:
        """Up to a place without a way back."""
        if s.count == 3:
            return DISABLED
        s.count += 1
        return 0

    def sink(s: Room) -> int:
        """Down, if not there."""
        if s.count in (0, 3):
            return DISABLED
        s.count -= 1
        return 0

    model.actions = {}
    model.action()(climb)
    model.action()(sink)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("plant", "rate", "kind", "name", "way"),
    [
        (broken_state, 0.05, "property", "is_below_top", ["jump(lamp=0)"]),
        (broken_step, 0, "property", "looks_rarely", ["look(lamp=0)", "look(lamp=1)"]),
        (broken_result, 0, "property", "nothing_is_said", ["up()", "up()", "nothing()"]),
        (cannot_be_asked, 0, "fault", "asks_too_far", ["up()", "up()"]),
        (out_of_domain, 0, "fault", None, ["up()", "up()", "look(lamp=0)", "go_too_far(lamp=0)"]),
        (gets_stuck, 0, "deadlock", None, ["climb()", "climb()", "climb()"]),
    ],
)
def test_a_planted_defect_is_found_shrunk_and_replayed(
    engine: Any, plant: Plant, rate: float, kind: str, name: str | None, way: list[str]
) -> None:
    model = walks()
    plant(model)
    result: Simulation = simulate(
        model.instance(), engine, runs=200, steps=100, seed=5, fault_rate=rate
    )
    found, finding = result.violation, result.finding
    assert found is not None
    assert finding is not None
    assert (found.kind, found.name) == (kind, name)
    assert sorted(str(call) for call in finding.calls) == sorted(way)
    assert str(finding.calls[-1]) == way[-1] or way[-1].startswith("look")
    assert result.minimal
    assert result.ends["violated"] == 1
    if kind == "fault":
        assert finding.fault is not None
        assert ("STP003" if name is None else "cannot be evaluated") in finding.fault


PLANTS = (
    broken_state,
    broken_step,
    broken_result,
    out_of_domain,
    fails_after_firing,
    gets_stuck,
)


def test_both_engines_find_the_same_violation() -> None:
    for plant in PLANTS:
        model = walks()
        plant(model)
        first, second = (
            simulate(model.instance(), engine, runs=200, steps=100) for engine in ENGINES
        )
        one, other = again(first), again(second)
        texts = [made["violation"].text.partition(":")[0] for made in (one, other)]
        assert texts[0] == texts[1]
        for made in (one, other):
            found = made.pop("violation")
            made["found"] = (found.kind, found.name, found.run, found.calls)
        assert one == other


def test_a_violation_of_the_initial_state_needs_no_call() -> None:
    def is_up(s: Room) -> bool:
        """It is up."""
        return s.count > 0

    model = room()
    model.action()(up)
    model.action()(down)
    says(model, "always", is_up)
    result = simulate(model.instance(), runs=3, steps=3)
    assert result.finding is not None
    assert result.finding.steps == ()
    assert (result.steps, result.runs) == (0, 1)
