"""A limit on time and Ctrl-C end a search whatever its rules do."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from slotspec.statemachine import (
    Limit,
    Limits,
    Model,
    Record,
    RuleError,
    Sort,
    UsageError,
    Verdict,
    number,
    ref,
    scalar,
)
from slotspec.statemachine.check import Engine, check
from slotspec.statemachine.declaration.model import MOST_CALLS
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.simulate import simulate

ENGINES: tuple[Engine, ...] = ("interpreted", "compiled")
THINGS = Sort("things", "Things that look the same.", default=2, symmetric=True)


class Count(Record):
    """A number."""

    n: int = scalar(number(9), "The number.")


def counting(rule: Callable[[Count], int]) -> Model:
    """A model that counts, and then evaluates `rule`."""
    model = Model("count", "Counts.", Count)

    def step(s: Count) -> int:
        """Count one more."""
        s.n = (s.n + 1) % 5
        return 0

    model.action()(step)
    model.action()(rule)
    return model


def loop(s: Count) -> int:
    """Turn for ever at 3."""
    if s.n < 3:
        return 0
    turn = 0
    while turn < 9:
        turn = 1 - turn
    return turn


def nest(s: Count) -> int:
    """Take hours at 3."""
    if s.n < 3:
        return 0
    turn = 0
    for a in range(9_000):
        for b in range(9_000):
            for c in range(9_000):
                for d in range(9_000):
                    turn = (turn ^ a * b + c * d) % 5
    s.n = turn
    return 0


def fibonacci(n: int) -> int:
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def recursion(s: Count) -> int:
    """Take years at 3."""
    if s.n < 3:
        return 0
    s.n = fibonacci(70) % 5
    return 0


def product_of(s: Count) -> int:
    """Go through a range whose size is only known in the state."""
    if s.n < 3:
        return 0
    s.n = sum(i % 7 * s.n % 5 for i in range(s.n * 9_000_000_000_000)) % 5
    return 0


RULES = (loop, nest, recursion, product_of)


def interrupt_soon() -> None:
    def send() -> None:
        time.sleep(1.5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rule", RULES)
def test_seconds(rule: Callable[[Count], int], engine: Engine) -> None:
    started = time.monotonic()
    result = check(counting(rule).instance(), engine, Limits(seconds=0.2))
    assert (result.limit, result.verdict) == (Limit.SECONDS, Verdict.UNKNOWN)
    assert time.monotonic() - started < 30
    assert threading.active_count() < 9


@pytest.mark.parametrize("engine", ENGINES)
def test_interrupt(engine: Engine) -> None:
    interrupt_soon()
    result = check(counting(loop).instance(), engine)
    assert (result.limit, result.verdict) == (Limit.INTERRUPTED, Verdict.UNKNOWN)


@pytest.mark.parametrize("workers", [1, 2])
def test_findings_are_kept_and_no_fault_is_invented(workers: int) -> None:
    model = counting(loop)

    @model.always("here")
    def small(s: Count) -> bool:
        """The number stays small."""
        return s.n < 2

    result = check(
        model.instance(), "compiled", Limits(seconds=0.2), workers=workers, checkpoint=None
    )
    assert result.limit is Limit.SECONDS
    assert result.fault is None
    found = {p.property.name: p.verdict for p in result.properties}
    assert found["small"] in (Verdict.VIOLATED, Verdict.UNKNOWN)


@pytest.mark.parametrize("engine", ENGINES)
def test_endless_properties(engine: Engine) -> None:
    model = counting(stay)

    @model.always("here")
    def sure(s: Count) -> bool:
        """Nobody knows at 3."""
        turn = 0
        while s.n == 3 and turn < 9:
            turn = 1 - turn
        return True

    result = check(model.instance(), engine, Limits(seconds=0.2))
    assert (result.limit, result.verdict) == (Limit.SECONDS, Verdict.UNKNOWN)


@pytest.mark.parametrize("engine", ENGINES)
def test_endless_promises(engine: Engine) -> None:
    def zero(s: Count) -> bool:
        """The number is 0."""
        return s.n == 0

    model = counting(stay)

    @model.leads_to("here", to=zero)
    def three(s: Count) -> bool:
        """Nobody knows at 3."""
        turn = 0
        while s.n == 3 and turn < 9:
            turn = 1 - turn
        return s.n == 3

    result = check(model.instance(), engine, Limits(seconds=0.5))
    assert (result.limit, result.verdict) == (Limit.SECONDS, Verdict.UNKNOWN)
    assert result.fault is None


def stay(s: Count) -> int:
    """Do nothing."""
    return 0


def test_the_check_of_symmetry_ends_too() -> None:
    class Hand(Record):
        """A number, and a thing."""

        n: int = scalar(number(9), "The number.")
        held: int = scalar(ref(THINGS), "What is held.")

    model = Model("hand", "A hand.", Hand)
    model.action()(loop)

    @model.action(thing=THINGS)
    def hold(s: Hand, thing: int) -> int:
        """Hold a thing."""
        s.held = thing
        s.n = 3
        return 0

    result = explore_compiled(model.instance(), Limits(seconds=0.2), symmetry=True)
    assert (result.limit, result.verdict) == (Limit.SECONDS, Verdict.UNKNOWN)


@pytest.mark.parametrize("engine", ENGINES)
def test_simulations(engine: Engine) -> None:
    result = simulate(counting(loop).instance(), engine, seconds=0.2)
    assert result.limit is Limit.SECONDS
    assert result.violation is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_recursion_that_is_too_deep_is_refused(engine: Engine) -> None:
    def down(n: int) -> int:
        return 1 + down(n + 1)

    def deep(s: Count) -> int:
        """Fall."""
        s.n = down(0) % 5
        return 0

    with pytest.raises(RuleError, match="RUL100"):
        check(counting(deep).instance(), engine)


def test_a_recursion_within_bounds_runs_in_both_engines() -> None:
    def up_to(n: int) -> int:
        if n == 0:
            return 0
        return 1 + up_to(n - 1)

    def add(s: Count) -> int:
        """Add as many as there are, by recursion."""
        s.n = up_to(10 * s.n + 7) % 5
        return 0

    results = [check(counting(add).instance(), engine) for engine in ENGINES]
    assert len({(r.states, r.transitions, r.depth) for r in results}) == 1


def test_actions_with_too_many_calls_are_refused_at_once() -> None:
    model = Model("many", "Many calls.", Count)

    @model.action(a=MOST_CALLS, b=2)
    def choose(s: Count, a: int, b: int) -> int:
        """Choose."""
        return 0

    with pytest.raises(UsageError, match=r"SET037.*2,000,000 calls \(1,000,000 a x 2 b\)"):
        model.instance()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_checkpoint_of_an_interrupted_rule_loses_and_counts_nothing_twice(
    tmp_path: Path, workers: int
) -> None:
    def slow(s: Count) -> int:
        """Take long, but end."""
        turn = 0
        for a in range(3_000):
            for b in range(3_000):
                turn = (turn ^ a * b) % 5
        s.n = (s.n + turn) % 10
        return 0

    whole = explore_compiled(counting(slow).instance(), workers=workers)
    parts = 0
    limits = Limits(seconds=0.01)
    result = explore_compiled(
        counting(slow).instance(), limits, workers=workers, checkpoint=tmp_path / "kept"
    )
    while result.limit is Limit.SECONDS and parts < 50:
        parts += 1
        limits = Limits(seconds=0.01 * 2**parts)
        result = explore_compiled(
            counting(slow).instance(),
            limits,
            workers=workers,
            checkpoint=tmp_path / "kept",
            resume=True,
        )
    assert parts
    assert (result.states, result.transitions, result.fired) == (
        whole.states,
        whole.transitions,
        whole.fired,
    )
