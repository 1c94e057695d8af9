"""The reachable states up to names, for ``leads to`` under symmetry.

An exact search with symmetry keeps one state of each class of states that differ by names. A
step from a kept state leads to some state, and a renaming turns that one into a kept state.
Whoever follows a run along these steps sees each state under other names, so this graph keeps
the renaming of every step (E. A. Emerson and A. P. Sistla, "Utilizing symmetry when model
checking under fairness assumptions", 1997: the annotated quotient). The *frame* of a state on a
run tells what each element of the run is called in the kept state.

* A property is about certain elements. The graph for it is the product of the kept states with
  the names that these elements can have there. One choice of each class of choices that differ by
  names is enough: the others are violated by the renamed runs.
* Fairness is about each call. Within a component, a call is followed along all steps: what it is
  called in each state of the component. Names that stand for the same call are found by union
  and find (the threads of V. Gyuris and A. P. Sistla, "On-the-fly model checking under fairness
  that exploits symmetry", 1999).

The states with all their frames form a graph in which the same runs are possible as among the
states themselves, and the group of renamings acts freely on it. So a component of the product
stands for components of that graph which differ by names only, and all verdicts are exact.

A step takes 10 bytes (12 with 65,536 calls or more). Only for a violated property are states with
frames made at all, as far as its run needs them; the interpreter replays this run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.declaration.model import Instance, ParameterDomain, Property
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.interpreter.liveness import (
    STRONG,
    Claimed,
    Run,
    Watch,
    Way,
    circle,
)
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.obligations import Elements, choices
from slotspec.statemachine.search import liveness, quotient_kernels
from slotspec.statemachine.search.canonicalizer import EXACT, IMAGE, PREPARE, Canonicalizer
from slotspec.statemachine.search.found_states import FoundStates
from slotspec.statemachine.search.invoke import image_of, prepare_of
from slotspec.statemachine.search.store import Reserved
from slotspec.statemachine.search.visited import NOBODY, Visited
from slotspec.statemachine.search.worker_pool import Worker

BURST = 1 << 12
"""States that are processed between two checks of the limits."""

NODE_BYTES = 60
"""What a node of the product takes while components are computed."""

NEAR = 4_000
"""How many states are looked at for the shortest way on in a run."""

Frame = tuple[int, ...]
"""What each element of a run is called in a kept state."""


class Group:
    """The renamings of an instance: as numbers, and what they do to calls and choices."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.symmetry = instance, Symmetry(instance)
        self.blocks = list(pairwise(self.symmetry.starts))
        self.offsets = [first for first, stop in self.blocks for _ in range(first, stop)]
        self.same: Frame = tuple(e - at for e, at in enumerate(self.offsets))

    def renaming(self, rank: int) -> Frame:
        """The renaming with this number; see :func:`.quotient_kernels.rank_of`."""
        digits: list[int] = []
        for first, stop in reversed(self.blocks):
            for left in range(1, stop - first + 1):
                rank, digit = divmod(rank, left)
                digits.append(digit)
        digits.reverse()
        found: list[int] = []
        for first, stop in self.blocks:
            names = list(range(stop - first))
            found += [names.pop(digit) for digit in digits[first:stop]]
        return tuple(found)

    def after(self, late: Frame, early: Frame) -> Frame:
        """One renaming after another."""
        return tuple(late[at + e] for at, e in zip(self.offsets, early, strict=True))

    def inverse(self, frame: Frame) -> Frame:
        found = [0] * len(frame)
        for e, (at, name) in enumerate(zip(self.offsets, frame, strict=True)):
            found[at + name] = e - at
        return tuple(found)

    def images(
        self, domains: Sequence[ParameterDomain], rows: Sequence[Elements], frames: Any
    ) -> Any:
        """The places, among all choices from `domains`, of what the frames make of `rows`.

        :param frames: an array with a row for each frame.
        """
        ranges = [self.instance.values(domain) for domain in domains]
        names: Any = np.ascontiguousarray(frames.T).astype(np.int64)
        found = np.zeros((len(frames), len(rows)), dtype=np.int64)
        for at, row in enumerate(rows):
            place: Any = 0
            for domain, values, value in zip(domains, ranges, row, strict=True):
                below: Any = values.index(value)
                if isinstance(domain, Sort):  # its elements are their own places
                    below = self.symmetry.renamed(domain, value, names)
                place = place * len(values) + below
            found[:, at] = place
        return found

    def orbits(
        self, domains: Sequence[ParameterDomain], rows: Sequence[Elements]
    ) -> list[list[int]]:
        """Classes of choices (as places in `rows`, which are all) that differ by names only."""
        swaps = []
        for first, stop in self.blocks:
            for e in range(first, stop - 1):
                swap = list(self.same)
                swap[e], swap[e + 1] = swap[e + 1], swap[e]
                swaps.append(tuple(swap))
        moved = self.images(domains, rows, np.array(swaps or [self.same], dtype=np.int64))
        orbit_of: dict[int, list[int]] = {}
        for start in range(len(rows)):
            if start in orbit_of:
                continue
            orbit = orbit_of[start] = [start]
            for at in orbit:
                for to in moved[:, at].tolist():
                    if to not in orbit_of:
                        orbit_of[to] = orbit
                        orbit.append(to)
        found = {id(orbit): sorted(orbit) for orbit in orbit_of.values()}
        return sorted(found.values())

    def turning(self, domains: Sequence[ParameterDomain], one: Elements, other: Elements) -> Frame:
        """A renaming that turns one choice of elements into another of its class."""
        there: dict[int, int] = {}
        for domain, a, b in zip(domains, one, other, strict=True):
            mine, theirs = self.symmetry.atoms(domain, a), self.symmetry.atoms(domain, b)
            for x, y in zip(mine, theirs, strict=True):
                if isinstance(x, int) and isinstance(y, int):
                    there[x] = y
        found: list[int] = []
        for first, stop in self.blocks:
            free = [e for e in range(first, stop) if e not in there.values()]
            found += [(there[e] if e in there else free.pop(0)) - first for e in range(first, stop)]
        return tuple(found)


class QuotientGraph(Claimed):
    """Steps between canonical states, in compact arrays; states are numbered without gaps.

    :param visited: the states of an exhaustive, exact search with symmetry.
    :param transitions: an upper bound of the number of steps.
    :param until: when time is up, as given by ``perf_counter``.
    """

    def __init__(
        self,
        compiled: Compiled,
        visited: Visited,
        transitions: int,
        batch: int,
        watch: Watch,
        until: float | None = None,
    ) -> None:
        super().__init__(compiled.instance)
        self.compiled, self.visited, self.watch = compiled, visited, watch
        self.found = FoundStates(compiled, visited, until)
        self.group = Group(self.instance)
        self.size = visited.count
        self.fairness: Any = np.array(self.fair, dtype=np.uint8)
        self.faults: Any = np.array(self.faulty, dtype=np.uint8)
        self.first: Any = np.zeros(self.size + 1, dtype=np.int64)
        self.targets = Reserved(transitions, np.uint32)
        self.labels = Reserved(transitions, visited.narrow)
        self.turns = Reserved(transitions, np.uint32)
        self.frames: list[Frame] = []
        self._follow(batch, transitions)
        self.all_frames: Any = np.array(self.frames or [self.group.same], dtype=np.int64)
        self._orbits: list[tuple[int, list[int], Any]] | None = None
        self._about((), [()])
        self._depth: Any = None
        self._hope: Any = None
        self._asked = 0

    def _about(self, domains: Sequence[ParameterDomain], orbit: list[Elements]) -> None:
        """Make the product with a class of choices; the property is about the first of it."""
        self.domains, self.orbit = domains, orbit
        self.m = len(orbit)
        self.act: Any = np.zeros((len(self.all_frames), self.m), dtype=np.int32)
        if domains:
            every = [self.instance.values(domain) for domain in domains]
            place_of = np.zeros(np.prod([len(values) for values in every]), dtype=np.int32)
            places = self.group.images(domains, orbit, np.array([self.group.same]))[0]
            place_of[places] = np.arange(self.m)
            self.act[:] = place_of[self.group.images(domains, orbit, self.all_frames)]

    def _follow(self, batch: int, transitions: int) -> None:
        compiled, visited = self.compiled, self.visited
        table = visited.table
        assert table is not None
        worker = Worker(compiled, batch, EXACT)
        opened = compiled.result_buffer.opened
        worker.buffer[opened : opened + compiled.result_buffer.kinds] = 0
        gaps = np.array(self.found.starts, dtype=np.int64) - self.found.before[:-1]
        ranks = Reserved(transitions, np.uint64)
        known: dict[int, int] = {}
        per = 8 + np.dtype(visited.narrow).itemsize
        at = 0
        for start, number, stop in zip(
            self.found.starts, self.found.before.tolist(), visited.ends(), strict=False
        ):
            for begin in range(start, stop, BURST):
                task = partial(
                    quotient_kernels.follow,
                    begin,
                    min(stop, begin + BURST),
                    number + begin - start,
                    at,
                    compiled.expand,
                    worker.buffer,
                    visited.width,
                    batch,
                    visited.keys.array,
                    table.address,
                    visited.entries,
                    visited.region,
                    gaps,
                    worker.successors,
                    worker.canonicalizer.arguments,
                    worker.canonicalizer.best,
                    self.first,
                    self.targets.array,
                    self.labels.array,
                    ranks.array,
                )
                end = self.found.run(task, worker.buffer)
                if end < 0:
                    raise RuntimeError("a step leads out of the states that were found")
                found, back = np.unique(ranks.array[at:end], return_inverse=True)
                for rank in found.tolist():
                    if rank not in known:
                        known[rank] = len(self.frames)
                        self.frames.append(self.group.renaming(rank))
                new = np.array([known[rank] for rank in found.tolist()], dtype=np.uint32)
                self.turns.array[at:end] = new[back] if len(new) else 0
                ranks.release(at, end)
                at = end
                self.watch(at * per + 200 * len(known) + self.size * NODE_BYTES)

    def key_of(self, state: int) -> Any:
        """The words of a canonical state."""
        width = self.visited.width
        at = self.found.stored(state) * width
        return np.array(self.visited.keys.array[at : at + width])

    # a property

    def choices(self, declared: Property) -> list[Elements]:
        every = choices(self.instance, declared)
        domains = list(declared.parameters.values())
        return [every[orbit[0]] for orbit in self.group.orbits(domains, every)] if every else []

    def ask(self, declared: Property, side: int, elements: Elements) -> Any:
        every = choices(self.instance, declared)
        domains = list(declared.parameters.values())
        orbits = self.group.orbits(domains, every)
        (mine,) = (orbit for orbit in orbits if every[orbit[0]] == elements)
        orbit = [every[at] for at in mine]
        if (domains, orbit) != (self.domains, self.orbit):
            self._about(domains, orbit)
        self.watch(self.size * self.m * NODE_BYTES)
        mask = np.zeros((self.size, self.m), dtype=np.uint8)
        for k, chosen in enumerate(orbit):
            mask[:, k] = self.found.ask(declared, side, chosen)
        return mask.reshape(-1)

    def sift(self, premise: Any, promise: Any) -> tuple[Any, Any]:
        within = promise ^ 1
        return premise & within, within

    def some(self, mask: Any) -> bool:
        return bool(mask.any())

    def barren(self, within: Any) -> bool:
        return self._hope is not None and not (self._hopeful() & within).any()

    def _hopeful(self) -> Any:
        return np.repeat(self._hope, self.m)

    def reach(self, starts: Any, within: Any) -> Any:
        region = within.copy()
        queue = np.zeros(len(region), dtype=np.int64)
        steps = (self.first, self.targets.array, self.turns.array, self.act)
        quotient_kernels.reach(starts, region, self.m, *steps, queue)
        return region >> 1

    def loops(self, within: Any) -> Any | None:
        """As declared; from the second call on, it searches only where fair runs can stay."""
        self._asked += 1
        if self._asked == 2:
            kept = self.domains, self.orbit
            self._about((), [()])
            marks = self._loops(np.ones(self.size, dtype=np.uint8))
            self._hope = np.zeros(self.size, dtype=np.uint8)
            if marks is not None:
                self._hope = (marks != 0).view(np.uint8)
            self._about(*kept)
        return self._loops(within if self._hope is None else within & self._hopeful())

    def _loops(self, within: Any) -> Any | None:
        marks = np.zeros(len(within), dtype=np.uint32)
        found = 0
        left = within
        while left.any():
            self.watch(len(left) * NODE_BYTES)
            component, left = self._judged(left)
            kept = component != 0
            marks[kept] = component[kept] + found
            found = int(marks.max())
        return marks if found else None

    def _judged(self, inside: Any) -> tuple[Any, Any]:
        """The components that fair runs can stay in; nodes that are to be examined again."""
        size, m = len(inside), self.m
        number, low, component = (np.zeros(size, dtype=np.uint32) for _ in range(3))
        stack, path, cursor = (np.zeros(size, dtype=np.int64) for _ in range(3))
        cyclic, removed = (np.zeros(size, dtype=np.uint8) for _ in range(2))
        first, targets, labels = self.first, self.targets.array, self.labels.array
        turns, act, faults = self.turns.array, self.act, self.faults
        graph = (m, first, targets, labels, turns, act)
        count = quotient_kernels.components(
            inside, *graph, faults, number, low, stack, path, cursor, component, cyclic
        )
        dead, barred = (np.zeros(count + 1, dtype=np.uint8) for _ in range(2))
        quotient_kernels.single_out(component, cyclic, m, first, labels, self.fairness, dead)
        for how, orbit, act_calls in self._orbits_of_calls():
            alive = (component != 0) & (cyclic != 0) & (dead[component] == 0)
            cells = int(alive.sum()) * len(orbit)
            if not cells:
                continue
            self.watch(size * NODE_BYTES + cells * 9)
            local = np.zeros(size, dtype=np.int64)
            local[alive] = np.arange(int(alive.sum()))
            up = np.zeros(cells, dtype=np.int64)
            of_orbit = np.full(len(self.fair), -1, dtype=np.int64)
            of_orbit[orbit] = np.arange(len(orbit))
            if len(orbit) == 1:  # what happens to it happens in the component as a whole
                members = component[alive]
                _, firsts, back = np.unique(members, return_index=True, return_inverse=True)
                up[:] = firsts[back]
            else:
                w = len(orbit)
                quotient_kernels.bind(
                    component, cyclic, dead, local, *graph, faults, w, act_calls, up
                )
            quotient_kernels.judge(
                *(component, cyclic, dead, barred, removed, local, *graph),
                *(len(orbit), of_orbit, how, up, np.zeros(cells, dtype=np.uint8)),
            )
        left = ((barred & (dead ^ 1))[component] & (removed ^ 1)).astype(np.uint8)
        component[(dead | barred)[component] != 0] = 0
        return component, left

    def _orbits_of_calls(self) -> list[tuple[int, list[int], Any]]:
        """Each class of fair calls that differ by names: how fair, which, what renames them.

        Weak fairness comes first, since it may rule out a component as a whole, and small
        classes, since they take less.
        """
        if self._orbits is None:
            self._orbits = []
            for action in self.instance.actions:
                calls = [call for call in self.instance.calls if call.action is action]
                if action.fair is None or not calls:
                    continue
                domains = list(action.parameters.values())
                rows = [call.arguments for call in calls]
                for orbit in self.group.orbits(domains, rows):
                    mine = [rows[at] for at in orbit]
                    place_of = np.zeros(len(rows), dtype=np.int32)
                    place_of[orbit] = np.arange(len(orbit))
                    act = place_of[self.group.images(domains, mine, self.all_frames)]
                    numbers = [calls[at].index for at in orbit]
                    self._orbits.append((self.fair[numbers[0]], numbers, act))
            self._orbits.sort(key=lambda one: (one[0] == STRONG, len(one[1])))
        return self._orbits

    # a run

    def way_to(self, state: int) -> list[int]:
        return self.visited.way_to(self.found.stored(state))

    def against(self, starts: Any, within: Any) -> Run | None:
        if self.barren(within):
            return None
        region = self.reach(starts, within)
        marks = self.loops(region)
        if marks is None:
            return None
        order = np.flatnonzero(starts)
        if len(self.found.starts) > 1:
            order = order[np.argsort(self._depths()[order // self.m], kind="stable")]
        nothing = np.zeros(len(self.fair), dtype=np.uint8)
        found = self.onward(order, region, marks != 0, nothing)
        assert found is not None
        first, steps = found
        frame = self.group.turning(self.domains, self.orbit[0], self.orbit[first % self.m])
        lifted = Lifted(self, marks, rough=True)
        stem = self._stem(first // self.m, frame)
        way, here = lifted.walk(lifted.number(first, frame), steps)
        entry = lifted.nodes[here][0]
        fair = np.flatnonzero(self.fairness)
        resting = np.ones(self.size, dtype=np.uint8)
        sources = np.repeat(np.arange(self.size), np.diff(self.first))
        resting[sources[np.isin(self.labels.array[: len(sources)], fair)]] = 0
        inside = (marks == marks[entry]).view(np.uint8)
        rest = self.onward(
            np.array([entry]), inside, np.repeat(resting, self.m) & inside, self.faults
        )
        if rest is not None:
            more, here = lifted.walk(here, rest[1])
            way, round_ = [*way, *more], []
        else:
            round_ = round_of(self, marks, *lifted.nodes[here])
        calls = [*stem, *(call for call, _ in way), *(call for call, _ in round_)]
        return Run(calls, len(stem), len(stem) + len(way))

    def onward(
        self, order: Any, within: Any, goal: Any, avoided: Any
    ) -> tuple[int, list[int]] | None:
        """A path inside `within` to the nearest goal: its first node, and its steps."""
        before, by, queue = (np.zeros(len(within), dtype=np.int64) for _ in range(3))
        steps = (self.m, self.first, self.targets.array, self.labels.array, self.turns.array)
        end = quotient_kernels.onward(
            order, within, goal, *steps, self.act, avoided, before, by, queue
        )
        if end < 0:
            return None
        node, way = int(end), []
        while by[node] != 1:
            way.append(int(by[node]) - 2)
            node = int(before[node])
        return node, way[::-1]

    def _stem(self, state: int, frame: Frame) -> list[int]:
        """The calls of a shortest path to a canonical state, in the names of a run.

        The search reached a state that is called otherwise.
        """
        calls = self.way_to(state)
        interpreter = Interpreter(self.instance)
        for call in calls:
            interpreter.step(self.instance.calls[call])
        layout = self.compiled.layout
        words = np.array(layout.pack(layout.encode(interpreter.s)), dtype=np.uint64)
        canonicalizer = Canonicalizer(self.compiled, EXACT)
        canonicalizer.of(words)
        early = tuple(canonicalizer.best.tolist())[: len(frame)]
        names = self.group.after(self.group.inverse(frame), early)
        return self.called(calls, names)

    def called(self, calls: Sequence[int], names: Frame) -> list[int]:
        """What a renaming makes of calls."""
        found = []
        for number in calls:
            call = self.instance.calls[number]
            domains = list(call.action.parameters.values())
            rows, frames = [call.arguments], np.array([names], dtype=np.int64)
            old, new = (
                int(self.group.images(domains, rows, one)[0, 0])
                for one in (np.array([self.group.same], dtype=np.int64), frames)
            )
            found.append(number + new - old)
        return found

    def _depths(self) -> Any:
        """The distance of each state from the initial one (several workers mix them)."""
        if self._depth is None:
            parents = np.zeros(self.size, dtype=np.uint32)
            gaps = np.array(self.found.starts, dtype=np.int64) - self.found.before[:-1]
            for worker, start in enumerate(self.found.starts):
                there = self.visited.parents.array[start : self.visited.next_of(worker)]
                known = np.where(there == NOBODY, 0, there).astype(np.int64)
                known -= gaps[known // self.visited.region]
                parents[self.found.before[worker] : self.found.before[worker + 1]] = known
            self._depth = np.zeros(self.size, dtype=np.uint32)
            liveness.depths(parents, self._depth, np.zeros(self.size, dtype=np.uint32))
        return self._depth


class Lifted:
    """States of a run: nodes of the product with frames, made as they are met.

    :param rough: keep nodes apart that stand for the same state, so that steps of the product can
        be followed, and take any frame of the same node for the way back.
    :ivar nodes: for each number, the node and the frame.
    """

    def __init__(self, quotient: QuotientGraph, marks: Any, rough: bool = False) -> None:
        self.instance, self.fair, self.faulty = quotient.instance, quotient.fair, quotient.faulty
        self.quotient, self.marks, self.rough = quotient, marks, rough
        self.nodes: list[tuple[int, Frame]] = []
        self.numbers: dict[Any, int] = {}
        self.known: dict[int, Way] = {}
        self.names: dict[Frame, list[int]] = {}
        self.turned: dict[tuple[int, int], int] = {}
        self.canonicalizer = Canonicalizer(quotient.compiled, EXACT)

    def number(self, node: int, frame: Frame) -> int:
        """The number of the state that a node stands for in this frame."""
        # within a component, it makes no difference which of its nodes stands for a state
        key = (node, frame) if self.rough else (self.words(node, frame), int(self.marks[node]))
        if key not in self.numbers:
            self.numbers[key] = len(self.nodes)
            self.nodes.append((node, frame))
            if len(self.nodes) % 1000 == 0:
                self.quotient.watch(len(self.nodes) * (500 + 60 * len(frame)))
        return self.numbers[key]

    def words(self, node: int, frame: Frame) -> bytes:
        """The stored words of a state."""
        quotient, mine = self.quotient, self.canonicalizer
        words = quotient.key_of(node // quotient.m)
        prepare_of(mine.plan[PREPARE], words, mine.record, mine.colours)
        mine.renaming[: len(frame)] = quotient.group.inverse(frame)
        image_of(mine.plan[IMAGE], mine.record, mine.renaming, mine.spare)
        return bytes(mine.spare.tobytes())

    def called(self, call: int, frame: Frame) -> int:
        """What a run calls a call of a canonical state that it sees in this frame."""
        if frame not in self.names:
            names = self.quotient.group.inverse(frame)
            every = range(len(self.instance.calls))
            self.names[frame] = self.quotient.called(every, names)
        return self.names[frame][call]

    def step(self, state: int, step: int) -> tuple[int, int]:
        """Take a step of the quotient; returns the call and the next state."""
        quotient = self.quotient
        node, frame = self.nodes[state]
        turn = int(quotient.turns.array[step])
        target = self._target(node, step)
        call = self.called(int(quotient.labels.array[step]), frame)
        return call, self.number(target, quotient.group.after(quotient.frames[turn], frame))

    def walk(self, state: int, steps: Sequence[int]) -> tuple[Way, int]:
        way: Way = []
        for step in steps:
            way.append(self.step(state, step))
            state = way[-1][1]
        return way, state

    def steps(self, state: int) -> Way:
        if state not in self.known:
            first = self.quotient.first
            at = self.nodes[state][0] // self.quotient.m
            self.known[state] = [
                self.step(state, step) for step in range(int(first[at]), int(first[at + 1]))
            ]
        return self.known[state]

    def _near(self, state: int) -> Iterator[tuple[int, Back]]:
        """States of a component, the nearest first, and how each of them was met."""
        mark = self.marks[self.nodes[state][0]]
        back: Back = {state: None}
        order = [state]
        for at in order:
            yield at, back
            if len(order) > NEAR:
                return
            for call, target in self.steps(at):
                if target in back or self.faulty[call]:
                    continue
                if self.marks[self.nodes[target][0]] == mark:
                    back[target] = call, at
                    order.append(target)

    def nearest(self, state: int, marks: Any, weak: set[int], strong: set[int]) -> Way:
        mark = self.marks[self.nodes[state][0]]
        for at, back in self._near(state):
            possible = {call for call, _ in self.steps(at)}
            if not weak <= possible:
                return path(back, at)
            for call, target in self.steps(at):
                wanted = call in weak or call in strong
                if wanted and self.marks[self.nodes[target][0]] == mark:
                    return [*path(back, at), (call, target)]
        if not self.rough:
            raise Far
        return self.walk(state, self._thread(state, min(weak or strong)))[0]

    def _thread(self, state: int, call: int) -> list[int]:
        """Steps to where a call is impossible, or taken.

        It is followed in the product, where there are far fewer nodes than states.
        """
        quotient = self.quotient
        node, frame = self.nodes[state]
        mark = self.marks[node]
        first, labels = quotient.first, quotient.labels.array
        start = node, quotient.called([call], frame)[0]
        back: dict[tuple[int, int], tuple[int, tuple[int, int]] | None] = {start: None}
        order = [start]
        for at in order:
            if len(order) % 1000 == 0:
                quotient.watch(len(order) * 300)
            here, name = at
            steps = range(int(first[here // quotient.m]), int(first[here // quotient.m + 1]))
            mine = [step for step in steps if labels[step] == name]
            inside = [step for step in mine if self.marks[self._target(here, step)] == mark]
            if not mine or inside:
                way, came = inside[:1], back[at]
                while came is not None:
                    way.append(came[0])
                    came = back[came[1]]
                return way[::-1]
            for step in steps:
                target = self._target(here, step)
                if self.faulty[labels[step]] or self.marks[target] != mark:
                    continue
                turn = int(quotient.turns.array[step])
                if (turn, name) not in self.turned:
                    self.turned[turn, name] = quotient.called([name], quotient.frames[turn])[0]
                to = target, self.turned[turn, name]
                if to not in back:
                    back[to] = step, at
                    order.append(to)
        raise LookupError("a component is not fair")

    def _target(self, node: int, step: int) -> int:
        quotient = self.quotient
        turn = int(quotient.turns.array[step])
        return int(quotient.targets.array[step]) * quotient.m + int(
            quotient.act[turn, node % quotient.m]
        )

    def home(self, state: int, to: int, marks: Any) -> Way:
        if not self.rough:
            for at, back in self._near(state):
                if at == to:
                    return path(back, at)
            raise Far
        node, goal = self.nodes[state][0], self.nodes[to][0]
        inside = (marks == marks[node]).view(np.uint8)
        there = np.zeros_like(inside)
        there[goal] = 1
        found = self.quotient.onward(np.array([node]), inside, there, self.quotient.faults)
        assert found is not None
        return self.walk(state, found[1])[0]

    def closes(self, state: int, to: int) -> bool:
        return self.nodes[state][0] == self.nodes[to][0] if self.rough else state == to


def round_of(quotient: QuotientGraph, marks: Any, node: int, frame: Frame) -> Way:
    """A fair cycle from the state that a node stands for in a frame, back to it.

    If the way back is far, a path to the same node is enough: to go along its steps again and
    again leads through renamed states, and back in the end.
    """
    lifted = Lifted(quotient, marks)
    try:
        return circle(lifted, lifted.number(node, frame), marks)
    except Far:
        lifted = Lifted(quotient, marks, rough=True)
    entry = lifted.number(node, frame)
    way = circle(lifted, entry, marks)
    steps, here = [], entry
    for taken in way:
        first = int(quotient.first[lifted.nodes[here][0] // quotient.m])
        steps.append(first + lifted.steps(here).index(taken))
        here = taken[1]
    while here != entry:
        more, here = lifted.walk(here, steps)
        way += more
    return way


class Far(Exception):
    """A state is not among the nearest."""


Back = dict[int, tuple[int, int] | None]
"""For each state that was met: the call and the state that led to it; None for the first."""


def path(back: Back, state: int) -> Way:
    """The path that led to a state."""
    way: Way = []
    while (came := back[state]) is not None:
        way.append((came[0], state))
        state = came[1]
    return way[::-1]
