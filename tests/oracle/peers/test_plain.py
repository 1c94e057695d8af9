"""What an adapter in Python answers is JSON, or the peer's fault; it can change nothing else."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from slotspec.oracle.fuzzing.lockstep import Diverged, Lockstep
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.peers.python import PythonPeer, load
from slotspec.oracle.slot_pool.strategies import Swarm

HEADER = Swarm("1.12", Random(0)).header


class Name(str):
    """A text of a class of its own."""


class Number(enum.IntEnum):
    ONE = 1


@dataclass
class Answer:
    profile: str


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


class Adapter:
    """Answers every start with one value."""

    answer: Any = None

    def __init__(self, header: Mapping[str, Any]) -> None: ...

    def start(self) -> Any:
        return self.answer

    def offer_slots(self, tm: str, offers: list[Any]) -> list[str]:
        offers.clear()
        return []

    def effects(self) -> Any:
        return []


def answering(answer: Any) -> PythonPeer:
    peer = PythonPeer(type("Answering", (Adapter,), {"answer": answer}), "mine")
    peer.reset(HEADER)
    return peer


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Name("small"), "small"),
        (Number.ONE, 1),
        ((1, 2), [1, 2]),
        (Answer("small"), {"profile": "small"}),
        ({"a": [None, True, 0.5, "é"]}, {"a": [None, True, 0.5, "é"]}),
    ],
)
def test_values_that_json_has(answer: Any, seen: Any) -> None:
    result = answering(answer).step("start", {}).result
    assert result == seen
    assert type(result) is type(seen)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (float("nan"), "result is nan, which JSON does not have"),
        ([0, float("inf")], r"result\[1\] is inf"),
        ({1, 2}, "result is of type set; answer with"),
        (b"a1", "result is of type bytes"),
        ({"a": object()}, "result.a is of type object"),
        ({1: 2}, "result has a key of type int"),
        (2**63, "beyond 64 bits"),
        ("\ud800", "half of a surrogate pair"),
        (nested(100_000), "nests too deep"),
        (circle(), "contains itself"),
    ],
)
def test_values_that_json_does_not_have(answer: Any, told: str) -> None:
    with pytest.raises(PeerError, match=rf"PEE005: mine answered start .*{told}"):
        answering(answer).step("start", {})


def test_a_value_that_is_no_number_does_not_pass_for_null() -> None:
    lockstep = Lockstep("1.12", HEADER, answering(float("nan")))
    with pytest.raises(PeerError, match="PEE005"):
        lockstep.step("start", {})


def test_an_adapter_cannot_change_the_sequence() -> None:
    lockstep = Lockstep("1.12", HEADER, answering(None))
    offers = [{"allocation": "x1", "index": 0, "profile": "small"}]
    with pytest.raises(Diverged) as diverged:
        lockstep.step("offer_slots", {"tm": "tm1", "offers": offers})
    assert diverged.value.found.steps[0].arguments["offers"][0]["allocation"] == "x1"


def test_an_adapter_that_exits_does_not_end_the_run(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(self: Any) -> None:
        raise SystemExit(5)

    peer = PythonPeer(type("Leaving", (Adapter,), {"start": leave}), "mine")
    peer.reset(HEADER)
    with pytest.raises(PeerError, match="PEE007: mine fails in start: SystemExit: 5"):
        peer.step("start", {})
    (tmp_path / "leaves_at_once.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PeerError, match="PEE002"):
        load("leaves_at_once:Pool")


def test_arguments_that_a_method_does_not_take_are_not_located_in_slotspec() -> None:
    peer = PythonPeer(type("Other", (Adapter,), {"start": lambda self, time: None}), "mine")
    peer.reset(HEADER)
    with pytest.raises(PeerError, match=r"missing 1 required positional argument: 'time'$"):
        peer.step("start", {})
