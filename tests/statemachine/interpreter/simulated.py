"""A model for tests of simulations, and the parts of a result that a seed determines."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from slotspec.statemachine import DISABLED, Model
from slotspec.statemachine.simulate import Simulation
from tests.statemachine.tiny import LAMPS, Room, anything, room, says

TIMES = {"engine", "workers", "seconds", "compile_seconds", "shrink_seconds", "instance"}


def again(result: Simulation) -> dict[str, Any]:
    """The parts of a result that the same seed must reproduce."""
    made = {f.name: getattr(result, f.name) for f in fields(result) if f.name not in TIMES}
    finding = made.pop("finding")
    made["way"] = finding and [(str(s.call), s.result, s.effects, s.after) for s in finding.steps]
    return made


def up(s: Room) -> int:
    """One more."""
    if s.count >= 2:
        return DISABLED
    s.count += 1
    return 0


def down(s: Room) -> int:
    """One less."""
    if s.count == 0:
        return DISABLED
    s.count -= 1
    return 0


def look(s: Room, lamp: int) -> int:
    """Look at a lamp, or look away."""
    s.seen[lamp] = 1 - s.seen[lamp]
    return 0


def jump(s: Room, lamp: int) -> int:
    """To the top at once."""
    if s.count == 3 and s.chosen == lamp:
        return DISABLED
    s.chosen = lamp
    s.count = 3
    return 0


def nothing(s: Room) -> int:
    """Nothing is changed."""
    return s.count


def walks(name: str = "walks") -> Model:
    """A number that goes up and down and, by a fault, to its top; lamps can be looked at."""
    model = room(name)
    model.action()(up)
    model.action(lamp=LAMPS)(look)
    model.action(lamp=LAMPS, fault=True)(jump)
    model.action()(down)
    model.action()(nothing)
    anything(model)
    return model


def is_at_top(s: Room) -> bool:
    """It is at its top."""
    return s.count == 3


def is_at_bottom(s: Room) -> bool:
    """It is at its bottom."""
    return s.count == 0


def is_out_of_range(s: Room) -> bool:
    """It is where it cannot be."""
    return s.count > 3


def is_below_top(s: Room) -> bool:
    """It is not at its top."""
    return s.count < 3


def changes_little(before: Room, after: Room) -> bool:
    """It goes by steps of one."""
    return abs(before.count - after.count) <= 1


def known(setting: Any) -> str:
    return "faults do it"


def one_of_each_kind() -> Model:
    """The same with a property of each kind; runs violate only those with a known deviation."""
    model = walks("told")
    says(model, "sometimes", is_at_top)
    says(model, "sometimes", is_out_of_range)
    says(model, "always", is_below_top, deviation=known)
    says(model, "step", changes_little, deviation=known)
    says(model, "leads_to", is_at_bottom, to=is_at_top)
    return model
