"""Finds the fewest lines of a recording that stop a run from explaining it.

What can be removed is a call, with every line about it and about those that repeat it, or what a
process remembers after a step. One of them near the divergence may be enough. Else delta debugging
(Zeller and Hildebrandt, 2002) shrinks a set whose removal makes the rest explainable until none of
its members can be left in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import TypeVar

from slotspec.oracle.cluster.reading import read, sorted_lines
from slotspec.oracle.cluster.recording import Line, Recording
from slotspec.oracle.conformance.cluster_recordings import explainer_of
from slotspec.oracle.conformance.report import Removal
from slotspec.oracle.conformance.trace_validation import Bounds, explain
from slotspec.statemachine.errors import InputError

T = TypeVar("T")

WINDOWS = (10, 40, 160)
"""Lines round the divergence from which removals are drawn, the fewest first."""


@dataclass(frozen=True)
class RemovalBounds:
    """What the search for removals may use up before it gives up.

    :param tries: explanations of shortened recordings.
    :param seconds: processor time.
    """

    tries: int = 60
    seconds: float = 30.0


DEFAULT_BOUNDS = RemovalBounds()


@dataclass(frozen=True)
class Piece:
    """Calls, or a state that a step ends with: what can be removed as one."""

    text: str
    lines: frozenset[int]
    calls: frozenset[int] = frozenset()


class OutOfTries(Exception):
    """A limit ends the search."""


def smallest(whole: Sequence[T], will_do: Callable[[Sequence[T]], bool]) -> list[T]:
    """A part of `whole` that will do, and no part of which does with one member less.

    Delta debugging: leave out larger shares first.

    :param will_do: whether a part does; it does for `whole`.
    """
    kept = list(whole)
    shares = 2
    while len(kept) > 1:
        size = max(1, -(-len(kept) // shares))
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and will_do(rest):
                kept, shares = rest, max(shares - 1, 2)
                break
        else:
            if size == 1:
                break
            shares = min(2 * shares, len(kept))
    return kept


def pieces_of(recording: Recording, low: int, high: int) -> list[Piece]:
    """What can be removed between two lines."""
    found: list[Piece] = []
    about: dict[int, list[int]] = {}
    for line in recording.lines:
        if line.m is not None:
            about.setdefault(line.m, []).append(line.n)
    repeats: dict[int, list[int]] = {}
    for call in recording.calls.values():
        if call.repeats is not None:
            repeats.setdefault(call.repeats, []).append(call.number)
    seen: set[int] = set()
    for line in recording.lines[max(0, low - 1) : high]:
        if line.do == "done" and line.state is not None:
            text = f"line {line.n + 1}: what {line.at} remembers"
            found.append(Piece(text, frozenset({line.n})))
        if line.m is not None and line.m not in seen:
            seen.add(line.m)
            calls = [line.m, *repeats.get(line.m, ())]
            lines = sorted(n for one in calls for n in about[one])
            places = ", ".join(str(n + 1) for n in lines)
            text = f"lines {places}: {recording.calls[line.m].name} #{line.m}"
            found.append(Piece(text, frozenset(lines), frozenset(calls)))
    return found


def without(recording: Recording, pieces: Sequence[Piece]) -> Recording:
    """The recording without these pieces, its lines numbered as before."""
    gone = {n for piece in pieces if piece.calls for n in piece.lines}
    calls = {call for piece in pieces for call in piece.calls}
    states = {n for piece in pieces if not piece.calls for n in piece.lines}
    kept: list[Line] = []
    for line in recording.lines:
        if line.n in gone:
            continue
        if line.n in states:
            line = _with(line, state=None)
        if line.do == "done" and calls & {*line.sent}:
            line = _with(line, sent=[m for m in line.sent if m not in calls])
        why = (line.why or "").split()
        begun = line.do == "done" and why[:1] in (["message"], ["answer"])
        if begun and int(why[1]) in calls:
            line = _with(line, why="local")
        kept.append(line)
    rest = sorted_lines(recording.header, kept, whole=False)
    rest.unknown = frozenset(states)
    return rest


def _with(line: Line, **changes: object) -> Line:
    fields = {name: getattr(line, name) for name in Line.__struct_fields__}
    return Line(**{**fields, **changes})


def find_removal(
    path: str | Path,
    generation: str,
    line: int,
    bounds: RemovalBounds = DEFAULT_BOUNDS,
) -> Removal:
    """The fewest lines near a divergence whose removal makes the rest of a recording explainable.

    :param line: the earliest line that is not explained.
    :raises InputError: for a recording that cannot be read.
    """
    return _Removals(read(path), generation, line, bounds).find()


class _Removals:
    def __init__(
        self, recording: Recording, generation: str, line: int, bounds: RemovalBounds
    ) -> None:
        self.recording = recording
        self.generation = generation
        self.line = line
        self.bounds = bounds
        self.tried = 0
        self.started = process_time()
        self.best: list[Piece] = []

    def find(self) -> Removal:
        try:
            done = self.one_will_do() or self.several_will_do()
        except OutOfTries:
            done = False
        lines = sorted({n for piece in self.best for n in piece.lines})
        texts = sorted((min(piece.lines), piece.text) for piece in self.best)
        return Removal(tuple(lines), tuple(text for _, text in texts), done, self.tried)

    def one_will_do(self) -> bool:
        """Whether the removal of one piece is enough, the nearest first."""
        near = pieces_of(self.recording, self.line - WINDOWS[1], self.line + WINDOWS[0])
        near.sort(key=lambda piece: min(abs(n - self.line) for n in piece.lines))
        return any(self.is_explained([piece]) for piece in near[: self.bounds.tries // 2])

    def several_will_do(self) -> bool:
        """Whether the removal of several is, and of which no part is."""
        for window in WINDOWS:
            near = pieces_of(self.recording, self.line - window, self.line + window)
            if near and self.is_explained(near):
                smallest(near, self.is_explained)
                return True
        return False

    def is_explained(self, pieces: Sequence[Piece]) -> bool:
        """Whether a run explains the recording without these pieces."""
        left = self.bounds.seconds - (process_time() - self.started)
        if self.tried >= self.bounds.tries or left <= 0:
            raise OutOfTries
        self.tried += 1
        try:
            rest = without(self.recording, pieces)
            explainer = explainer_of(self.generation)(rest, self.generation)
        except InputError:
            return False
        found = explain(explainer.lanes, explainer, replace(Bounds(), seconds=left))
        if found.complete:
            self.best = list(pieces)
        return found.complete
