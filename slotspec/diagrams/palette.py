"""Colours by role, for light and dark; after Okabe and Ito, told apart by colour-blind readers.

A colour never speaks alone: whatever it says, a line style, a border or a word says too.
Pictures carry the light colours; a style sheet inside an SVG replaces each of them where
the reader prefers dark. So each role's light colour is used for that role alone.
"""

from __future__ import annotations

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "faint": "#59636e",
    "line": "#6e7781",
    "rule": "#d0d7de",
    "state": "#eef4fa",
    "initial": "#d6e9f8",
    "final": "#f1ece4",
    "head": "#f2f4f6",
    "accent": "#005f99",
    "good": "#00735c",
    "bad": "#b04300",
    "mark": "#c77700",
    "marked": "#fdf0d5",
    "wrong": "#fbe5da",
    "gone": "#fafbfc",
    "first": "#e3effa",
    "second": "#fbeccb",
    "both": "#e2f3ee",
}
DARK = {
    "paper": "#14181d",
    "ink": "#e8ecf0",
    "faint": "#a5b0bb",
    "line": "#8b96a1",
    "rule": "#3a434c",
    "state": "#1e2a36",
    "initial": "#1f3d57",
    "final": "#38322a",
    "head": "#232a31",
    "accent": "#7cc4f5",
    "good": "#4fcfae",
    "bad": "#ff9b66",
    "mark": "#f0b13c",
    "marked": "#453515",
    "wrong": "#4c2a1b",
    "gone": "#191e24",
    "first": "#1d3850",
    "second": "#4a3a12",
    "both": "#14443a",
}

FONT = "Arial"
"""What Graphviz measures with; Liberation Sans has the same widths."""
FAMILY = "Arial, 'Liberation Sans', Helvetica, sans-serif"
"""The same for a browser: faces of the same widths first."""


def style_sheet() -> str:
    """Rules that turn the light colours of an SVG into dark ones where these are preferred."""
    rules = []
    for role, light in LIGHT.items():
        dark = DARK[role]
        rules.append(f'[fill="{light}"]{{fill:{dark}}}')
        rules.append(f'[stroke="{light}"]{{stroke:{dark}}}')
    # words on an edge keep a rim, so that a line behind them does not strike them through
    rim = ".edge text{{paint-order:stroke;stroke:{};stroke-width:3px;stroke-linejoin:round}}"
    rules.append(rim.format(DARK["paper"]))
    return f"{rim.format(LIGHT['paper'])}@media (prefers-color-scheme:dark){{{''.join(rules)}}}"
