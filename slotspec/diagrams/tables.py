"""Descriptions as Markdown: a title, a sentence, a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from slotspec.diagrams.description import (
    Arrow,
    Box,
    Chart,
    Charts,
    Ended,
    Flight,
    Grid,
    Message,
    Network,
    Reach,
    Remark,
    Sent,
    StateGraph,
    Web,
)
from slotspec.diagrams.description import Sequence as SequenceDiagram


@singledispatch
def table(diagram: Any) -> str:
    """The Markdown of a description, with an end of line."""
    raise TypeError(f"{type(diagram).__name__} has no table")


def rows_of(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in row)} |\n" for row in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _head(title: str, *paragraphs: str) -> str:
    return "".join(f"{part}\n\n" for part in (f"# {title}", *paragraphs) if part)


@table.register
def _charts(diagram: Charts) -> str:
    alone = len(diagram.charts) == 1
    parts = [] if alone else [_head(diagram.title, diagram.note)]
    for chart in diagram.charts:
        parts.append(f"{'#' if alone else '##'} {chart.name}\n\n{chart.description}\n\n")
        if alone and diagram.note:
            parts.append(f"{diagram.note}\n\n")
        for one in chart.all_charts:
            if one is not chart:
                parts.append(f"## Inside: {one.name}\n\n{one.description}\n\n")
            parts.append(_tables(one))
    return "".join(parts).rstrip("\n") + "\n"


def _tables(chart: Chart) -> str:
    """The states and the transitions of one lifecycle."""
    extra = _extra(chart.arrows)
    states = rows_of(
        ("state", "", "meaning"),
        ((f"`{box.name}`", _kind(box), box.description) for box in chart.boxes),
    )
    moves = rows_of(
        ("from", "event", "to", "what happens", *(name for name, _ in extra)),
        (
            (
                f"`{arrow.source}`",
                f"`{arrow.event}`",
                f"`{arrow.target}`",
                arrow.description,
                *(value(arrow) for _, value in extra),
            )
            for arrow in chart.arrows
        ),
    )
    return f"{states}\n{moves}\n"


def _kind(box: Box) -> str:
    words = ["initial"] * box.initial + ["final"] * box.final
    words += [f"holds {chart.name}" for chart in box.inside]
    if box.reach in (Reach.DEAD, Reach.UNSEEN):
        words.append("never reached" if box.reach is Reach.DEAD else "not seen before the limit")
    return ", ".join(words)


def _extra(arrows: Iterable[Arrow]) -> list[tuple[str, Any]]:
    """Columns that say something of at least one arrow."""
    arrows = list(arrows)
    found: list[tuple[str, Any]] = []
    if any(arrow.fired is not None for arrow in arrows):
        found.append(("fired", _fired))
    if any(arrow.by for arrow in arrows):
        found.append(("fired by", lambda arrow: ", ".join(f"`{name}`" for name in arrow.by)))
    if any(arrow.effects for arrow in arrows):
        found.append(("always with", lambda arrow: ", ".join(f"`{e}`" for e in arrow.effects)))
    return found


def _fired(arrow: Arrow) -> str:
    if arrow.reach is Reach.DEAD:
        return "**dead**"
    return "not seen before the limit" if arrow.reach is Reach.UNSEEN else f"{arrow.fired:,}"


@table.register
def _grid(diagram: Grid) -> str:
    # colours repeat what the columns say
    rows = [
        (f"`{name}`", *("<br>".join(cell.lines) for cell in cells)) for name, cells in diagram.rows
    ]
    return _head(diagram.title, diagram.note) + rows_of((diagram.corner, *diagram.columns), rows)


@table.register
def _web(diagram: Web) -> str:
    machines = set(diagram.machines)
    rows = []
    for name in diagram.operations:
        links = [link for link in diagram.links if link.source == name]
        fired = [
            f"{link.target}: {', '.join(link.labels)}" for link in links if link.target in machines
        ]
        told = [link.target for link in links if link.target not in machines]
        rows.append((f"`{name}`", "<br>".join(fired), ", ".join(told)))
    return _head(diagram.title, diagram.note) + rows_of(("operation", "fires", "tells"), rows)


@table.register
def _network(diagram: Network) -> str:
    rows = [
        (wire.source, wire.target, "<br>".join(f"`{name}`" for name in wire.messages))
        for wire in diagram.wires
    ]
    return _head(diagram.title, diagram.note) + rows_of(("from", "to", "messages"), rows)


@table.register
def _sequence(diagram: SequenceDiagram) -> str:
    rows = []
    for step in diagram.steps:
        calls = [
            f"{m.source} {m.text}" if m.source == m.target else m.text
            for m in step.items
            if isinstance(m, Message) and not m.reply
        ]
        calls += [item.text for item in step.items if isinstance(item, Ended)]
        told = [f"{m.target}: {m.text}" for m in step.items if isinstance(m, Message) and m.reply]
        begun = [item.flight for item in step.items if isinstance(item, Sent)]
        told += [_flight(one) for one in begun]
        remarks = [
            ("**" + line + "**") if remark.bad else line
            for remark in step.items
            if isinstance(remark, Remark)
            for line in remark.lines
        ]
        rows.append((str(step.number), "<br>".join(calls), "<br>".join(told), "<br>".join(remarks)))
    text = _head(diagram.title) + rows_of(("step", "call", "effects", "changes"), rows)
    return text + (f"\n{diagram.ending}\n" if diagram.ending else "")


def _flight(flight: Flight) -> str:
    """A message that is sent, and what becomes of it."""
    when = "" if flight.ended is None else f" in {flight.ended}"
    return f"{flight.source} to {flight.target}: {flight.text} ({flight.fate.value}{when})"


@table.register
def _states(diagram: StateGraph) -> str:
    moves: dict[int, list[str]] = {}
    for move in diagram.moves:
        star = "**" if move.marked else ""
        moves.setdefault(move.source, []).append(
            f"{star}{', '.join(move.labels)} \N{RIGHTWARDS ARROW} {move.target}{star}"
        )
    rows = [
        (
            str(point.number) + (" (on the path)" if point.marked else ""),
            str(point.depth),
            "<br>".join(point.lines),
            "<br>".join(moves.get(point.number, [])),
        )
        for point in diagram.points
    ]
    head = _head(diagram.title, diagram.note)
    return head + rows_of(("state", "depth", "what holds", "steps"), rows)
