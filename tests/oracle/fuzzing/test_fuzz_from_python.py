"""``slotspec.fuzz`` and the oracle as a notebook uses them: what they take and refuse."""

from __future__ import annotations

from typing import Any

import pytest

import slotspec
from examples.lease import model as lease
from examples.lease_server import Hasty
from examples.pool_adapter import PoolAdapter
from slotspec.oracle.peers.protocol import PeerError
from slotspec.statemachine.errors import InputError, UsageError


def test_an_adapter_class_and_a_target_are_peers() -> None:
    assert slotspec.fuzz(PoolAdapter, "1.12", sequences=5).found is None
    assert slotspec.fuzz("model:1.13", sequences=5).found is None
    found = slotspec.fuzz("model:1.11", "1.12", sequences=60)
    assert repr(found).startswith("<FuzzResult: diverges at step ")


def test_a_model_of_ones_own() -> None:
    found = slotspec.fuzz(Hasty, model=lease, operations=["handle", "tick"], sequences=60).found
    assert found is not None
    assert [step.op for step in found.steps] == ["ask", "handle", "tick"]
    with pytest.raises(PeerError, match="PEE007: Hasty: Hasty has no method"):
        slotspec.fuzz(Hasty, model=lease, sequences=5)


@pytest.mark.parametrize("wrong", [3, None, object()])
def test_what_is_no_peer(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"SET043: fuzz\(\) takes a class that makes an adapter"):
        slotspec.fuzz(wrong)


@pytest.mark.parametrize(
    ("op", "arguments", "told"),
    [
        ("register_task_manager", {"tm": 3}, "TRC018: register_task_manager: expected `str`"),
        (
            "offer_slots",
            {"tm": "tm1", "offers": [{"allocation": "a1"}]},
            "TRC018: offer_slots: object missing required field `index`",
        ),
        ("register_task_manager", {}, "TRC016"),
        ("register_task_manager", {"tm": "tm1", "more": 1}, "TRC017"),
    ],
)
def test_wrong_arguments_of_an_operation(op: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        slotspec.Oracle("1.12").step(op, **arguments)


def test_what_is_no_call() -> None:
    with pytest.raises(UsageError, match=r"SET043: replay\(\) takes calls of the instance"):
        slotspec.replay(lease.instance(), ["ask(client=client0)"])  # type: ignore[list-item]
