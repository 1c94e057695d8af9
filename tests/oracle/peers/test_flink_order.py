"""The order of profiles in Flink's hash tables, without a Java virtual machine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from slotspec.oracle.peers.flink_order import in_hash_order
from slotspec.oracle.peers.flink_values import FlinkValues
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.trace import TraceHeader


class Profile:
    """A profile with this hash value."""

    def __init__(self, hashed: int) -> None:
        self.hashed = hashed

    def hashCode(self) -> int:
        return self.hashed

    def equals(self, other: Profile) -> bool:
        return self is other


ANY, ZERO, SMALL = Profile(0), Profile(1), Profile(2)
VALUES = SimpleNamespace(
    profiles=lambda header: {"any": ANY, "zero": ZERO, "small": SMALL},
    profile_class=SimpleNamespace(ZERO=ZERO),
)
HEADER = SimpleNamespace(profiles={"any": "ANY", "zero": {}, "small": {"cpu": 1.0}})


def ordered(*names: str) -> dict[str, Any]:
    return in_hash_order(cast("FlinkValues", VALUES), cast("TraceHeader", HEADER), list(names))


def test_profiles_that_are_in_order_stay() -> None:
    assert ordered("any", "zero", "small") == {"any": ANY, "zero": ZERO, "small": SMALL}


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("any", "small", "zero"), "'zero' has no resources"),
        (("zero", "any", "small"), "put ANY and UNKNOWN first"),
    ],
)
def test_some_profiles_cannot_be_moved(names: tuple[str, ...], why: str) -> None:
    with pytest.raises(PeerError, match="PEE007") as raised:
        ordered(*names)
    assert why in str(raised.value)
