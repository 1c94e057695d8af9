"""Shrinks a diverging sequence: drops steps, simplifies steps, searches for a shorter one.

Hypothesis would shrink the random numbers that a sequence was made from, which takes several times
as long. Here whole steps are dropped, in ever smaller groups (delta debugging), and names are
simplified. Finally a search in the model looks for a shorter way to the state in which the last
step differs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.lockstep import Found, attempt
from slotspec.oracle.fuzzing.simplification import merged, names_in, renamed, simpler
from slotspec.oracle.fuzzing.targets import target_of_header
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.oracle.traces.trace import OperationCall
from slotspec.statemachine.errors import SlotspecError

SEARCHED = 3_000
"""Most steps of the model that the search for a shorter sequence runs."""
FAILURE_SECONDS = 30.0
"""Time limit for shrinking a sequence on which the peer fails, since each try may time out."""


def any_divergence(found: Found) -> bool:
    """Accept every divergence, even one that differs from the original."""
    return found.failure is None


def shortened(error: PeerError, generation: str, peer: Peer) -> PeerError:
    """The same failure of a peer, after a shorter sequence if one is found in time.

    The peer must fail with the same code. If it does not fail again, the sequence stays as it is.
    """
    if error.header is None or not error.sequence:
        return error
    deadline = time.monotonic() + FAILURE_SECONDS

    def same(found: Found) -> bool:
        return found.failure is not None and found.failure.code == error.code

    try:
        found = attempt(generation, error.header, peer, error.sequence)
    except SlotspecError:
        return error
    if found is None or not same(found):
        return error
    shrinker = _Shrinker(found, generation, peer, same, deadline)
    while shrinker.drop_steps() or shrinker.simplify():
        pass
    best = shrinker.best.failure
    assert best is not None
    return PeerError(best.code, best.message, best.sequence, best.header, len(error.sequence))


def shrink(
    found: Found,
    generation: str,
    peer: Peer,
    *,
    accept: Callable[[Found], bool] = any_divergence,
) -> Found:
    """The shortest divergence that `found` can be shrunk to.

    :param accept: whether a shorter divergence still counts as the same.
    """
    shrinker = _Shrinker(found, generation, peer, accept)
    while shrinker.drop_steps() or shrinker.merge() or shrinker.simplify() or shrinker.search():
        pass
    return shrinker.best


class _Shrinker:
    def __init__(
        self,
        found: Found,
        generation: str,
        peer: Peer,
        accept: Callable[[Found], bool],
        deadline: float | None = None,
    ) -> None:
        self.best = found
        self._target = target_of_header(found.header)
        self._made = re.compile(f"({'|'.join(self._target.schema.generated) or '(?!)'})(\\d+)")
        self._deadline = deadline
        self._generation = generation
        self._peer = peer
        self._accept = accept
        self._tried: set[bytes] = set()

    def _try(self, sequence: Sequence[OperationCall]) -> bool:
        """Whether this sequence also diverges; if so, it becomes the best one."""
        key = msgspec.json.encode(sequence)
        if not sequence or key in self._tried:
            return False
        if self._deadline is not None and time.monotonic() > self._deadline:
            return False
        self._tried.add(key)
        try:
            found = attempt(self._generation, self.best.header, self._peer, sequence)
        except SlotspecError:
            return False
        if found is None or not self._accept(found):
            return False
        self.best = found
        return True

    # --------------------------------------------------------------------- fewer steps

    def drop_steps(self) -> bool:
        """Drop groups of steps until no step can be dropped."""
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

    def _renumbered(self, begin: int, size: int) -> list[OperationCall]:
        """The sequence without these steps, with lower numbers for ids that are generated later."""
        before = self._names_made(0, begin)
        gone = self._names_made(begin, begin + size) - before
        sequence = self.best.operations
        rest = sequence[:begin] + sequence[begin + size :]
        if not gone:
            return rest

        def moved(name: str) -> str:
            found = self._made.fullmatch(name)
            if found is None:
                return name
            letters, number = found[1], int(found[2])
            lower = sum(kind == letters and n < number for kind, n in gone)
            return f"{letters}{number - lower}"

        return [(op, renamed(arguments, moved)) for op, arguments in rest]

    def _names_made(self, begin: int, end: int) -> set[tuple[str, int]]:
        """The generated names that appear in what the model does in these steps."""
        shown: set[str] = set()
        by_effects = self._target.schema.shown
        for expected in self.best.expected[begin:end]:
            for effect in expected.effects:
                for field, _ in by_effects.get(effect["effect"], ()):
                    shown.add(effect[field])
            if not by_effects:
                names_in(expected.state, shown)
        return {(m[1], int(m[2])) for name in shown if (m := self._made.fullmatch(name))}

    def merge(self) -> bool:
        """Merge neighbours that let time pass, or that offer slots of one task manager."""
        before = len(self.best.steps)
        for place in range(before - 2, -1, -1):
            sequence = self.best.operations
            if place + 1 >= len(sequence):
                continue
            one = merged(self._target, sequence[place], sequence[place + 1])
            if one is not None:
                self._try([*sequence[:place], one, *sequence[place + 2 :]])
        return len(self.best.steps) < before

    # ------------------------------------------------------------------- simpler steps

    def simplify(self) -> bool:
        """Replace arguments with simpler ones, one at a time."""
        done = False
        for place in range(len(self.best.steps)):
            again = True
            while again and place < len(self.best.steps):
                op, arguments = self.best.operations[place]
                again = False
                for changed in simpler(self._target, self.best.header, op, arguments):
                    sequence = self.best.operations
                    sequence[place] = (op, changed)
                    length = len(self.best.steps)
                    if self._try(sequence):
                        done = again = True
                        if len(self.best.steps) < length:
                            return True
                        break
        return self._simpler_names() or done

    def _simpler_names(self) -> bool:
        """Renumber all names: the first request id becomes r1, and so on.

        A name that only looks as if the peer had generated it becomes x1: it comes from outside.
        """
        names: dict[str, str] = {}
        counts: dict[str, int] = {}
        made = self._names_made(0, len(self.best.steps))

        def short(name: str) -> str:
            found = re.fullmatch(r"([a-z]+)(\d+)", name)
            if found is None or name in self.best.header.profiles:
                return name
            kind = found[1]
            if kind in self._target.schema.generated:
                if (kind, int(found[2])) in made:
                    return name
                kind = "x"
            if name not in names:
                counts[kind] = counts.get(kind, 0) + 1
                names[name] = f"{kind}{counts[kind]}"
            return names[name]

        sequence = [(op, renamed(arguments, short)) for op, arguments in self.best.operations]
        return sequence != self.best.operations and self._try(sequence)

    # -------------------------------------------------------------- search in the model

    def search(self) -> bool:
        """Search the model for a shorter way to the state before the last step.

        The search is breadth first over the steps of the sequence, in any order and number, and
        visits each state of the model once. A shorter way counts only if the peer diverges on it.
        """
        operations = self.best.operations
        last = operations[-1]
        target = self._state_after(operations[:-1])
        alphabet = {msgspec.json.encode(step): step for step in operations[:-1]}
        if target is None or len(operations) < 3:
            return False
        frontier: list[list[OperationCall]] = [[]]
        seen: set[bytes] = set()
        budget = SEARCHED
        while frontier and len(frontier[0]) < len(operations) - 2:
            following: list[list[OperationCall]] = []
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

    def _state_after(self, sequence: Sequence[OperationCall]) -> bytes | None:
        oracle = factory_of(self.best.header)(self._generation, self.best.header)
        state: dict[str, Any] = {}
        try:
            for op, arguments in sequence:
                state = oracle.step(op, **arguments).state
        except (SlotspecError, LookupError):
            return None
        return msgspec.json.encode({k: v for k, v in state.items() if k != "clock"})
