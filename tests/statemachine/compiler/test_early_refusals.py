"""What refuses all calls with the same first arguments is asked once, and changes no result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Instance,
    Model,
    Record,
    Sort,
    number,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.compiler.drivers.expand import program_text
from tests.statemachine.compiler.engines import compare

GUESTS = Sort("guests", "Guests.", default=3)
ROOMS = Sort("rooms", "Rooms.", default=3)


class Hotel(Record):
    """Guests and rooms."""

    room: Array = per(GUESTS, ref(ROOMS), "Where the guest sleeps.")
    closed: Array = per(ROOMS, FLAG, "The room is closed.")
    night: int = scalar(number(3), "The night.")


def full(s: Hotel) -> bool:
    """Whether every guest has a room."""
    return all(room != NONE for room in s.room)


def closes_first(s: Hotel) -> bool:
    """Whether a room is open; it closes the first, which a guard should not do."""
    was_open = not s.closed[0]
    s.closed[0] = 0
    return was_open


def by_guest(s: Hotel, guest: int, room: int) -> int:
    """A guest without a room takes one."""
    if s.room[guest] != NONE or s.closed[room]:
        return DISABLED
    s.room[guest] = room
    return room


def by_night(s: Hotel, guest: int, room: int) -> int:
    """A guest without a room takes one, except in the first night."""
    if not s.night or full(s):
        return DISABLED
    if s.room[guest] != NONE:
        return DISABLED
    if room in s.room:
        return DISABLED
    s.room[guest] = room
    return room


def by_choice(s: Hotel, guest: int, room: int) -> int:
    """A guest without a room takes one."""
    return change(s, guest, room) if s.night and s.room[guest] == NONE else DISABLED


def by_room(s: Hotel, guest: int, room: int) -> int:
    """The room is looked at first."""
    if s.closed[room] or s.room[guest] != NONE:
        return DISABLED
    s.room[guest] = room
    return room


def by_last_night(s: Hotel, guest: int, room: int) -> int:
    """The room in which a guest slept is closed; a fault if he slept in none."""
    if s.night < 2 or s.closed[s.room[guest]]:
        return DISABLED
    s.closed[room] = 1
    return room


def by_a_change(s: Hotel, guest: int, room: int) -> int:
    """What it asks first changes something."""
    if closes_first(s) or s.room[guest] != NONE:
        return DISABLED
    s.room[guest] = room
    return room


def change(s: Hotel, guest: int, room: int) -> int:
    """The guest sleeps there."""
    s.room[guest] = room
    return room


def night_falls(s: Hotel) -> int:
    """The next night."""
    if s.night == 3:
        return DISABLED
    s.night += 1
    return s.night


def close(s: Hotel, room: int) -> int:
    """An empty room is closed."""
    if s.closed[room] or room in s.room:
        return DISABLED
    s.closed[room] = 1
    return room


def hotel(rule: Callable[..., int]) -> Instance:
    model = Model("hotel", "A hotel.", Hotel)
    model.action(guest=GUESTS, room=ROOMS)(rule)
    model.action()(night_falls)
    model.action(room=ROOMS)(close)

    @model.sometimes("here")
    def all_have_a_room(s: Hotel) -> bool:
        """Every guest has a room."""
        return full(s)

    @model.final_states
    def at_the_end(s: Hotel) -> bool:
        """The last night."""
        return s.night == 3

    return model.instance()


def asked(instance: Instance) -> list[int]:
    """How many of the first arguments each early question takes."""
    program, _ = program_text(instance, deposit_bits=True)
    return [len(key[1]) - 1 for key in program.functions if key[2:] == ("refused early",)]


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        (by_guest, [1]),
        (by_night, [0, 1]),
        (by_choice, [0, 1]),
        (by_room, []),
        (by_last_night, [0, 1]),
    ],
)
def test_a_search_asks_early_and_finds_the_same(rule: Any, first: list[int]) -> None:
    instance = hotel(rule)
    # night_falls has no arguments, and what closes a room depends on the room
    assert asked(instance) == first
    compiled, _ = compare(instance)
    assert compiled.states > 10


def test_a_fault_in_an_early_question_is_one_of_the_call() -> None:
    compiled, _ = compare(hotel(by_last_night))
    assert compiled.fault is not None
    assert [call.action.name for call in compiled.fault.calls] == [
        "night_falls",
        "night_falls",
        "by_last_night",
    ]


def test_a_question_that_changes_the_state_is_not_asked_early() -> None:
    instance = hotel(by_a_change)
    compare(instance)
    _, text = program_text(instance, deposit_bits=True)
    assert "@refused" in text
    assert "call i64 @refused" not in text
