"""Fixes the order in which Flink's hash tables iterate, as the recordings do."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_values import FlinkValues
from slotspec.oracle.peers.flink_world import Ids
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader

SIZES = (4, 8, 16, 32, 64)
"""Sizes of the hash tables that are looked at; a table of two iterates as it was filled."""
_TRIES = 100_000
_moved: dict[tuple[str, int], Any] = {}


def colliding_ids(kind: Any) -> Ids:
    """Ids of a kind that differ but have one hash value.

    A hash table of at most 8 such ids iterates in their order of insertion.

    :param kind: a class of ids that are made of two longs.
    """
    made = iter(range(1, 2**62))

    def make() -> Any:
        number = next(made)
        return kind(number, number)

    return Ids(make)


class NumberedIds(Ids):
    """Ids of a kind with the hash values 0, 1, 2, … in the order of their names' numbers.

    A hash table with room for the highest number iterates them in ascending order.

    :param kind: a class of ids that are made of 16 bytes.
    """

    def __init__(self, kind: Any) -> None:
        super().__init__(kind)
        self._kind = kind

    def id(self, symbol: str) -> Any:
        """The id that `symbol` stands for; a new id for a new symbol."""
        if symbol not in self and (number := natural(symbol)[1]) > 0:
            self.bind(symbol, self._kind((number - 1).to_bytes(16, "big")))
        return super().id(symbol)


def in_hash_order(values: FlinkValues, header: TraceHeader, order: list[str]) -> dict[str, Any]:
    """The header's profiles by name, with hash values in this order.

    If they are not in order, each profile gets an extended resource that changes its hash value.
    So this is for classes that only compare profiles for equality.

    :raises PeerError: ``PEE007`` if ANY or UNKNOWN, whose hash values are the lowest, come late, or
        a profile without resources would get one.
    """
    made = values.profiles(header)
    places = [spread(made[name]) for name in order]
    if all(_ordered([place % size for place in places]) for size in SIZES):
        return made
    fixed = [name for name in order if isinstance(header.profiles[name], dict)]
    if order[len(order) - len(fixed) :] != fixed:
        raise PeerError(
            "PEE007",
            f"Flink's hash tables cannot iterate profiles as {', '.join(order)}; put ANY and"
            " UNKNOWN first",
        )
    if empty := [name for name in fixed if made[name].equals(values.profile_class.ZERO)]:
        raise PeerError(
            "PEE007",
            f"Flink's hash tables cannot iterate profiles as {', '.join(order)} while"
            f" {empty[0]!r} has no resources; list them in another order, or leave it out",
        )
    for number, name in enumerate(fixed):
        made[name] = _with_place(values, header.profiles[name], 16 - len(fixed) + number)
    return made


def _ordered(places: list[int]) -> bool:
    return places == sorted(places)


def _with_place(values: FlinkValues, given: Any, place: int) -> Any:
    """A profile with these amounts and an extended resource, at this place of a hash table."""
    key = str(given), place
    if key not in _moved:
        amounts = (
            {**given, "extended": {**given.get("extended", {}), "order": float(amount)}}
            for amount in range(1, _TRIES)
        )
        profiles = map(values.profile, amounts)
        _moved[key] = next(p for p in profiles if spread(p) % SIZES[-1] == place)
    return _moved[key]


def spread(profile: Any) -> int:
    """The hash value of a profile as java.util.HashMap uses it."""
    hashed = int(profile.hashCode()) & 0xFFFFFFFF
    return hashed ^ (hashed >> 16)
