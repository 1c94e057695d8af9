"""A peer with some operations of a class is judged by what it was sent, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import slotspec
from examples.lease_server import Hasty
from slotspec.cli import ray_fuzz
from slotspec.cli.ray_fuzz import Asked
from slotspec.oracle.fuzzing.differences import every_difference
from slotspec.oracle.fuzzing.rendering import mermaid, rows
from slotspec.oracle.fuzzing.run import batches
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peer_target import implementing
from slotspec.oracle.peers.model import ModelPeer
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.peers.python import PythonPeer
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.errors import UsageError
from slotspec.testing import slotspec_conformance
from slotspec.testing.conformance import program

HALF = ["start", "register_task_manager", "release_task_manager"]


class NullPointerException(Exception):
    """What Flink throws before the pool is started."""


class Half:
    """The three operations, as Flink's pool has them as long as nobody sends any other."""

    def __init__(self, header: Mapping[str, Any]) -> None:
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
        return new

    def release_task_manager(self, tm: str, cause: str | None = None) -> bool:
        if self.known is None:
            raise NullPointerException
        there = tm in self.known
        self.known.discard(tm)
        return there


def test_a_correct_peer_is_not_blamed_for_operations_that_it_never_got() -> None:
    result = slotspec.fuzz(Half, "1.12", operations=HALF, sequences=40)
    assert result.found is None
    assert set(+result.coverage.operations) == set(HALF)


def test_the_same_with_all_differences_and_in_pytest() -> None:
    peer = implementing(PythonPeer(Half), "start, register_task_manager", fuzz_target("slot_pool"))
    found = every_difference(peer, "1.12", sequences=20)
    assert not found.kinds
    assert set(+found.coverage.operations) == {"start", "register_task_manager"}
    slotspec_conformance(Half, generation="1.12", operations=HALF, steps=8)()


def test_a_step_of_the_environment_is_marked() -> None:
    found = slotspec.fuzz(
        Hasty,
        model="examples/lease.py",
        operations=["handle", "tick"],
        sequences=60,
        shrinking=False,
    ).found
    assert found is not None
    marked = {row[1].partition("(")[0] for row in rows(found) if row[2] == "(model only)"}
    assert marked
    assert not marked & {"handle", "tick"}
    assert "(model only)" in mermaid(found)
    reproducer = program(found, Hasty, "1", "examples/lease.py", "handle, tick")
    assert "operations=['handle', 'tick']" in reproducer
    assert "  # (model only)\n" in reproducer


@pytest.mark.parametrize("model", ["slot_manager", "task_slot_table"])
def test_walks_of_a_class_have_only_the_named_operations(model: str) -> None:
    subject = fuzz_target(model)
    some = [subject.schema.operations[0].name]

    class Deaf:
        def __init__(self, header: Mapping[str, Any]) -> None: ...

        def __getattr__(self, op: str) -> Any:
            assert op in (*some, "effects", "state")
            raise AttributeError(op)

    with pytest.raises(PeerError, match=f"no method {some[0]}; add it, or name"):
        slotspec.fuzz(Deaf, model=model, operations=some, sequences=20)


class Noting(ModelPeer):
    """The declarative pool's model, which notes what it is reset with."""

    def __init__(self) -> None:
        super().__init__("2.3", model="declarative_slot_pool")
        self.headers: list[TraceHeader] = []

    def reset(self, header: TraceHeader) -> None:
        self.headers.append(header)
        super().reset(header)

    @property
    def classes(self) -> set[str]:
        return {header.implementation.rpartition(" ")[2] for header in self.headers}


@pytest.mark.parametrize(
    ("model", "operations"),
    [
        ("DefaultDeclarativeSlotPool", None),
        ("org.apache.flink DefaultDeclarativeSlotPool", None),
        ("declarative_slot_pool", "increase_resource_requirements_by,offer_slots,advance_time"),
    ],
)
def test_sequences_are_for_the_class_that_the_peer_implements(
    model: str, operations: str | None
) -> None:
    peer = Noting()
    slotspec.fuzz(peer, model=model, operations=operations, sequences=12, steps=3)
    assert peer.classes == {"DefaultDeclarativeSlotPool"}
    both = Noting()
    slotspec.fuzz(both, model="declarative_slot_pool", sequences=12, steps=3)
    assert len(both.classes) == 2


def test_every_sequence_has_the_configuration_that_the_peer_needs() -> None:
    peer = Noting()
    config = {"strategy": "simple", "slot_request_max_interval_ms": 0}
    result = slotspec.fuzz(
        peer, model="DeclarativeSlotPoolBridge", config=config, sequences=12, steps=20
    )
    assert result.found is None
    assert peer.classes == {"DeclarativeSlotPoolBridge"}
    seen = {(h.config["strategy"], h.config["slot_request_max_interval_ms"]) for h in peer.headers}
    assert seen == {("simple", 0)}
    # the other settings still differ
    assert len({str(h.config) for h in peer.headers}) > 1


def test_the_configuration_of_the_older_slot_pool_can_be_fixed_too() -> None:
    seen: set[int] = set()

    class Configured(Half):
        def __init__(self, header: Mapping[str, Any]) -> None:
            super().__init__(header)
            seen.add(header["config"]["idle_slot_timeout_ms"])

    config = {"idle_slot_timeout_ms": 70}
    slotspec_conformance(Configured, generation="1.12", operations=HALF, steps=8, config=config)()
    assert seen == {70}


@pytest.mark.slow
def test_a_batch_on_another_machine_has_the_configuration() -> None:
    asked = Asked(
        folder=str(Path.cwd()),
        target=None,
        model=None,
        bug="FLINK-8505",
        flink_jars=None,
        timeout=10.0,
        generation="1.12",
        operations=None,
        config=["spread=true", "max_slots=3"],
        steps=12,
    )
    found = ray_fuzz._batch(asked, *next(batches(0, 500))).found
    assert found is not None
    drawn = found.header.config
    assert (drawn["spread"], drawn["max_slots"]) == (True, 3)


@pytest.mark.parametrize(
    ("model", "config", "message"),
    [
        ("declarative_slot_pool", ["strategie=simple"], "did you mean strategy"),
        ("DefaultDeclarativeSlotPool", ["strategy=simple"], "use one of idle_slot_timeout_ms"),
        ("declarative_slot_pool", ["strategy=fancy"], "use one of simple, preferred"),
        ("declarative_slot_pool", ["idle_slot_timeout_ms=0"], ">= 1"),
        ("declarative_slot_pool", ["strategy"], "NAME=VALUE"),
    ],
)
def test_a_configuration_that_no_class_has_is_refused(
    model: str, config: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        implementing(Noting(), None, fuzz_target(model), config)
    assert refused.value.code == "SET119"
