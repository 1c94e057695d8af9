"""A row of turnstiles behind one coin slot: the smallest model with every kind of property.

Run it (``python examples/turnstile.py``) or check it (``slotspec check
examples/turnstile.py --set gates=3``).
"""

from __future__ import annotations

from slotspec import (
    DISABLED,
    Array,
    Bound,
    Event,
    Fairness,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    check,
    constant,
    emit,
    fire,
    number,
    per,
    scalar,
)
from slotspec.statemachine import Effects, effect


class Turnstile(Lifecycle):
    """A gate that opens for a coin."""

    LOCKED = State("Nobody may pass.", initial=True)
    OPEN = State("One person may pass.")

    coin = Event("A coin falls in.", (LOCKED, OPEN))
    push = Event("Somebody passes.", (OPEN, LOCKED))


class Effect(Effects):
    """What the row tells the outside."""

    BEEP = effect("gate")


GATES = Sort("gates", "Turnstiles in a row.", default=2)
COINS = Bound("coins", "Coins that the visitors have in total.", default=3)


class Row(Record):
    """The gates, and where the coins went."""

    purse: int = constant("Coins at the beginning.", COINS)

    gate: Array = per(GATES, Turnstile, "Each turnstile.")
    passed: int = scalar(number(COINS), "People that passed.")
    lost: int = scalar(number(COINS), "Coins that open gates took.")


model = Model("turnstile", "A row of turnstiles, each opened by a coin.", Row, effects=Effect)


def opened(s: Row) -> int:
    """How many gates are open."""
    return sum(state == Turnstile.OPEN for state in s.gate)


@model.action(gate=GATES)
def insert(s: Row, gate: int) -> int:
    """Somebody puts a coin into a gate; an open gate keeps it, and beeps."""
    if opened(s) + s.passed + s.lost >= s.purse:
        return DISABLED
    if s.gate[gate] == Turnstile.OPEN:
        s.lost += 1
        emit(s, Effect.BEEP, gate)
    else:
        fire(s.gate, gate, Turnstile.coin)
    return gate


@model.action(gate=GATES, fair=Fairness.WEAK)
def walk(s: Row, gate: int) -> int:
    """Somebody passes an open gate."""
    if s.gate[gate] == Turnstile.LOCKED:
        return DISABLED
    fire(s.gate, gate, Turnstile.push)
    s.passed += 1
    return gate


@model.final_states
def spent(s: Row) -> bool:
    """Every coin has been used and every gate is locked again."""
    return s.passed + s.lost == s.purse


@model.always("Nobody passes for nothing.")
def paid(s: Row) -> bool:
    """People that passed, open gates and lost coins are never more than the coins."""
    return s.passed + s.lost + opened(s) <= s.purse


@model.step("A passage locks its gate and no other.", on=walk, each={"other": GATES})
def only_its_own_gate(before: Row, after: Row, gate: int, other: int) -> bool:
    """Who passes a gate leaves all other gates as they were."""
    if other == gate:
        return after.gate[gate] == Turnstile.LOCKED
    return after.gate[other] == before.gate[other]


@model.step("Passages are not undone.")
def passages_only_grow(before: Row, after: Row) -> bool:
    """The number of people that passed never decreases."""
    return after.passed >= before.passed


@model.sometimes("The gates work side by side.")
def all_open(s: Row) -> bool:
    """All gates are open at once."""
    return Turnstile.LOCKED not in s.gate


@model.sometimes("An open gate still takes coins.")
def coin_lost(s: Row) -> bool:
    """A coin fell into an open gate."""
    return s.lost > 0


def is_locked(s: Row, gate: int) -> bool:
    return s.gate[gate] == Turnstile.LOCKED


@model.leads_to("Who pays gets in.", is_locked, each={"gate": GATES})
def somebody_passes(s: Row, gate: int) -> bool:
    """A gate that is open locks again: people do not stand before an open gate for ever."""
    return s.gate[gate] == Turnstile.OPEN


def main() -> None:
    result = check(model.instance({"gates": 2, "coins": 3}))
    print(f"{result.instance.title}: {result.verdict.value}")
    print(f"{result.states} states, {result.transitions} transitions, depth {result.depth}")
    for found in result.properties:
        print(f"  {found.property.kind.value:10} {found.property.name:20} {found.verdict.value}")


if __name__ == "__main__":
    main()
