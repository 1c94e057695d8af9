"""Ids that a peer makes itself get the names of sequences; mistakes with ids stay visible."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.fuzzing.recording import Recording
from slotspec.oracle.peers.model import ModelPeer
from slotspec.oracle.peers.naming import Translation
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


def header_of(model: str, generation: str) -> TraceHeader:
    return Recording(ModelPeer(generation, model=model), generation, 0, 1, model=model).header


def asked(allocation: str, **more: str) -> dict[str, Any]:
    return {"effect": "rm.request_slot", "allocation": allocation, "profile": "small", **more}


def seen(names: Translation, effect: dict[str, Any], state: dict[str, Any]) -> RecordedStep:
    return names.from_peer(RecordedStep(op="op", arguments={}, effects=[effect], state=state), {})


def test_an_id_that_a_peer_makes_twice_does_not_pass_for_a_new_one() -> None:
    names = Translation(header_of("slot_pool", "1.12"))
    for _ in range(2):
        step = seen(names, asked("a1"), {"pending": ["a1"]})
        assert step.effects == [asked("a1")]
        assert step.state == {"pending": ["a1"]}
    assert names.to_peer({"allocation": "a2"}) == {"allocation": "a2"}
    assert seen(names, asked("a3"), {}).effects == [asked("a2")]


def test_a_foreign_id_that_a_peer_makes_twice_keeps_its_name() -> None:
    names = Translation(header_of("slot_pool", "1.12"))
    assert seen(names, asked("u"), {}).effects == [asked("a1")]
    assert seen(names, asked("u"), {}).effects == [asked("a1")]
    assert seen(names, asked("v"), {}).effects == [asked("a2")]
    assert names.to_peer({"allocation": "a2"}) == {"allocation": "v"}


def test_an_effect_may_show_two_new_ids() -> None:
    names = Translation(header_of("fine_grained_slot_manager", "2.3"))
    effect = {"effect": "tm.request_slot", "call": "call-7", "allocation": "4f2a", "tm": "tm1"}
    step = seen(names, effect, {"slots": {"4f2a": {"state": "PENDING"}}})
    assert step.effects == [effect | {"call": "g1", "allocation": "a1"}]
    assert step.state == {"slots": {"a1": {"state": "PENDING"}}}
    assert names.to_peer({"call": "g1", "allocation": "a1"}) == {
        "call": "call-7",
        "allocation": "4f2a",
    }
