"""Colours by role, light and dark, after Okabe and Ito: colour-blind readers can distinguish them.

No information is in a colour alone: a line style, a border or a word repeats it. Pictures use
the light colours; the style sheet of an SVG replaces each of them if the reader prefers dark.
So each light colour belongs to one role only.
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
"""The font that Graphviz measures text with; Liberation Sans has the same widths."""
FAMILY = "Arial, 'Liberation Sans', Helvetica, sans-serif"
"""The fonts of a browser: those with the same widths come first."""


def style_sheet() -> str:
    """CSS rules that replace the light colours of an SVG if the reader prefers dark."""
    rules = []
    for role, light in LIGHT.items():
        dark = DARK[role]
        rules.append(f'[fill="{light}"]{{fill:{dark}}}')
        rules.append(f'[stroke="{light}"]{{stroke:{dark}}}')
    # a rim around edge labels keeps lines behind them from striking them through
    rim = ".edge text{{paint-order:stroke;stroke:{};stroke-width:3px;stroke-linejoin:round}}"
    rules.append(rim.format(DARK["paper"]))
    return f"{rim.format(LIGHT['paper'])}@media (prefers-color-scheme:dark){{{''.join(rules)}}}"
