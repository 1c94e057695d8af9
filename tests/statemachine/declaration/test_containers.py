"""Sets, sequences and messages as fields: the same in both engines, and drawn with lifelines."""

from __future__ import annotations

from typing import Any

import pytest

from slotspec import (
    DISABLED,
    NONE,
    Array,
    Bound,
    Model,
    Record,
    Sort,
    add,
    append,
    check,
    discard,
    length,
    messages,
    receive,
    send,
    sequence,
    subset,
    take_first,
)
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.networks import network
from slotspec.diagrams.sequences import of_finding
from slotspec.statemachine.declaration.containers import size
from slotspec.statemachine.errors import DeclarationError

GUESTS = Sort("guests", "Guests.", default=2)
SEATS = Bound("seats", "Seats in the waiting room.", default=2, maximum=4)


class Room(Record):
    """A waiting room with a doorman."""

    inside: Array = subset(GUESTS, "Who is inside.")
    line: Array = sequence(GUESTS, "Who waits, in order.", at_most=SEATS)
    last: Array = sequence(GUESTS, "Who was let in last.", at_most=1)
    knock: Array = messages(GUESTS, "Knocks.", source=GUESTS, target="doorman", at_most=2)
    call: Array = messages(GUESTS, "Calls.", source="doorman", target=GUESTS, label="come in")


model = Model("waiting_room", "A waiting room.", Room)


@model.action(guest=GUESTS)
def knocks(s: Room, guest: int) -> int:
    """A guest knocks."""
    if s.knock[guest] == 2 or s.inside[guest]:
        return DISABLED
    send(s.knock, guest)
    return 0


@model.action(guest=GUESTS)
def hears(s: Room, guest: int) -> int:
    """The doorman hears a knock, and lets the guest wait if there is a seat."""
    if length(s.line) == len(s.line) or guest in s.line or not receive(s.knock, guest):
        return DISABLED
    append(s.line, guest)
    return length(s.line)


@model.action()
def calls(s: Room) -> int:
    """The doorman calls the first one."""
    guest = s.line[0]
    if guest == NONE or s.call[guest]:
        return DISABLED
    take_first(s.line)
    send(s.call, guest)
    return guest


@model.action(guest=GUESTS)
def enters(s: Room, guest: int) -> int:
    """A guest enters."""
    if not receive(s.call, guest):
        return DISABLED
    add(s.inside, guest)
    take_first(s.last)
    append(s.last, guest)
    return size(s.inside)


@model.action(guest=GUESTS)
def leaves(s: Room, guest: int) -> int:
    """A guest leaves."""
    return 0 if discard(s.inside, guest) else DISABLED


@model.action(guest=GUESTS, fault=True)
def loses(s: Room, guest: int) -> int:
    """A call is not heard."""
    return 0 if receive(s.call, guest) else DISABLED


@model.sometimes("They can meet.")
def all_are_inside(s: Room) -> bool:
    """All guests are inside."""
    return size(s.inside) == len(s.inside)


@model.sometimes("Calls get lost.")
def unheard(s: Room) -> bool:
    """Somebody is called while another is inside, and waits twice."""
    return s.call[1] == 1 and s.inside[0] == 1 and s.knock[1] == 2


@pytest.mark.parametrize("seats", [1, 2])
def test_both_engines_find_the_same(seats: int) -> None:
    results = [check(model.instance({"seats": seats}), engine=e) for e in ENGINES]
    assert [r.verdict.name for r in results] == ["HOLDS", "HOLDS"]
    assert results[0].states == results[1].states == {1: 912, 2: 1_470}[seats]
    assert results[0].transitions == results[1].transitions


ENGINES: Any = ("interpreted", "compiled")


def test_a_bag_and_a_sequence_have_an_end() -> None:
    crowd = Model("crowd", "More than there is room for.", Room)

    @crowd.action(guest=GUESTS)
    def knock(s: Room, guest: int) -> int:
        """Knock for ever."""
        send(s.knock, guest)
        return 0

    @crowd.action(guest=GUESTS)
    def wait(s: Room, guest: int) -> int:
        """Wait for ever."""
        append(s.line, guest)
        return 0

    for engine in ENGINES:
        fault = check(crowd.instance(), engine=engine).fault
        assert fault is not None
        assert len(fault.steps) == 3


def test_processes_have_lifelines_and_messages_arrows() -> None:
    instance = model.instance()
    found = check(instance, engine="interpreted").properties[0].finding
    assert found is not None
    drawn = of_finding(instance, found)
    assert drawn.lifelines == ("guest0", "doorman", "guest1")
    arrows = [item.arrow for step in drawn.steps for item in step.items if hasattr(item, "arrow")]
    assert {(a.source, a.target, a.text) for a in arrows} == {
        ("guest0", "doorman", "knock"),
        ("guest1", "doorman", "knock"),
        ("doorman", "guest0", "come in"),
        ("doorman", "guest1", "come in"),
    }


def test_the_network_has_every_kind() -> None:
    drawn = network([model.instance()], walks=50)
    assert drawn.processes == ("guest", "doorman")
    assert [(c.source, c.target, c.messages) for c in drawn.channels] == [
        ("guest", "doorman", ("knock",)),
        ("doorman", "guest", ("call",)),
    ]


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (lambda: sequence(GUESTS, "X.", at_most=0), "at_most= of sequence"),
        (lambda: subset(SEATS, "X."), "a bound is no set of things"),  # type: ignore[arg-type]
        (
            lambda: messages(GUESTS, "X.", source=SEATS, target="a"),  # type: ignore[arg-type]
            "give the sort of the field, or a process's name",
        ),
    ],
)
def test_slips(slip: Any, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        slip()


def test_a_kind_that_no_walk_sees_is_dimmed() -> None:
    quiet = Model("quiet", "Nobody is called.", Room)

    @quiet.action(guest=GUESTS)
    def knock(s: Room, guest: int) -> int:
        """Knock."""
        if s.knock[guest]:
            return DISABLED
        send(s.knock, guest)
        return 0

    drawn = network([quiet.instance()])
    assert [(c.messages, sorted(c.unseen)) for c in drawn.channels] == [
        (("knock",), []),
        (("call",), ["call"]),
    ]
    assert "call (not seen)" in str(render(drawn, Format.mermaid))
    assert "`call` (not seen)" in str(render(drawn, Format.table))
