"""Loads what every search needs, so that the processes forked from this one need not.

Numba takes a quarter of a second to load the kernels that it has cached, and some seconds to
compile them the first time. It does so for the first search of a process, whatever the model.
"""

from __future__ import annotations

from typing import Any

from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import Record, number, scalar
from slotspec.statemachine.search.engine import explore_compiled


class Switch(Record):
    """The state of a switch."""

    on = scalar(number(1), "Whether it is on.")


switch = Model("switch", "A switch.", Switch)


@switch.action()
def press(s: Any) -> int:
    """It goes on, or off."""
    s.on = 1 - s.on
    return 0


def warm_up() -> None:
    """Search the smallest model that there is."""
    explore_compiled(switch.instance())
