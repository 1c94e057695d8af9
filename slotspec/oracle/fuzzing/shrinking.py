"""Makes a diverging sequence short: by leaving steps out, by simplifying them, by search.

Hypothesis has shrunk it before, by its choices. Here whole steps go, in ever smaller groups
(delta debugging), names are made simple, and at last the model is searched for a shorter way
into the state in which the last step differs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.lockstep import Found, attempt
from slotspec.oracle.fuzzing.simplification import joined, names_in, renamed, simpler
from slotspec.oracle.fuzzing.targets import target_of_header
from slotspec.oracle.peers.naming import SHOWN
from slotspec.oracle.peers.protocol import Operation, Peer, PeerError
from slotspec.statemachine.errors import SlotspecError

SEARCHED = 3_000
"""Model steps that the search for a shorter way may take."""
FAILURE_SECONDS = 30.0
"""So long a sequence may be tried on in which the peer fails: each try may take its time."""


def any_divergence(found: Found) -> bool:
    """Accepts every divergence, also another one than at first."""
    return found.failure is None


def shortened(error: PeerError, generation: str, peer: Peer) -> PeerError:
    """The same failure of a peer, after a shorter sequence if one is found in time.

    The peer has to fail with the same code. One that does not fail again keeps its sequence.
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
    while shrinker.leave_out() or shrinker.simplify():
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
    """The shortest divergence that can be made of `found`.

    :param accept: whether a divergence is still the one that is meant.
    """
    shrinker = _Shrinker(found, generation, peer, accept)
    while shrinker.leave_out() or shrinker.join() or shrinker.simplify() or shrinker.search():
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
        self._about = target_of_header(found.header)
        self._made = re.compile(f"({'|'.join(self._about.made) or '(?!)'})(\\d+)")
        self._deadline = deadline
        self._generation = generation
        self._peer = peer
        self._accept = accept
        self._tried: set[bytes] = set()

    def _try(self, sequence: Sequence[Operation]) -> bool:
        """Whether it diverges, too; then it is the best from now on."""
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
        """The names of the class's own making that show in what these steps are expected to do."""
        shown: set[str] = set()
        by_effects = SHOWN.get(self.best.header.implementation, {})
        for expected in self.best.expected[begin:end]:
            for effect in expected.effects:
                if effect["effect"] in by_effects:
                    shown.add(effect[by_effects[effect["effect"]][0]])
            if not by_effects:
                names_in(expected.state, shown)
        return {(m[1], int(m[2])) for name in shown if (m := self._made.fullmatch(name))}

    def join(self) -> bool:
        """Make one step of two neighbours that let time pass, or offer for one task manager."""
        before = len(self.best.steps)
        for place in range(before - 2, -1, -1):
            sequence = self.best.operations
            if place + 1 >= len(sequence):
                continue
            one = joined(self._about, sequence[place], sequence[place + 1])
            if one is not None:
                self._try([*sequence[:place], one, *sequence[place + 2 :]])
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
                for changed in simpler(self._about, self.best.header, op, arguments):
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
        """Rename whole families: the first request id seen becomes r1, and so on."""
        names: dict[str, str] = {}
        counts: dict[str, int] = {}

        def short(name: str) -> str:
            found = re.fullmatch(r"([a-z]+)\d+", name)
            if found is None or found[1] in self._about.made or name in self.best.header.profiles:
                return name
            if name not in names:
                counts[found[1]] = counts.get(found[1], 0) + 1
                names[name] = f"{found[1]}{counts[found[1]]}"
            return names[name]

        sequence = [(op, renamed(arguments, short)) for op, arguments in self.best.operations]
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
        oracle = factory_of(self.best.header)(self._generation, self.best.header)
        state: dict[str, Any] = {}
        try:
            for op, arguments in sequence:
                state = oracle.step(op, **arguments).state
        except (SlotspecError, LookupError):
            return None
        return msgspec.json.encode({k: v for k, v in state.items() if k != "clock"})
