"""How far partial-order reduction could go in the clusters: estimates from their whole graphs.

python benchmarks/independence.py [--model declarative_cluster --generation 2.3]
    [--scope losses …] [--set task_managers=2 …] [--most 200000] [--proviso]

A stubborn set (Valmari) takes with each possible call all calls that depend on it, and with each
impossible call those that could make it possible. A search needs to know both beforehand, from
the text of the rules. This script knows them from the graph of all states instead, so it flatters
the search:

* a call is divided by the kind of message that it receives;
* what a call reads and writes is what it really did, in a sample of its steps. What
  ``after_each_step`` reads does not count;
* what makes a call possible is the best choice of one field that has a wrong value, with the calls
  that really give it a right one;
* step properties make no call visible, and no proviso keeps calls from being put off for ever in
  a cycle, unless ``--proviso`` asks for that of breadth-first searches (Bosnacki, Leue and Lluch
  Lafuente: a chosen step must lead to a state that is new).

Three relations say which calls depend on each other:

* ``fields``: one writes what the other reads or writes;
* ``queues``: the same, but in channels only calls that really do not commute;
* ``commuting``: only calls that really do not commute in some state where both are possible.

Each is used twice: without properties, which preserves deadlocks alone, and with them: two calls
also depend on each other if they change what the same ``always`` property reads.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from slotspec.models import load_model
from slotspec.models.cluster import message_diff
from slotspec.models.cluster.messages import way
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.declaration.model import Call, Instance, Kind, Model
from slotspec.statemachine.interpreter.stepping import Interpreter, WatchedList, WatchedMachines
from slotspec.statemachine.layout import Layout
from slotspec.statemachine.obligations import choices
from slotspec.statemachine.results import NO_LIMITS, Limits, silent
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.graph import CompiledGraph

CHANNELS = ("message", "subject", "detail")
STEPS_TRACED = 12_000
STATES_ASKED = 400

# ------------------------------------------------------------------------------ the graph


@dataclass
class Whole:
    """All states and steps: the steps of state s are first[s] … first[s + 1].

    :ivar cells: a row of bytes for each state.
    :ivar names: the field and the index of each byte, ``None`` for padding.
    """

    instance: Instance
    first: Any
    targets: Any
    calls: Any
    cells: Any
    names: list[tuple[str, int] | None]

    @property
    def size(self) -> int:
        return len(self.first) - 1

    @property
    def count(self) -> int:
        """How many kinds of steps there are."""
        return int(self.calls.max(initial=-1)) + 1

    @cached_property
    def sources(self) -> Any:
        """The state that each step starts from."""
        return np.repeat(np.arange(self.size), np.diff(self.first))


class _Graph(Explorer):
    """A search that keeps the graph."""

    graph: CompiledGraph

    def check_claims(self) -> None:
        if self.result.limit is not None:
            return
        actions = len(self.instance.actions)
        steps = int(self.pool.total(self.compiled.result_buffer.taken, actions).sum())
        self.graph = CompiledGraph(
            self.compiled, self.visited, steps, self.pool.batch, lambda more: None
        )


def whole_graph(instance: Instance, most: int) -> Whole | None:
    """The graph of an instance; None if it has more states than `most`."""
    properties, instance.properties = instance.properties, {}
    compiled: Compiled = compile_instance(instance, symmetric=False)
    search = _Graph(compiled, Limits(states=most) if most else NO_LIMITS, silent, 1, False)
    result = search.run()
    instance.properties = properties
    if result.limit is not None:
        return None
    graph, visited = search.graph, search.visited
    steps = int(graph.first[-1])
    words = np.array(visited.states.array[: graph.size * visited.width], dtype=np.uint64)
    layout = compiled.layout
    return Whole(
        instance,
        graph.first.copy(),
        graph.targets.array[:steps].astype(np.int64),
        graph.labels.array[:steps].astype(np.int64),
        unpacked(layout, words.reshape(graph.size, visited.width)),
        names_of(layout),
    )


def unpacked(layout: Layout, words: Any) -> Any:
    """The bytes of stored states."""
    cells = np.zeros((len(words), layout.words * 8), np.uint8)
    for byte, at, width in layout._bits():
        word, bit = divmod(at, 64)
        value = words[:, word] >> np.uint64(bit)
        if bit + width > 64:
            value = value | (words[:, word + 1] << np.uint64(64 - bit))
        cells[:, byte] = value & np.uint64((1 << width) - 1)
    return cells


def names_of(layout: Layout) -> list[tuple[str, int] | None]:
    names: list[tuple[str, int] | None] = [None] * (layout.words * 8)
    for name in layout.state_fields:
        place = layout.places[name]
        for i in range(place.size):
            names[place.offset + i] = name, i if place.spec.array else -1
    return names


def received_from(call: Call) -> int | None:
    """The channel from which a call takes a message."""
    name = call.action.name
    given = dict(zip(call.action.parameters, call.arguments, strict=True))
    if name in message_diff.RECEIVES_OF_TASK_EXECUTOR:
        return way(given["tm"], message_diff.RECEIVES_OF_TASK_EXECUTOR[name])
    if name == message_diff.LOST:
        return given["channel"]
    return message_diff.RECEIVES.get(name)


def variants(whole: Whole) -> Any:
    """For each step the number of its call, divided by the kind of message that it receives."""
    column = {name: at for at, name in enumerate(whole.names) if name is not None}
    keys = whole.calls << 8
    for call in whole.instance.calls:
        channel = received_from(call)
        if channel is None:
            continue
        place = dict(zip(call.action.parameters, call.arguments, strict=True))["place"]
        post = channel * whole.instance.setting["channel_room"] + place
        steps = whole.calls == call.index
        keys[steps] += whole.cells[whole.sources[steps], column["message", post]]
    return np.unique(keys, return_inverse=True)[1].reshape(-1).astype(np.int64)


# -------------------------------------------------------------------- what is read and written

Cell = tuple[str, int]
SEEN: set[Cell] = set()
"""The cells that were read."""


def _traced(array: type[Any]) -> type[Any]:
    class Traced(array):  # type: ignore[misc]
        __slots__ = ()

        def __getitem__(self, index: int) -> int:
            SEEN.add((self.name, index))
            value: int = array.__getitem__(self, index)
            return value

        def __iter__(self) -> Iterator[int]:
            for index, value in enumerate(list.__iter__(self)):
                SEEN.add((self.name, index))
                yield value

        def __contains__(self, wanted: object) -> bool:
            return any(value == wanted for value in self)

    return Traced


class Tracer:
    """An interpreter that notes which cells are read and written."""

    def __init__(self, whole: Whole) -> None:
        self.interpreter = Interpreter(whole.instance)
        self.layout = Layout(whole.instance)
        self.column = {name: at for at, name in enumerate(whole.names) if name is not None}
        machines, plain = _traced(WatchedMachines), _traced(WatchedList)
        cells = self.interpreter._cells
        self.arrays = {id(one): one for one, own in cells if isinstance(own, int)}.values()
        for array in self.arrays:
            array.__class__ = machines if isinstance(array, WatchedMachines) else plain
        scalars: dict[int, tuple[Any, dict[str, str]]] = {}
        for name, (holder, own) in self.interpreter._holders.items():
            scalars.setdefault(id(holder), (holder, {}))[1][own] = name
        for holder, names in scalars.values():
            self.trace_scalars(holder, names)

    @staticmethod
    def trace_scalars(holder: Any, names: dict[str, str]) -> None:
        def read(s: Any, name: str) -> Any:
            if name in names:
                SEEN.add((names[name], -1))
            return object.__getattribute__(s, name)

        traced = type(type(holder).__name__, (type(holder),), {"__getattribute__": read})
        object.__setattr__(holder, "__class__", traced)

    def load(self, row: Any) -> None:
        values = self.layout.decode(row.tobytes())
        interpreter = self.interpreter
        packed = np.zeros(len(interpreter._values), np.uint16)
        for array in self.arrays:
            begin = array.place.offset
            packed[begin : begin + len(array)] = values[array.name]
        for name, place in interpreter._scalars.items():
            if place.offset >= 0:
                packed[place.offset] = values[name]
        interpreter.load(packed.tobytes())
        SEEN.clear()

    def step(self, call: Call) -> tuple[list[int], list[int]]:
        """The columns that a call reads and writes in the loaded state."""
        interpreter = self.interpreter
        result = interpreter.functions[call.action.name](interpreter.s, *call.arguments)
        read = set(SEEN)
        interpreter.finish(call, result)
        written = {
            (index, -1) if array is None else (array.name, index)
            for array, index, _ in interpreter.journal
        }
        interpreter.undo()
        return self.columns(read), self.columns(written)

    def columns(self, cells: set[Cell]) -> list[int]:
        return [self.column[cell] for cell in cells if cell in self.column]


def footprints(whole: Whole, tracer: Tracer, kinds: Any) -> tuple[Any, Any]:
    """What each variant reads and writes, as masks over the cells."""
    count = int(kinds.max()) + 1
    read = np.zeros((count, len(whole.names)), bool)
    written = np.zeros_like(read)
    sources = whole.sources
    chosen = np.random.default_rng(1).permutation(len(kinds))[:STEPS_TRACED]
    rare = np.unique(kinds, return_index=True)[1]  # at least one step of each
    for step in np.union1d(chosen, rare):
        tracer.load(whole.cells[sources[step]])
        reads, writes = tracer.step(whole.instance.calls[whole.calls[step]])
        read[kinds[step], reads] = True
        written[kinds[step], writes] = True
    return read, written


def seen_by_properties(whole: Whole, tracer: Tracer) -> Any:
    """What each ``always`` property reads, as masks over the cells."""
    instance = whole.instance
    declared = [p for p in instance.properties.values() if p.kind is Kind.ALWAYS]
    seen = np.zeros((len(declared), len(whole.names)), bool)
    some = random.Random(1).sample(range(whole.size), min(whole.size, STATES_ASKED))
    for state in some:
        tracer.load(whole.cells[state])
        for number, one in enumerate(declared):
            SEEN.clear()
            for elements in choices(instance, one):
                instance.rule(one.function)(tracer.interpreter.s, *elements)
            seen[number, tracer.columns(SEEN)] = True
    return seen


def changed(whole: Whole, kinds: Any) -> Any:
    """What each variant really changes, as masks over the cells."""
    mask = np.zeros((int(kinds.max()) + 1, len(whole.names)), bool)
    sources = whole.sources
    for column in range(len(whole.names)):
        steps = whole.cells[sources, column] != whole.cells[whole.targets, column]
        mask[np.unique(kinds[steps]), column] = True
    return mask


def overlapping(one: Any, other: Any) -> Any:
    """Which rows of two masks have a cell in common."""
    return one.astype(np.float32) @ other.astype(np.float32).T > 0


def dependent(read: Any, written: Any) -> Any:
    found = overlapping(written, read | written)
    return found | found.T


# -------------------------------------------------------------------------- stubborn sets


@numba.njit(cache=True)
def target_of(first, targets, kinds, state, kind):  # type: ignore[no-untyped-def]
    for step in range(first[state], first[state + 1]):
        if kinds[step] == kind:
            return targets[step]
    return -1


@numba.njit(cache=True)
def disturbing(count, first, targets, kinds):  # type: ignore[no-untyped-def]
    """Which variants do not commute in some state, and which are possible together."""
    apart = np.zeros((count, count), np.bool_)
    together = np.zeros((count, count), np.bool_)
    for state in range(len(first) - 1):
        for i in range(first[state], first[state + 1]):
            a = kinds[i]
            for j in range(i + 1, first[state + 1]):
                b = kinds[j]
                together[a, b] = together[b, a] = True
                if apart[a, b]:
                    continue
                end = target_of(first, targets, kinds, targets[i], b)
                if end < 0 or end != target_of(first, targets, kinds, targets[j], a):
                    apart[a, b] = apart[b, a] = True
    return apart, together


@numba.njit(cache=True)
def enabling(count, cells, first, targets, kinds, values):  # type: ignore[no-untyped-def]
    """Where each variant is possible, by the value of each cell; and for each cell the variants
    that give it such a value, as bits."""
    states, width = cells.shape
    right = np.zeros((count, width, values), np.bool_)
    gives = np.zeros((width, values, (count + 63) // 64), np.uint64)
    for state in range(states):
        for step in range(first[state], first[state + 1]):
            kind = kinds[step]
            for cell in range(width):
                right[kind, cell, cells[state, cell]] = True
                new = cells[targets[step], cell]
                if new != cells[state, cell]:
                    gives[cell, new, kind >> 6] |= np.uint64(1) << np.uint64(kind & 63)
    helps = np.zeros((count, width, gives.shape[2]), np.uint64)
    for kind in range(count):
        for cell in range(width):
            for value in range(values):
                if right[kind, cell, value]:
                    for word in range(gives.shape[2]):
                        helps[kind, cell, word] |= gives[cell, value, word]
    return right, helps


@numba.njit(cache=True)
def ones(word):  # type: ignore[no-untyped-def]
    count = 0
    while word:
        word &= word - np.uint64(1)
        count += 1
    return count


@numba.njit(cache=True)
def reduced(count, relation, right, helps, cells, first, targets, kinds, proviso):  # type: ignore[no-untyped-def]
    """How many states and steps are left if each state takes its smallest stubborn set, and
    which states."""
    words = relation.shape[1]
    width = cells.shape[1]
    seen = np.zeros(len(first) - 1, np.bool_)
    queue = np.zeros(len(first) - 1, np.int64)
    seen[0] = True
    head, tail, steps = 0, 1, 0
    possible = np.zeros(words, np.uint64)
    chosen, best, waiting = (
        np.zeros_like(possible),
        np.zeros_like(possible),
        np.zeros_like(possible),
    )
    while head < tail:
        state = queue[head]
        head += 1
        possible[:] = 0
        for step in range(first[state], first[state + 1]):
            possible[kinds[step] >> 6] |= np.uint64(1) << np.uint64(kinds[step] & 63)
        smallest = first[state + 1] - first[state]
        best[:] = possible
        for step in range(first[state], first[state + 1]):
            if smallest <= 1:
                break
            chosen[:] = 0
            chosen[kinds[step] >> 6] |= np.uint64(1) << np.uint64(kinds[step] & 63)
            waiting[:] = chosen
            number = 1
            again = True
            while again and number < smallest:
                again = False
                for kind in range(count):
                    bit = np.uint64(1) << np.uint64(kind & 63)
                    if not waiting[kind >> 6] & bit:
                        continue
                    waiting[kind >> 6] ^= bit
                    again = True
                    row = relation[kind]
                    if not possible[kind >> 6] & bit:
                        cost = -1
                        for cell in range(width):
                            if right[kind, cell, cells[state, cell]]:
                                continue
                            price = 0
                            for word in range(words):
                                new = helps[kind, cell, word] & ~chosen[word]
                                price += 1000 * ones(new & possible[word]) + ones(new)
                            if cost < 0 or price < cost:
                                cost = price
                                row = helps[kind, cell]
                            if cost == 0:
                                break
                        if cost < 0:  # no single cell tells why it is impossible
                            number = smallest
                            break
                    number = 0
                    for word in range(words):
                        new = row[word] & ~chosen[word]
                        chosen[word] |= new
                        waiting[word] |= new
                        number += ones(chosen[word] & possible[word])
                    if number >= smallest:
                        break
            if number < smallest:
                smallest = number
                best[:] = chosen
        onward = not proviso
        for step in range(first[state], first[state + 1]):
            is_chosen = best[kinds[step] >> 6] >> np.uint64(kinds[step] & 63) & np.uint64(1)
            onward |= is_chosen != 0 and not seen[targets[step]]
        if not onward:
            best[:] = possible
        for step in range(first[state], first[state + 1]):
            if best[kinds[step] >> 6] >> np.uint64(kinds[step] & 63) & np.uint64(1):
                steps += 1
                if not seen[targets[step]]:
                    seen[targets[step]] = True
                    queue[tail] = targets[step]
                    tail += 1
    return tail, steps, seen


def as_bits(relation: Any) -> Any:
    count = len(relation)
    bits = np.zeros((count, (count + 63) // 64), np.uint64)
    for kind in range(count):
        bits[:, kind >> 6] |= relation[:, kind].astype(np.uint64) << np.uint64(kind & 63)
    return bits


# -------------------------------------------------------------------------------- the report


@dataclass
class Row:
    """The figures of one instance.

    :ivar left: the states that are left, for each relation without and with properties.
    :ivar obstacles: fields -> how many pairs of calls that commute share one of them.
    """

    states: int
    steps: int
    left: dict[str, tuple[int, int]]
    obstacles: Counter[str]
    commuting: int


def measure(instance: Instance, most: int, proviso: bool = False) -> Row | None:
    """The figures of one instance; None if it has more than `most` states."""
    whole = whole_graph(instance, most)
    if whole is None:
        return None
    kinds = variants(whole)
    count = int(kinds.max()) + 1
    tracer = Tracer(whole)
    read, written = footprints(whole, tracer, kinds)
    visible = overlapping(changed(whole, kinds), seen_by_properties(whole, tracer))
    alike = overlapping(visible, visible)
    apart, together = disturbing(count, whole.first, whole.targets, kinds)
    in_channels = np.array([name is not None and name[0] in CHANNELS for name in whole.names])
    relations = {
        "fields": dependent(read, written) | apart,
        "queues": dependent(read & ~in_channels, written & ~in_channels) | apart,
        "commuting": apart,
    }
    used = (whole.cells != whole.cells[0]).any(0)
    cells = np.ascontiguousarray(whole.cells[:, used])
    values = int(cells.max()) + 1
    right, helps = enabling(count, cells, whole.first, whole.targets, kinds, values)
    stuck = np.diff(whole.first) == 0
    left = {}
    for name, relation in relations.items():
        both = []
        for more in (relation, relation | alike):
            bits = as_bits(more)
            states, _, seen = reduced(
                count, bits, right, helps, cells, whole.first, whole.targets, kinds, proviso
            )
            assert seen[stuck].all(), "a stubborn set keeps every deadlock"
            both.append(int(states))
        left[name] = both[0], both[1]
    return Row(
        whole.size,
        len(kinds),
        left,
        obstacles(whole, read, written, together & ~apart),
        int(np.triu(together & ~apart, 1).sum()),
    )


def obstacles(whole: Whole, read: Any, written: Any, commuting: Any) -> Counter[str]:
    """The fields that make calls depend on each other which in fact commute."""
    found: Counter[str] = Counter()
    fields = [None if name is None else name[0] for name in whole.names]
    for field in dict.fromkeys(filter(None, fields)):
        own = np.array([name == field for name in fields])
        pairs = np.triu(dependent(read & own, written & own) & commuting, 1)
        found[field] = int(pairs.sum())
    return found


def factor(row: Row, left: int) -> str:
    return f"{row.states / left:.2f}"


def report(title: str, row: Row) -> None:
    figures = " | ".join(
        f"{factor(row, plain)} | {factor(row, seen)}" for plain, seen in row.left.values()
    )
    shares = ", ".join(
        f"`{name}` {100 * number // max(1, row.commuting)}%"
        for name, number in row.obstacles.most_common(4)
    )
    print(f"| {title} | {row.states:,} | {row.steps:,} | {figures} | {shares} |", flush=True)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--model", default="cluster")
    parser.add_argument("--generation", help="the newest, if it is left out")
    parser.add_argument("--scope", action="append", help="all, if it is left out")
    parser.add_argument("--set", action="append", default=[], metavar="BOUND=NUMBER")
    parser.add_argument(
        "--most", type=int, default=200_000, help="states; larger ones are left out"
    )
    parser.add_argument("--proviso", action="store_true", help="apply the proviso")
    return parser.parse_args(given)


def main() -> None:
    given = arguments()
    model: Model = load_model(given.model)
    bounds = {name: int(value) for name, value in (one.split("=") for one in given.set)}
    names = given.scope or [s.name for s in model.scopes.values() if not s.simulation_only]
    print(
        "| scope | states | steps | fields | visible | queues | visible | commuting | visible |"
        " fields that make calls depend on each other which commute |"
    )
    print("|---|" + "--:|" * 8 + "---|")
    for name in names:
        instance = model.instance(bounds, generation=given.generation, scope=name)
        row = measure(instance, given.most, given.proviso)
        if row is not None:
            report(f"`{name}`", row)


if __name__ == "__main__":
    main()
