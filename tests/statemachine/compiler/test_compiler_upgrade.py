"""A long search switches to better code while it runs, and finds the same."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from examples import slot_pool_core
from slotspec.statemachine.compiler.backend import native, upgrade
from slotspec.statemachine.compiler.backend.native import FULL, QUICK, Code
from slotspec.statemachine.compiler.backend.upgrade import Upgrade
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.search import worker_pool
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.random_walk import CompiledWalk, compile_walk
from slotspec.statemachine.search.walk_kernels import LOOK
from slotspec.statemachine.simulate import simulate
from tests.variants import fast_only


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "slotspec"


def pool() -> Instance:
    return slot_pool_core.model.instance({"T": 2, "S": 1, "R": 2, "A": 2})


def improved(compiled: Compiled) -> bool:
    """Whether better code is ready within a minute."""
    until = monotonic() + 60
    while monotonic() < until:
        if compiled.improve():
            return True
        sleep(0.02)
    return False


def test_a_separate_process_makes_and_caches_full_code(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "PATIENCE", 0)
    compiled = compile_instance(pool())
    before = compiled.code, compiled.expand
    assert compiled.code.level == QUICK
    assert {file.suffix for file in home.glob("*.*")} == {".json", ".ll", ".o"}
    assert improved(compiled)
    assert compiled.code.level == FULL
    assert compiled.expand != before[1]
    assert before[0] in compiled.former  # a thread may still be running it
    assert not compiled.improve()
    assert [file.name.split(".")[1] for file in home.glob("*.o")] == [str(FULL)]
    assert not list(home.glob("*.ll"))
    assert compile_instance(pool()).code.level == FULL


def test_a_short_search_is_not_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(self: Upgrade) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(Upgrade, "begin", begun)
    assert explore_compiled(pool()).states > 1_000


@pytest.mark.slow
def test_short_searches_add_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick code is given up once its use has cost as much as full code would."""
    monkeypatch.setattr(upgrade, "SECONDS_PER_CHARACTER", 1)
    spent = [0.0]
    for _ in range(3):
        compiled = compile_instance(pool())
        assert compiled.code.level == QUICK
        explore_compiled(pool())
        spent.append(upgrade.spent(compiled.upgrade.name))
    assert spent == sorted(set(spent))
    monkeypatch.setattr(upgrade, "SECONDS_PER_CHARACTER", spent[2] / compiled.upgrade.estimate)
    explore_compiled(pool())
    assert upgrade.spent(compiled.upgrade.name) == 0
    assert compile_instance(pool()).code.level == FULL


def test_what_a_search_starts_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among several runs, one that has worked for half the time starts an upgrade and waits."""
    monkeypatch.setattr(upgrade, "WORTH_FINISHING", upgrade.WORTH_FINISHING)
    upgrade.expect_repetition()
    monkeypatch.setattr(upgrade, "process_time", iter([0.0, 0.4, 0.6, 0.6]).__next__)
    compiled = compile_instance(pool())
    upgrading = Upgrade(compiled.code, compiled.upgrade.name, 0)
    upgrading.estimate = 1.0
    for started in (False, True):
        assert upgrading.ready() is None
        assert (upgrading.process is not None) == started
    upgrading.close(finished=True)
    assert compile_instance(pool()).code.level == FULL


def test_a_search_that_a_limit_ended_does_not_wait(home: Path) -> None:
    compiled = compile_instance(pool())
    upgrading = Upgrade(compiled.code, compiled.upgrade.name, 0)
    upgrading.close(finished=False)
    assert compile_instance(pool()).code.level == QUICK


def test_the_upgrade_process_ends_with_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "PATIENCE", 0)
    compiled = compile_instance(pool())
    compiled.improve()
    compiled.improve()
    process = compiled.upgrade.process
    assert process is not None
    compiled.upgrade.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    assert not compiled.improve()


def swapping(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make full code available at once; returns the list of levels that were switched to."""
    taken: list[int] = []

    def ready(self: Upgrade) -> Code | None:
        if self.over:
            return None
        self.over = True
        native.improve(self.name)
        code = native.load(self.name, FULL)
        assert code is not None
        taken.append(code.level)
        return code

    monkeypatch.setattr(Upgrade, "ready", ready)
    monkeypatch.setattr(worker_pool, "BURST_SECONDS", 0.001)
    return taken


@pytest.mark.parametrize("symmetry", fast_only([False, "exact", "fast"], "exact"))
def test_the_search_continues_with_full_code(
    symmetry: bool | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = explore_compiled(pool(), symmetry=symmetry)
    for file in (Path(os.environ["XDG_CACHE_HOME"]) / "slotspec").glob("*.json"):
        file.unlink()
    taken = swapping(monkeypatch)
    other = explore_compiled(pool(), symmetry=symmetry, workers=2)
    assert set(taken) == {FULL}
    assert (other.states, other.transitions) == (plain.states, plain.transitions)
    assert other.taken == plain.taken
    assert other.fired == plain.fired
    assert [p.verdict for p in other.properties] == [p.verdict for p in plain.properties]


@pytest.mark.slow
def test_walks_continue_with_full_code(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = simulate(pool(), "compiled", runs=50, steps=60)
    compiled = compile_walk(pool())
    walk = CompiledWalk(compiled, 60, 0.0)
    walk.block(range(1), 1, lambda: False)
    quick = walk.w.functions[LOOK]
    compiled.use(Code(native.generate(_text(compiled), FULL), False))
    taken = swapping(monkeypatch)
    other = simulate(pool(), "compiled", runs=50, steps=60)
    assert set(taken) <= {FULL}
    assert (other.steps, other.taken) == (plain.steps, plain.taken)
    first = walk.block(range(50), 1, lambda: False)
    assert walk.w.functions[LOOK] == compiled.functions["look"] != quick
    assert first.steps == CompiledWalk(compiled, 60, 0.0).block(range(50), 1, lambda: False).steps


@pytest.mark.parametrize(
    ("given", "patience", "begun"),
    [
        ({"runs": None, "seconds": 0.2}, 1e9, 1),
        ({"runs": None, "seconds": 0.2}, 1e-9, 0),
        # with a number of runs, the time is only a limit
        ({"runs": 1, "seconds": 0.2}, 1e9, 0),
    ],
)
def test_a_simulation_that_will_be_long_begins_with_full_code_at_once(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], patience: float, begun: int
) -> None:
    beginnings: list[float] = []
    monkeypatch.setattr(upgrade, "PATIENCE", patience)
    monkeypatch.setattr(Upgrade, "begin", lambda self: beginnings.append(self.worked))
    monkeypatch.setattr(Upgrade, "ready", lambda self: None)
    simulate(pool(), "compiled", steps=60, **given)
    assert beginnings == [0.0] * begun


def _text(compiled: Compiled) -> str:
    """The text from which the code was generated."""
    import zlib

    from slotspec.statemachine.compiler.backend import cache

    packed = cache.load(f"{compiled.upgrade.name}.ll")
    assert packed is not None
    return zlib.decompress(packed).decode()


def test_quick_code_does_not_do_where_full_code_is_wanted() -> None:
    assert compile_instance(pool()).code.level == QUICK
    assert compile_instance(pool(), level=FULL).code.level == FULL
    assert compile_instance(pool()).code.level == FULL
