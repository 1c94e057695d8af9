"""Small models to draw."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from slotspec.models.files import load_model as find_model
from slotspec.statemachine import Event, Lifecycle, State
from slotspec.statemachine.declaration.model import Model

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDED = Path(__file__).parents[1] / "data" / "traces"
TRACE = RECORDED / "slot_pool" / "1.12.5" / "seed0125.jsonl.gz"
SVG = "{http://www.w3.org/2000/svg}"


class Door(Lifecycle):
    """What a door is."""

    SHUT = State("Nobody passes.", initial=True)
    OPEN = State("Everybody passes.")
    GONE = State("There is a wall now.", final=True)

    open = Event("Somebody opens it.", (SHUT, OPEN))
    close = Event("Somebody closes it.", (OPEN, SHUT))
    slam = Event("The wind closes it.", (OPEN, SHUT))
    wall_up = Event("Masons come.", (SHUT, GONE), (OPEN, GONE))


class Lamp(Lifecycle):
    """What a lamp is."""

    OFF = State("It is dark.", initial=True)
    ON = State("It is light.")

    switch_on = Event("Somebody wants to see.", (OFF, ON))
    switch_off = Event("Somebody goes to sleep.", (ON, OFF))


class Room(Lifecycle):
    """A room with a lamp and a door while somebody uses it."""

    EMPTY = State("Nobody is in.", initial=True)
    USED = State("Somebody is in.", inside=(Lamp, Door))

    enter = Event("Somebody comes.", (EMPTY, USED))
    leave = Event("The last one goes.", (USED, EMPTY))


def turnstile() -> Model:
    return find_model(str(EXAMPLES / "turnstile.py"))


def texts(svg: str) -> list[str]:
    """The texts of an SVG in alphabetical order."""
    root = ET.fromstring(svg)
    return sorted("".join(e.itertext()).strip() for e in root.iter(f"{SVG}text"))
