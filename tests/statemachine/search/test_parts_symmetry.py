"""Symmetry reaches into the parts of a model: a part moves with the element that it belongs to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise, permutations, product
from math import factorial
from typing import Any

import numpy as np
import pytest

from slotspec.diagrams.stategraphs import state_graph
from slotspec.statemachine import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Event,
    Instance,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    check,
    fire,
    number,
    part,
    per,
    ref,
    restart,
    scalar,
)
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.results import Limits, Result, silent
from slotspec.statemachine.search.canonicalizer import EXACT, IMAGE, PREPARE, Canonicalizer
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.invoke import image_of, prepare_of
from slotspec.statemachine.search.scalarsets.proof import obstacles
from slotspec.statemachine.search.symmetry import check_symmetry

# workers that a server grants two kinds of leases to


class Life(Lifecycle):
    """A worker."""

    IDLE = State("It wants nothing.", initial=True)
    ASKING = State("It has asked.")
    WORKING = State("It works.")

    ask = Event("It asks.", (IDLE, ASKING))
    get = Event("It gets its lease.", (ASKING, WORKING))
    end = Event("It is done.", (WORKING, IDLE), (ASKING, IDLE))


PEERS = Sort("peers", "Workers, as each of them knows them.", default=3)
LEASES = Sort("leases", "Leases, as each worker knows them.", default=2)
WORKERS = Sort("workers", "Workers.", default=3, symmetric=True, prefix="w")
TOKENS = Sort("tokens", "What is leased.", default=2, symmetric=True, prefix="t")


class WorkerState(Record):
    """What one worker remembers."""

    asked: int = scalar(FLAG, "It wants to work.")
    before: int = scalar(ref(PEERS), "Who had its lease before.")
    lease: int = scalar(ref(LEASES), "Its lease.")
    seen: Array = per(LEASES, FLAG, "Leases that it has had.")
    rounds: int = scalar(number(1), "How often it has worked.")


worker = Model("worker", "A worker.", WorkerState)


def granted(one: WorkerState, lease: int, before: int) -> int:
    """It gets a lease, and hears who had it."""
    one.lease = lease
    one.before = before
    one.seen[lease] = 1
    return 0


def forgets(one: WorkerState) -> int:
    """It forgets the leases that it does not have."""
    for lease in one.elements(LEASES):
        if lease != one.lease:
            one.seen[lease] = 0
    return 0


class ServerState(Record):
    """Workers and what they have leased."""

    life: Array = per(WORKERS, Life, "Each worker.")
    at: Sequence[WorkerState] = part(
        lambda g: worker.instance({"peers": g["workers"], "leases": g["tokens"]}),
        "What each remembers.",
        per=WORKERS,
        sorts={PEERS: WORKERS, LEASES: TOKENS},
    )
    holder: Array = per(TOKENS, ref(WORKERS), "Who has it.")
    last: Array = per(TOKENS, ref(WORKERS), "Who had it last.")


def server() -> Model:
    model = Model("server", "A server that grants leases.", ServerState)

    @model.action(one=WORKERS)
    def ask(s: ServerState, one: int) -> int:
        """A worker asks."""
        if s.life[one] != Life.IDLE or s.at[one].rounds:
            return DISABLED
        fire(s.life, one, Life.ask)
        s.at[one].asked = 1
        return 0

    @model.action(one=WORKERS, token=TOKENS)
    def grant(s: ServerState, one: int, token: int) -> int:
        """The server grants a free lease."""
        if s.life[one] != Life.ASKING or s.holder[token] != NONE:
            return DISABLED
        fire(s.life, one, Life.get)
        s.holder[token] = one
        granted(s.at[one], token, s.last[token])
        for other, known in enumerate(s.at):
            if other != one and known.before == one:
                known.before = NONE
        return 0

    @model.action(one=WORKERS)
    def give_back(s: ServerState, one: int) -> int:
        """A worker is done."""
        mine = s.at[one]
        if s.life[one] != Life.WORKING:
            return DISABLED
        s.holder[mine.lease] = NONE
        s.last[mine.lease] = one
        fire(s.life, one, Life.end)
        forgets(mine)
        mine.lease = NONE
        mine.asked = 0
        mine.rounds = 1
        return 0

    @model.action(one=WORKERS)
    def crash(s: ServerState, one: int) -> int:
        """A worker forgets everything."""
        if s.life[one] != Life.ASKING:
            return DISABLED
        fire(s.life, one, Life.end)
        restart(s.at[one])
        return 0

    @model.final_states
    def rests(s: ServerState) -> bool:
        """Nobody works."""
        return all(lease == NONE for lease in s.holder)

    @model.always("The server's book.")
    def leases_are_known_to_both(s: ServerState) -> bool:
        """Who has a lease according to the server has it."""
        return all(one == NONE or s.at[one].lease != NONE for one in s.holder)

    @model.always("The server's book.", each={"one": WORKERS})
    def nobody_follows_itself(s: ServerState, one: int) -> bool:
        """Nobody gets a lease that it had before: this does not hold."""
        return s.at[one].before != one

    @model.sometimes("The server's book.", each={"one": WORKERS, "token": TOKENS})
    def each_gets_each(s: ServerState, one: int, token: int) -> bool:
        """Every worker may get every lease."""
        return s.at[one].lease == token

    @model.sometimes("Work.")
    def all_have_worked(s: ServerState) -> bool:
        """Everybody has worked."""
        return all(known.rounds for known in s.at)

    @model.sometimes("Work.")
    def two_have_the_same_lease(s: ServerState) -> bool:
        """Two workers have the same lease: this never happens."""
        return any(
            one.lease != NONE and s.at[second].lease == one.lease and first != second
            for first, one in enumerate(s.at)
            for second in s.elements(WORKERS)
        )

    return model


def facts(result: Result) -> list[Any]:
    return [
        result.depth,
        result.verdict,
        *(
            (p.property.name, p.verdict, None if p.finding is None else len(p.finding.calls))
            for p in result.properties
        ),
    ]


@pytest.mark.parametrize(("workers", "tokens"), [(2, 1), (3, 1), (2, 2), (3, 2), (4, 1)])
def test_parts_are_reduced_by_default_with_the_same_answers(workers: int, tokens: int) -> None:
    instance = server().instance({"workers": workers, "tokens": tokens})
    assert obstacles(instance) == []
    reduced, plain = check(instance, "compiled"), check(instance, "compiled", symmetry=False)
    assert (reduced.symmetry, plain.symmetry) == ("exact", None)
    assert reduced.symmetry_reason == "proven by the text of the rules"
    assert facts(reduced) == facts(plain) == facts(check(instance, "interpreted"))
    most = factorial(workers) * factorial(tokens)
    assert most / 2.5 < plain.states / reduced.states <= most
    assert check_symmetry(instance) > 50
    fast = check(instance, "compiled", symmetry="fast")  # type: ignore[arg-type]
    assert reduced.states <= fast.states < plain.states
    assert facts(fast)[1:] == facts(plain)[1:]


def test_the_sizes_of_all_classes_add_up_to_the_states_of_a_plain_search() -> None:
    instance = server().instance({"workers": 3, "tokens": 2})
    compiled = compile_instance(instance, symmetric=True)
    explorer = Explorer(compiled, Limits(), silent, 1, False, EXACT)
    explorer.run()
    width, canonicalizer = compiled.layout.packed, Canonicalizer(compiled, EXACT)
    forms = np.array(explorer.visited.keys.array[: explorer.visited.count * width])
    orders = [permutations(range(b - a)) for a, b in pairwise(Symmetry(instance).starts)]
    plan, record, names = canonicalizer.plan, canonicalizer.record, canonicalizer.renaming
    renamings = [[name for order in chosen for name in order] for chosen in product(*orders)]
    total = 0
    for words in forms.reshape(-1, width):
        prepare_of(plan[PREPARE], words, record, canonicalizer.colours)
        images = set()
        for renaming in renamings:
            names[:] = renaming
            image_of(plan[IMAGE], record, names, canonicalizer.spare)
            images.add(canonicalizer.spare.tobytes())
        total += len(images)
    assert total == check(instance, "compiled", symmetry=False).states


def test_renaming_moves_parts_as_written_by_hand() -> None:
    instance = server().instance({"workers": 3, "tokens": 2})
    compiled = compile_instance(instance, symmetric=True)
    layout, canonicalizer = compiled.layout, Canonicalizer(compiled, EXACT)
    explorer = Explorer(compiled, Limits(states=4000), silent, 1, False)
    explorer.run()
    width = layout.packed
    moved = 0
    for words in explorer.visited.states.array[: 4000 * width].reshape(-1, width)[::97]:
        prepare_of(canonicalizer.plan[PREPARE], np.array(words), canonicalizer.record, np.zeros(64))
        canonicalizer.renaming[:] = (2, 0, 1, 1, 0)
        image_of(
            canonicalizer.plan[IMAGE],
            canonicalizer.record,
            canonicalizer.renaming,
            canonicalizer.spare,
        )
        old = layout.decode(layout.unpack(words.tolist()))
        new = layout.decode(layout.unpack(canonicalizer.spare.tolist()))
        to, name = {0: 2, 1: 0, 2: 1, NONE: NONE}, {0: 1, 1: 0, NONE: NONE}
        for one in range(3):
            mine, theirs = f"at.{one}.", f"at.{to[one]}."
            assert new[theirs + "before"] == to[old[mine + "before"]]
            assert new[theirs + "lease"] == name[old[mine + "lease"]]
            assert [new[theirs + "seen"][name[t]] for t in (0, 1)] == old[mine + "seen"]
            assert new[theirs + "rounds"] == old[mine + "rounds"]
            assert new["life"][to[one]] == old["life"][one]
        moved += old != new
    assert moved > 20


def test_a_state_graph_merges_states_as_the_search_does() -> None:
    instance = server().instance({"workers": 2, "tokens": 2})
    assert len(state_graph(instance, most=10_000).points) == check(instance, "compiled").states


# rules of parts that keep to the discipline, and others


class BoxState(Record):
    """Parts of all kinds."""

    each: Sequence[WorkerState] = part(
        lambda g: worker.instance({"peers": g["workers"], "leases": 2}),
        "One for each.",
        per=WORKERS,
        sorts={PEERS: WORKERS},
    )
    only: WorkerState = part(
        lambda g: worker.instance({"peers": g["workers"], "leases": 2}),
        "A single one.",
        sorts={PEERS: WORKERS},
    )
    friend: Array = per(WORKERS, ref(WORKERS), "Whom each one likes.")
    chosen: int = scalar(ref(WORKERS), "One of them.")
    total: int = scalar(number(200), "A sum.")


Rule = Callable[..., int]


def found(rule: Rule) -> list[str]:
    model = Model("box", "Workers.", BoxState)
    names = list(inspect.signature(rule).parameters)[1:]
    model.action(**dict.fromkeys(names, WORKERS))(rule)
    return [str(obstacle) for obstacle in obstacles(model.instance())]


def own_part(s: BoxState, one: int) -> int:
    """Each iteration writes in its own part."""
    for other, known in enumerate(s.each):
        if other != one and s.each[other].lease == NONE:
            known.rounds = 1
            known.seen[0] = 1
    for mine in s.each:
        mine.before = one
    return 0


def held_part(s: BoxState) -> int:
    """A local holds the part of the loop's own element."""
    for other in s.elements(WORKERS):
        known = s.each[other]
        forgets(known)
        granted(s.each[other], 1, other)
    return 0


def part_of(s: BoxState, one: int) -> WorkerState:
    """The part of one."""
    return s.each[one]


def through_a_helper(s: BoxState, one: int) -> int:
    """A helper finds the part."""
    for other in s.elements(WORKERS):
        if other != one:
            part_of(s, other).rounds = 1
    return 0


def single_part(s: BoxState, one: int) -> int:
    """A single part refers to elements of the whole."""
    if s.only.before == one or any(known.before == s.only.before for known in s.each):
        return DISABLED
    s.only.before = one
    s.only.lease = 1
    restart(s.each[one])
    return 0


GOOD = [own_part, held_part, through_a_helper, single_part]


@pytest.mark.parametrize("rule", GOOD, ids=lambda rule: str(rule.__name__))
def test_rules_that_treat_parts_alike_have_no_obstacle(rule: Rule) -> None:
    assert found(rule) == []


def literal_part(s: BoxState) -> int:
    """The part of a certain worker."""
    s.each[0].rounds = 1  # the literal 0 stands for an element of workers
    return 0


def first_part(s: BoxState) -> int:
    """The first free part is taken."""
    for known in s.each:  # the first match ends the loop
        if known.lease == NONE:
            known.lease = 0
            return 1
    return 0


def part_of_another(s: BoxState) -> int:
    """One iteration writes into the part of another."""
    for one in s.elements(WORKERS):  # what one iteration writes to each.rounds
        if s.friend[one] != NONE:
            s.each[s.friend[one]].rounds = s.each[one].rounds
    return 0


def kept_part(s: BoxState, one: int) -> int:
    """A local holds the part of the element before."""
    held = s.each[one]
    for other in s.elements(WORKERS):  # what one iteration writes to each.rounds
        if s.friend[other] != NONE:
            held.rounds = s.each[other].rounds
    return 0


def held_since_before(s: BoxState) -> int:
    """The name of the loop's element has meant another one."""
    for one in (s.chosen,):
        held = s.each[one]
    for one in s.elements(WORKERS):  # what one iteration writes to each.rounds
        if s.friend[one] != NONE:
            held.rounds = s.each[one].rounds
    return 0


def friend_of(s: BoxState, one: int) -> WorkerState:
    """The part of a friend, not of the one given."""
    one = s.friend[one]
    return s.each[one]


def another_by_a_helper(s: BoxState) -> int:
    """A helper returns the part of another."""
    for one in s.elements(WORKERS):  # what one iteration writes to each.rounds
        if s.friend[one] != NONE:
            friend_of(s, one).rounds = s.each[one].rounds
    return 0


def renumbered(one: WorkerState) -> int:
    """A rule of the part counts with elements of the whole."""
    one.rounds = one.before + 1  # arithmetic with an element of workers
    return 0


def in_the_rule_of_the_part(s: BoxState, one: int) -> int:
    """The part's own rule tells them apart."""
    return renumbered(s.each[one])


def mixes_sorts(s: BoxState, one: int) -> int:
    """A sort that is the part's own is not that of the whole."""
    s.each[one].lease = one  # an element of workers becomes a number
    return 0


BAD = [
    *(literal_part, first_part, part_of_another, kept_part, held_since_before),
    *(another_by_a_helper, in_the_rule_of_the_part, mixes_sorts),
]


@pytest.mark.parametrize("rule", BAD, ids=lambda rule: str(rule.__name__))
def test_a_rule_that_tells_parts_apart_is_named_with_its_line(rule: Rule) -> None:
    told = renumbered if rule is in_the_rule_of_the_part else rule
    lines, first = inspect.getsourcelines(told)
    at, comment = next(
        (first + n, line.partition("  # ")[2].strip())
        for n, line in enumerate(lines)
        if "  # " in line
    )
    why = found(rule)
    assert any(f"test_parts_symmetry.py:{at}: " in text and comment in text for text in why), why


def asymmetric() -> Instance:
    model = server()

    @model.action()
    def favour(s: ServerState) -> int:
        """The first worker that asks works without a lease."""
        for known in s.at:
            if known.asked and not known.rounds:
                known.rounds = 1
                return 0
        return DISABLED

    return model.instance({"workers": 2, "tokens": 1})


def test_what_tells_parts_apart_is_refused_by_the_test_on_states_too() -> None:
    from slotspec.statemachine import UsageError

    with pytest.raises(UsageError, match=r"SET033.*action favour"):
        check(asymmetric(), "compiled", symmetry=True)
    assert "test_parts_symmetry.py:" in str(check(asymmetric(), "compiled").symmetry_reason)
