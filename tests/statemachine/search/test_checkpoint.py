"""Checkpoints: a killed search continues where it was, and damage is always detected."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from examples import slot_pool_core
from slotspec.statemachine import InputError, Instance, Limit, Limits, Result, UsageError
from slotspec.statemachine.search import checkpoint, visited
from slotspec.statemachine.search.engine import explore_compiled

WAYS: dict[str, dict[str, Any]] = {
    "exact": {},
    "two workers": {"workers": 2},
    "fingerprints": {"fingerprints": True},
    "symmetry": {"symmetry": "exact"},
    "all": {"symmetry": "fast", "fingerprints": True, "workers": 2},
}
ROOT = Path(__file__).parents[3]
CHILD = """
import json, sys
from pathlib import Path
from examples import slot_pool_core
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search import checkpoint, worker_pool

checkpoint.SECONDS, worker_pool.BURST_SECONDS = 0.01, 0.005
folder = Path(sys.argv[1])
r = explore_compiled(
    slot_pool_core.model.instance({"T": 2, "S": 1, "R": 4, "A": 3}),
    checkpoint=folder,
    resume=(folder / "manifest.json").exists(),
)
print(json.dumps([r.states, r.transitions, r.depth, r.taken, r.verdict.value]))
"""


def core(requests: int = 3) -> Instance:
    return slot_pool_core.model.instance({"T": 2, "S": 1, "R": requests, "A": 2})


def facts(result: Result) -> tuple[object, ...]:
    traces = [p.finding and len(p.finding.steps) for p in result.properties]
    verdicts = [p.verdict for p in result.properties]
    return result.states, result.transitions, result.taken, result.fired, verdicts, traces


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "depth", [3, *(pytest.param(n, marks=pytest.mark.slow, id=str(n)) for n in (0, 12))]
)
def test_a_resumed_search_ends_as_if_never_interrupted(
    way: str, depth: int, tmp_path: Path
) -> None:
    whole = explore_compiled(core(), **WAYS[way])
    part = explore_compiled(core(), Limits(depth=depth), checkpoint=tmp_path, **WAYS[way])
    assert part.limit is Limit.DEPTH
    rest = explore_compiled(core(), checkpoint=tmp_path, resume=True, **WAYS[way])
    assert facts(rest) == facts(whole)
    again = explore_compiled(core(), checkpoint=tmp_path, resume=True, **WAYS[way])
    assert facts(again) == facts(whole)


@pytest.mark.parametrize("way", ["two workers", "fingerprints"])
def test_a_search_resumes_with_more_memory_or_less(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = explore_compiled(core(), **WAYS[way])
    with monkeypatch.context() as small:
        small.setattr(visited, "LARGEST_NUMBER", 12_000 * WAYS[way].get("workers", 1))
        part = explore_compiled(core(), checkpoint=tmp_path, **WAYS[way])
    assert part.limit is Limit.MEMORY
    middle = Limits(depth=part.depth + 1, memory=100 << 20)
    more = explore_compiled(core(), middle, checkpoint=tmp_path, resume=True, **WAYS[way])
    assert more.limit is Limit.DEPTH
    assert more.states > part.states
    less = Limits(memory=8 << 20)
    rest = explore_compiled(core(), less, checkpoint=tmp_path, resume=True, **WAYS[way])
    assert facts(rest) == facts(whole)


def test_a_checkpoint_that_needs_more_memory_is_refused(saved: Path) -> None:
    before = (saved / "manifest.json").read_bytes()
    with pytest.raises(InputError, match=r"CKP005: .* may use 40,000; allow it more memory"):
        explore_compiled(core(), Limits(memory=40_000), checkpoint=saved, resume=True)
    assert (saved / "manifest.json").read_bytes() == before


def test_a_limit_on_states_ends_with_a_save(tmp_path: Path) -> None:
    for limit, states in ((1_000, 1_000), (500, 1_000), (1_500, 1_500)):
        result = explore_compiled(
            core(), Limits(states=limit), checkpoint=tmp_path, resume=limit != 1_000
        )
        assert (result.states, result.limit) == (states, Limit.STATES)


@pytest.mark.slow
def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    expected = [1_301_020, 16_161_496, 25]
    command = [sys.executable, "-c", CHILD, str(tmp_path / "here")]
    chance = random.Random(9)
    for _ in range(5):
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        until = time.monotonic() + 30
        before = manifest_number(tmp_path / "here")
        while manifest_number(tmp_path / "here") == before and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
        out, _ = child.communicate()
        assert not out, "the search was over before it was killed"
    out = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    found = json.loads(out)
    assert found[:3] == expected
    assert sum(found[3].values()) == expected[1]


def manifest_number(folder: Path) -> int:
    try:
        return int(json.loads((folder / "manifest.json").read_text())["body"]["number"])
    except (OSError, ValueError):
        return 0


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    explore_compiled(core(), Limits(depth=8), checkpoint=tmp_path)
    return tmp_path


def test_every_damaged_byte_is_detected(saved: Path) -> None:
    chance = random.Random(4)
    for file in saved.iterdir():
        good = file.read_bytes()
        for _ in range(8):
            at = chance.randrange(len(good))
            flipped = good[:at] + bytes([good[at] ^ (1 << chance.randrange(8))]) + good[at + 1 :]
            file.write_bytes(flipped)
            with pytest.raises(InputError, match=r"CKP00[23]"):
                explore_compiled(core(), checkpoint=saved, resume=True)
        file.write_bytes(good)
    assert explore_compiled(core(), checkpoint=saved, resume=True).states == 29_320


def test_a_truncated_or_missing_file_is_detected(saved: Path) -> None:
    for file in saved.iterdir():
        good = file.read_bytes()
        file.write_bytes(good[: len(good) // 2])
        with pytest.raises(InputError, match=r"CKP002: .*delete the folder and start anew"):
            explore_compiled(core(), checkpoint=saved, resume=True)
        file.unlink()
        with pytest.raises(InputError, match=r"CKP00[12]"):
            explore_compiled(core(), checkpoint=saved, resume=True)
        file.write_bytes(good)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"body": 1, "sum": 2}', "\x00", "null"])
def test_an_invalid_manifest_is_rejected(text: str, saved: Path) -> None:
    (saved / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"CKP002"):
        explore_compiled(core(), checkpoint=saved, resume=True)


@pytest.mark.parametrize(
    ("what", "options", "requests"),
    [
        ("bounds", {}, 2),
        ("fingerprints", {"fingerprints": True}, 3),
        ("symmetry", {"symmetry": "exact"}, 3),
        ("workers", {"workers": 2}, 3),
    ],
)
def test_a_checkpoint_of_a_different_search_is_rejected(
    what: str, options: dict[str, Any], requests: int, saved: Path
) -> None:
    with pytest.raises(InputError, match=f"CKP003: .* another {what}"):
        explore_compiled(core(requests), checkpoint=saved, resume=True, **options)


def test_a_checkpoint_of_another_version_is_rejected(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "__version__", "0.0.0")
    with pytest.raises(InputError, match=r"CKP003: .*another slotspec"):
        explore_compiled(core(), checkpoint=saved, resume=True)


def test_a_checkpoint_of_changed_rules_is_rejected(saved: Path) -> None:
    def never(s: slot_pool_core.Pool, r: int, k: int) -> int:
        return -1

    changed = slot_pool_core.model.instance(
        core().setting.bounds, replace={slot_pool_core.allocate_available: never}
    )
    with pytest.raises(InputError, match=r"CKP003: .*another rules"):
        explore_compiled(changed, checkpoint=saved, resume=True)


def test_an_existing_checkpoint_is_not_overwritten(saved: Path) -> None:
    with pytest.raises(UsageError, match="SET034"):
        explore_compiled(core(), checkpoint=saved)


def test_resuming_without_a_checkpoint_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"CKP001"):
        explore_compiled(core(), checkpoint=tmp_path / "new", resume=True)


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"CKP004"):
        explore_compiled(core(), checkpoint=tmp_path / "file" / "below")
