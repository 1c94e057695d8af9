"""``slotspec list``, and help, version and entry points of the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slotspec.cli.findings import FINDINGS
from slotspec.cli.listing import Listing
from slotspec.models import MODELS
from slotspec.version import __version__
from tests.cli.counter import EXAMPLES, Run

TURNSTILE = str(EXAMPLES / "turnstile.py")


def test_models_are_listed_without_loading_them(run: Run) -> None:
    ran = run("list")
    assert ran.code == 0
    for name, entry in MODELS.items():
        assert name in ran.out
        assert entry.description in ran.out


def test_findings_are_listed_with_the_check_that_shows_them(run: Run) -> None:
    ran = run("list", "findings")
    assert ran.code == 0
    assert "slotspec check slot_sharing_allocator --generation 2.3 --scope bulks" in ran.out
    assert [line.split()[0] for line in ran.out.splitlines() if "slotspec check" in line] == list(
        FINDINGS
    )
    some = run("list", "findings", "--model", "task_slot_table").out
    assert "T1" in some
    assert "M1" not in some


@pytest.mark.parametrize("what", list(Listing))
def test_every_part_of_a_model_can_be_listed(run: Run, what: Listing) -> None:
    ran = run("list", what.value, "--model", TURNSTILE)
    assert ran.code == 0
    assert ran.out.startswith("turnstile: A row of turnstiles, each opened by a coin.")


@pytest.mark.parametrize(
    ("what", "row"),
    [
        ("properties", "only_its_own_gate   step       Who passes a gate"),
        ("actions", "insert  gate        Somebody puts a coin into a gate"),
        ("lifecycles", "Turnstile  LOCKED  coin   OPEN    A coin falls in."),
        ("bounds", "gates  1 to 254  2        Turnstiles in a row."),
    ],
)
def test_a_listed_part_has_its_description(run: Run, what: str, row: str) -> None:
    assert row in run("list", what, "--model", TURNSTILE).out


def test_an_unknown_part_exits_with_2(run: Run) -> None:
    ran = run("list", "colours")
    assert ran.code == 2
    assert "colours" in ran.err


def test_version(run: Run) -> None:
    assert run("--version").out == f"slotspec {__version__}\n"


def test_help_names_the_commands(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert "check" in ran.out
    assert "list" in ran.out


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from slotspec.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as left: assert left.code == 0\n"
        "heavy = {'numba', 'numpy', 'networkx', 'transitions', 'hypothesis'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_package_runs_as_a_module() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "slotspec", "check", TURNSTILE], capture_output=True, text=True
    )
    assert ran.returncode == 0
    assert "HOLDS: 1 run" in ran.stdout


def test_an_example_runs_as_a_program() -> None:
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "turnstile.py")], capture_output=True, text=True
    )
    assert ran.returncode == 0
    assert "HOLDS" in ran.stdout
    assert "22 states, 40 transitions, depth 6" in ran.stdout
