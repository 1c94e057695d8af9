"""What independence could save at best: a bound that no reading of the rules can beat.

python benchmarks/independence_limit.py [--model declarative_cluster --generation 2.3]
    [--scope losses …] [--set task_managers=2 …] [--most 300000] [--seeds 1]
    [--costs [--source channels …] [--proviso]]

The whole graph of a scope tells which steps commute. The graph is searched again, and each state
takes the smallest persistent set of its calls (Godefroid, "Partial-Order Methods for the
Verification of Concurrent Systems", 1996): a set P of possible calls is persistent in a state if,
whatever calls outside of P do first, no call outside of P meets one in P that it does not commute
with. A search has to derive such sets from the text of the rules. This script looks them up:
where calls outside of P lead, and what commutes there, is what the graph says. So it finds the
smallest persistent set of each state, and each set that a derivation finds is one of those it
could take.

Two calls commute

* ``calls``: if in each state of the scope where both are possible, neither makes the other
  impossible, and both orders lead to the same state. No relation between calls, with their
  arguments, can know more if it is the same in all states;
* ``kinds``: the same, for calls that are divided by the kind of message that they receive;
* ``here``: if that is so in the state in question (conditional independence: Katz and Peled,
  "Defining conditional independence using collapses", 1992). No relation knows more.

Each is used without properties, which preserves deadlocks alone, and with them: two calls also
depend on each other if both change what one ``always`` property reads, for one choice of its
elements. What a property reads is what it did in a sample of states. ``sometimes`` properties and
those of steps make no call visible. All of that flatters the search. It is a bound for searches
with smallest persistent or strong stubborn sets; weak ones are not looked for.

``--costs`` asks what a reader of the text could not see through. To the relation ``kinds``, with
properties, it adds what one source makes dependent: calls of which one writes a field that the
other uses, in a sample of their steps; for each field alone, the arrays of channels together, and
what ``after_each_step`` reads. *All others* are all fields without these two.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.independence import (
    CHANNELS,
    SEEN,
    STATES_ASKED,
    Tracer,
    Whole,
    dependent,
    footprints,
    variants,
    whole_graph,
)
from slotspec.models import load_model
from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.obligations import choices

CALLS, KINDS, HERE = "calls", "kinds", "here"
RELATIONS = (CALLS, KINDS, HERE)

COLUMNS = ((False, False), (True, False), (True, True))
"""Whether properties count, and whether with the proviso of :func:`search`."""

MOST_CANDIDATES = 256
"""Of more sets, only the smallest are tried in a state."""

LOOK_AHEAD = 400
"""Steps that are followed from one state before the whole graph is asked."""

CHUNK = 20_000

STEPS_SETTLED = 2_000

CHANNEL, SETTLE = "channels", "after_each_step"

# ------------------------------------------------------------------------ what commutes


@numba.njit(cache=True)
def step_of(first, calls, state, call):  # type: ignore[no-untyped-def]
    """The step that a call takes in a state; -1 for none."""
    for step in range(first[state], first[state + 1]):
        if calls[step] == call:
            return step
    return -1


@numba.njit(cache=True)
def commutes(first, targets, calls, i, j):  # type: ignore[no-untyped-def]
    """Whether two steps of one state form a diamond."""
    one = step_of(first, calls, targets[i], calls[j])
    other = step_of(first, calls, targets[j], calls[i])
    return one >= 0 and other >= 0 and targets[one] == targets[other]


@numba.njit(cache=True)
def clashes_here(first, targets, calls, seen):  # type: ignore[no-untyped-def]
    """For each step the steps of its state that depend on it there, as bits of their places.

    `seen` has for each step the observers that it may change something for, as bits.
    """
    found = np.zeros(len(calls), np.uint64)
    for state in range(len(first) - 1):
        begin, end = first[state], first[state + 1]
        for i in range(begin, end):
            for j in range(i + 1, end):
                apart = not commutes(first, targets, calls, i, j)
                for word in range(seen.shape[1]):
                    apart |= (seen[i, word] & seen[j, word]) != 0
                if apart:
                    found[i] |= np.uint64(1) << np.uint64(j - begin)
                    found[j] |= np.uint64(1) << np.uint64(i - begin)
    return found


@numba.njit(cache=True)
def clashes_always(count, first, calls, here, seen):  # type: ignore[no-untyped-def]
    """The same for calls that depend on each other in some state."""
    apart = np.zeros((count, count), np.bool_)
    sight = np.zeros((count, seen.shape[1]), np.uint64)
    for state in range(len(first) - 1):
        begin, end = first[state], first[state + 1]
        for i in range(begin, end):
            for word in range(seen.shape[1]):
                sight[calls[i], word] |= seen[i, word]
            for j in range(begin, end):
                if here[i] >> np.uint64(j - begin) & np.uint64(1):
                    apart[calls[i], calls[j]] = True
    for one in range(count):
        for other in range(count):
            for word in range(seen.shape[1]):
                apart[one, other] |= (sight[one, word] & sight[other, word]) != 0
    found = np.zeros(len(calls), np.uint64)
    for state in range(len(first) - 1):
        begin, end = first[state], first[state + 1]
        for i in range(begin, end):
            for j in range(begin, end):
                if i != j and apart[calls[i], calls[j]]:
                    found[i] |= np.uint64(1) << np.uint64(j - begin)
    return found


def observed(whole: Whole) -> Any:
    """For each step the observers whose cells it changes, as rows of bits.

    An observer is an ``always`` property with one choice of its elements.
    """
    instance, tracer = whole.instance, Tracer(whole)
    asked = [
        (instance.rule(one.function), elements)
        for one in instance.properties.values()
        if one.kind is Kind.ALWAYS
        for elements in choices(instance, one)
    ]
    reads = np.zeros((len(asked), len(whole.names)), bool)
    some = random.Random(1).sample(range(whole.size), min(whole.size, STATES_ASKED))
    for state in some:
        tracer.load(whole.cells[state])
        for number, (rule, elements) in enumerate(asked):
            SEEN.clear()
            rule(tracer.interpreter.s, *elements)
            reads[number, tracer.columns(SEEN)] = True
    reads = np.unique(reads, axis=0).astype(np.float32)
    sources = whole.sources
    found = []
    for begin in range(0, len(sources), CHUNK):
        part = slice(begin, begin + CHUNK)
        changed = whole.cells[sources[part]] != whole.cells[whole.targets[part]]
        hit = changed.astype(np.float32) @ reads.T > 0
        hit = np.pad(hit, ((0, 0), (0, 64 - hit.shape[1] % 64)))
        found.append(np.packbits(hit, axis=1).view(np.uint64))
    return np.concatenate(found) if found else np.zeros((0, 1), np.uint64)


# ----------------------------------------------------------------------- persistent sets


@numba.njit(cache=True)
def is_bad(state, inside, first, calls, clashes):  # type: ignore[no-untyped-def]
    """Whether a call of the set meets one outside of it that it does not commute with."""
    begin, end = first[state], first[state + 1]
    members = np.uint64(0)
    for step in range(begin, end):
        if inside[calls[step]]:
            members |= np.uint64(1) << np.uint64(step - begin)
    bad = False
    for step in range(begin, end):
        bad |= inside[calls[step]] and clashes[step] & ~members != 0
    return bad


@numba.njit(cache=True)
def followed(state, inside, first, targets, calls, clashes, marks, mark, queue, most):  # type: ignore[no-untyped-def]
    """Whether a set of calls is persistent in a state: 1 or 0; -1 after `most` steps."""
    marks[state] = mark
    queue[0] = state
    head, tail = 0, 1
    while head < tail:
        at = queue[head]
        head += 1
        if is_bad(at, inside, first, calls, clashes):
            return 0
        for step in range(first[at], first[at + 1]):
            if inside[calls[step]]:
                continue
            most -= 1
            if most < 0:
                return -1
            if marks[targets[step]] != mark:
                marks[targets[step]] = mark
                queue[tail] = targets[step]
                tail += 1
    return 1


@numba.njit(cache=True)
def not_persistent(inside, first, calls, clashes, entries, sources, incoming, queue):  # type: ignore[no-untyped-def]
    """The states in which a set of calls is not persistent: calls outside lead to a bad one."""
    found = np.zeros(len(first) - 1, np.bool_)
    tail = 0
    for state in range(len(first) - 1):
        if is_bad(state, inside, first, calls, clashes):
            found[state] = True
            queue[tail] = state
            tail += 1
    head = 0
    while head < tail:
        at = queue[head]
        head += 1
        for place in range(entries[at], entries[at + 1]):
            source = sources[place]
            if not found[source] and not inside[calls[incoming[place]]]:
                found[source] = True
                queue[tail] = source
                tail += 1
    return found


@dataclass
class Sets:
    """The persistent sets of a graph, by the steps that depend on each other."""

    whole: Whole
    clashes: Any
    known: dict[tuple[int, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole = self.whole
        self.inside = np.zeros(whole.count, np.bool_)
        self.marks = np.zeros(whole.size, np.int64)
        self.mark = 0
        self.queue = np.zeros(whole.size, np.int64)
        self.incoming = np.argsort(whole.targets, kind="stable")
        self.sources = whole.sources[self.incoming]
        self.entries = np.searchsorted(whole.targets[self.incoming], np.arange(whole.size + 1))

    def is_persistent(self, state: int, chosen: tuple[int, ...]) -> bool:
        """Whether these calls, all possible in this state, are persistent there."""
        whole = self.whole
        self.inside[:] = False
        self.inside[list(chosen)] = True
        if chosen not in self.known:
            self.mark += 1
            found = followed(
                state, self.inside, whole.first, whole.targets, whole.calls, self.clashes,
                self.marks, self.mark, self.queue, LOOK_AHEAD,
            )  # fmt: skip
            if found >= 0:
                return bool(found)
            bad = not_persistent(
                self.inside, whole.first, whole.calls, self.clashes,
                self.entries, self.sources, self.incoming, self.queue,
            )  # fmt: skip
            self.known[chosen] = np.packbits(bad)
        bits = self.known[chosen]
        return not bits[state >> 3] >> (7 - (state & 7)) & 1

    def candidates(self, state: int, rng: random.Random | None) -> Iterator[tuple[int, ...]]:
        """Sets of calls that may be persistent, without that of all; the smallest first."""
        begin, end = int(self.whole.first[state]), int(self.whole.first[state + 1])
        groups = components([int(self.clashes[step]) for step in range(begin, end)])
        if rng is not None:
            rng.shuffle(groups)
        unions = (sum(some) for n in range(1, len(groups)) for some in combinations(groups, n))
        tried = islice(unions, 4 * MOST_CANDIDATES)
        for chosen in sorted(tried, key=int.bit_count)[:MOST_CANDIDATES]:
            yield tuple(
                sorted(int(self.whole.calls[begin + n]) for n in range(64) if chosen >> n & 1)
            )


def components(clashes: list[int]) -> list[int]:
    """The places that depend on each other, directly or through others, as bits.

    A persistent set has all of such a group or none of it.
    """
    groups: list[int] = []
    for place, clash in enumerate(clashes):
        joined = clash | 1 << place
        apart = []
        for group in groups:
            if group & joined:
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return groups


@dataclass
class Left:
    """What a reduced search visits."""

    states: int
    steps: int
    seen: Any


def search(sets: Sets, proviso: bool, seed: int = 0) -> Left:
    """Search breadth-first with the smallest persistent set of each state.

    :param proviso: one of the calls must lead to a state of the next level, else another set is
        taken, and at last all calls.
    :param seed: which of the sets of equal size is taken; 0 for the first.
    """
    whole = sets.whole
    rng = random.Random(seed) if seed else None
    first, targets, calls = whole.first.tolist(), whole.targets, whole.calls
    level = np.full(whole.size, -1, np.int64)
    level[0] = 0
    queue, steps = [0], 0
    for state in queue:
        own = range(first[state], first[state + 1])
        taken = list(own)
        if len(taken) > 1:
            for chosen in sets.candidates(state, rng):
                kept = [step for step in own if calls[step] in chosen]
                later = (-1, level[state] + 1)
                if proviso and not any(level[targets[step]] in later for step in kept):
                    continue
                if sets.is_persistent(state, chosen):
                    taken = kept
                    break
        steps += len(taken)
        for step in taken:
            target = int(targets[step])
            if level[target] < 0:
                level[target] = level[state] + 1
                queue.append(target)
    return Left(len(queue), steps, level >= 0)


# ---------------------------------------------------------------------------- the report


@dataclass
class Limit:
    """The figures of one instance.

    :ivar left: the states that are left, by relation, whether properties count, and proviso.
    """

    states: int
    steps: int
    left: dict[tuple[str, bool, bool], int]

    def factor(self, relation: str, seen: bool, proviso: bool) -> float:
        return self.states / self.left[relation, seen, proviso]


def divided(whole: Whole) -> Whole:
    """The same graph, with calls divided by the kind of message that they receive."""
    return replace(whole, calls=variants(whole))


def sets_of(whole: Whole, seen: Any) -> dict[str, Sets]:
    """The persistent sets by each relation."""
    found = {}
    for relation in RELATIONS:
        graph = divided(whole) if relation == KINDS else whole
        clashes = clashes_here(graph.first, graph.targets, graph.calls, seen)
        if relation != HERE:
            clashes = clashes_always(graph.count, graph.first, graph.calls, clashes, seen)
        found[relation] = Sets(graph, clashes)
    return found


def measure(instance: Instance, most: int, seeds: int = 1) -> Limit | None:
    """The figures of one instance; None if it has more than `most` states."""
    whole = whole_graph(instance, most)
    if whole is None:
        return None
    assert np.diff(whole.first).max() <= 64, "the steps of a state are the bits of a word"
    nothing = np.zeros((len(whole.calls), 1), np.uint64)
    stuck = np.diff(whole.first) == 0
    left = {}
    for properties in (False, True):
        seen = observed(whole) if properties else nothing
        for relation, sets in sets_of(whole, seen).items():
            for proviso in [proviso for own, proviso in COLUMNS if own == properties]:
                found = [search(sets, proviso, seed) for seed in range(seeds)]
                assert all(one.seen[stuck].all() for one in found), "each deadlock is kept"
                left[relation, properties, proviso] = min(one.states for one in found)
    return Limit(whole.size, len(whole.calls), left)


@numba.njit(cache=True)
def clashes_with(extra, first, calls, clashes):  # type: ignore[no-untyped-def]
    """The same steps that depend on each other, and those of calls that do in `extra`."""
    found = clashes.copy()
    for state in range(len(first) - 1):
        begin, end = first[state], first[state + 1]
        for i in range(begin, end):
            for j in range(begin, end):
                if i != j and extra[calls[i], calls[j]]:
                    found[i] |= np.uint64(1) << np.uint64(j - begin)
    return found


def settled(whole: Whole, tracer: Tracer) -> Any:
    """What ``after_each_step`` reads after a sample of steps, as a mask over the cells."""
    read = np.zeros(len(whole.names), bool)
    interpreter = tracer.interpreter
    if interpreter.settle is None:
        return read
    for step in np.random.default_rng(1).permutation(len(whole.calls))[:STEPS_SETTLED]:
        tracer.load(whole.cells[whole.sources[step]])
        call = whole.instance.calls[whole.calls[step]]
        interpreter.functions[call.action.name](interpreter.s, *call.arguments)
        SEEN.clear()
        interpreter.settle(interpreter.s)
        read[tracer.columns(SEEN)] = True
        interpreter.undo()
    return read


def sources_of(whole: Whole) -> dict[str, Any]:
    """What makes calls depend on each other by their text: source -> pairs of calls."""
    tracer = Tracer(whole)
    read, written = footprints(whole, tracer, variants(whole))
    fields = [None if name is None else name[0] for name in whole.names]
    found = {}
    names = [CHANNEL if field in CHANNELS else field for field in fields]
    for name in dict.fromkeys(filter(None, names)):
        own = np.array([other == name for other in names])
        found[name] = dependent(read & own, written & own)
    found[SETTLE] = dependent(np.zeros_like(read) | settled(whole, tracer), written)
    return found


def costs(
    instance: Instance, most: int, only: Sequence[str] = (), proviso: bool = False
) -> dict[str, int] | None:
    """Source of dependence -> the states that are left if it is added to what the graph knows.

    :param only: these sources, instead of all.
    """
    whole = whole_graph(instance, most)
    if whole is None:
        return None
    known = sets_of(whole, observed(whole))[KINDS]
    graph = known.whole
    left = {"all states": whole.size, "none": search(known, proviso).states}
    sources = sources_of(whole)
    others = [extra for name, extra in sources.items() if name not in (CHANNEL, SETTLE)]
    sources["all others"] = np.logical_or.reduce(others)
    sources["all but " + SETTLE] = sources["all others"] | sources[CHANNEL]
    for name, extra in sources.items():
        more = clashes_with(extra, graph.first, graph.calls, known.clashes)
        if name in (only or sources) and (more != known.clashes).any():
            left[name] = search(Sets(graph, more), proviso).states
    return left


def report(title: str, limit: Limit) -> None:
    figures = " | ".join(
        f"{limit.factor(relation, seen, proviso):.2f}"
        for relation in RELATIONS
        for seen, proviso in COLUMNS
    )
    print(f"| {title} | {limit.states:,} | {limit.steps:,} | {figures} |", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--model", default="cluster")
    parser.add_argument("--generation", help="the newest, if it is left out")
    parser.add_argument("--scope", action="append", help="all, if it is left out")
    parser.add_argument("--set", action="append", default=[], metavar="BOUND=NUMBER")
    parser.add_argument(
        "--most", type=int, default=300_000, help="states; larger scopes are left out"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="how many choices among sets of equal size are tried"
    )
    parser.add_argument("--costs", action="store_true", help="what each source of the text costs")
    parser.add_argument("--source", action="append", default=[], help="one of them")
    parser.add_argument("--proviso", action="store_true", help="costs with the proviso")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    model = load_model(given.model)
    bounds = {name: int(value) for name, value in (one.split("=") for one in given.set)}
    names = given.scope or [s.name for s in model.scopes.values() if not s.simulation_only]
    each = " | ".join(
        f"{relation}{', properties' * seen}{', proviso' * proviso}"
        for relation in RELATIONS
        for seen, proviso in COLUMNS
    )
    if not given.costs:
        print(f"| scope | states | steps | {each} |")
        print("|---|" + "--:|" * (2 + len(COLUMNS) * len(RELATIONS)))
    for name in names:
        instance = model.instance(bounds, generation=given.generation, scope=name)
        if given.costs:
            left = costs(instance, given.most, given.source, given.proviso) or {}
            shares = [(left["all states"] / n, source) for source, n in left.items()]
            print(
                f"{name}:", ", ".join(f"{source} {share:.2f}" for share, source in sorted(shares))
            )
            continue
        limit = measure(instance, given.most, given.seeds)
        if limit is not None:
            report(f"`{name}`", limit)


if __name__ == "__main__":
    main()
