"""Descriptions as Mermaid, which many sites draw from Markdown."""

from __future__ import annotations

import re
from functools import singledispatch
from typing import Any

from slotspec.diagrams.description import (
    Arrow,
    Chart,
    Charts,
    Ended,
    Fate,
    Flight,
    Message,
    Network,
    Reach,
    Remark,
    Sent,
    Sequence,
    StateGraph,
    Web,
)


@singledispatch
def mermaid(diagram: Any) -> str:
    """The Mermaid source of a description, with an end of line.

    :raises TypeError: a grid has no Mermaid form.
    """
    raise TypeError(f"{type(diagram).__name__} has no Mermaid form")


def has_mermaid(diagram: object) -> bool:
    """Whether :func:`mermaid` takes it."""
    return mermaid.dispatch(type(diagram)) is not mermaid.dispatch(object)


def _said(text: str) -> str:
    """`text` where Mermaid would take a sign for its own."""
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
    """The lines of one lifecycle; what is inside of a state stands in its braces."""
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
        lines.append(f"{ends} : {_said(_label(arrow))}")
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
    lines[1:] = [f"    participant {_name(n)} as {_said(n)}" for n in diagram.lifelines]
    for step in diagram.steps:
        for item in step.items:
            if isinstance(item, Message):
                arrow = "-->>" if item.reply else "->>"
                number = "" if item.reply else f"{step.number}. "
                ends = f"{_name(item.source)}{arrow}{_name(item.target)}"
                lines.append(f"    {ends}: {number}{_said(item.text)}")
            elif isinstance(item, Ended):
                lines.append(f"    {_flown(item.flight)}")
            elif isinstance(item, Remark):
                text = "<br/>".join(_said(line) for line in item.lines)
                lines.append(f"    Note over {_name(item.over)}: {text}")
    for step in diagram.steps:
        for item in step.items:
            if isinstance(item, Sent) and item.flight.fate is Fate.UNDER_WAY:
                lines.append(f"    {_flown(item.flight)}")
    if diagram.ending:
        ends = ",".join(dict.fromkeys([_name(diagram.lifelines[0]), _name(diagram.lifelines[-1])]))
        lines.append(f"    Note over {ends}: {_said(diagram.ending)}")
    return "\n".join(lines) + "\n"


def _flown(flight: Flight) -> str:
    """A message where it arrives or is lost: an arrow of this notation does not slope."""
    arrow = "-)" if flight.fate in (Fate.ARRIVES, Fate.UNDER_WAY) else "-x"
    number = "" if flight.ended is None else f"{flight.ended}. "
    fate = "" if flight.fate is Fate.ARRIVES else f", {flight.fate.value}"
    text = f"{number}{_said(flight.text)} (sent in {flight.sent}{fate})"
    return f"{_name(flight.source)}{arrow}{_name(flight.target)}: {text}"


@mermaid.register
def _web(diagram: Web) -> str:
    lines = ["flowchart LR"]
    for place, names in (
        ("operation", diagram.operations),
        ("machine", diagram.machines),
        ("effect", diagram.effects),
    ):
        opening, closing = {"operation": "()", "machine": "[]", "effect": ("{{", "}}")}[place]
        lines += [f'    {place}_{_name(n)}{opening}"{n}"{closing}' for n in names]
    machines = set(diagram.machines)
    for link in diagram.links:
        if link.target in machines:
            text = ", ".join(link.labels)
            lines.append(
                f'    operation_{_name(link.source)} -->|"{text}"| machine_{_name(link.target)}'
            )
        else:
            lines.append(f"    operation_{_name(link.source)} -.-> effect_{_name(link.target)}")
    return "\n".join(lines) + "\n"


@mermaid.register
def _network(diagram: Network) -> str:
    lines = ["flowchart LR"]
    lines += [f'    {_name(name)}["{name}"]' for name in diagram.processes]
    for wire in diagram.wires:
        text = "<br/>".join(wire.messages)
        lines.append(f'    {_name(wire.source)} -->|"{text}"| {_name(wire.target)}')
    return "\n".join(lines) + "\n"


@mermaid.register
def _states(diagram: StateGraph) -> str:
    lines = ["stateDiagram-v2"]
    for point in diagram.points:
        text = "<br/>".join([str(point.number), *map(_said, point.lines)])
        lines.append(f'    state "{text}" as s{point.number}')
        if point.initial:
            lines.append(f"    [*] --> s{point.number}")
    for move in diagram.moves:
        text = ", ".join(map(_said, move.labels))
        lines.append(f"    s{move.source} --> s{move.target} : {text}")
    marked = [f"s{point.number}" for point in diagram.points if point.marked]
    if marked:
        lines.append("    classDef marked stroke-width:4px,stroke-dasharray:0")
        lines.append(f"    class {','.join(marked)} marked")
    return "\n".join(lines) + "\n"
