"""A peer with some operations of a class is judged by what it was sent, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import slotspec
from examples.lease_server import Hasty
from slotspec.oracle.fuzzing.differences import every_difference
from slotspec.oracle.fuzzing.rendering import mermaid, rows
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peer_target import implementing
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.peers.python import PythonPeer
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
