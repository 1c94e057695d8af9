"""``leads to``: verdicts known by reasoning or by brute force, and the runs that show them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from slotspec.statemachine import (
    DISABLED,
    Array,
    DeclarationError,
    Fairness,
    Finding,
    Instance,
    Limit,
    Limits,
    Model,
    PropertyResult,
    Record,
    Result,
    Sort,
    UsageError,
    Verdict,
    check,
    constant,
    explore_interpreted,
    number,
    per,
    scalar,
)
from slotspec.statemachine.interpreter.liveness import flaw
from slotspec.statemachine.search.engine import explore_compiled
from tests.statemachine.tiny import LAMPS, Room, anything, counter, room

WEAK, STRONG = Fairness.WEAK, Fairness.STRONG
Search = Callable[[Instance], Result]

ENGINES: dict[str, Search] = {
    "interpreted": explore_interpreted,
    "compiled": explore_compiled,
    "two workers": lambda instance: explore_compiled(instance, workers=2),
}


@pytest.fixture(params=ENGINES)
def search(request: pytest.FixtureRequest) -> Search:
    return ENGINES[request.param]


def one(result: Result, name: str) -> PropertyResult:
    return next(p for p in result.properties if p.property.name == name)


def run_of(result: Result, name: str) -> Finding:
    finding = one(result, name).finding
    assert finding is not None
    return finding


def calls_of(finding: Finding) -> list[str]:
    return [str(call) for call in finding.calls]


# ------------------------------------------------------------------------ mutual exclusion

PROCESSES = Sort("parties", "Processes that share a room.", default=2)
OUTSIDE, WAITING, INSIDE = 0, 1, 2


class Hall(Record):
    """Processes before a room that holds one of them."""

    place: Array = per(PROCESSES, number(2), "Outside, waiting, or inside.")


def exclusion(entering: Fairness | None, leaving: Fairness | None = WEAK) -> Model:
    model = Model("exclusion", "Processes and one room.", Hall)

    @model.action(process=PROCESSES)
    def ask(s: Hall, process: int) -> int:
        """A process wants to enter; none has to."""
        if s.place[process] != OUTSIDE:
            return DISABLED
        s.place[process] = WAITING
        return 0

    @model.action(process=PROCESSES, fair=entering)
    def enter(s: Hall, process: int) -> int:
        """A waiting process enters the empty room."""
        if s.place[process] != WAITING or occupied_by(s) >= 0:
            return DISABLED
        s.place[process] = INSIDE
        return 0

    @model.action(process=PROCESSES, fair=leaving)
    def leave(s: Hall, process: int) -> int:
        """A process leaves the room."""
        if s.place[process] != INSIDE:
            return DISABLED
        s.place[process] = OUTSIDE
        return 0

    @model.leads_to("a test", inside, each={"process": PROCESSES})
    def who_waits_enters(s: Hall, process: int) -> bool:
        """Who waits enters in the end."""
        return s.place[process] == WAITING

    @model.leads_to("a test", empty)
    def the_room_gets_empty(s: Hall) -> bool:
        """Nobody stays inside for ever."""
        return occupied_by(s) >= 0

    @model.leads_to("a test", inside, each={"process": PROCESSES})
    def three_inside(s: Hall, process: int) -> bool:
        """What never begins."""
        return s.place[process] > INSIDE

    return model


def occupied_by(s: Hall) -> int:
    for process in range(len(s.place)):
        if s.place[process] == INSIDE:
            return process
    return -1


def inside(s: Hall, process: int) -> bool:
    return s.place[process] == INSIDE


def empty(s: Hall) -> bool:
    return occupied_by(s) < 0


@pytest.mark.parametrize(
    ("entering", "leaving", "waits", "empties"),
    [
        (None, WEAK, Verdict.VIOLATED, Verdict.HOLDS),
        (WEAK, WEAK, Verdict.VIOLATED, Verdict.HOLDS),
        (STRONG, WEAK, Verdict.HOLDS, Verdict.HOLDS),
        (STRONG, None, Verdict.VIOLATED, Verdict.VIOLATED),
    ],
)
def test_mutual_exclusion(
    search: Search,
    entering: Fairness | None,
    leaving: Fairness | None,
    waits: Verdict,
    empties: Verdict,
) -> None:
    result = search(exclusion(entering, leaving).instance())
    assert one(result, "who_waits_enters").verdict is waits
    assert one(result, "the_room_gets_empty").verdict is empties
    vacuous = one(result, "three_inside")
    assert (vacuous.verdict, vacuous.reason) == (
        Verdict.HOLDS,
        "it never begins: no reachable state is one that it is about",
    )
    assert result.verdict is waits
    assert result.limit is None


def test_a_run_without_fairness_stays_where_it_is(search: Search) -> None:
    finding = run_of(search(exclusion(None).instance()), "who_waits_enters")
    assert calls_of(finding) == ["ask(process=0)"]
    assert (finding.since, finding.loop, finding.elements) == (1, 1, (0,))


def test_a_weakly_fair_run_can_let_the_other_process_pass_again_and_again(
    search: Search,
) -> None:
    finding = run_of(search(exclusion(WEAK).instance()), "who_waits_enters")
    assert calls_of(finding) == [
        "ask(process=0)",
        "ask(process=1)",
        "enter(process=1)",
        "leave(process=1)",
    ]
    assert (finding.since, finding.loop, finding.elements) == (1, 1, (0,))
    assert finding.steps[finding.loop - 1].after == finding.steps[-1].after


def test_a_sort_has_as_many_choices_as_elements(search: Search) -> None:
    # only the third process may wait for ever
    model = exclusion(STRONG)

    def entered(s: Hall, process: int) -> bool:
        return s.place[process] == INSIDE or process < 2

    @model.leads_to("a test", entered, each={"process": PROCESSES})
    def who_is_outside_enters(s: Hall, process: int) -> bool:
        """Nobody has to ask."""
        return s.place[process] == OUTSIDE

    finding = run_of(search(model.instance({"parties": 3})), "who_is_outside_enters")
    assert (finding.elements, finding.loop, len(finding.steps)) == ((2,), 0, 0)


def test_two_parameters(search: Search) -> None:
    model = exclusion(WEAK)

    def gone(s: Hall, process: int, other: int) -> bool:
        return s.place[process] == OUTSIDE or s.place[other] != INSIDE

    @model.leads_to("a test", gone, each={"process": PROCESSES, "other": PROCESSES})
    def nobody_waits_beside(s: Hall, process: int, other: int) -> bool:
        """The one inside leaves."""
        return s.place[process] == WAITING and s.place[other] == INSIDE

    def never(s: Hall, process: int, other: int) -> bool:
        return process == other or other == 0

    @model.leads_to("a test", never, each={"process": PROCESSES, "other": PROCESSES})
    def the_order_counts(s: Hall, process: int, other: int) -> bool:
        """It is about (0, 1) and (0, 2) and (1, 2) and (2, 1); the second comes last."""
        return s.place[process] == INSIDE and other == process + 1 and process == 1

    result = search(model.instance({"parties": 3}))
    assert one(result, "nobody_waits_beside").verdict is Verdict.HOLDS
    finding = run_of(result, "the_order_counts")
    assert (finding.elements, finding.since) == ((1, 2), 2)


@pytest.mark.slow
def test_many_states_found_by_several_workers(monkeypatch: Any) -> None:
    from slotspec.statemachine.search import worker_pool as crew
    from slotspec.statemachine.search.graph import CompiledGraph

    monkeypatch.setattr(crew, "BATCH", 8)
    graphs = []
    begin = CompiledGraph.__init__

    def noting(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        graphs.append(self)

    monkeypatch.setattr(CompiledGraph, "__init__", noting)
    model = exclusion(WEAK)

    def first_inside(s: Hall) -> bool:
        return s.place[0] == INSIDE

    @model.leads_to("a test", first_inside)
    def crowded(s: Hall) -> bool:
        """All wait but one."""
        count = 0
        for process in range(len(s.place)):
            if s.place[process] == WAITING:
                count += 1
        return count >= len(s.place) - 1

    instance = model.instance({"parties": 13})
    alone = explore_compiled(instance)
    for _ in range(20):
        together = explore_compiled(instance, workers=2)
        if 0 < graphs[-1].found.before[1] < graphs[-1].size:
            break  # on a busy machine, one worker may finish before the other begins
    else:
        pytest.fail("one worker found everything, again and again")
    assert [p.verdict for p in together.properties] == [p.verdict for p in alone.properties]
    for result in (alone, together):
        finding = run_of(result, "crowded")
        assert flaw(instance, instance.properties["crowded"], finding) is None
        assert (finding.since, finding.loop) == (12, 12)
        assert one(result, "the_room_gets_empty").verdict is Verdict.HOLDS
    # several workers mix depths, so states are not numbered by depth; the nearest start counts
    graph = graphs[-1]
    depths = graph._depths()
    assert all(depths[state] == len(graph.way_to(state)) for state in range(0, graph.size, 97))
    graph._depth = np.arange(graph.size)[::-1]
    anywhere = np.ones(graph.size, dtype=np.uint8)
    assert graph.onward(anywhere, anywhere, anywhere) == (graph.size - 1, [])


# -------------------------------------------------------------------- small graphs by hand

SIZE = 6
CALLS = 2
FAIR_KINDS = ("unfair", "weak", "strong", "fault")


class Board(Record):
    """The number of a graph and a place in it; the steps are in a table."""

    steps: Array = constant("Where each call leads.", lambda setting: setting["steps"])
    graph: int = scalar(number(200), "Which graph, counted from 1.")
    at: int = scalar(number(SIZE), "Where in it.")


Table = dict[tuple[int, str, int], int]
"""(place, kind of action, argument) -> place."""


class Case:
    """A graph over `SIZE` places from 0: its steps, and where p and q hold."""

    def __init__(self, steps: Table, p: set[int], q: set[int]) -> None:
        self.steps, self.p, self.q = steps, p, q

    def reachable(self) -> set[int]:
        graph: Any = nx.DiGraph([(a, b) for (a, _, _), b in self.steps.items()])
        graph.add_node(0)
        return {0} | nx.descendants(graph, 0)

    def violated(self) -> bool:
        """By brute force: tries every set of places as the one that a run stays in."""
        alive = self.reachable() - self.q
        ways: Any = nx.DiGraph()
        ways.add_nodes_from(alive)
        ways.add_edges_from(
            (a, b) for (a, _, _), b in self.steps.items() if a in alive and b in alive
        )
        begun = set(self.p & alive)
        for start in self.p & alive:
            begun |= nx.descendants(ways, start)
        for size in range(1, len(begun) + 1):
            for places in combinations(sorted(begun), size):
                if self.can_stay(set(places)):
                    return True
        return False

    def can_stay(self, places: set[int]) -> bool:
        """Whether a fair run may visit exactly these places again and again."""
        moves = {
            (a, kind, n): b
            for (a, kind, n), b in self.steps.items()
            if a in places and b in places and kind != "fault" and a != b
        }
        graph: Any = nx.DiGraph([(a, b) for (a, _, _), b in moves.items()])
        graph.add_nodes_from(places)
        if not nx.is_strongly_connected(graph):
            return False
        for kind in ("weak", "strong"):
            for n in range(CALLS):
                can = [self.steps.get((a, kind, n), a) != a for a in places]
                taken = any((a, kind, n) in moves for a in places)
                put_off = all(can) if kind == "weak" else any(can)
                if put_off and not taken:
                    return False
        return True


def boards(cases: list[Case]) -> Instance:
    """All cases as one instance, with one property for each."""
    model = Model("boards", "Graphs that are given by a table.", Board)
    last = len(cases)
    stay = SIZE

    def to(s: Board, kind: int, n: int) -> int:
        if s.graph == 0:
            return DISABLED
        target = s.steps[(((s.graph - 1) * stay + s.at) * 4 + kind) * CALLS + n]
        if target == stay:
            return DISABLED
        s.at = target
        return 0

    @model.action(graph=last, fair=WEAK)
    def choose(s: Board, graph: int) -> int:
        """Begin with one of the graphs."""
        if s.graph != 0:
            return DISABLED
        s.graph = graph + 1
        return 0

    @model.action(n=CALLS)
    def unfair(s: Board, n: int) -> int:
        """Nothing is promised."""
        return to(s, 0, n)

    @model.action(n=CALLS, fair=WEAK)
    def weak(s: Board, n: int) -> int:
        """It is not put off for ever while it is possible."""
        return to(s, 1, n)

    @model.action(n=CALLS, fair=STRONG)
    def strong(s: Board, n: int) -> int:
        """It is not put off for ever if it is possible again and again."""
        return to(s, 2, n)

    @model.action(n=CALLS, fault=True)
    def fault(s: Board, n: int) -> int:
        """It stops some day."""
        return to(s, 3, n)

    @model.final_states
    def anywhere(s: Board) -> bool:
        """A graph may end."""
        return True

    for i, case in enumerate(cases):
        declare(model, i, case)
    table = tuple(
        case.steps.get((a, kind, n), SIZE)
        for case in cases
        for a in range(SIZE)
        for kind in FAIR_KINDS
        for n in range(CALLS)
    )
    return model.instance(choices={"steps": table})


def declare(model: Model, i: int, case: Case) -> None:
    p = tuple(int(a in case.p) for a in range(SIZE))
    q = tuple(int(a in case.q) for a in range(SIZE))

    def follows(s: Board) -> bool:
        return s.graph == i + 1 and q[s.at] == 1

    def begins(s: Board) -> bool:
        """Of one graph."""
        return s.graph == i + 1 and p[s.at] == 1

    begins.__name__ = f"graph{i}"
    model.leads_to("a test", follows)(begins)


def drawn(chance: random.Random) -> Case:
    steps: Table = {}
    density = chance.choice((0.15, 0.3, 0.5))
    for a in range(SIZE):
        for kind in FAIR_KINDS:
            for n in range(CALLS):
                if chance.random() < density:
                    steps[a, kind, n] = chance.randrange(SIZE)
    return Case(
        steps,
        {a for a in range(SIZE) if chance.random() < 0.4},
        {a for a in range(SIZE) if chance.random() < 0.25},
    )


def steps(*texts: str) -> Table:
    """``0 weak0 1`` as a step from 0 to 1 by the call weak(n=0)."""
    found = {}
    for text in texts:
        a, call, b = text.split()
        found[int(a), call[:-1], int(call[-1])] = int(b)
    return found


BY_HAND: dict[str, tuple[Case, list[str] | None, tuple[int, int]]] = {
    # the violating run without the choice of the graph, and (since, loop) counted likewise
    "a fair step is taken": (Case(steps("0 weak0 1"), {0}, {1}), None, (0, 0)),
    "an unfair one need not be": (Case(steps("0 unfair0 1"), {0}, {1}), [], (0, 0)),
    "a fault need not happen": (Case(steps("0 fault0 1"), {0}, {1}), [], (0, 0)),
    "a step that changes nothing is none": (
        Case(steps("0 weak0 0", "0 strong0 0"), {0}, {1}),
        [],
        (0, 0),
    ),
    "weakly fair calls are put off where they come and go": (
        Case(steps("0 weak0 2", "0 weak1 1", "1 weak1 0"), {0}, {2}),
        ["weak(n=1)", "weak(n=1)"],
        (0, 0),
    ),
    "strongly fair ones are not": (
        Case(steps("0 strong0 2", "0 weak1 1", "1 weak1 0"), {0}, {2}),
        None,
        (0, 0),
    ),
    "each call is fair by itself": (
        Case(steps("0 weak0 2", "0 weak1 1", "1 weak0 2", "1 weak1 0"), {0}, {2}),
        None,
        (0, 0),
    ),
    "where a strong call is possible nobody comes for ever": (
        # removing 0, where strong0 leads out, leaves 1 and 2
        Case(steps("0 strong0 5", "0 weak0 1", "1 weak0 2", "2 weak0 1", "2 unfair0 0"), {0}, {5}),
        ["weak(n=0)", "weak(n=0)", "weak(n=0)"],
        (0, 1),
    ),
    "a fault leads to the loop": (
        Case(steps("0 weak0 5", "0 fault0 1", "1 weak0 2", "2 weak0 1"), {0}, {5}),
        ["fault(n=0)", "weak(n=0)", "weak(n=0)"],
        (0, 1),
    ),
    "a fault is not in the loop": (
        Case(steps("0 weak0 1", "1 fault0 0", "1 weak0 5"), {0}, {5}),
        None,
        (0, 0),
    ),
    "a fault leads to where the premise holds": (
        Case(steps("0 fault1 1"), {1}, {5}),
        ["fault(n=1)"],
        (1, 1),
    ),
    "what follows may hold before, and not again": (
        Case(steps("0 weak0 1", "1 weak0 2"), {0, 2}, {1}),
        ["weak(n=0)", "weak(n=0)"],
        (2, 2),
    ),
    "what holds at once is enough": (Case(steps("0 weak0 1"), {0}, {0}), None, (0, 0)),
    "the premise need not go on": (
        Case(steps("0 weak0 1", "1 unfair0 2"), {0}, {2}),
        ["weak(n=0)"],
        (0, 1),
    ),
    "a loop owes nothing to what it does not meet": (
        Case(steps("0 weak0 1", "1 weak0 0", "1 unfair0 2", "2 strong0 1"), {0}, {5}),
        ["weak(n=0)", "weak(n=0)"],
        (0, 0),
    ),
    "the way home may meet more": (
        # strong0 has to be taken; the way back from where it leads meets strong1
        Case(steps("0 strong0 1", "1 weak0 2", "2 weak0 0", "2 strong1 3", "3 weak0 2"), {0}, {5}),
        ["strong(n=0)", "weak(n=0)", "strong(n=1)", "weak(n=0)", "weak(n=0)"],
        (0, 0),
    ),
    "a loop does all that is asked": (
        Case(
            steps("0 strong0 1", "0 weak0 2", "1 weak1 0", "2 strong1 0", "2 unfair0 0"), {0}, {5}
        ),
        ["weak(n=0)", "strong(n=1)", "strong(n=0)", "weak(n=1)"],
        (0, 0),
    ),
}


@pytest.fixture(scope="module")
def by_hand() -> dict[str, Result]:
    instance = boards([case for case, _, _ in BY_HAND.values()])
    return {name: search(instance) for name, search in ENGINES.items()}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(by_hand: dict[str, Result], name: str, engine: str) -> None:
    case, calls, (since, loop) = BY_HAND[name]
    found = one(by_hand[engine], f"graph{list(BY_HAND).index(name)}")
    assert case.violated() == (calls is not None)
    if calls is None:
        assert (found.verdict, found.finding) == (Verdict.HOLDS, None)
        return
    assert found.verdict is Verdict.VIOLATED
    assert found.finding is not None
    assert calls_of(found.finding)[1:] == calls
    assert (found.finding.since, found.finding.loop) == (since + 1, loop + 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_by_brute_force(seed: int) -> None:
    chance = random.Random(seed)
    cases = [drawn(chance) for _ in range(120)]
    instance = boards(cases)
    expected = [case.violated() for case in cases]
    assert 20 < sum(expected) < 100
    runs = set()
    for search in ENGINES.values():
        result = search(instance)
        assert [p.verdict is Verdict.VIOLATED for p in result.properties] == expected
        assert all(p.verdict in (Verdict.VIOLATED, Verdict.HOLDS) for p in result.properties)
        runs.add(tuple(described(result)))
    # states are numbered in breadth-first order, which decides among equal runs
    assert len(runs) <= 2
    kinds = {kind for (kind, *_) in next(iter(runs))}
    assert kinds == {"none", "stays", "goes round"}


def described(result: Result) -> Iterator[tuple[Any, ...]]:
    for found in result.properties:
        finding = found.finding
        if finding is None:
            yield ("none",)
            continue
        assert flaw(result.instance, found.property, finding) is None
        stays = finding.loop == len(finding.steps)
        yield ("stays" if stays else "goes round", finding.since, finding.loop, finding.calls)


# ------------------------------------------------------------------------- checks of a run


def test_flawed_runs_are_detected() -> None:
    instance = exclusion(WEAK).instance()
    result = explore_interpreted(instance)
    declared = instance.properties["who_waits_enters"]
    good = run_of(result, "who_waits_enters")
    assert flaw(instance, declared, good) is None
    wrong = {
        "holds after 0 steps|does not hold": replace(good, since=0),
        "steps differs from that after": replace(good, steps=good.steps[:-1]),
        "does not say": replace(good, loop=None),
        "its loop begins at 9": replace(good, loop=9),
        "enter\\(process=0\\) is never taken": replace(good, steps=good.steps[:1]),
        "changes nothing": replace(good, steps=(*good.steps, good.steps[0])),
        "inside holds": replace(good, elements=(1,), since=2, loop=4),
    }
    for why, finding in wrong.items():
        found = flaw(instance, declared, finding)
        assert found is not None
        assert re.search(why, found)


def test_a_fault_inside_a_loop_is_detected() -> None:
    instance = boards([Case(steps("0 weak0 1", "1 fault0 0"), {0}, {5})])
    finding = run_of(explore_interpreted(instance), "graph0")
    by_name = {str(call): call for call in instance.calls}
    calls = [*finding.calls, by_name["fault(n=0)"]]
    from slotspec.statemachine import explain

    round_ = replace(explain(instance, calls), since=1, loop=1)
    found = flaw(instance, instance.properties["graph0"], round_)
    assert found == "step 3, fault(n=0), is a fault inside the loop"


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("option", "why"),
    [("fingerprints", "fingerprints cannot"), ("symmetry", "only exact symmetry can")],
)
def test_modes_that_lose_states_are_refused(option: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"runs that never end, which {why}") as error:
        check(exclusion(WEAK).instance(), **{option: True})
    assert error.value.code == "SET035"


def test_they_are_allowed_without_leads_to_properties() -> None:
    instance = exclusion(WEAK).instance()
    instance.properties = {}
    assert check(instance, fingerprints=True).states == 8


@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
@pytest.mark.parametrize("limits", [Limits(states=5), Limits(depth=2)])
def test_leads_to_is_unknown_after_a_truncated_search(engine: Any, limits: Limits) -> None:
    result = check(exclusion(STRONG).instance(), engine, limits)
    found = one(result, "who_waits_enters")
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason is not None
    assert found.reason.startswith("limit on ")
    assert result.verdict is Verdict.UNKNOWN


class Slow:
    """A clock that stands still during the search and is far ahead after it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("module", ["interpreter.exploring", "search.explorer"])
def test_time_runs_out_during_the_search_for_loops(module: str, monkeypatch: Any) -> None:
    import importlib

    place = importlib.import_module(f"slotspec.statemachine.{module}")
    clock = Slow()
    monkeypatch.setattr(place, "perf_counter", clock)
    examine = place.examine

    def late(*arguments: Any) -> Any:
        clock.now = 100.0
        return examine(*arguments)

    monkeypatch.setattr(place, "examine", late)
    search: Any = explore_interpreted if module == "interpreter.exploring" else explore_compiled
    result = search(exclusion(STRONG).instance(), Limits(seconds=50.0))
    assert {p.verdict for p in result.properties} == {Verdict.UNKNOWN}
    assert {p.reason for p in result.properties} == {"limit on seconds"}
    assert (result.limit, result.states, result.seconds) == (Limit.SECONDS, 8, 100.0)


@pytest.mark.parametrize("module", ["interpreter.exploring", "search.explorer"])
def test_an_interrupt_during_the_search_for_loops(module: str, monkeypatch: Any) -> None:
    from slotspec.statemachine.interpreter import liveness

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(liveness, "against", interrupted)
    search: Any = explore_interpreted if module == "interpreter.exploring" else explore_compiled
    model = exclusion(STRONG)
    model.always("a test")(alone)
    result = search(model.instance())
    assert one(result, "who_waits_enters").verdict is Verdict.UNKNOWN
    assert one(result, "alone").verdict is Verdict.HOLDS
    assert result.limit is Limit.INTERRUPTED


def alone(s: Hall) -> bool:
    """At most one process is inside."""
    count = 0
    for process in range(len(s.place)):
        if s.place[process] == INSIDE:
            count += 1
    return count <= 1


def test_memory_runs_out_for_the_interpreter() -> None:
    instance = boards([drawn(random.Random(1)) for _ in range(100)])
    enough = explore_interpreted(instance)
    assert enough.bytes_per_state is not None
    # enough for the states, not for the steps between them
    limits = Limits(memory=int(enough.bytes_per_state * enough.states) + 2_000)
    result = explore_interpreted(instance, limits)
    assert (result.states, result.limit) == (enough.states, Limit.MEMORY)
    assert {p.verdict for p in result.properties} == {Verdict.UNKNOWN}


def test_memory_runs_out_for_the_compiled_search(monkeypatch: Any) -> None:
    from slotspec.statemachine.search import graph

    monkeypatch.setattr(graph, "STATE_BYTES", 1 << 50)
    result = explore_compiled(exclusion(STRONG).instance())
    assert (result.states, result.limit) == (8, Limit.MEMORY)
    assert {p.verdict for p in result.properties} == {Verdict.UNKNOWN}


def test_a_side_that_cannot_be_evaluated_is_unknown(search: Search) -> None:
    model = room()
    counter(model)

    def off(s: Room) -> bool:
        return s.lamp[s.count] == 0

    @model.leads_to("a test", off)
    def begins(s: Room) -> bool:
        """It looks at a lamp that is not there."""
        return True

    result = search(model.instance())
    found = one(result, "begins")
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason is not None
    assert found.reason.startswith("property begins cannot be evaluated: ")
    assert result.fault is not None
    assert len(result.fault.steps) == 2
    assert result.verdict is Verdict.VIOLATED


def test_a_fault_is_not_fair() -> None:
    model = room()

    def burn(s: Room) -> int:
        """It may happen."""
        return 0

    with pytest.raises(DeclarationError, match="declared a fault and fair") as error:
        model.action(fair=WEAK, fault=True)(burn)
    assert error.value.code == "MDL008"


def test_both_sides_take_the_elements_of_the_property() -> None:
    model = room()

    def on(s: Room, light: int) -> bool:
        return s.lamp[light] == 1

    def pressed(s: Room, lamp: int) -> bool:
        """The two disagree on a name."""
        return s.seen[lamp] == 1

    with pytest.raises(DeclarationError, match=r"on takes \['light'\]") as error:
        model.leads_to("a test", on, each={"lamp": LAMPS})(pressed)
    assert error.value.code == "MDL009"


# ------------------------------------------------------------------------- ways to search


def test_a_checkpoint_is_resumed(tmp_path: Path) -> None:
    instance = exclusion(WEAK).instance({"parties": 4})
    plain = explore_compiled(instance)
    cut = explore_compiled(instance, Limits(depth=3), checkpoint=tmp_path)
    assert one(cut, "who_waits_enters").verdict is Verdict.UNKNOWN
    for _ in range(2):  # a finished search can be resumed too
        resumed = explore_compiled(instance, checkpoint=tmp_path, resume=True)
        assert [(p.verdict, p.finding) for p in resumed.properties] == [
            (p.verdict, p.finding) for p in plain.properties
        ]


def test_without_leads_to_no_graph_is_built(search: Search, monkeypatch: Any) -> None:
    from slotspec.statemachine.interpreter import exploring as explore
    from slotspec.statemachine.search import explorer

    def refuse(*_: Any) -> None:
        raise AssertionError("not needed")

    model = room()
    counter(model)
    monkeypatch.setattr(explore, "examine", refuse)
    monkeypatch.setattr(explorer, "examine", refuse)
    assert search(model.instance()).verdict is Verdict.HOLDS


def test_leads_to_may_have_a_known_deviation(search: Search) -> None:
    model = room()
    anything(model)

    def never(s: Room) -> bool:
        return s.count > 0

    @model.leads_to("a test", never, deviation=lambda setting: "it does not count")
    def always(s: Room) -> bool:
        """Nothing ever happens."""
        return True

    found = one(search(model.instance()), "always")
    assert (found.verdict, found.reason) == (Verdict.DEVIATES, "it does not count")
    assert found.finding is not None
    assert (found.finding.loop, found.finding.steps) == (0, ())
