"""Every model can be fuzzed: sequences are meaningful, bugs are found, shrunk and replayed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from slotspec.bugs import Bug, known_bugs
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fuzzing import can_be_fuzzed, finds_bug
from slotspec.oracle.fuzzing.bugs import find, peer_of
from slotspec.oracle.fuzzing.coverage_tours import cover
from slotspec.oracle.fuzzing.differences import every_difference
from slotspec.oracle.fuzzing.environment_walks import recorded
from slotspec.oracle.fuzzing.lockstep import Lockstep
from slotspec.oracle.fuzzing.recording import Recording
from slotspec.oracle.fuzzing.rendering import mermaid
from slotspec.oracle.fuzzing.run import fuzz
from slotspec.oracle.fuzzing.sources import MixedSource
from slotspec.oracle.fuzzing.targets import fuzz_target, fuzzable
from slotspec.oracle.logical_slot.adapter import LogicalSlotOracle
from slotspec.oracle.peers.command import CommandPeer
from slotspec.oracle.peers.model import ModelPeer
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.peers.python import PythonPeer
from slotspec.oracle.slot_manager.adapter import SlotManagerOracle
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.oracle.traces.writing import write_trace
from slotspec.statemachine.errors import InputError, UsageError
from slotspec.statemachine.interpreter.replay import explain
from tests.variants import examples

RUNS = [(name, version) for name in fuzzable() for version in fuzz_target(name).schema.generations]
OTHERS = [name for name in fuzzable() if name != "slot_pool"]


def one_of(name: str) -> str:
    """A generation of a model: 1.12 if it has it, else its newest."""
    generations = fuzz_target(name).schema.generations
    return "1.12" if "1.12" in generations else generations[-1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "generation"), RUNS)
def test_no_model_differs_from_itself(name: str, generation: str) -> None:
    outcome = fuzz(ModelPeer(generation, model=name), generation, model=name, sequences=80)
    assert outcome.found is None
    assert outcome.limit is None
    assert outcome.coverage.steps > 1_000
    never = set(outcome.coverage.possible_operations) - set(outcome.coverage.operations)
    assert len(never) <= 4
    fired = sum(count > 0 for count in outcome.coverage.transitions().values())
    assert fired > len(outcome.coverage.transitions()) / 3


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_invented_is_in_the_vocabulary(name: str) -> None:
    target = fuzz_target(name)
    generation = target.schema.generations[-1]
    taken = 0
    for number in range(examples(5, 20)):
        random = Random(number)
        source = MixedSource(target, generation, random, 30)
        lockstep = Lockstep(generation, source.header, ModelPeer(generation, model=name))
        for place in range(30):
            op, arguments = source.step(place, lockstep.view, random)  # type: ignore[arg-type]
            schema = target.schema.of(source.header.implementation)
            msgspec.convert({"op": op, **arguments}, schema.by_name[op].struct)
            # only calls that no implementation could receive are rejected
            with suppress(InputError):
                lockstep.step(op, arguments)
                taken += 1
    assert taken > examples(60, 400)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_the_same_seed_gives_the_same_run(name: str) -> None:
    generation = one_of(name)
    peer = ModelPeer(generation, model=name)
    first, second, other = (
        fuzz(peer, generation, model=name, sequences=6, seed_=seed).coverage for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


@pytest.mark.slow
@pytest.mark.parametrize(
    ("issue", "longest"),
    [("FLINK-8505", 4), ("FLINK-9324", 3), ("FLINK-9932", 4), ("FLINK-12765", 6)],
)
def test_a_known_bug_is_found_made_short_and_replayed(
    issue: str, longest: int, tmp_path: Path
) -> None:
    bug = known_bugs()[issue]
    found = find(bug, seed=0, examples=1_000).found
    assert found is not None
    assert len(found.steps) <= longest
    trace = tmp_path / "found.jsonl"
    write_trace(trace, found.header, found.steps)
    divergence = conform(trace).divergence
    assert divergence is not None
    assert divergence.step == len(found.steps)
    receiver = fuzz_target(bug.model).receiver
    assert f"participant {receiver}\n" in mermaid(found)


@pytest.mark.slow
def test_a_bug_is_found_again() -> None:
    bug = known_bugs()["FLINK-9324"]
    found = find(bug, seed=0, examples=1_000).found
    assert found is not None
    assert finds_bug(bug) == len(found.steps)


@pytest.mark.slow
def test_what_is_no_bug_is_not_found() -> None:
    some = known_bugs()["FLINK-8505"]
    harmless = Bug(
        issue="FLINK-0",
        description="Nothing is wrong.",
        model=some.model,
        property=some.property,
        length=1,
        scope=some.scope,
        fixed="",
        generation="1.12",
    )
    assert finds_bug(harmless, examples=20) is None


def test_a_model_without_a_class_is_not_fuzzed() -> None:
    assert can_be_fuzzed("slot_manager")
    assert not can_be_fuzzed("cluster")
    with pytest.raises(UsageError, match="SET112"):
        fuzz_target("cluster")


@pytest.mark.slow
def test_a_step_that_leaves_the_protocol_diverges() -> None:
    bug = known_bugs()["FLINK-32882"]
    assert bug.property == "fault"
    peer = peer_of(bug)
    outcome = fuzz(peer, peer.generation, model=bug.model, sequences=2_000)
    assert outcome.found is not None


@pytest.mark.slow
def test_differences_between_releases_are_explained() -> None:
    peer = ModelPeer("1.12", model="slot_manager")
    found = every_difference(peer, "1.13", model="slot_manager", sequences=400)
    explained = {answer for kind in found.kinds for answer in kind.explained}
    generations = fuzz_target("slot_manager").load().generations
    differ = {n for n, v in generations["1.13"].items() if v != generations["1.12"][n]}
    assert explained
    assert explained <= differ


@pytest.mark.parametrize("name", OTHERS)
def test_a_recording_conforms(name: str, tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        generation = one_of(name)
        peer = ModelPeer(generation, model=name)
        recording = Recording(peer, generation, 7, 40, model=name)
        write_trace(file, recording.header, recording)
    assert files[0].read_bytes() == files[1].read_bytes()
    report = conform(files[0])
    assert report.divergence is None
    assert report.matched == 40


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("what", ["transitions", "states", "pairs"])
def test_sequences_that_cover_a_model_conform(name: str, what: Any, tmp_path: Path) -> None:
    most = 700 if what == "states" else 100
    covering = cover(what, one_of(name), model=name, states=most)
    assert covering.tours
    assert len(covering.missing) < covering.goals / 2
    if what == "states":
        assert covering.complete
        assert covering.missing == []
    trace = tmp_path / "one.jsonl"
    for tour in covering.tours:
        for path, _ in tour.paths[:2]:
            write_trace(trace, *recorded(explain(tour.instance, [edge.call for edge in path])))
            assert conform(trace).divergence is None


class Logical:
    """An adapter of logical slots around the model itself."""

    forgets_to_return = False

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._oracle = LogicalSlotOracle("1.12", msgspec.convert(header, TraceHeader))
        self._said: list[dict[str, Any]] = []

    def __getattr__(self, op: str) -> Any:
        if op not in LogicalSlotOracle.schema.by_name:
            raise AttributeError(op)

        def operation(**arguments: Any) -> Any:
            expected = self._oracle.step(op, **arguments)
            self._said = expected.effects
            if self.forgets_to_return and op == "release_slot":
                self._said = [e for e in self._said if e["effect"] != "owner.return_slot"]
            if expected.raises:
                raise type(expected.raises, (Exception,), {})
            return expected.result

        return operation

    def effects(self) -> list[dict[str, Any]]:
        return self._said


class Forgetful(Logical):
    forgets_to_return = True


class OwnIds:
    """A slot manager that names its calls and questions differently."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._oracle = SlotManagerOracle("1.12", msgspec.convert(header, TraceHeader))
        self._said: list[dict[str, Any]] = []

    def __getattr__(self, op: str) -> Any:
        if op not in SlotManagerOracle.schema.by_name:
            raise AttributeError(op)

        def operation(**arguments: Any) -> Any:
            for name in ("call", "query"):
                if str(arguments.get(name)).startswith("mine-"):
                    arguments[name] = arguments[name].removeprefix("mine-")
            expected = self._oracle.step(op, **arguments)
            self._said = [
                {n: f"mine-{v}" if n in ("call", "query") else v for n, v in effect.items()}
                for effect in expected.effects
            ]
            if expected.raises:
                cause = type(expected.raises_cause or "None", (Exception,), {})()
                raise type(expected.raises, (Exception,), {}) from cause
            return expected.result

        return operation

    def effects(self) -> list[dict[str, Any]]:
        return self._said


@pytest.mark.slow
def test_an_adapter_of_another_class() -> None:
    peer = PythonPeer(Logical)
    assert fuzz(peer, "1.12", model="logical_slot", sequences=40).found is None
    found = fuzz(PythonPeer(Forgetful), "1.12", model="logical_slot", sequences=400).found
    assert found is not None
    assert [step.op for step in found.steps] == ["create_slot", "release_slot"]


def test_ids_of_the_peers_own_making_are_translated() -> None:
    outcome = fuzz(PythonPeer(OwnIds), "1.12", model="slot_manager", sequences=20)
    assert outcome.found is None
    assert outcome.coverage.operations["call_acknowledged"] > 0


DIES = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "reset" in asked:
        created = False
        print('{"ready": true}', flush=True)
        continue
    if asked["op"] == "create_slot":
        created = True
    if asked["op"] == "is_alive" and created:
        sys.exit(3)
    print("{}", flush=True)
"""


def test_the_sequence_of_a_peer_that_dies_is_made_short(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(DIES, encoding="utf-8")
    peer = CommandPeer(f"{sys.executable} {script}", timeout=20)
    try:
        with pytest.raises(PeerError, match="PEE004") as caught:
            fuzz(peer, "1.12", model="logical_slot", sequences=50)
    finally:
        peer.close()
    assert [op for op, _ in caught.value.sequence] == ["create_slot", "is_alive"]
    assert caught.value.original >= 2
    assert caught.value.header is not None
