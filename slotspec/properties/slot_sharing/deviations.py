"""Where Flink itself breaks a statement about slot sharing, why, and what it takes.

In scopes without what it takes, the statement has to hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slotspec.statemachine.declaration.records import Setting


@dataclass(frozen=True)
class Surprise:
    """One thing that Flink does.

    :param needs: bounds of which one has to be set; none: it is always seen.
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
    "a slot that is released without being its parent's child any more throws out the one that"
    " took its place, which is not told",
    ("repeated_groups", "late_calls"),
)
OVERSUBSCRIBED = Surprise(
    "a root with too small a slot is released while its context is being set, so it is not"
    " found among the resolved ones and stays there",
    ("small_slots",),
)
TWICE = Surprise(
    "a root that resolves to an allocation in use takes the other root's place before it fails,"
    " and the other one's release then ends with an exception",
    ("taken_allocations",),
)
UNCHECKED = Surprise(
    "slots are allocated below a resolved root without a look at what it has left",
    ("small_slots",),
)
LATE = Surprise(
    "what is allocated below a slot that has left is registered all the same", ("late_calls",)
)
NULL_GROUP = Surprise("a root's own group is null, and a slot contains its own group")


def has_unknown(setting: Setting) -> bool:
    """Whether shares of an unknown profile are asked for."""
    return bool(setting["profiles"] > 2)


def sticky(setting: Setting) -> str | None:
    """A deviation of settings with unknown profiles."""
    if not has_unknown(setting):
        return None
    return "a sum with an unknown profile is unknown, and no difference makes it known again"


def known(*surprises: Surprise) -> Callable[[Setting], str | None]:
    """A deviation of settings in which one of the surprises shows; its reason."""

    def deviation(setting: Setting) -> str | None:
        return "; ".join(s.reason for s in surprises if s.shows(setting)) or None

    return deviation
