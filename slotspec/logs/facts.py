"""The facts about an allocation, and whether the logs decide them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from slotspec.logs.events import Event
from slotspec.logs.line_kinds import Level


class Answer(Enum):
    """Whether something happened."""

    YES = "yes"
    NO = "no"
    UNDETERMINED = "undetermined"


LINE_FACTS = {
    "requested": ("slot_requested", "request_received"),
    "asked": ("slot_asked",),
    "offered": ("offers_received",),
    "deployed": ("deploying",),
    "used": ("task_received",),
}
"""Facts that a line tells by itself; what was heard was sent."""

LEGS = ("requested", "asked", "confirmed", "offered", "accepted", "active", "deployed", "used")
FACTS = (*LEGS, "freed")
"""The facts about an allocation, in the order of the protocol."""

IMPLIES = (
    ("used", "deployed"),
    ("deployed", "accepted"),
    ("active", "accepted"),
    ("accepted", "offered"),
    ("offered", "confirmed"),
    ("confirmed", "asked"),
    ("freed", "confirmed"),
)
"""Nothing is heard that was not sent: each fact and one that comes before it in every run."""

HEARD = ("offered", "accepted", "deployed")
"""Facts that a JobMaster tells, each after its TaskManager has confirmed the slot."""
TOLD_BY_TASK_MANAGER = ("asked", "confirmed", "active", "used", "freed")

NO_LOGGER = ""
"""Of a question that lines of a version do not decide at any level."""


@dataclass(frozen=True)
class Deciding:
    """What would decide an open question: the log of a party, or a level of a logger."""

    logger: str
    level: Level
    where: str

    def __str__(self) -> str:
        if self.logger == NO_LOGGER:
            return f"no logger: {self.where} does not log it"
        return f"{self.logger} at {self.level.name} in {self.where}"


@dataclass
class Fact:
    """Whether something happened, the lines that say so, and what would decide it otherwise."""

    answer: Answer
    event: Event | None = None
    deciding: tuple[Deciding, ...] = ()
    why: str = ""
