"""The constants that reach a function's arguments are found in the text of the rules."""

from __future__ import annotations

from enum import IntEnum

from slotspec import Array, Model, Record, Sort, number, per, scalar
from slotspec.statemachine.declaration.constants import Values, arguments_of

NODES = Sort("nodes", "Who takes part.", default=2)


class Kind(IntEnum):
    ASK = 0
    YES = 1
    NO = 2
    NEVER = 3


class State(Record):
    """What is under way."""

    post: Array = per(NODES, number(9), "Messages.")
    other: int = scalar(number(9), "Something else.")


model = Model("calls", "Rules that call each other.", State)
kind = Kind.NEVER


def put(s: State, channel: int, kind: int, detail: int = 7) -> None:
    s.post[channel] = kind


def channel_of(node: int, way: int) -> int:
    return 4 * node + way


def reply(s: State, node: int, kind: int) -> None:
    if s.other:
        put(s, channel_of(node, 1), int(kind))


def answer(s: State) -> int:
    if s.other > 3:
        return Kind.YES
    return int(Kind.NO)


def never_called(s: State) -> None:
    put(s, 0, Kind.NEVER)


@model.action(node=NODES)
def act(s: State, node: int) -> int:
    """Sends what it has found out, in several ways."""
    found = Kind.YES
    if s.other:
        found = Kind.NO
    reply(s, node, found)
    reply(s, node, answer(s))
    put(s, 2 if s.other else 3, kind=Kind.ASK, detail=node)
    return 0


@model.action()
def act_in_a_loop(s: State) -> int:
    """Sends what nobody can tell."""
    kind = 0
    while kind < 2:
        kind += 1
        put(s, 5, kind)
    return 0


def some(*values: int) -> Values:
    return frozenset(values)


def test_constants_are_followed_through_calls_locals_and_results() -> None:
    found = arguments_of(model.instance(), put, {channel_of: {"node": 0}})
    assert {arguments[1:] for arguments in found} == {
        (some(1), some(Kind.YES, Kind.NO), some(7)),
        (some(2, 3), some(Kind.ASK), None),
        (some(5), None, some(7)),
    }


def test_a_replaced_rule_counts_instead_of_the_declared_one() -> None:
    def silent(s: State, node: int, kind: int) -> None:
        put(s, 6, Kind.NEVER)

    found = arguments_of(model.instance(replace={reply: silent}), put)
    assert {arguments[1] for arguments in found} == {some(6), some(2, 3), some(5)}
