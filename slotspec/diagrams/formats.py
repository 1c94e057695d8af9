"""Render a description in any format."""

from __future__ import annotations

from enum import StrEnum

from slotspec.diagrams.description import Diagram, Sequence
from slotspec.diagrams.dot import dot, has_dot
from slotspec.diagrams.mermaid import has_mermaid, mermaid
from slotspec.diagrams.tables import table
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.visible import visible


class Format(StrEnum):
    """The formats of diagrams."""

    svg = "svg"
    png = "png"
    dot = "dot"
    mermaid = "mermaid"
    table = "table"


SUFFIXES = {
    ".svg": Format.svg,
    ".png": Format.png,
    ".dot": Format.dot,
    ".gv": Format.dot,
    ".mmd": Format.mermaid,
    ".mermaid": Format.mermaid,
    ".md": Format.table,
}
"""File suffix -> format."""


def formats_of(diagram: Diagram) -> list[Format]:
    """The formats that `diagram` can be rendered in."""
    pictures = has_dot(diagram)
    known = {
        Format.svg: pictures or isinstance(diagram, Sequence),
        Format.png: pictures,
        Format.dot: pictures,
        Format.mermaid: has_mermaid(diagram),
        Format.table: True,
    }
    return [one for one in Format if known[one]]


def render(diagram: Diagram, form: Format) -> str | bytes:
    """`diagram` as text, or as bytes for a PNG.

    :raises UsageError: ``SET052`` if it has no such format, ``SET050`` without pygraphviz.
    """
    known = formats_of(diagram)
    if form not in known:
        raise UsageError(
            "SET052",
            f"a {type(diagram).__name__.lower()} cannot be drawn as {form.value};"
            f" choose {', '.join(known)}",
        )
    if form is Format.mermaid:
        return visible(mermaid(diagram))
    if form is Format.table:
        return visible(table(diagram))
    if form is Format.svg and isinstance(diagram, Sequence):
        from slotspec.diagrams.sequence_svg import sequence_svg

        return visible(sequence_svg(diagram))
    source = visible(dot(diagram))
    if form is Format.dot:
        return source
    from slotspec.diagrams.pictures import png, svg

    return svg(source) if form is Format.svg else png(source)
