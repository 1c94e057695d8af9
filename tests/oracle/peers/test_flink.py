"""Flink's real classes as peers, if Java, JPype and the jars are installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slotspec.oracle.peers.flink_jars import JARS_VARIABLE, find_jar
from slotspec.oracle.peers.protocol import PeerError

ROOT = Path(__file__).parents[3]
TRACES = ROOT / "tests" / "data" / "traces"
JARS = Path(os.environ.get(JARS_VARIABLE, Path.home() / ".cache" / "slotspec" / "flink"))
"""Where `slotspec flink fetch` puts them: conftest gives the tests a cache of their own."""

FOLDERS = {
    "slot_pool": "slot_pool",
    "slot_manager": "manager",
    "task_slot_table": "table",
    "logical_slot": "logical",
    "slot_sharing": "sharing",
    "declarative_slot_pool": "declarative_pool",
    "fine_grained_slot_manager": "fine_grained_manager",
    "slot_sharing_allocator": "slot_sharing_allocator",
}
"""Model -> the folder of its recordings."""
RECORDED = [
    (model, version.name)
    for model, folder in FOLDERS.items()
    for version in sorted((TRACES / folder).iterdir())
]


def skip_without(version: str) -> None:
    """Skip the test if this release cannot run here."""
    if importlib.util.find_spec("jpype") is None:
        pytest.skip("JPype is not installed (the extra flink)")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("there is no Java")
    try:
        find_jar(version, JARS)
    except PeerError:
        pytest.skip(f"there are no jars: run slotspec flink fetch {version}")


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), JARS_VARIABLE: str(JARS)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("model", "version"), RECORDED)
def test_the_real_class_does_what_was_recorded(model: str, version: str) -> None:
    skip_without(version)
    script = str(ROOT / "tests" / "oracle" / "peers" / "flink_check.py")
    told = run(script, model, version, str(TRACES / FOLDERS[model]), "5")
    assert told.strip() == str(5 * 80)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "version"), RECORDED)
def test_the_real_class_does_what_the_model_does(model: str, version: str) -> None:
    skip_without(version)
    target = ("--model", model, "--target", f"flink:{version}")
    assert "no divergence" in run("-m", "slotspec", "fuzz", *target, "--examples", "60")


@pytest.mark.parametrize(
    ("name", "folder", "version", "told"),
    [
        ("connections", "manager", "1.12.5", "'tm': 'tm2'"),
        ("greedy", "slot_sharing_allocator", "2.3.0", "NoResourceAvailableException"),
    ],
)
def test_a_sequence_of_its_own(name: str, folder: str, version: str, told: str) -> None:
    skip_without(version)
    script = str(ROOT / "tests" / "oracle" / "peers" / "flink_sequences.py")
    recording = TRACES / folder / version / "seed0000.jsonl.gz"
    difference, last = run(script, name, version, str(recording)).splitlines()
    assert difference == "None"
    assert told in last
