"""DOT as pictures. pygraphviz brings Graphviz along: no ``dot`` need be installed."""

from __future__ import annotations

import re
from threading import Lock
from typing import Any

from slotspec.diagrams.palette import FAMILY, FONT, style_sheet
from slotspec.diagrams.sequence_dot import PLACED
from slotspec.statemachine.errors import UsageError

DPI = 144
"""Dots of a PNG to an inch: twice the usual, for screens of fine pixels."""


ONE_AT_A_TIME = Lock()
"""Graphviz keeps its work in places that are there once for the whole process."""


def _laid_out(source: str, form: str, *more: str) -> bytes:
    try:
        import pygraphviz
    except ImportError as error:
        raise UsageError(
            "SET050",
            f"pictures need pygraphviz 2, which cannot be loaded ({error});"
            " install it, or ask for --format dot or mermaid",
        ) from error
    with ONE_AT_A_TIME:
        return _drawn(pygraphviz.AGraph(string=source), source, form, more)


def _drawn(graph: Any, source: str, form: str, more: tuple[str, ...]) -> bytes:
    try:
        placed = source.startswith(PLACED)
        drawn = graph.draw(format=form, prog="nop" if placed else "dot", args=" ".join(more))
    finally:
        graph.close()
    assert isinstance(drawn, bytes)
    return drawn


def svg(source: str) -> str:
    """An SVG of DOT `source` that follows the reader's preference for light or dark."""
    text = _laid_out(source, "svg").decode("utf-8")
    text = text[text.index("<svg") :]
    # neither the version nor the comments with names are part of the picture
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = text.replace(f'font-family="{FONT}"', f'font-family="{FAMILY}"')
    return _styled(_words_last(text))


def _words_last(text: str) -> str:
    """The same with the words of edges above everything: lines drawn later would cross them."""
    words: list[str] = []

    def taken(edge: re.Match[str]) -> str:
        words.extend(re.findall(r"<text.*?</text>", edge[0]))
        return re.sub(r"<text.*?</text>\n?", "", edge[0])

    text = re.sub(
        r'<g id="edge\d+" class="edge">.*?</g>\n(?=<g id="(?:edge|node)|</g>)',
        taken,
        text,
        flags=re.DOTALL,
    )
    end = text.rindex("</g>")
    above = "\n".join(['<g class="edge">', *words, "</g>\n"])
    return f"{text[:end]}{above}{text[end:]}"


def _styled(text: str) -> str:
    end = text.index(">", text.index("<svg")) + 1
    return f"{text[:end]}\n<style>{style_sheet()}</style>{text[end:]}"


def png(source: str) -> bytes:
    """A PNG of DOT `source`, in the light colours."""
    return _laid_out(source, "png", f"-Gdpi={DPI}")
