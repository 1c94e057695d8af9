"""The base class, the factory and the fixture for pytest, used as users do."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peers.protocol import PeerError
from slotspec.testing import slotspec_conformance as as_function

PLUGIN = "slotspec.testing.plugin"
ROOT = Path(__file__).parents[2]

HEALTHY = """
from slotspec.testing import SlotPoolConformance, slotspec_conformance
from examples.pool_adapter import PoolAdapter

class TestPool(SlotPoolConformance):
    generation = "1.12"
    factory = PoolAdapter

test_pool = slotspec_conformance(PoolAdapter, generation="1.12")

def test_fixture(slotspec_conformance):
    slotspec_conformance(PoolAdapter, generation="1.12", steps=20)
"""
BROKEN = """
from hypothesis import settings
from slotspec.testing import SlotPoolConformance
from examples.pool_adapter import PoolAdapter

settings.register_profile("many", max_examples=300, deadline=None)
settings.load_profile("many")

class Newest(PoolAdapter):
    def __init__(self, header):
        super().__init__(header)
        self._pool.bug = "lifo"

class TestPool(SlotPoolConformance):
    generation = "1.12"
    factory = Newest
"""


def pytest_run(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_mine.py").write_text(text, encoding="utf-8")
    # an older installation does not register the plugin
    announced = any(p.value == PLUGIN for p in entry_points(group="pytest11"))
    plugin = [] if announced else ["-p", PLUGIN]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *options, "."],
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_pool_that_conforms_passes(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = pytest_run(tmp_path, HEALTHY, *options)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 passed" in run.stdout


@pytest.mark.slow
def test_a_failure_prints_a_program_that_reproduces_it(tmp_path: Path) -> None:
    run = pytest_run(tmp_path, BROKEN, "--hypothesis-seed=1")
    assert run.returncode == 1, run.stdout + run.stderr
    lines = [line.removeprefix("E").strip() for line in run.stdout.splitlines()]
    begin = lines.index("from slotspec.testing import checked")
    end = next(i for i, line in enumerate(lines) if i > begin and line.startswith("pool.offer"))
    program = "\n".join(lines[begin : end + 1])
    assert program.count("\npool.") <= 6
    script = tmp_path / "again.py"
    script.write_text(program + "\n", encoding="utf-8")
    again = subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 1
    assert "AssertionError: effects[0].request: expected" in again.stderr
    healthy = program.replace(
        "from test_mine import Newest", "from examples.pool_adapter import PoolAdapter as Newest"
    )
    script.write_text(healthy + "\n", encoding="utf-8")
    assert (
        subprocess.run(
            [sys.executable, str(script)],
            env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": ""},
            timeout=60,
            check=False,
        ).returncode
        == 0
    )


IDLE = """
from slotspec.testing import SlotPoolConformance

class Idle:
    state = None
    def __init__(self, header): ...
    def effects(self): return []
    def __getattr__(self, name): return lambda **arguments: None

class TestPool(SlotPoolConformance):
    factory = Idle
"""


class Fails:
    """Forgets something once it knows two TaskExecutors."""

    def __init__(self, header: Any) -> None:
        self.known: set[str] | None = None

    def effects(self) -> list[Any]:
        return []

    def start(self) -> None:
        self.known = self.known or set()

    def register_task_manager(self, tm: str) -> bool:
        if self.known is None:
            raise NullPointerException
        new = tm not in self.known
        self.known.add(tm)
        if len(self.known) == 2:
            raise LookupError("forgotten")
        return new


class NullPointerException(Exception):
    """What Flink throws before the pool is started."""


@pytest.mark.parametrize("fixture", [True, False])
def test_an_object_that_fails_itself_is_reproduced_too(
    fixture: bool, slotspec_conformance: Any
) -> None:
    given: dict[str, Any] = {
        "generation": "1.12",
        "operations": ["start", "register_task_manager"],
        "config": {"idle_slot_timeout_ms": 70},
    }
    test = partial(slotspec_conformance, Fails, **given) if fixture else as_function(Fails, **given)
    with pytest.raises(PeerError) as failed:
        test()
    assert isinstance(failed.value.__cause__, LookupError)
    program = str(failed.value).partition("\n\n")[2]
    assert "idle_slot_timeout_ms=70" in program
    assert program.count("pool.") == 3
    with pytest.raises(PeerError, match="LookupError: forgotten"):
        exec(program, {})


@pytest.mark.slow
def test_the_newest_pool_is_the_default(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, IDLE)
    assert ran.returncode == 1
    newest = fuzz_target(None).schema.generations[-1]
    assert f"diverges from generation {newest} at step" in ran.stdout


def test_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, slotspec.testing.plugin, slotspec.testing;"
        "heavy = {'numba', 'numpy', 'networkx', 'hypothesis', 'msgspec', 'transitions', 'typer'};"
        "sys.exit(', '.join(heavy & {m.partition('.')[0] for m in sys.modules}) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
