"""The content of a diagram as plain data, between extraction and rendering."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reach(Enum):
    """What a check found about a state or transition of a lifecycle."""

    UNCHECKED = "unchecked"
    """There was no check."""
    REACHED = "reached"
    DEAD = "dead"
    """The check visited every reachable state and did not reach it."""
    UNSEEN = "unseen"
    """The check did not reach it before a limit stopped the search."""


@dataclass(frozen=True)
class Box:
    """A state of a lifecycle.

    :param inside: lifecycles nested in this state; they run in parallel.
    """

    name: str
    description: str
    initial: bool = False
    final: bool = False
    reach: Reach = Reach.UNCHECKED
    inside: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """A transition of a lifecycle.

    :param by: operations that fired it.
    :param effects: effects that every step that fired it emitted.
    :param fired: how often it fired; None if there was no check.
    """

    source: str
    target: str
    event: str
    description: str
    by: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    fired: int | None = None
    reach: Reach = Reach.UNCHECKED


@dataclass(frozen=True)
class Chart:
    """A lifecycle."""

    name: str
    description: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def all_boxes(self) -> tuple[Box, ...]:
        """Its states and those of its nested lifecycles."""
        below = tuple(b for box in self.boxes for chart in box.inside for b in chart.all_boxes)
        return self.boxes + below

    @property
    def all_charts(self) -> tuple[Chart, ...]:
        """The lifecycle and its nested ones, outer ones first."""
        below = tuple(c for box in self.boxes for one in box.inside for c in one.all_charts)
        return (self, *below)


@dataclass(frozen=True)
class Charts:
    """Several lifecycles in one diagram.

    :param note: where the colours and counts come from; empty if there are none.
    """

    title: str
    charts: tuple[Chart, ...]
    note: str = ""


@dataclass(frozen=True)
class Message:
    """A message between two lifelines; `reply` marks an effect of a call."""

    source: str
    target: str
    text: str
    reply: bool = False


@dataclass(frozen=True)
class Remark:
    """A note beside a lifeline: a change of state, or (`bad`) a fault or divergence."""

    over: str
    lines: tuple[str, ...]
    bad: bool = False


class Fate(Enum):
    """What becomes of a message in flight."""

    ARRIVES = "arrives"
    LOST = "lost"
    DROPPED = "dropped"
    """Its sender or its receiver is gone, or nobody waits for it any more."""
    IN_FLIGHT = "in flight"


@dataclass(frozen=True)
class MessageArrow:
    """A message that is sent in one step and arrives in a later one, or never.

    :param sent: the number of the step that sends it.
    :param ended: the step in which it arrives or is lost; None if it is still in flight at the
        end of the sequence.
    """

    source: str
    target: str
    text: str
    sent: int
    ended: int | None
    fate: Fate


@dataclass(frozen=True)
class ArrowStart:
    """The step sends this message."""

    arrow: MessageArrow


@dataclass(frozen=True)
class ArrowEnd:
    """The message arrives in this step or is lost; `text` describes it."""

    arrow: MessageArrow
    text: str


Item = Message | Remark | ArrowStart | ArrowEnd


@dataclass(frozen=True)
class SequenceStep:
    """One step of a sequence: its number, and its messages and remarks in order."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Sequence:
    """A trace as messages between lifelines."""

    title: str
    lifelines: tuple[str, ...]
    steps: tuple[SequenceStep, ...]
    ending: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table; `mark` chooses its colour."""

    lines: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table with row and column headers.

    :param corner: the header of the row headers.
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
    """An operation that fires events of a lifecycle, or emits an effect."""

    source: str
    target: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Composition:
    """Operations, lifecycles and effects, and the links between them."""

    title: str
    operations: tuple[str, ...]
    lifecycles: tuple[str, ...]
    effects: tuple[str, ...]
    links: tuple[Link, ...]
    note: str = ""


@dataclass(frozen=True)
class Channel:
    """The messages from one process to another.

    :param unseen: those of them that no walk has seen; they are dimmed.
    """

    source: str
    target: str
    messages: tuple[str, ...]
    unseen: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Network:
    """Processes and the messages between them."""

    title: str
    processes: tuple[str, ...]
    channels: tuple[Channel, ...]
    note: str = ""


@dataclass(frozen=True)
class Point:
    """A state of a model in a state graph."""

    number: int
    lines: tuple[str, ...]
    depth: int
    initial: bool = False
    marked: bool = False
    bad: bool = False


@dataclass(frozen=True)
class Move:
    """The steps between two states of a state graph."""

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


Diagram = Charts | Sequence | Grid | Composition | Network | StateGraph
