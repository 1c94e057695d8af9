"""Valid and invalid lifecycle declarations; all three forms of one take the same steps."""

from __future__ import annotations

import pytest
from transitions import MachineError

from slotspec.statemachine.declaration.lifecycle import NO_TRANSITION, Event, Lifecycle, State, walk
from slotspec.statemachine.errors import DeclarationError
from tests.statemachine.tiny import Lamp

A = State("First.", initial=True)
B = State("Second.", final=True)
GO = Event("It goes on.", (A, B))


def declare(doc: str | None = "A thing.", **attributes: object) -> type[Lifecycle]:
    return type("Thing", (Lifecycle,), {"__doc__": doc, **attributes})


def test_a_valid_declaration_is_accepted() -> None:
    assert declare(A=A, B=B, go=GO).states == (0, 1)


@pytest.mark.parametrize(
    ("code", "attributes", "says"),
    [
        ("FSM001", {"doc": "  ", "A": A, "B": B, "go": GO}, "docstring"),
        ("FSM002", {"A": A, "B": B, "table": GO}, "table"),
        ("FSM003", {"A": A, "B": State(" ", final=True), "go": GO}, "B"),
        ("FSM004", {"B": B}, "found none"),
        ("FSM004", {"A": A, "C": State("Also first.", initial=True)}, "found A, C"),
        ("FSM005", {"A": A, "B": B, "go": GO, "stay": Event("Nothing.")}, "stay"),
        ("FSM005", {"A": A, "B": B, "go": GO, "stay": Event("Nothing.", ((), B))}, "stay"),
        ("FSM006", {"A": A, "go": GO}, "go"),
        ("FSM007", {"A": A, "B": B, "go": Event("Where?", (A, B), (A, A))}, "A has two"),
        ("FSM007", {"A": A, "B": B, "go": Event("Where?", ((A, A), B))}, "A has two"),
        ("FSM008", {"A": A, "B": B, "go": GO, "back": Event("No.", (B, A))}, "final state B"),
        ("FSM009", {"A": A, "B": B, "go": GO, "C": State("Lost.", final=True)}, "C cannot"),
        ("FSM010", {"A": A, "B": State("Stuck."), "go": None}, "B is a dead end"),
    ],
)
def test_an_invalid_declaration_is_refused(
    code: str, attributes: dict[str, object], says: str
) -> None:
    if attributes.get("go", GO) is None:
        attributes = {**attributes, "go": Event("On.", (A, attributes["B"]))}  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=says) as caught:
        declare(**attributes)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_cycle_of_unreachable_states_is_refused() -> None:
    c, d = State("Third."), State("Fourth.")
    swap = Event("Round and round.", (c, d), (d, c))
    with pytest.raises(DeclarationError, match="C cannot be reached") as caught:
        declare(A=A, B=B, C=c, D=d, go=GO, swap=swap)
    assert caught.value.code == "FSM009"


def test_the_initial_state_is_number_0_wherever_it_is_declared() -> None:
    thing = declare(B=B, A=A, go=GO)
    assert [state.name for state in thing.states] == ["A", "B"]
    assert thing.initial == 0


def test_walk_follows_events() -> None:
    assert walk(Lamp, iter([Lamp.press, Lamp.press, Lamp.press, Lamp.burn])) == Lamp.BROKEN


def test_walk_refuses_an_event_that_a_state_does_not_take() -> None:
    with pytest.raises(DeclarationError, match="OFF does not take burn") as caught:
        walk(Lamp, iter([Lamp.burn]))
    assert caught.value.code == "FSM011"


def test_the_machine_takes_the_steps_of_the_table() -> None:
    for state in Lamp.states:
        for event in Lamp.events:
            machine = Lamp.machine()
            machine.set_state(state.name)
            target = Lamp.table()[state][event.index]
            if target == NO_TRANSITION:
                with pytest.raises(MachineError):
                    machine.trigger(event.name)
            else:
                machine.trigger(event.name)
                assert machine.state == Lamp.states[target].name


def test_the_graph_has_the_edges_of_the_table() -> None:
    edges = {(a, b, event) for a, b, event in Lamp.graph().edges(keys=True)}
    assert edges == {
        (state.name, Lamp.states[target].name, event.name)
        for state in Lamp.states
        for event in Lamp.events
        if (target := Lamp.table()[state][event.index]) != NO_TRANSITION
    }
    assert list(Lamp.graph().nodes) == [state.name for state in Lamp.states]


def test_a_transition_reads_as_an_arrow() -> None:
    assert [str(move) for move in Lamp.transitions] == [
        "OFF --press--> ON",
        "ON --press--> OFF",
        "ON --burn--> BROKEN",
    ]
    assert repr(Lamp.press) == "Lamp.press"
    assert repr(Lamp.ON) == str(Lamp.ON) == "Lamp.ON"


def test_a_machine_can_drive_the_users_own_object() -> None:
    class Bulb:
        state: str

    bulb = Bulb()
    Lamp.machine(bulb)
    bulb.press()  # type: ignore[attr-defined]
    assert bulb.state == "ON"


def test_an_event_has_several_sources_of_one_target() -> None:
    class Door(Lifecycle):
        """A door."""

        SHUT = State("Shut.", initial=True)
        AJAR = State("A little open.")
        OPEN = State("Open.")
        LOCKED = State("Locked.", final=True)
        push = Event("Somebody pushes it.", ((SHUT, AJAR), OPEN), (OPEN, AJAR))
        lock = Event("It is locked.", ((SHUT, AJAR, OPEN), LOCKED))

    assert [str(move) for move in Door.transitions] == [
        "SHUT --push--> OPEN",
        "AJAR --push--> OPEN",
        "OPEN --push--> AJAR",
        "SHUT --lock--> LOCKED",
        "AJAR --lock--> LOCKED",
        "OPEN --lock--> LOCKED",
    ]
