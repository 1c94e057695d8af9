"""What a diagram says, as plain data: the form between extraction and rendering."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reach(Enum):
    """What a run found out about a part of a lifecycle."""

    UNTOLD = "untold"
    """No run was asked."""
    REACHED = "reached"
    DEAD = "dead"
    """Every reachable state was looked at, and it never happened."""
    UNSEEN = "unseen"
    """It never happened before a limit ended the run."""


@dataclass(frozen=True)
class Box:
    """A state of a lifecycle.

    :param inside: lifecycles that run while another is in this state, side by side.
    """

    name: str
    description: str
    initial: bool = False
    final: bool = False
    reach: Reach = Reach.UNTOLD
    inside: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """A transition of a lifecycle.

    :param by: operations that were seen to fire it.
    :param effects: effects that were emitted by every step that was seen to fire it.
    :param fired: how often a run fired it; None where no run was asked.
    """

    source: str
    target: str
    event: str
    description: str
    by: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    fired: int | None = None
    reach: Reach = Reach.UNTOLD


@dataclass(frozen=True)
class Chart:
    """A lifecycle."""

    name: str
    description: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def all_boxes(self) -> tuple[Box, ...]:
        """Its states and those of the lifecycles inside of them."""
        below = tuple(b for box in self.boxes for chart in box.inside for b in chart.all_boxes)
        return self.boxes + below

    @property
    def all_charts(self) -> tuple[Chart, ...]:
        """The lifecycle and those inside of its states, outer ones first."""
        below = tuple(c for box in self.boxes for one in box.inside for c in one.all_charts)
        return (self, *below)


@dataclass(frozen=True)
class Charts:
    """Several lifecycles side by side.

    :param note: where marks and counts come from; empty where nothing is marked.
    """

    title: str
    charts: tuple[Chart, ...]
    note: str = ""


@dataclass(frozen=True)
class Message:
    """An arrow between two lifelines; `reply` for what a call brings about."""

    source: str
    target: str
    text: str
    reply: bool = False


@dataclass(frozen=True)
class Remark:
    """What is written beside a lifeline: a change of state, or (`bad`) what is wrong."""

    over: str
    lines: tuple[str, ...]
    bad: bool = False


class Fate(Enum):
    """What becomes of a message that takes its time."""

    ARRIVES = "arrives"
    LOST = "lost"
    DROPPED = "heard by nobody"
    """Its sender or its receiver is no more, or nobody waits for it."""
    UNDER_WAY = "still under way"


@dataclass(frozen=True)
class Flight:
    """A message that is sent in one step and arrives in a later one, if at all.

    :param sent: the number of the step that sends it.
    :param ended: that of the step in which it arrives or is lost; None: it is under way when
        the sequence ends.
    """

    source: str
    target: str
    text: str
    sent: int
    ended: int | None
    fate: Fate


@dataclass(frozen=True)
class Sent:
    """Where a flight begins."""

    flight: Flight


@dataclass(frozen=True)
class Ended:
    """Where it ends; `text` says so in words."""

    flight: Flight
    text: str


Item = Message | Remark | Sent | Ended


@dataclass(frozen=True)
class Sequel:
    """One step of a sequence: its number, its messages and remarks in order."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Sequence:
    """A trace, as messages between lifelines."""

    title: str
    lifelines: tuple[str, ...]
    steps: tuple[Sequel, ...]
    ending: str = ""


@dataclass(frozen=True)
class Cell:
    """What stands where a row and a column meet; `mark` chooses its colour."""

    lines: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table with heads on two sides: the composition, a comparison.

    :param corner: what the rows are.
    :param legend: (mark, meaning) of each mark in use.
    """

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Link:
    """Who makes what happen, in a picture of two columns."""

    source: str
    target: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Web:
    """Operations, machines and effects, and which touches which."""

    title: str
    operations: tuple[str, ...]
    machines: tuple[str, ...]
    effects: tuple[str, ...]
    links: tuple[Link, ...]
    note: str = ""


@dataclass(frozen=True)
class Wire:
    """What is sent from one process to another."""

    source: str
    target: str
    messages: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """Processes, and who sends what to whom."""

    title: str
    processes: tuple[str, ...]
    wires: tuple[Wire, ...]
    note: str = ""


@dataclass(frozen=True)
class Point:
    """A state of a model, in a state graph."""

    number: int
    lines: tuple[str, ...]
    depth: int
    initial: bool = False
    marked: bool = False
    bad: bool = False


@dataclass(frozen=True)
class Move:
    """Steps between two states of a state graph."""

    source: int
    target: int
    labels: tuple[str, ...]
    marked: bool = False


@dataclass(frozen=True)
class StateGraph:
    """Reachable states and the steps between them."""

    title: str
    points: tuple[Point, ...]
    moves: tuple[Move, ...]
    note: str = ""


Diagram = Charts | Sequence | Grid | Web | Network | StateGraph
