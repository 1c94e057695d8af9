"""Makes a diverging sequence short: by leaving steps out, by simplifying them, by search.

Hypothesis has shrunk it before, by its choices. Here whole steps go, in ever smaller groups
(delta debugging), names are made simple, and at last the model is searched for a shorter way
into the state in which the last step differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from slotspec.oracle.fuzzing.lockstep import Found, replay
from slotspec.oracle.peers.protocol import Operation, Peer
from slotspec.oracle.slot_pool import SlotPoolOracle
from slotspec.statemachine.errors import SlotspecError

SEARCHED = 3_000
"""Model steps that the search for a shorter way may take."""
_GENERATED = re.compile(r"a(\d+)")


def any_divergence(_: Found) -> bool:
    """Accepts every divergence, also another one than at first."""
    return True


def shrink(
    found: Found,
    generation: str,
    peer: Peer,
    *,
    accept: Callable[[Found], bool] = any_divergence,
) -> Found:
    """The shortest divergence that can be made of `found`.

    :param accept: whether a divergence is still the one that is meant.
    """
    shrinker = _Shrinker(found, generation, peer, accept)
    while shrinker.leave_out() or shrinker.join() or shrinker.simplify() or shrinker.search():
        pass
    return shrinker.best


class _Shrinker:
    def __init__(
        self, found: Found, generation: str, peer: Peer, accept: Callable[[Found], bool]
    ) -> None:
        self.best = found
        self._generation = generation
        self._peer = peer
        self._accept = accept
        self._tried: set[bytes] = set()

    def _try(self, sequence: Sequence[Operation]) -> bool:
        """Whether it diverges, too; then it is the best from now on."""
        key = msgspec.json.encode(sequence)
        if not sequence or key in self._tried:
            return False
        self._tried.add(key)
        try:
            found = replay(self._generation, self.best.header, self._peer, sequence)
        except SlotspecError:
            return False
        if found is None or not self._accept(found):
            return False
        self.best = found
        return True

    # --------------------------------------------------------------------- fewer steps

    def leave_out(self) -> bool:
        """Leave out groups of steps, and offers within them, until none can go."""
        before = len(self.best.steps)
        size = max(1, before // 2)
        while size:
            begin = len(self.best.steps) - size
            while begin >= 0:
                sequence = self.best.operations
                rest = sequence[:begin] + sequence[begin + size :]
                if not self._try(rest):
                    self._try(self._renumbered(begin, size))
                begin = min(begin - 1, len(self.best.steps) - size)
            size //= 2
        return len(self.best.steps) < before

    def _renumbered(self, begin: int, size: int) -> list[Operation]:
        """Without these steps, and with the names of later allocations moved down."""
        gone = {
            effect["allocation"]
            for expected in self.best.expected[begin : begin + size]
            for effect in expected.effects
            if effect["effect"] == "rm.request_slot"
        }
        sequence = self.best.operations
        rest = sequence[:begin] + sequence[begin + size :]
        if not gone:
            return rest
        numbers = sorted(int(m[1]) for name in gone if (m := _GENERATED.fullmatch(name)))

        def moved(name: str) -> str:
            found = _GENERATED.fullmatch(name)
            if found is None:
                return name
            number = int(found[1])
            return f"a{number - sum(n < number for n in numbers)}"

        return [(op, _renamed(arguments, moved)) for op, arguments in rest]

    def join(self) -> bool:
        """Make one step of two neighbours that let time pass, or offer for one task manager."""
        before = len(self.best.steps)
        for place in range(before - 2, -1, -1):
            sequence = self.best.operations
            if place + 1 >= len(sequence):
                continue
            joined = _joined(sequence[place], sequence[place + 1])
            if joined is not None:
                self._try([*sequence[:place], joined, *sequence[place + 2 :]])
        return len(self.best.steps) < before

    # ------------------------------------------------------------------- simpler steps

    def simplify(self) -> bool:
        """Replace arguments by simpler ones, one at a time."""
        done = False
        for place in range(len(self.best.steps)):
            again = True
            while again and place < len(self.best.steps):
                op, arguments = self.best.operations[place]
                again = False
                for simpler in _simpler(op, arguments):
                    sequence = self.best.operations
                    sequence[place] = (op, simpler)
                    length = len(self.best.steps)
                    if self._try(sequence):
                        done = again = True
                        if len(self.best.steps) < length:
                            return True
                        break
        return self._simpler_names() or done

    def _simpler_names(self) -> bool:
        """Rename whole families: the first request id seen becomes r1, and so on."""
        names: dict[str, str] = {}
        counts: dict[str, int] = {}

        def renamed(name: str) -> str:
            found = re.fullmatch(r"(r|rm|tm|x)\d+", name)
            if found is None:
                return name
            if name not in names:
                counts[found[1]] = counts.get(found[1], 0) + 1
                names[name] = f"{found[1]}{counts[found[1]]}"
            return names[name]

        sequence = [(op, _renamed(arguments, renamed)) for op, arguments in self.best.operations]
        return sequence != self.best.operations and self._try(sequence)

    # -------------------------------------------------------------- search in the model

    def search(self) -> bool:
        """Look in the model for a shorter way to where the last step differs.

        All orders and repetitions of the steps of the sequence are tried, breadth first;
        each state of the model once. A shorter way counts only if the peer diverges on it.
        """
        operations = self.best.operations
        last = operations[-1]
        target = self._state_after(operations[:-1])
        alphabet = {msgspec.json.encode(step): step for step in operations[:-1]}
        if target is None or len(operations) < 3:
            return False
        frontier: list[list[Operation]] = [[]]
        seen: set[bytes] = set()
        budget = SEARCHED
        while frontier and len(frontier[0]) < len(operations) - 2:
            following: list[list[Operation]] = []
            for prefix in frontier:
                for step in alphabet.values():
                    sequence = [*prefix, step]
                    budget -= len(sequence)
                    if budget < 0:
                        return False
                    state = self._state_after(sequence)
                    if state is None or state in seen:
                        continue
                    seen.add(state)
                    if state == target and self._try([*sequence, last]):
                        return True
                    following.append(sequence)
            frontier = following
        return False

    def _state_after(self, sequence: Sequence[Operation]) -> bytes | None:
        oracle = SlotPoolOracle(self._generation, self.best.header)
        state: dict[str, Any] = {}
        try:
            for op, arguments in sequence:
                state = oracle.step(op, **arguments).state
        except (SlotspecError, LookupError):
            return None
        return msgspec.json.encode({k: v for k, v in state.items() if k != "clock"})


def _joined(first: Operation, second: Operation) -> Operation | None:
    op, given = first
    other, more = second
    if op == other == "advance_time":
        return op, {"ms": given["ms"] + more["ms"]}
    if op == other == "offer_slots" and given["tm"] == more["tm"]:
        return op, {"tm": given["tm"], "offers": [*given["offers"], *more["offers"]]}
    return None


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return rename(value)
    if isinstance(value, dict):
        return {key: _renamed(inner, rename) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, rename) for inner in value]
    return value


_SIMPLEST: dict[str, tuple[Any, ...]] = {
    "profile": ("small", "any", "large"),
    "cause": ("other",),
    "rm": ("rm1",),
    "tm": ("tm1",),
    "index": (0, 1),
    "ms": (0, 1),
    "request": ("r1", "r2"),
    "attempt": (1,),
}


def _simpler(op: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Arguments that are simpler in one place, the simplest first."""
    for name, value in arguments.items():
        if name == "offers":
            for offers in _simpler_offers(value):
                yield {**arguments, name: offers}
            continue
        if name == "attempt":
            yield {n: v for n, v in arguments.items() if n != name}
        for simple in _SIMPLEST.get(name, ()):
            if simple == value:
                break
            yield {**arguments, name: simple}


def _simpler_offers(offers: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for place in range(len(offers)):
        yield offers[:place] + offers[place + 1 :]
    for place, offer in enumerate(offers):
        for simpler in _simpler("offer", offer):
            yield [*offers[:place], simpler, *offers[place + 1 :]]
