"""Targets; Python objects and generations as peers; names that peers generate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from examples.pool_adapter import PoolAdapter
from slotspec.models.slot_pool.versions import Removal
from slotspec.oracle.fuzzing.lockstep import replay
from slotspec.oracle.fuzzing.recording import Recording
from slotspec.oracle.fuzzing.run import fuzz
from slotspec.oracle.peer_target import open_peer
from slotspec.oracle.peers.model import ModelPeer, parse_choices
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.oracle.peers.python import PythonPeer
from slotspec.oracle.slot_pool.strategies import Swarm
from slotspec.oracle.traces.trace import OperationCall
from tests.variants import fast_first

HEADER = Swarm("1.12", Random(0)).header
SENT: list[OperationCall] = [
    ("start", {}),
    ("connect_to_resource_manager", {"rm": "rm1"}),
    ("register_task_manager", {"tm": "tm1"}),
    ("request_new_allocated_slot", {"request": "r1", "profile": "small"}),
    (
        "offer_slots",
        {"tm": "tm1", "offers": [{"allocation": "a1", "index": 0, "profile": "small"}]},
    ),
    ("assign_payload", {"allocation": "a1"}),
    ("create_allocated_slot_report", {"tm": "tm1"}),
    ("release_task_manager", {"tm": "tm1"}),
]


class OwnIds(PoolAdapter):
    """An adapter with its own names for allocations."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        super().__init__(header)
        self._theirs: dict[str, str] = {}

    def effects(self) -> list[dict[str, Any]]:
        told = super().effects()
        for effect in told:
            if effect["effect"] == "rm.request_slot":
                name = effect["allocation"]
                self._theirs[name] = f"allocation-{name}-{'f' * 8}"
        return self._swapped(told, self._theirs)  # type: ignore[no-any-return]

    def state(self) -> dict[str, Any]:
        return self._swapped(super().state(), self._theirs)  # type: ignore[no-any-return]

    def _swapped(self, value: Any, names: dict[str, str]) -> Any:
        if isinstance(value, str):
            return names.get(value, value)
        if isinstance(value, dict):
            return {names.get(k, k): self._swapped(v, names) for k, v in value.items()}
        return [self._swapped(v, names) for v in value] if isinstance(value, list) else value

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = super().__getattr__(name)

        def swapped(**arguments: Any) -> Any:
            back = {theirs: ours for ours, theirs in self._theirs.items()}
            assert not any(a in self._theirs for a in arguments.values() if isinstance(a, str))
            return self._swapped(operation(**self._swapped(arguments, back)), self._theirs)

        return swapped


class NoState(PoolAdapter):
    """An adapter without a state."""

    state = None  # type: ignore[assignment]


class Fails(PoolAdapter):
    def start(self) -> None:
        raise KeyError("lost")


class Unmade:
    def __init__(self, header: Mapping[str, Any]) -> None:
        raise RuntimeError("not today")


@pytest.mark.parametrize("factory", fast_first([PoolAdapter, OwnIds, NoState]))
def test_an_adapter_is_run_beside_the_model(factory: Any) -> None:
    peer = PythonPeer(factory)
    assert replay("1.12", HEADER, peer, SENT) is None
    assert fuzz(peer, "1.12", sequences=40).found is None


def test_an_adapter_that_fails_is_reported_with_its_sequence() -> None:
    with pytest.raises(PeerError, match=r"PEE007: .*fails in start: KeyError: 'lost' \(test_peers"):
        replay("1.12", HEADER, PythonPeer(Fails), SENT)
    with pytest.raises(PeerError, match=r"PEE007: .*cannot be created: RuntimeError: not today"):
        PythonPeer(Unmade).reset(HEADER)
    with pytest.raises(PeerError, match=r"PEE007: .*has no method start; add it") as caught:
        replay("1.12", HEADER, PythonPeer(lambda header: object()), SENT)
    assert caught.value.sequence == [("start", {})]
    assert caught.value.header == HEADER


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("model:1.10", "PEE001.*1.14, 1.20, 2.3"),
        ("model:1.12,removal=LATER", "PEE001.*ENTRY_FOUND, BY_ID"),
        ("model:1.12,colour=RED", "PEE001.*the choices are matching"),
        ("no_such_module_here:thing", "PEE002.*cannot be imported"),
        ("examples.pool_adapter:Nothing", "PEE002.*has no 'Nothing'"),
        ("examples.pool_adapter:__doc__", "PEE002.*not callable"),
        ("", "PEE001.*the target is empty"),
    ],
)
def test_a_target_that_cannot_be_had(target: str, told: str) -> None:
    with pytest.raises(PeerError, match=told):
        open_peer(target)


def test_targets() -> None:
    assert open_peer("model:1.11").name == "model:1.11"
    assert parse_choices("removal=ENTRY_FOUND", "1.12", "slot_pool") == {
        "removal": int(Removal.ENTRY_FOUND)
    }
    assert (
        open_peer("examples.pool_adapter:PoolAdapter").name == "examples.pool_adapter:PoolAdapter"
    )
    with pytest.raises(PeerError, match=r"PEE001.*does not use --flink-jars"):
        open_peer("model:1.12", flink_jars="anywhere")
    with pytest.raises(PeerError, match=r"PEE008.*no jar flink-dist-1\.12"):
        open_peer("flink:1.12", flink_jars="no-such-folder")


@pytest.mark.slow
def test_a_single_choice_makes_a_difference() -> None:
    peer: Peer = ModelPeer("1.12", parse_choices("release_cause=DROPPED", "1.12", "slot_pool"))
    found = fuzz(peer, "1.12").found
    assert found is not None
    assert found.steps[-1].op == "release_slot"
    assert [d.path for d in found.differences] == ["effects[0].root_cause"]


def test_a_recording_depends_on_its_seed_alone() -> None:
    first, second, other = (
        [step.to_json() for step in Recording(ModelPeer("1.12"), "1.12", seed, 60)]
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other
    assert len(first) == 60
    silent = Recording(PythonPeer(NoState), "1.12", 1, 60)
    assert silent.header.version == "1.12.0"
    assert [step.op for step in silent] == [step["op"] for step in first]
