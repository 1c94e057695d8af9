"""Slips in declarations and rules are answered with what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotspec import (
    DISABLED,
    FLAG,
    Bound,
    Event,
    Lifecycle,
    Model,
    Record,
    Scope,
    Sort,
    State,
    check,
    constant,
    fire,
    number,
    part,
    per,
    ref,
    scalar,
    single,
)
from slotspec.statemachine.errors import DeclarationError, RuleError

GATES = Sort("gates", "Gates.", default=2)
COINS = Bound("coins", "Coins.", default=3)


class Gate(Lifecycle):
    """A gate."""

    SHUT = State("Nobody passes.", initial=True)
    OPEN = State("Somebody may pass.")
    coin = Event("A coin falls in.", (SHUT, OPEN))
    push = Event("Somebody passes.", (OPEN, SHUT))


class Row(Record):
    """A row of gates."""

    gate: list[int] = per(GATES, Gate, "Each gate.")
    coins: int = constant("Coins.", COINS)


def any_(given: object) -> Any:
    """What a type checker would refuse."""
    return given


SLIPS: list[tuple[Callable[[], Any], str]] = [
    (lambda: number(any_("3")), "number(…) is given '3'; give a number from 0"),
    (lambda: number(-1), "number(…) is given -1"),
    (lambda: number(any_(2.5)), "number(…) is given 2.5"),
    (lambda: number(any_(GATES)), "the sort gates; an element of it is ref(GATES)"),
    (lambda: scalar(any_(COINS), "X."), "the bound coins; numbers up to it are number(COINS)"),
    (lambda: scalar(any_(GATES), "X."), "an element of it is ref(GATES)"),
    (lambda: scalar(any_(5), "X."), "numbers from 0 to 5 are number(5)"),
    (lambda: scalar(any_(bool), "X."), "the class bool; yes or no is FLAG"),
    (lambda: scalar(FLAG, any_(3)), "the description in scalar(domain, …) is given 3"),
    (lambda: scalar(FLAG, "X.", initial=any_("a")), "initial= of scalar(domain, …) is given 'a'"),
    (lambda: scalar(any_(number), "X."), "the function number; give a lifecycle"),
    (lambda: ref(any_(COINS)), "a bound is no set of things"),
    (lambda: ref(any_("gates")), "ref(…) is given 'gates'; give a Sort"),
    (lambda: per(any_(Gate), GATES, "X."), "per(sort, domain, …) is given the class Gate"),
    (lambda: per(GATES, any_(Gate.OPEN), "X."), "the state OPEN; give the lifecycle itself, Gate"),
    (lambda: constant(any_(lambda s: 1), any_("X.")), "give the description first"),
    (lambda: constant("X.", any_("3")), "constant('X.', …) is given '3'"),
    (lambda: single(any_(FLAG), "X."), "give a class of states"),
    (lambda: part(any_(COINS), "X."), "part(…) is given the bound coins"),
    (lambda: Sort("a", "A.", default=any_("2")), "default= of Sort 'a' is given '2'"),
    (lambda: Sort("a", "A."), "default= of Sort 'a' is given 0; choose from 1 to 254"),
    (lambda: Sort("a b", "A.", default=2), "the name of Sort 'a b' is given 'a b'"),
    (lambda: Sort("a", "A.", factors=any_(GATES)), "give a tuple of sorts"),
    (lambda: Bound("b", "B.", default=300), "default= of Bound 'b' is given 300"),
    (lambda: Model("m", "M.", any_(Gate)), "the class Gate; give the class of its state"),
    (lambda: Model("m", any_(Row), any_(None)), "write Model(name, description, record)"),
    (lambda: Model("m", "M.", Row, bounds=any_(COINS)), "give a list of Bound(…)"),
    (lambda: Model("m", "M.", Row, bounds=any_([GATES])), "a sort brings its own bound"),
    (lambda: Model("m", "M.", Row, scopes=any_(Scope("a", "A.", {}))), "give a list of Scope(…)"),
    (lambda: Model("m", "M.", Row, generations=any_(["1"])), "give the choices of each"),
    (lambda: Model("m", "M.", Row, effects=any_(["a"])), "give a class of Effects"),
]
"""A slip, and a part of what it is answered with."""


@pytest.mark.parametrize(("slip", "answer"), SLIPS, ids=[answer for _, answer in SLIPS])
def test_a_slip_is_answered_with_what_to_write(slip: Callable[[], Any], answer: str) -> None:
    with pytest.raises(DeclarationError, match="MDL019") as caught:
        slip()
    assert answer in str(caught.value)


def test_moves_of_an_event_are_pairs() -> None:
    with pytest.raises(DeclarationError, match=r"FSM016.*give pairs"):

        class Door(Lifecycle):
            """A door."""

            SHUT = State("Shut.", initial=True)
            OPEN = State("Open.")
            move = Event("It moves.", SHUT, OPEN)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [lambda s: COINS, lambda s: "a", lambda s: s["coins"] - 5])
def test_a_limit_that_is_computed_is_a_number(limit: Any) -> None:
    class Purse(Record):
        """A purse."""

        spent: int = scalar(number(limit), "Coins spent.")

    model = Model("purse", "A purse.", Purse, bounds=[COINS])
    with pytest.raises(DeclarationError, match="MDL019: the limit of number"):
        model.instance()


def test_a_name_that_no_setting_has_is_named_with_those_there_are() -> None:
    class Purse(Record):
        """A purse."""

        spent: int = scalar(number(lambda s: s["coin"]), "Coins spent.")

    with pytest.raises(KeyError, match="no bound or choice coin; there are coins"):
        Model("purse", "A purse.", Purse, bounds=[COINS]).instance()


class Purse(Record):
    """A purse, whose bound is used directly."""

    spent: int = scalar(number(COINS), "Coins spent.")
    left: int = scalar(number(COINS), "Coins left.", initial=COINS)
    all: int = constant("All coins.", COINS)


def test_a_bound_stands_for_its_number() -> None:
    model = Model("purse", "A purse.", Purse)

    @model.action()
    def spend(s: Purse) -> int:
        """Spend a coin."""
        if s.spent == s.all:
            return DISABLED
        s.spent += 1
        s.left -= 1
        return 0

    @model.final_states
    def empty(s: Purse) -> bool:
        """Nothing is left."""
        return s.left == 0

    @model.always("Coins are not made.")
    def as_many(s: Purse) -> bool:
        """What is spent and what is left are all coins."""
        return s.spent + s.left == s.all

    for coins, engine in ((3, "interpreted"), (5, "compiled")):
        result = check(model.instance({"coins": coins}), engine=engine)
        assert (result.verdict.name, result.states) == ("HOLDS", coins + 1)


def test_a_rule_that_reads_a_bound_is_refused() -> None:
    model = Model("row", "A row.", Row)

    @model.action(gate=GATES)
    def insert(s: Row, gate: int) -> int:
        """Insert a coin."""
        return DISABLED if gate < COINS else 0  # type: ignore[operator]

    with pytest.raises(RuleError, match=r"RUL020.*coins = constant\(.*read s\.coins"):
        model.instance()


def not_a_field(s: Any, gate: int) -> int:
    """Misspells a field."""
    return s.gat[gate]  # type: ignore[no-any-return]


def loops_over_a_sort(s: Any, gate: int) -> int:
    """Loops over a bare sort."""
    return sum(1 for _ in GATES)  # type: ignore[attr-defined]


def fires_a_state(s: Any, gate: int) -> int:
    """Gives fire a state."""
    fire(s.gate, gate, Gate.OPEN)  # type: ignore[arg-type]
    return 0


def calls_an_event(s: Any, gate: int) -> int:
    """Calls an event."""
    return Gate.coin(s, gate)  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (not_a_field, r"RUL007.*did you mean gate\?"),
        (loops_over_a_sort, r"RUL100.*the elements of a sort are s\.elements\(SORT\)"),
        (fires_a_state, r"RUL100.*write fire\(s\.field, index, Lifecycle\.event\)"),
        (calls_an_event, r"RUL100.*write fire\(s\.field, index, Lifecycle\.event\)"),
    ],
)
def test_a_slip_in_a_rule_is_answered_with_what_to_write(rule: Any, answer: str) -> None:
    model = Model("row", "A row.", Row)
    model.action(gate=GATES)(rule)
    with pytest.raises(RuleError, match=answer):
        check(model.instance(), engine="interpreted")


class Reihe(Record):
    """Names of any alphabet."""

    größe: int = scalar(number(2), "Wie viele.")


def nächste(s: Reihe) -> int:
    """The next size."""
    größer = s.größe
    größer += 1
    return größer


@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
def test_names_may_be_of_any_alphabet(engine: Any) -> None:
    model = Model("reihe", "Eine Reihe.", Reihe)

    @model.action()
    def wächst(s: Reihe) -> int:
        """Es wächst."""
        if s.größe == 2:
            return DISABLED
        s.größe = nächste(s)
        return 0

    @model.sometimes("Irgendwann.")
    def groß(s: Reihe) -> bool:
        """Sie ist groß."""
        return s.größe == 2

    @model.final_states
    def fertig(s: Reihe) -> bool:
        """Sie wächst nicht mehr."""
        return s.größe == 2

    result = check(model.instance(), engine=engine)
    assert (result.verdict.name, result.states) == ("HOLDS", 3)
