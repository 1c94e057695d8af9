"""Lifecycles nested in states: valid and invalid declarations; all forms take the same steps."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from transitions import MachineError

from slotspec.models.slot_sharing.lifecycles import MultiTaskSlot, SingleTaskSlot
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State
from slotspec.statemachine.declaration.nesting import (
    active_of,
    lifecycles,
    nested_events,
    nested_graph,
    nested_machine,
    nested_table,
)
from slotspec.statemachine.errors import DeclarationError
from tests.statemachine.tiny import Lamp


class Bolt(Lifecycle):
    """A bolt on a door."""

    BACK = State("It is drawn back.", initial=True)
    SHOT = State("It holds the door.")

    shoot = Event("It is shot.", (BACK, SHOT))
    draw = Event("It is drawn back.", (SHOT, BACK))


class Door(Lifecycle):
    """A door that can be bolted while it is shut."""

    AJAR = State("One can walk in.", initial=True)
    SHUT = State("One cannot look in.", inside=(Bolt,))

    shut = Event("It is shut, or pushed once more.", (AJAR, SHUT), (SHUT, SHUT))
    open = Event("It is opened.", (SHUT, AJAR))


class Room(Lifecycle):
    """A room that has a lamp and a door while somebody is in."""

    EMPTY = State("Nobody is in.", initial=True)
    USED = State("Somebody is in.", inside=(Lamp, Door))

    enter = Event("Somebody comes.", (EMPTY, USED))
    leave = Event("The last one goes.", (USED, EMPTY))


START = State("First.", initial=True)
END = State("Last.", final=True)
GO = Event("It goes on.", (START, END))


def declare(**attributes: object) -> type[Lifecycle]:
    return type("Thing", (Lifecycle,), {"__doc__": "A thing.", **attributes})


def holding(*inside: object) -> dict[str, object]:
    """Attributes of a lifecycle with something nested in its second state."""
    state = State("Holding.", final=True, inside=inside)  # type: ignore[arg-type]
    return {"START": START, "HOLDING": state, "begin": Event("On.", (START, state))}


@pytest.mark.parametrize(
    ("code", "attributes", "says"),
    [
        ("FSM012", holding(Lamp, 7), "inside of HOLDING is"),
        ("FSM012", holding(int), "give a tuple of lifecycles"),
        ("FSM013", holding(Lamp, Lamp), "Lamp is inside twice"),
        ("FSM013", holding(Door, Bolt), "Bolt is inside twice"),
        (
            "FSM014",
            {**holding(Lamp), "press": Event("Again.", (START, START))},
            "press is an event of Thing and of Lamp",
        ),
        (
            "FSM014",
            {**holding(Door), "draw": Event("Again.", (START, START))},
            "draw is an event of Thing and of Bolt",
        ),
    ],
)
def test_an_invalid_nesting_is_refused(code: str, attributes: dict[str, object], says: str) -> None:
    with pytest.raises(DeclarationError, match=says) as caught:
        declare(**attributes)
    assert caught.value.code == code


def test_inside_must_be_a_tuple() -> None:
    state = State("Holding.", final=True, inside=Lamp)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="give a tuple") as caught:
        declare(START=START, HOLDING=state, begin=Event("On.", (START, state)))
    assert caught.value.code == "FSM012"


def test_nested_lifecycles_may_not_share_an_event() -> None:
    class Torch(Lifecycle):
        """A lamp to carry."""

        DARK = State("It is off.", initial=True)
        LIT = State("It is on.", final=True)
        press = Event("Its button is pressed.", (DARK, LIT))

    with pytest.raises(DeclarationError, match="press is an event of Lamp and of Torch") as caught:
        declare(**holding(Lamp, Torch))
    assert caught.value.code == "FSM014"


def test_nested_lifecycles_stay_as_declared() -> None:
    assert Room.USED.inside == (Lamp, Door)
    assert Room.EMPTY.inside == ()
    assert Room.table() == ((1, -1), (-1, 0))
    assert lifecycles(Room) == [Room, Lamp, Door, Bolt]
    assert [event.name for event in nested_events(Door)] == ["shut", "open", "shoot", "draw"]


def test_a_flat_lifecycle_has_its_own_table() -> None:
    assert nested_table(Lamp) == {
        (state.name,): {
            event.name: (Lamp.states[event.targets[state]].name,)
            for event in Lamp.events
            if event.targets[state] >= 0
        }
        for state in Lamp.states
    }


def test_the_table_of_a_nested_lifecycle() -> None:
    table = nested_table(Room)
    # nobody is in; or one of three states of the lamp with one of three of the door
    assert len(table) == 1 + 3 * 3
    used = ("USED.Door.AJAR", "USED.Lamp.OFF")
    assert next(iter(table.items())) == (("EMPTY",), {"enter": used})
    assert table[used] == {
        "leave": ("EMPTY",),
        "press": ("USED.Door.AJAR", "USED.Lamp.ON"),
        "shut": ("USED.Door.SHUT.Bolt.BACK", "USED.Lamp.OFF"),
    }
    bolted = ("USED.Door.SHUT.Bolt.SHOT", "USED.Lamp.ON")
    assert table[bolted]["shut"] == ("USED.Door.SHUT.Bolt.BACK", "USED.Lamp.ON")
    assert table[bolted]["leave"] == ("EMPTY",)


def walk(cls: type[Lifecycle], steps: int) -> set[str]:
    """Let a machine and the table take the same events; returns the events that were taken."""
    table, machine, random = nested_table(cls), nested_machine(cls), Random(5)
    names = [event.name for event in nested_events(cls)]
    at, taken = next(iter(table)), set()
    for _ in range(steps):
        name = random.choice(names)
        if name in table[at]:
            assert machine.trigger(name)
            at = table[at][name]
            taken.add(name)
        else:
            with pytest.raises(MachineError):
                machine.trigger(name)
        assert active_of(machine.state) == at
    return taken


@pytest.mark.parametrize("cls", [Lamp, Door, Room])
def test_the_machine_takes_the_steps_of_the_table(cls: type[Lifecycle]) -> None:
    taken = walk(cls, 600)
    # a lamp that has burnt out ends the walk of the flat one
    assert len(taken) == len(nested_events(cls)) or cls is Lamp


@pytest.mark.parametrize("cls", [MultiTaskSlot, SingleTaskSlot])
def test_shared_slots_take_the_steps_of_the_table(cls: type[Lifecycle]) -> None:
    assert len(walk(cls, 3_000)) == len(nested_events(cls))


def test_the_size_of_the_shared_slot_lifecycle() -> None:
    # all combinations of the parallel lifecycles
    assert len(nested_table(MultiTaskSlot)) == 1 + 3 * 3 * 3
    assert len(nested_table(SingleTaskSlot)) == 1 + 3 * (2 + 4 * 3 * 3)


def test_the_graph_has_every_state_inside_its_parent() -> None:
    graph = nested_graph(Room)
    parents = dict(graph.nodes(data="parent"))
    assert parents["USED.Door.SHUT"] == "USED"
    assert parents["USED.Door.SHUT.Bolt.BACK"] == "USED.Door.SHUT"
    assert parents["EMPTY"] is None
    assert graph.nodes["USED.Lamp.OFF"]["lifecycle"] == "Lamp"
    edges = {(a, b, event) for a, b, event in graph.edges(keys=True)}
    assert ("USED.Door.AJAR", "USED.Door.SHUT", "shut") in edges
    assert len(edges) == sum(len(part.transitions) for part in lifecycles(Room))


def test_a_nested_machine_can_drive_the_users_own_object() -> None:
    class Office:
        state: Any

    office = Office()
    nested_machine(Room, office)
    office.enter()  # type: ignore[attr-defined]
    office.shut()  # type: ignore[attr-defined]
    assert active_of(office.state) == ("USED.Door.SHUT.Bolt.BACK", "USED.Lamp.OFF")
