"""A search on disk finds what the search in memory finds, even after kill -9."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from examples import lease, slot_pool_core, two_phase_commit
from slotspec.cli.app import build
from slotspec.statemachine import (
    InputError,
    Instance,
    Limit,
    Limits,
    Result,
    UsageError,
    Verdict,
    check,
)
from slotspec.statemachine.search import disk_store, disk_work
from slotspec.statemachine.search.engine import explore_compiled

ROOT = Path(__file__).parents[3]
CHILD = """
import sys
from pathlib import Path
from examples import slot_pool_core
from slotspec.statemachine.search.engine import explore_compiled

folder = Path(sys.argv[1])
instance = slot_pool_core.model.instance({"T": 2, "S": 1, "R": 4, "A": 2})
explore_compiled(instance, disk=folder, resume=(folder / "manifest.json").exists())
"""


def core(requests: int = 3) -> Instance:
    return slot_pool_core.model.instance({"T": 2, "S": 1, "R": requests, "A": 2})


def facts(result: Result) -> tuple[object, ...]:
    traces = [p.finding and len(p.finding.calls) for p in result.properties]
    ends = [end and len(end.calls) for end in (result.deadlock, result.fault)]
    verdicts = [p.verdict for p in result.properties]
    counts = (result.states, result.transitions, result.depth, result.limit)
    return *counts, result.taken, result.fired, verdicts, traces, ends


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "memory"), [(1, None), (2, 40 << 20)])
def test_it_finds_what_the_search_in_memory_finds(
    workers: int, memory: int | None, tmp_path: Path
) -> None:
    limits = Limits(memory=memory)
    kept = explore_compiled(core(4), limits, disk=tmp_path / "there", workers=workers)
    assert facts(kept) == facts(explore_compiled(core(4)))
    assert kept.states == 147_916


def never(s: Any) -> bool:
    """Nothing is final."""
    return False


def no_commit(s: Any) -> bool:
    """A wrong statement."""
    return not s.commit_sent


COMMIT = two_phase_commit.model


@pytest.mark.parametrize(
    "replace",
    [{}, {two_phase_commit.settled: never}, {two_phase_commit.one_decision: no_commit}],
    ids=["holds", "deadlock", "violated"],
)
def test_verdicts_and_traces_are_the_same(replace: dict[Any, Any], tmp_path: Path) -> None:
    instance = COMMIT.instance({"managers": 3}, replace=replace)
    kept = explore_compiled(instance, disk=tmp_path)
    assert facts(kept) == facts(explore_compiled(instance))
    assert (kept.verdict is Verdict.HOLDS) is (not replace)


@pytest.mark.parametrize("depth", [0, 7])
def test_a_resumed_search_ends_as_if_never_interrupted(depth: int, tmp_path: Path) -> None:
    limits = Limits(depth=depth)
    part = explore_compiled(core(), limits, disk=tmp_path)
    assert facts(part) == facts(explore_compiled(core(), limits))
    assert part.limit is Limit.DEPTH
    for _ in range(2):
        rest = explore_compiled(core(), disk=tmp_path, resume=True, workers=2)
        assert facts(rest) == facts(explore_compiled(core()))


@pytest.mark.slow
def test_kill_9_loses_at_most_a_level(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    for level in (4, 9):
        command = [sys.executable, "-c", CHILD, str(folder)]
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        ) as child:
            until = time.monotonic() + 60
            while child.poll() is None and time.monotonic() < until and depth_in(folder) < level:
                time.sleep(0.002)
            child.kill()
    assert depth_in(folder) >= 9
    rest = explore_compiled(core(4), disk=folder, resume=True)
    assert facts(rest) == facts(explore_compiled(core(4)))


def depth_in(folder: Path) -> int:
    """The level that the manifest names."""
    try:
        return int(json.loads((folder / "manifest.json").read_bytes())["body"]["state"]["depth"])
    except FileNotFoundError:
        return -1


def test_a_search_that_time_ends_counts_whole_levels_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_work, "BURST_SECONDS", 0.0)
    part = explore_compiled(core(4), Limits(seconds=0.3), disk=tmp_path)
    assert (part.limit, part.verdict) == (Limit.SECONDS, Verdict.UNKNOWN)
    assert part.states == explore_compiled(core(4), Limits(depth=part.depth)).states
    monkeypatch.undo()
    assert facts(explore_compiled(core(4), disk=tmp_path, resume=True)) == facts(
        explore_compiled(core(4))
    )


def test_a_level_is_ended_where_the_target_is_found(tmp_path: Path) -> None:
    name = next(
        p.property.name for p in explore_compiled(core()).properties if p.finding is not None
    )
    limits = Limits(until=name)
    kept, plain = explore_compiled(core(), limits, disk=tmp_path), explore_compiled(core(), limits)
    assert kept.limit is Limit.FOUND
    assert (kept.depth, kept.states) == (plain.depth, plain.states)


@pytest.mark.parametrize("kind", ["states", "links"])
@pytest.mark.parametrize("harm", ["changed", "cut", "gone"])
def test_damage_is_detected(kind: str, harm: str, tmp_path: Path) -> None:
    explore_compiled(core(), Limits(depth=5), disk=tmp_path)
    file = max(tmp_path.glob(f"{kind}-*.bin"), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(data if harm == "changed" else data[:-8])
    with pytest.raises(InputError, match=rf"CKP002: .*{file.name}"):
        explore_compiled(core(), disk=tmp_path, resume=True)


def test_the_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    explore_compiled(core(), Limits(depth=3), disk=tmp_path)
    with pytest.raises(InputError, match=r"CKP003: .*another bounds"):
        explore_compiled(core(2), disk=tmp_path, resume=True)
    with pytest.raises(UsageError, match="SET034"):
        explore_compiled(core(), disk=tmp_path)
    with pytest.raises(InputError, match="CKP003"):
        explore_compiled(core(), checkpoint=tmp_path, resume=True)
    with pytest.raises(InputError, match="CKP001"):
        explore_compiled(core(), disk=tmp_path / "empty", resume=True)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"fingerprints": True}, "fingerprints"),
        ({"symmetry": "exact"}, "symmetry"),
        ({"checkpoint": Path("x")}, "a checkpoint"),
        ({"limits": Limits(states=5)}, "a limit on states"),
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"SET038: .*{what}"):
        explore_compiled(core(), disk=tmp_path, **options)


def test_leads_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"SET038: .*leads to"):
        explore_compiled(lease.model.instance(), disk=tmp_path)


def test_the_default_symmetry_is_left_out(tmp_path: Path) -> None:
    instance = COMMIT.instance({"managers": 4})
    result = check(instance, disk=tmp_path)
    assert (result.symmetry, result.states) == (None, 1_568)


def test_too_little_memory_leaves_the_result_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_one = explore_compiled(core(), Limits(memory=1 << 20), disk=tmp_path / "a")
    assert (small_one.limit, small_one.verdict) == (Limit.MEMORY, Verdict.UNKNOWN)
    limit = 4_000

    def narrow(store: Any, *arguments: Any) -> None:
        begin(store, *arguments)
        store.partition_bytes = limit

    begin = disk_store.DiskStore.__init__
    monkeypatch.setattr(disk_store.DiskStore, "__init__", narrow)
    monkeypatch.setattr(disk_store, "READ", 64)
    part = explore_compiled(core(), disk=tmp_path / "b")
    assert (part.limit, part.verdict) == (Limit.MEMORY, Verdict.UNKNOWN)
    monkeypatch.undo()
    rest = explore_compiled(core(), disk=tmp_path / "b", resume=True)
    assert facts(rest) == facts(explore_compiled(core()))


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(InputError, match=r"CKP004: .*No space left"):
        explore_compiled(core(), disk=tmp_path)


def test_the_command_line_takes_a_folder(tmp_path: Path) -> None:
    path = str(Path(slot_pool_core.__file__))
    arguments = ["check", path, "--disk", str(tmp_path / "it")]
    first = CliRunner().invoke(build(), [*arguments, "--max-depth", "4"])
    assert "UNKNOWN (limit: depth)" in first.output
    assert "HOLDS" in CliRunner().invoke(build(), [*arguments, "--resume"]).output
    two = CliRunner().invoke(build(), ["check", path, path, "--disk", str(tmp_path / "no")])
    assert isinstance(two.exception, UsageError)
    assert two.exception.code == "SET027"
