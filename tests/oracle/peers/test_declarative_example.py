"""The example of a peer that keeps slots as the declarative pool of 2.3 does."""

from __future__ import annotations

import gzip
import json
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from slotspec.oracle.fuzzing.run import FuzzResult, fuzz
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peer_target import implementing
from slotspec.oracle.peers.command import CommandPeer

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "peers" / "declarative_pool_peer.py"
PEER = runpy.run_path(str(EXAMPLE))
RECORDED = sorted((ROOT / "tests/data/traces/declarative_pool/2.3.0").glob("*.jsonl.gz"))
OUTCOME = ("result", "effects", "raises", "state")
CLASS = "DefaultDeclarativeSlotPool"


def run(options: str, sequences: int) -> FuzzResult:
    peer = CommandPeer(f"{shlex.quote(sys.executable)} {shlex.quote(str(EXAMPLE))} {options}")
    try:
        target = fuzz_target(CLASS)
        return fuzz(
            implementing(peer, None, target), "2.3", model=target.model, sequences=sequences
        )
    finally:
        peer.close()


@pytest.mark.slow
def test_it_conforms_to_the_model() -> None:
    outcome = run("", 100)
    assert outcome.found is None
    assert outcome.coverage.operations.keys() == PEER["OPERATIONS"]
    assert set(outcome.coverage.possible_operations) == PEER["OPERATIONS"]
    fired = outcome.coverage.transitions()
    assert len(fired) == 20
    assert sum(count > 0 for count in fired.values()) >= 17


def test_it_does_what_flink_did() -> None:
    compared = 0
    for path in RECORDED:
        header, *steps = map(json.loads, gzip.decompress(path.read_bytes()).splitlines())
        if header["driven"] != "pool":
            continue
        pool = PEER["Pool"](header)
        for step in steps:
            question = {name: value for name, value in step.items() if name not in OUTCOME}
            said = PEER["answer"](pool, question)
            assert {name: said.get(name) for name in OUTCOME} == {
                name: step.get(name) for name in OUTCOME
            }
            compared += 1
    assert compared >= 400


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "steps"), [("batch", 2), ("idle", 4)])
def test_a_mistake_is_found(bug: str, steps: int) -> None:
    found = run(f"--bug {bug}", 1_000).found
    assert found is not None
    assert len(found.steps) == steps
