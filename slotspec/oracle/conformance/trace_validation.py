"""Looks for a run of a model that explains a recording of several processes.

Each process, or thread of one, has a lane of recorded steps and a cursor in it. The search takes
one step after another in any order of the lanes; a step is explained by calls of the model, some
of them hidden. It goes depth-first, the earliest line first, and never visits the same cursors
with the same state twice.

Steps of different lanes commute: they interact by messages alone, and each message has its own
record. So the search takes the earliest step that can be explained, and looks at other lanes only
where that step has to wait. It goes back to other explanations of earlier steps when every lane
waits.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any, Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)


class Explainer(Protocol[S]):
    """Knows how the model may explain a recorded step."""

    def initial(self) -> S:
        """The state before the first step."""
        ...

    def explain(self, state: S, item: Any) -> Iterator[tuple[S, tuple[Any, ...]]]:
        """The states that the step may lead to, each with the calls of the model that explain it.

        The likeliest explanation comes first.
        """
        ...


@dataclass(frozen=True)
class Bounds:
    """What a search may use up before it gives up.

    :param steps: explanations of steps that it tries.
    :param seconds: processor time.
    :param window: lines that other lanes may run ahead of one that waits.
    """

    steps: int = 6_000
    seconds: float = 20.0
    window: int = 120


def bounds_for(steps: int) -> Bounds:
    """The default bounds, and more for long recordings: a search without a wrong turn tries every
    step once.

    :param steps: the steps of the recording.
    """
    return Bounds(max(Bounds.steps, 3 * steps), max(Bounds.seconds, steps / 100))


@dataclass
class Explanation(Generic[S]):
    """What a search found.

    :param run: the calls of the model, with the recorded step that each belongs to; those of the
        longest explained prefix if there is no complete run.
    :param cursors: how many steps of each lane are explained.
    :param state: the state that they lead to.
    :param waiting: the next step of each lane that has one.
    :param limit: why the search gave up, if it did.
    :param tried: how many explanations it tried.
    :param states: how many states it visited.
    """

    run: list[tuple[Any, tuple[Any, ...]]]
    cursors: tuple[int, ...]
    state: S
    waiting: list[Any]
    explained: int
    limit: str | None = None
    tried: int = 0
    states: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every step is explained."""
        return not self.waiting


@dataclass
class _Frame(Generic[S]):
    cursors: tuple[int, ...]
    state: S
    children: Iterator[tuple[tuple[int, ...], S, Any, tuple[Any, ...]]]
    step: tuple[Any, tuple[Any, ...]] | None = None
    before: _Frame[S] | None = None

    def path(self) -> list[tuple[Any, tuple[Any, ...]]]:
        """The steps that lead here."""
        found, frame = [], self
        while frame.step is not None and frame.before is not None:
            found.append(frame.step)
            frame = frame.before
        return found[::-1]


def explain(
    lanes: Sequence[Sequence[Any]], explainer: Explainer[S], bounds: Bounds | None = None
) -> Explanation[S]:
    """Look for a run that explains every step of every lane.

    :param bounds: None: those of :func:`bounds_for`.
    """
    return _Search(lanes, explainer, bounds or bounds_for(sum(map(len, lanes)))).run()


class _Search(Generic[S]):
    def __init__(
        self, lanes: Sequence[Sequence[Any]], explainer: Explainer[S], bounds: Bounds
    ) -> None:
        self.lanes = lanes
        self.explainer = explainer
        self.bounds = bounds
        self.tried = 0
        self.started = process_time()
        self.limit: str | None = None

    def run(self) -> Explanation[S]:
        cursors = (0,) * len(self.lanes)
        state = self.explainer.initial()
        seen = {(cursors, state)}
        stack = [_Frame(cursors, state, self.children(cursors, state))]
        best = stack[0]
        while stack and self.limit is None:
            frame = stack[-1]
            if sum(frame.cursors) > sum(best.cursors):
                best = frame
                if not self.next_of(best.cursors):
                    break
            child = next(frame.children, None)
            if child is None:
                stack.pop()
                continue
            cursors, state, item, calls = child
            if (cursors, state) in seen:
                continue
            seen.add((cursors, state))
            children = self.children(cursors, state)
            stack.append(_Frame(cursors, state, children, (item, calls), frame))
        return Explanation(
            best.path(),
            best.cursors,
            best.state,
            self.next_of(best.cursors),
            sum(best.cursors),
            self.limit if self.next_of(best.cursors) else None,
            self.tried,
            len(seen),
            process_time() - self.started,
        )

    def next_of(self, cursors: tuple[int, ...]) -> list[Any]:
        """The next step of each lane that has one, the earliest first."""
        found = [
            lane[cursor]
            for lane, cursor in zip(self.lanes, cursors, strict=True)
            if cursor < len(lane)
        ]
        return sorted(found, key=lambda item: item.line)

    def children(
        self, cursors: tuple[int, ...], state: S
    ) -> Iterator[tuple[tuple[int, ...], S, Any, tuple[Any, ...]]]:
        """What the earliest step leads to that can be explained."""
        order = sorted(
            (lane[cursor].line, number)
            for number, (lane, cursor) in enumerate(zip(self.lanes, cursors, strict=True))
            if cursor < len(lane)
        )
        for line, number in order:
            if line > order[0][0] + self.bounds.window:
                return
            item = self.lanes[number][cursors[number]]
            after = (*cursors[:number], cursors[number] + 1, *cursors[number + 1 :])
            self.tried += 1
            if self.tried > self.bounds.steps:
                self.limit = f"{self.bounds.steps} explanations tried"
                return
            if process_time() - self.started > self.bounds.seconds:
                self.limit = f"{self.bounds.seconds:g} s of processor time"
                return
            found = False
            for new, calls in self.explainer.explain(state, item):
                found = True
                yield after, new, item, calls
            if found:
                return
