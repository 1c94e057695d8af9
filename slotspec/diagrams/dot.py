"""Render descriptions as DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from slotspec.diagrams.description import (
    Arrow,
    Box,
    Cell,
    Chart,
    Charts,
    Composition,
    Grid,
    Network,
    Reach,
    Sequence,
    StateGraph,
)
from slotspec.diagrams.palette import FONT
from slotspec.diagrams.palette import LIGHT as COLOUR

if TYPE_CHECKING:
    from graphviz import Digraph

SHOWN_OPERATIONS = 2
"""Operations named on an edge; the table names all."""
BOXES_IN_A_ROW = 17
"""States in a row of lifecycles before the next row begins."""
NOTE = 110
"""Characters per line of the note below a title."""
CELL = 56
"""Characters per line of a grid."""
LABELLED = 30
"""Up to this many edges of a state graph are all labelled."""
STATE = 30
"""Characters per line of a state graph, which has to fit a screen."""


@singledispatch
def dot(diagram: Any) -> str:
    """The DOT source of a description.

    :raises TypeError: if it has no DOT form.
    """
    raise TypeError(f"{type(diagram).__name__} has no DOT form")


def has_dot(diagram: object) -> bool:
    """Whether :func:`dot` can render it."""
    return dot.dispatch(type(diagram)) is not dot.dispatch(object)


def _graph(name: str, **attributes: str) -> Digraph:
    from graphviz import Digraph

    return Digraph(
        name,
        graph_attr={
            "bgcolor": COLOUR["paper"],
            "fontname": FONT,
            "fontcolor": COLOUR["ink"],
            "fontsize": "12",
            "pad": "0.25",
            **attributes,
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": FONT,
            "fontsize": "13",
            "fontcolor": COLOUR["ink"],
            "color": COLOUR["line"],
            "fillcolor": COLOUR["state"],
            "margin": "0.16,0.09",
        },
        edge_attr={
            "fontname": FONT,
            "fontsize": "11",
            "fontcolor": COLOUR["ink"],
            "color": COLOUR["line"],
            "arrowsize": "0.8",
        },
    )


def _text(text: str, *, size: int = 0, colour: str = "", bold: bool = False) -> str:
    inside = escape(text, quote=False)
    if bold:
        inside = f"<B>{inside}</B>"
    attributes = (f' POINT-SIZE="{size}"' if size else "") + (
        f' COLOR="{COLOUR[colour]}"' if colour else ""
    )
    return f"<FONT{attributes}>{inside}</FONT>" if attributes else inside


def _lines(lines: Iterable[str], align: str = "") -> str:
    end = f'<BR ALIGN="{align}"/>' if align else "<BR/>"
    return "<" + end.join(lines) + (end if align else "") + ">"


def _title(graph: Digraph, title: str, note: str = "") -> None:
    lines = [_text(title, size=16, bold=True), _text(" ", size=5)]
    lines += [_text(line, size=11, colour="faint") for line in wrapped(note, NOTE)]
    graph.attr(label=_lines([*lines, " "], "LEFT"), labelloc="t", labeljust="l")


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` characters, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


# ------------------------------------------------------------------------------ lifecycles


@dot.register
def _charts(diagram: Charts) -> str:
    alone = len(diagram.charts) == 1
    graph = _graph(diagram.title, rankdir="TB", nodesep="0.5", ranksep="0.55", compound="true")
    _title(
        graph, diagram.charts[0].name if alone else diagram.title, _note(diagram) if alone else ""
    )
    if alone:
        _chart(graph, diagram.charts[0], "")
        return str(graph.source)
    _title(graph, diagram.title, diagram.note)
    for chart in diagram.charts:
        with graph.subgraph(name=f"cluster_{chart.name}") as below:
            below.attr(
                label=_lines([_text(chart.name, size=14, bold=True)]),
                color=COLOUR["rule"],
                style="rounded",
                margin="14",
            )
            _chart(below, chart, f"{chart.name}.")
    rows = in_rows(diagram.charts)
    for above, under in pairwise(rows):
        # an invisible edge puts the next row below the tallest chart of this one
        tallest = max(above, key=lambda chart: len(chart.all_boxes))
        for box in tallest.boxes:
            for chart in under:
                graph.edge(
                    _end(box, f"{tallest.name}.", "ltail")[0],
                    f"{chart.name}.(start)",
                    style="invis",
                    weight="0",
                )
    return str(graph.source)


def in_rows(charts: Iterable[Chart]) -> list[list[Chart]]:
    """Arrange charts in rows."""
    rows: list[list[Chart]] = []
    for chart in charts:
        used = sum(len(other.all_boxes) for other in rows[-1]) if rows else BOXES_IN_A_ROW
        if used + len(chart.all_boxes) > BOXES_IN_A_ROW:
            rows.append([])
        rows[-1].append(chart)
    return rows


def _note(diagram: Charts) -> str:
    return " ".join(part for part in (diagram.charts[0].description, diagram.note) if part)


def _chart(graph: Digraph, chart: Chart, prefix: str) -> None:
    start = f"{prefix}(start)"
    graph.node(
        start,
        label="",
        shape="circle",
        width="0.16",
        style="filled",
        fillcolor=COLOUR["ink"],
        color=COLOUR["ink"],
        tooltip="every object starts here",
    )
    boxes = {box.name: box for box in chart.boxes}
    for box in chart.boxes:
        if box.inside:
            _composite(graph, box, prefix)
        else:
            _box(graph, box, prefix)
        if box.initial:
            node, cut = _end(box, prefix, "lhead")
            graph.edge(start, node, color=COLOUR["ink"], **cut)
    for arrows in together(chart.arrows):
        first = arrows[0]
        fired = [arrow for arrow in arrows if arrow.reach is not Reach.REACHED]
        checked = any(arrow.reach is not Reach.UNCHECKED for arrow in arrows)
        missing = checked and len(fired) == len(arrows)
        source, tail = _end(boxes[first.source], prefix, "ltail")
        target, head = _end(boxes[first.target], prefix, "lhead")
        graph.edge(
            source,
            target,
            # Graphviz cannot clip a self-loop at the border of a cluster
            **({} if source == target else {**tail, **head}),
            label=_lines(line for arrow in arrows for line in _arrow(arrow)),
            tooltip="\n".join(f"{arrow.event}: {arrow.description}" for arrow in arrows),
            labeltooltip="\n".join(f"{arrow.event}: {arrow.description}" for arrow in arrows),
            color=COLOUR["bad" if missing else "accent" if checked else "line"],
            style="dashed" if missing else "solid",
            penwidth="1.6" if checked else "1.1",
        )


def _end(box: Box, prefix: str, side: str) -> tuple[str, dict[str, str]]:
    """The node at the end of an edge, and the attribute that clips it at a cluster's border."""
    name = f"{prefix}{box.name}"
    return (f"{name}.(in)", {side: f"cluster_{name}"}) if box.inside else (name, {})


def _composite(graph: Digraph, box: Box, prefix: str) -> None:
    """Draw a state with nested lifecycles as a frame around them."""
    missing = box.reach in (Reach.DEAD, Reach.UNSEEN)
    fill = "initial" if box.initial else "final" if box.final else "state"
    name = f"{prefix}{box.name}"
    with graph.subgraph(name=f"cluster_{name}") as below:
        below.attr(
            # a frame has only one border, so a label marks it as final
            label=_lines([_text(box.name, bold=True), *_final(box)], "LEFT" if box.final else ""),
            labeljust="l",
            style="filled" + (",dashed" if missing else "" if box.final else ",rounded"),
            fillcolor=COLOUR["gone" if missing else fill],
            bgcolor=COLOUR["gone" if missing else fill],
            color=COLOUR["bad" if missing else "line"],
            tooltip=box.description,
            margin="12",
        )
        below.node(f"{name}.(in)", label="", shape="point", width="0.01", style="invis")
        for chart in box.inside:
            with below.subgraph(name=f"cluster_{name}.{chart.name}") as region:
                region.attr(
                    label=_lines([_text(chart.name, size=11, colour="faint")]),
                    style="rounded,filled",
                    fillcolor=COLOUR["paper"],
                    color=COLOUR["rule"],
                    margin="10",
                )
                _chart(region, chart, f"{name}.{chart.name}.")


def _final(box: Box) -> list[str]:
    return [_text("final", size=10, colour="faint")] if box.final else []


def _box(graph: Digraph, box: Box, prefix: str) -> None:
    missing = box.reach in (Reach.DEAD, Reach.UNSEEN)
    fill = "initial" if box.initial else "final" if box.final else "state"
    lines = [_text(box.name, bold=True)]
    if missing:
        lines.append(_text(_verdict(box.reach, "never reached"), size=10, colour="bad"))
    graph.node(
        f"{prefix}{box.name}",
        label=_lines(lines),
        # rounded corners would hide the double border of a final state
        style="filled" + (",dashed" if missing else "" if box.final else ",rounded"),
        peripheries="2" if box.final else "1",
        fillcolor=COLOUR["gone" if missing else fill],
        color=COLOUR["bad" if missing else "line"],
        tooltip=box.description,
    )


def together(arrows: Iterable[Arrow]) -> list[list[Arrow]]:
    """Group the arrows between the same two states, to draw them as one."""
    found: dict[tuple[str, str, bool], list[Arrow]] = {}
    for arrow in arrows:
        missing = arrow.reach in (Reach.DEAD, Reach.UNSEEN)
        found.setdefault((arrow.source, arrow.target, missing), []).append(arrow)
    return list(found.values())


def _verdict(reach: Reach, dead: str) -> str:
    return dead if reach is Reach.DEAD else "not seen before the limit"


def _arrow(arrow: Arrow) -> list[str]:
    """The lines of an edge: event, count or verdict, operations, effects."""
    lines = [_text(f" {arrow.event} ", bold=True)]
    if arrow.reach in (Reach.DEAD, Reach.UNSEEN):
        lines = [_text(f" {arrow.event} ", bold=True, colour="bad")]
        lines.append(_text(f" {_verdict(arrow.reach, 'dead')} ", size=9, colour="bad"))
    elif arrow.fired is not None:
        lines.append(_text(f" {arrow.fired:,} times ", size=9, colour="accent"))
    if arrow.by:
        more = len(arrow.by) - SHOWN_OPERATIONS
        named = arrow.by if more <= 1 else (*arrow.by[:SHOWN_OPERATIONS], f"and {more} more")
        lines += [_text(f" {name} ", size=9, colour="faint") for name in named]
    lines += [_text(f" \N{RIGHTWARDS ARROW} {e} ", size=9, colour="accent") for e in arrow.effects]
    return lines


# ------------------------------------------------------------------ composition, comparison


@dot.register
def _grid(diagram: Grid) -> str:
    graph = _graph(diagram.title)
    _title(graph, diagram.title, diagram.note)
    head = f'BGCOLOR="{COLOUR["head"]}" ALIGN="LEFT"'
    rows = [
        f"<TR><TD {head}>{_text(diagram.corner, size=11, colour='faint')}</TD>"
        + "".join(f"<TD {head}>{_text(name, bold=True)}</TD>" for name in diagram.columns)
        + "</TR>"
    ]
    for name, cells in diagram.rows:
        columns = "".join(
            f'<TD ALIGN="LEFT" BALIGN="LEFT" BGCOLOR="{COLOUR[cell.mark or "paper"]}">'
            + ("<BR/>".join(_text(line, size=11) for line in _in_cell(cell)) or " ")
            + "</TD>"
            for cell in cells
        )
        rows.append(f"<TR><TD {head}>{_text(name, bold=True, size=11)}</TD>{columns}</TR>")
    table = (
        f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="5"'
        f' COLOR="{COLOUR["rule"]}">{"".join(rows)}</TABLE>'
    )
    graph.node("grid", label=f"<{table}>", shape="plain", style="")
    if diagram.legend:
        marks = "".join(
            f'<TD BGCOLOR="{COLOUR[mark]}">{_text(meaning, size=11)}</TD>'
            for mark, meaning in diagram.legend
        )
        graph.node(
            "legend",
            label=f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="6" CELLPADDING="4"'
            f' COLOR="{COLOUR["rule"]}"><TR>{marks}</TR></TABLE>>',
            shape="plain",
            style="",
        )
        graph.edge("legend", "grid", style="invis")
    return str(graph.source)


def _in_cell(cell: Cell) -> list[str]:
    return [part for line in cell.lines for part in wrapped(line, CELL)]


@dot.register
def _composition(diagram: Composition) -> str:
    graph = _graph(diagram.title, rankdir="LR", nodesep="0.16", ranksep="2.6")
    _title(graph, diagram.title, diagram.note)
    for place, names, fill in (
        ("operations", diagram.operations, "state"),
        ("lifecycles", diagram.lifecycles, "initial"),
        ("effects", diagram.effects, "final"),
    ):
        with graph.subgraph(name=place) as below:
            below.attr(rank="same")
            for name in names:
                below.node(
                    f"{place}.{name}",
                    label=_lines([_text(name, bold=place == "lifecycles")]),
                    fillcolor=COLOUR[fill],
                    style="filled" if place == "effects" else "rounded,filled",
                )
    lifecycles = set(diagram.lifecycles)
    for link in diagram.links:
        text = ", ".join(link.labels)
        # effects are left of the operations, so no edge crosses the lifecycles
        ends = (
            (f"operations.{link.source}", f"lifecycles.{link.target}")
            if link.target in lifecycles
            else (f"effects.{link.target}", f"operations.{link.source}")
        )
        graph.edge(
            *ends,
            dir="forward" if link.target in lifecycles else "back",
            color=COLOUR["accent" if link.target in lifecycles else "mark"],
            style="solid" if link.target in lifecycles else "dashed",
            tooltip=f"{link.source}: {text}" if text else link.source,
            arrowsize="0.6",
        )
    return str(graph.source)


@dot.register
def _network(diagram: Network) -> str:
    graph = _graph(diagram.title, rankdir="LR", nodesep="0.7", ranksep="1.2")
    _title(graph, diagram.title, diagram.note)
    for name in diagram.processes:
        graph.node(name, label=_lines([_text(name, bold=True)]), fillcolor=COLOUR["initial"])
    for channel in diagram.channels:
        label = _lines(
            (
                _text(f" {name} ", size=10, colour="faint" if name in channel.unseen else "")
                for name in channel.messages
            ),
            align="left",
        )
        graph.edge(channel.source, channel.target, label=label, color=COLOUR["accent"])
    return str(graph.source)


@dot.register
def _sequence(diagram: Sequence) -> str:
    from slotspec.diagrams.sequence_dot import sequence_dot

    return sequence_dot(diagram)


# ----------------------------------------------------------------------------- state graphs


@dot.register
def _states(diagram: StateGraph) -> str:
    # a screen scrolls down, and most graphs are wider than they are deep
    graph = _graph(diagram.title, rankdir="LR", nodesep="0.16", ranksep="0.35")
    note = diagram.note
    if len(diagram.moves) > LABELLED:
        note += "; faint edges lead back, and the table names their steps"
    _title(graph, diagram.title, note)
    for point in diagram.points:
        fill = "wrong" if point.bad else "marked" if point.marked else "state"
        lines = [_text(f"{point.number}", size=9, colour="faint")]
        lines += [_text(part, size=10) for line in point.lines for part in wrapped(line, STATE)]
        graph.node(
            str(point.number),
            label=_lines(lines),
            fillcolor=COLOUR["initial" if point.initial and not point.marked else fill],
            color=COLOUR["bad" if point.bad else "mark" if point.marked else "line"],
            penwidth="2.4" if point.marked else "1",
            peripheries="2" if point.bad else "1",
        )
    depth = {point.number: point.depth for point in diagram.points}
    for move in diagram.moves:
        onward = depth[move.target] > depth[move.source]
        faint = not onward and not move.marked and len(diagram.moves) > LABELLED
        label = _lines(
            _text(f" {part} ", size=9, bold=move.marked)
            for label in move.labels
            for part in wrapped(label, STATE)
        )
        graph.edge(
            str(move.source),
            str(move.target),
            label="" if faint else label,
            tooltip=", ".join(move.labels),
            color=COLOUR["mark" if move.marked else "rule" if faint else "line"],
            penwidth="2.6" if move.marked else "1",
            # dot fails on a label within a column; a faint edge has none and makes no column
            constraint="false" if faint else "true",
        )
    return str(graph.source)
