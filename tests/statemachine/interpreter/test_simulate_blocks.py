"""Several workers make the runs of a simulation in blocks; the result does not show it."""

from __future__ import annotations

from time import sleep
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.statemachine import DISABLED
from slotspec.statemachine import simulate as simulating
from slotspec.statemachine.interpreter.random_walk import InterpretedWalk
from slotspec.statemachine.simulate import simulate
from tests.statemachine.interpreter.simulated import again, one_of_each_kind
from tests.statemachine.tiny import Room, room, says


@pytest.mark.slow
def test_runs_do_not_depend_on_the_number_of_workers() -> None:
    instance = load_model("slot_pool").instance()
    # blocks of ten runs, so that there are many for each worker
    made = [
        simulate(instance, "compiled", runs=120, steps=5_000, workers=workers) for workers in (1, 3)
    ]
    assert again(made[0]) == again(made[1])
    assert made[1].workers == 3


def test_merged_blocks_equal_the_runs_at_once() -> None:
    walk = InterpretedWalk(one_of_each_kind().instance(), 6, 0.1)
    whole = walk.block(range(8), 9, lambda: False)
    parts = [walk.block(runs, 9, lambda: False) for runs in (range(5), range(5, 8))]
    assert 0 < parts[1].steps < whole.steps
    assert parts[1].registers != whole.registers
    parts[0].merge(parts[1])
    assert parts[0] == whole


def left(s: Room) -> int:
    """Go to where the witness is."""
    if s.count:
        return DISABLED
    s.count = 1
    return 0


def right(s: Room) -> int:
    """Go to where the witness cannot be evaluated."""
    if s.count:
        return DISABLED
    s.count = 2
    return 0


def is_left(s: Room) -> bool:
    """It went left; on the right, this cannot be evaluated."""
    if s.count == 2:
        return s.seen[s.chosen] == 1
    return s.count == 1


def is_turned(s: Room) -> bool:
    """It went somewhere."""
    return s.count != 0


SEED = 1
"""Its first run goes left, its second right."""


@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
def test_results_do_not_depend_on_when_earlier_blocks_end(engine: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(simulating, "BLOCK_STEPS", 1)
    model = room("turns")
    model.action()(left)
    model.action()(right)
    model.final_states(is_turned)
    says(model, "sometimes", is_left)
    make = simulating._Threads.make

    def patient(crew: Any, block: range) -> Any:
        while crew.total.runs < block.start:
            sleep(0.001)
        return make(crew, block)

    listen = simulating._Threads.listen

    def late(crew: Any, waiting: Any) -> None:
        sleep(0.02)
        listen(crew, waiting)

    seen = []
    for name, how in (("make", patient), ("listen", late)):
        with monkeypatch.context() as patched:
            patched.setattr(simulating._Threads, name, how)
            seen.append(simulate(model.instance(), engine, seed=SEED, runs=6, swarm=False))
    assert seen[0].witnessed == {"is_left": (0, 1)}
    assert again(seen[0]) == again(seen[1])
