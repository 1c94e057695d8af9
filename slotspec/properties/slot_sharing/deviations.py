"""Where Flink itself violates a property of slot sharing, why, and under which bounds.

Under other bounds, the property must hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slotspec.statemachine.declaration import conditions
from slotspec.statemachine.declaration.conditions import exceeds
from slotspec.statemachine.declaration.records import Setting


@dataclass(frozen=True)
class Surprise:
    """A surprising behaviour of Flink.

    :param needs: bounds of which one must be set to see it; none: it is always visible.
    """

    reason: str
    needs: tuple[str, ...] = ()

    def shows(self, setting: Setting) -> bool:
        return not self.needs or any(setting[name] for name in self.needs)


REPLACED = Surprise(
    "a second slot of a group replaces the first in its parent's map without releasing it: the"
    " first stays in the table and keeps its reservation",
    ("repeated_groups",),
)
EVICTED = Surprise(
    "a slot that is released after it was replaced in its parent's map removes its successor,"
    " which is not released",
    ("repeated_groups", "late_calls"),
)
OVERSUBSCRIBED = Surprise(
    "a root whose slot is too small is released while its context is being set, so it is not"
    " found among the resolved ones and stays there",
    ("small_slots",),
)
TWICE = Surprise(
    "a root that resolves to an allocation in use takes the other root's place before it fails,"
    " and the other one's release then ends with an exception",
    ("taken_allocations",),
)
UNCHECKED = Surprise(
    "slots are allocated below a resolved root without checking what it has left",
    ("small_slots",),
)
LATE = Surprise(
    "a slot that is allocated below one that has left is registered all the same", ("late_calls",)
)
NULL_GROUP = Surprise("a root's own group is null, and a slot contains its own group")


has_unknown = exceeds("profiles", 2)
"""Whether there are shares of an unknown profile."""
sticky = conditions.known(
    "a sum with an unknown profile is unknown, and no difference makes it known again", has_unknown
)
"""A deviation of settings with unknown profiles."""


def known(*surprises: Surprise) -> Callable[[Setting], str | None]:
    """A deviation of settings in which one of the surprises is visible; its reason."""

    def deviation(setting: Setting) -> str | None:
        return "; ".join(s.reason for s in surprises if s.shows(setting)) or None

    return deviation
