"""The reachable states as the interpreter sees them, for ``leads to``; see liveness.py."""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from slotspec.statemachine.declaration.model import Instance, Property
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.interpreter.liveness import (
    PREMISE,
    STRONG,
    WEAK,
    Graph,
    Unanswered,
    Watch,
    Way,
)
from slotspec.statemachine.interpreter.stepping import Interpreter, place_of
from slotspec.statemachine.obligations import answering

LOOKS = 64
"""Limits are checked once per this many states."""

Mask = bytearray
Marks = list[int]


class InterpretedGraph(Graph):
    """States by their keys, steps in two arrays: those of state ``i`` start at ``first[i]``.

    :param keys: the keys of all reachable states, in breadth-first order.
    :param way_to: returns the calls of a shortest path to the state with the given number.
    """

    def __init__(
        self,
        instance: Instance,
        keys: Sequence[bytes],
        way_to: Callable[[int], list[int]],
        watch: Watch,
    ) -> None:
        super().__init__(instance)
        self.keys, self._way_to = keys, way_to
        self.interpreter = Interpreter(instance)
        self.first, self.calls, self.targets = array("Q", [0]), array("I"), array("I")
        number = {key: i for i, key in enumerate(keys)}
        fixed = sys.getsizeof(number)
        for i, key in enumerate(keys):
            self.expand(key, number)
            if i % LOOKS == 0:
                watch(fixed + sum(map(sys.getsizeof, (self.first, self.calls, self.targets))))

    def expand(self, key: bytes, number: dict[bytes, int]) -> None:
        interpreter = self.interpreter
        interpreter.load(key)
        for call in self.instance.calls:
            try:
                outcome = interpreter.functions[call.action.name](interpreter.s, *call.arguments)
                after = key if outcome == DISABLED else interpreter.finish(call, outcome)
            except Exception:  # a fault is not a step, and the search has reported it
                after = key
            interpreter.undo()
            if after != key:
                self.calls.append(call.index)
                self.targets.append(number[after])
        self.first.append(len(self.calls))

    def ask(self, declared: Property, side: int, elements: tuple[int, ...]) -> Mask:
        asked = declared.function if side == PREMISE else declared.to
        assert asked is not None
        holds = answering(self.instance, asked)
        mask = bytearray(len(self.keys))
        for i, key in enumerate(self.keys):
            self.interpreter.load(key)
            try:
                mask[i] = holds(self.interpreter.s, *elements)
            except RuleError:
                raise
            except Exception as error:
                why = f"{type(error).__name__}: {error} {place_of(error)}"
                raise Unanswered(i, why) from error
        return mask

    def sift(self, premise: Mask, promise: Mask) -> tuple[Mask, Mask]:
        return (
            bytearray(p and not q for p, q in zip(premise, promise, strict=True)),
            bytearray(not q for q in promise),
        )

    def some(self, mask: Mask) -> bool:
        return any(mask)

    def reach(self, starts: Mask, within: Mask) -> Mask:
        region = bytearray(starts)
        queue = [state for state, meant in enumerate(starts) if meant]
        while queue:
            for _, target in self.steps(queue.pop()):
                if within[target] and not region[target]:
                    region[target] = 1
                    queue.append(target)
        return region

    def loops(self, within: Mask) -> Marks | None:
        marks, count = [0] * len(self.keys), 0
        left: Mask | None = bytearray(within)
        while left is not None:
            again = bytearray(len(self.keys))
            for members in self.components(left):
                stays, kept = self.fair_part(members)
                if stays:
                    count += 1
                    for state in members:
                        marks[state] = count
                for state in kept:
                    again[state] = 1
            left = again if any(again) else None
        return marks if count else None

    def fair_part(self, members: Sequence[int]) -> tuple[bool, list[int]]:
        """Whether a fair run can stay in a component; else which part to look at again."""
        inside = set(members)
        where: dict[int, int] = {}
        taken = set()
        for state in members:
            for call, target in self.steps(state):
                if self.fair[call]:
                    where[call] = where.get(call, 0) + 1
                # a fair call is never a fault, so its steps within the component count
                if target in inside:
                    taken.add(call)
        missed = [call for call in where if call not in taken]
        if any(self.fair[c] == WEAK and where[c] == len(members) for c in missed):
            return False, []
        barred = {c for c in missed if self.fair[c] == STRONG}
        if not barred:
            return True, []
        return False, [s for s in members if not any(c in barred for c, _ in self.steps(s))]

    def components(self, within: Mask) -> Iterator[list[int]]:
        """Strongly connected components inside `within`, without faults (R. E. Tarjan, 1972)."""
        number: dict[int, int] = {}
        low: dict[int, int] = {}
        stack: list[int] = []
        waiting: set[int] = set()
        for root, meant in enumerate(within):
            if not meant or root in number:
                continue
            path: list[tuple[int, Iterator[int]]] = []
            entered: int | None = root
            while entered is not None or path:
                if entered is not None:
                    number[entered] = low[entered] = len(number)
                    stack.append(entered)
                    waiting.add(entered)
                    path.append((entered, self.harmless(entered, within)))
                    entered = None
                state, targets = path[-1]
                for target in targets:
                    if target not in number:
                        entered = target
                        break
                    if target in waiting:
                        low[state] = min(low[state], number[target])
                if entered is not None:
                    continue
                path.pop()
                if path:
                    above = path[-1][0]
                    low[above] = min(low[above], low[state])
                if low[state] == number[state]:
                    at = len(stack) - 1
                    while stack[at] != state:
                        at -= 1
                    members = stack[at:]
                    del stack[at:]
                    waiting.difference_update(members)
                    yield members

    def harmless(self, state: int, within: Mask) -> Iterator[int]:
        """The states inside `within` that the steps of a state, other than faults, lead to."""
        for call, target in self.steps(state):
            if within[target] and not self.faulty[call]:
                yield target

    def way_to(self, state: int) -> list[int]:
        return self._way_to(state)

    def steps(self, state: int) -> Way:
        begin, end = self.first[state], self.first[state + 1]
        return list(zip(self.calls[begin:end], self.targets[begin:end], strict=True))

    def onward(self, starts: Mask, within: Mask, marks: Marks) -> tuple[int, Way]:
        seen: set[int] = set()
        for start, meant in enumerate(starts):
            if meant and start not in seen:
                way = self._way(
                    start,
                    seen,
                    lambda state: [] if marks[state] else None,
                    lambda call, target: bool(within[target]),
                )
                if way is not None:
                    return start, way
        raise LookupError("no start leads to a loop")

    def still(self, state: int, marks: Marks) -> Way | None:
        def met(at: int) -> Way | None:
            return None if any(self.fair[call] for call, _ in self.steps(at)) else []

        return self._way(state, set(), met, self._inside(marks, marks[state]))

    def nearest(self, state: int, marks: Marks, weak: set[int], strong: set[int]) -> Way:
        inside = self._inside(marks, marks[state])

        def met(at: int) -> Way | None:
            steps = self.steps(at)
            if weak.difference(call for call, _ in steps):
                return []
            for call, target in steps:
                if (call in weak or call in strong) and inside(call, target):
                    return [(call, target)]
            return None

        return self._found(self._way(state, set(), met, inside))

    def home(self, state: int, to: int, marks: Marks) -> Way:
        inside = self._inside(marks, marks[to])
        return self._found(self._way(state, set(), lambda at: [] if at == to else None, inside))

    def _inside(self, marks: Marks, mark: int) -> Callable[[int, int], bool]:
        return lambda call, target: marks[target] == mark and not self.faulty[call]

    @staticmethod
    def _found(way: Way | None) -> Way:
        if way is None:
            raise LookupError("a component is not connected")
        return way

    def _way(
        self,
        start: int,
        seen: set[int],
        goal: Callable[[int], Way | None],
        allowed: Callable[[int, int], bool],
    ) -> Way | None:
        """The shortest path to a state that satisfies `goal`, or None.

        :param seen: states to skip; the visited states are added to it.
        """
        before: dict[int, tuple[int, int]] = {}
        seen.add(start)
        queue = deque([start])
        while queue:
            state = queue.popleft()
            rest = goal(state)
            if rest is not None:
                way: Way = []
                while state != start:
                    previous, call = before[state]
                    way.append((call, state))
                    state = previous
                return [*reversed(way), *rest]
            for call, target in self.steps(state):
                if target not in seen and allowed(call, target):
                    seen.add(target)
                    before[target] = (state, call)
                    queue.append(target)
        return None
