"""Render descriptions as Markdown: a title, a description, a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from slotspec.diagrams.description import (
    Arrow,
    ArrowEnd,
    ArrowStart,
    Box,
    Chart,
    Charts,
    Composition,
    Grid,
    Message,
    MessageArrow,
    Network,
    Reach,
    Remark,
    StateGraph,
)
from slotspec.diagrams.description import Sequence as SequenceDiagram


@singledispatch
def table(diagram: Any) -> str:
    """The Markdown of a description."""
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
    parts = ["initial"] * box.initial + ["final"] * box.final
    parts += [f"contains {chart.name}" for chart in box.inside]
    if box.reach in (Reach.DEAD, Reach.UNSEEN):
        parts.append("never reached" if box.reach is Reach.DEAD else "not seen before the limit")
    return ", ".join(parts)


def _extra(arrows: Iterable[Arrow]) -> list[tuple[str, Any]]:
    """The optional columns that at least one arrow has a value for."""
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
    # the colours repeat what the columns say
    rows = [
        (f"`{name}`", *("<br>".join(cell.lines) for cell in cells)) for name, cells in diagram.rows
    ]
    return _head(diagram.title, diagram.note) + rows_of((diagram.corner, *diagram.columns), rows)


@table.register
def _composition(diagram: Composition) -> str:
    lifecycles = set(diagram.lifecycles)
    rows = []
    for name in diagram.operations:
        links = [link for link in diagram.links if link.source == name]
        fired = [
            f"{link.target}: {', '.join(link.labels)}"
            for link in links
            if link.target in lifecycles
        ]
        emitted = [link.target for link in links if link.target not in lifecycles]
        rows.append((f"`{name}`", "<br>".join(fired), ", ".join(emitted)))
    return _head(diagram.title, diagram.note) + rows_of(("operation", "fires", "emits"), rows)


@table.register
def _network(diagram: Network) -> str:
    rows = [
        (
            channel.source,
            channel.target,
            "<br>".join(
                f"`{name}`" + " (not seen)" * (name in channel.unseen) for name in channel.messages
            ),
        )
        for channel in diagram.channels
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
        calls += [item.text for item in step.items if isinstance(item, ArrowEnd)]
        effects = [
            f"{m.target}: {m.text}" for m in step.items if isinstance(m, Message) and m.reply
        ]
        sent = [item.arrow for item in step.items if isinstance(item, ArrowStart)]
        effects += [_sent(one) for one in sent]
        remarks = [
            ("**" + line + "**") if remark.bad else line
            for remark in step.items
            if isinstance(remark, Remark)
            for line in remark.lines
        ]
        rows.append(
            (str(step.number), "<br>".join(calls), "<br>".join(effects), "<br>".join(remarks))
        )
    text = _head(diagram.title) + rows_of(("step", "call", "effects", "changes"), rows)
    return text + (f"\n{diagram.ending}\n" if diagram.ending else "")


def _sent(arrow: MessageArrow) -> str:
    """A message and what becomes of it."""
    when = "" if arrow.ended is None else f" in {arrow.ended}"
    return f"{arrow.source} to {arrow.target}: {arrow.text} ({arrow.fate.value}{when})"


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
