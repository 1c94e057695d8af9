"""Render DOT as pictures with pygraphviz, which includes Graphviz: ``dot`` is not needed."""

from __future__ import annotations

import re
from threading import Lock

from slotspec.diagrams.layout import laid_out
from slotspec.diagrams.palette import FAMILY, FONT, style_sheet
from slotspec.diagrams.sequence_dot import PLACED
from slotspec.statemachine.errors import UsageError

DPI = 144
"""Dots per inch of a PNG: twice the default, for high-resolution screens."""

ONE_AT_A_TIME = Lock()
"""Graphviz has global state."""


def _laid_out(source: str, form: str, *more: str) -> bytes:
    try:
        import pygraphviz  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "SET050",
            f"pictures need pygraphviz 2, which cannot be loaded ({error});"
            " install it, or use --format dot or mermaid",
        ) from error
    with ONE_AT_A_TIME:
        return laid_out(source, form, "nop" if source.startswith(PLACED) else "dot", more)


def svg(source: str) -> str:
    """An SVG of DOT `source` that follows the reader's light or dark mode."""
    text = _laid_out(source, "svg").decode("utf-8")
    text = text[text.index("<svg") :]
    # drop the comments, which name the version of Graphviz
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = text.replace(f'font-family="{FONT}"', f'font-family="{FAMILY}"')
    return _styled(_labels_last(text))


def _labels_last(text: str) -> str:
    """Move edge labels to the end, so that no line is drawn across them."""
    labels: list[str] = []

    def extract(edge: re.Match[str]) -> str:
        labels.extend(re.findall(r"<text.*?</text>", edge[0]))
        return re.sub(r"<text.*?</text>\n?", "", edge[0])

    text = re.sub(
        r'<g id="edge\d+" class="edge">.*?</g>\n(?=<g id="(?:edge|node)|</g>)',
        extract,
        text,
        flags=re.DOTALL,
    )
    end = text.rindex("</g>")
    above = "\n".join(['<g class="edge">', *labels, "</g>\n"])
    return f"{text[:end]}{above}{text[end:]}"


def _styled(text: str) -> str:
    end = text.index(">", text.index("<svg")) + 1
    return f"{text[:end]}\n<style>{style_sheet()}</style>{text[end:]}"


def png(source: str) -> bytes:
    """A PNG of DOT `source`, in the light colours."""
    return _laid_out(source, "png", f"-Gdpi={DPI}")
