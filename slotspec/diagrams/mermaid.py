"""Render descriptions as Mermaid, which many sites draw from Markdown."""

from __future__ import annotations

import re
from functools import singledispatch
from typing import Any

from slotspec.diagrams.description import (
    Arrow,
    ArrowEnd,
    ArrowStart,
    Chart,
    Charts,
    Composition,
    Fate,
    Grid,
    Message,
    MessageArrow,
    Network,
    Reach,
    Remark,
    Sequence,
    StateGraph,
)


@singledispatch
def mermaid(diagram: Any) -> str:
    """The Mermaid source of a description.

    :raises TypeError: if it has no Mermaid form.
    """
    raise TypeError(f"{type(diagram).__name__} has no Mermaid form")


def has_mermaid(diagram: object) -> bool:
    """Whether :func:`mermaid` can render it."""
    return mermaid.dispatch(type(diagram)) is not mermaid.dispatch(object)


def _escaped(text: str) -> str:
    """Escape the characters that have a meaning in Mermaid."""
    return re.sub("[#;]", lambda sign: f"#{ord(sign[0])};", text)


def _name(text: str) -> str:
    return re.sub(r"\W", "_", text)


@mermaid.register
def _charts(diagram: Charts) -> str:
    lines = ["stateDiagram-v2"]
    if len(diagram.charts) == 1:
        lines += _chart(diagram.charts[0], "")
    else:
        for chart in diagram.charts:
            lines += [f"state {chart.name} {{", *_chart(chart, f"{chart.name}_"), "}"]
    depth, out = 0, []
    for line in lines:
        depth -= line == "}"
        out.append("    " * (depth + (line != lines[0])) + line)
        depth += line.endswith("{")
    return "\n".join(out) + "\n"


def _chart(chart: Chart, prefix: str) -> list[str]:
    """The lines of one lifecycle; nested lifecycles are in the braces of their state."""
    lines = []
    for box in chart.boxes:
        lines.append(f'state "{box.name}" as {prefix}{box.name}')
        if box.inside:
            lines.append(f"state {prefix}{box.name} {{")
            for number, below in enumerate(box.inside):
                lines += ["--"] * (number > 0)
                lines += _chart(below, f"{prefix}{box.name}_{below.name}_")
            lines.append("}")
        if box.initial:
            lines.append(f"[*] --> {prefix}{box.name}")
    for arrow in chart.arrows:
        ends = f"{prefix}{arrow.source} --> {prefix}{arrow.target}"
        lines.append(f"{ends} : {_escaped(_label(arrow))}")
    return [*lines, *(f"{prefix}{box.name} --> [*]" for box in chart.boxes if box.final)]


def _label(arrow: Arrow) -> str:
    if arrow.reach is Reach.DEAD:
        return f"{arrow.event} (dead)"
    if arrow.reach is Reach.UNSEEN:
        return f"{arrow.event} (not seen)"
    if arrow.fired is not None:
        return f"{arrow.event} ({arrow.fired:,} times)"
    return arrow.event


@mermaid.register
def _sequence(diagram: Sequence) -> str:
    lines = ["sequenceDiagram", "    autonumber"]
    lines[1:] = [f"    participant {_name(n)} as {_escaped(n)}" for n in diagram.lifelines]
    for step in diagram.steps:
        for item in step.items:
            if isinstance(item, Message):
                arrow = "-->>" if item.reply else "->>"
                number = "" if item.reply else f"{step.number}. "
                ends = f"{_name(item.source)}{arrow}{_name(item.target)}"
                lines.append(f"    {ends}: {number}{_escaped(item.text)}")
            elif isinstance(item, ArrowEnd):
                lines.append(f"    {_arrow_line(item.arrow)}")
            elif isinstance(item, Remark):
                text = "<br/>".join(_escaped(line) for line in item.lines)
                lines.append(f"    Note over {_name(item.over)}: {text}")
    for step in diagram.steps:
        for item in step.items:
            if isinstance(item, ArrowStart) and item.arrow.fate is Fate.IN_FLIGHT:
                lines.append(f"    {_arrow_line(item.arrow)}")
    if diagram.ending:
        ends = ",".join(dict.fromkeys([_name(diagram.lifelines[0]), _name(diagram.lifelines[-1])]))
        lines.append(f"    Note over {ends}: {_escaped(diagram.ending)}")
    return "\n".join(lines) + "\n"


def _arrow_line(arrow: MessageArrow) -> str:
    """A message, drawn where it arrives or is lost: Mermaid has no sloping arrows."""
    head = "-)" if arrow.fate in (Fate.ARRIVES, Fate.IN_FLIGHT) else "-x"
    number = "" if arrow.ended is None else f"{arrow.ended}. "
    fate = "" if arrow.fate is Fate.ARRIVES else f", {arrow.fate.value}"
    text = f"{number}{_escaped(arrow.text)} (sent in {arrow.sent}{fate})"
    return f"{_name(arrow.source)}{head}{_name(arrow.target)}: {text}"


@mermaid.register
def _composition(diagram: Composition) -> str:
    lines = ["flowchart LR"]
    for place, names in (
        ("operation", diagram.operations),
        ("lifecycle", diagram.lifecycles),
        ("effect", diagram.effects),
    ):
        opening, closing = {"operation": "()", "lifecycle": "[]", "effect": ("{{", "}}")}[place]
        lines += [f'    {place}_{_name(n)}{opening}"{n}"{closing}' for n in names]
    lifecycles = set(diagram.lifecycles)
    for link in diagram.links:
        if link.target in lifecycles:
            text = ", ".join(link.labels)
            lines.append(
                f'    operation_{_name(link.source)} -->|"{text}"| lifecycle_{_name(link.target)}'
            )
        else:
            lines.append(f"    operation_{_name(link.source)} -.-> effect_{_name(link.target)}")
    return "\n".join(lines) + "\n"


@mermaid.register
def _grid(diagram: Grid) -> str:
    """A table has no Mermaid form of its own: each row points to what is in its cells."""
    lines = ["flowchart LR"]
    lines += [f'    row{n}(["{_quoted(name)}"])' for n, (name, _) in enumerate(diagram.rows)]
    used = [
        (n, m, cell)
        for n, (_, cells) in enumerate(diagram.rows)
        for m, cell in enumerate(cells)
        if cell.lines
    ]
    for m, name in enumerate(diagram.columns):
        if any(column == m for _, column, _ in used):
            lines.append(f'    column{m}["{_quoted(name)}"]')
    for n, m, cell in used:
        text = "<br/>".join(map(_quoted, cell.lines))
        lines.append(f'    row{n} -->|"{text}"| column{m}')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Text within quotes."""
    return _escaped(text).replace('"', "#quot;")


@mermaid.register
def _network(diagram: Network) -> str:
    lines = ["flowchart LR"]
    lines += [f'    {_name(name)}["{name}"]' for name in diagram.processes]
    for channel in diagram.channels:
        text = "<br/>".join(
            f"{name} (not seen)" if name in channel.unseen else name for name in channel.messages
        )
        lines.append(f'    {_name(channel.source)} -->|"{text}"| {_name(channel.target)}')
    return "\n".join(lines) + "\n"


@mermaid.register
def _states(diagram: StateGraph) -> str:
    lines = ["stateDiagram-v2"]
    for point in diagram.points:
        text = "<br/>".join([str(point.number), *map(_escaped, point.lines)])
        lines.append(f'    state "{text}" as s{point.number}')
        if point.initial:
            lines.append(f"    [*] --> s{point.number}")
    for move in diagram.moves:
        text = ", ".join(map(_escaped, move.labels))
        lines.append(f"    s{move.source} --> s{move.target} : {text}")
    marked = [f"s{point.number}" for point in diagram.points if point.marked]
    if marked:
        lines.append("    classDef marked stroke-width:4px,stroke-dasharray:0")
        lines.append(f"    class {','.join(marked)} marked")
    return "\n".join(lines) + "\n"
