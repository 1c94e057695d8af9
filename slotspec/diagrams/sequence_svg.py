"""Draw a sequence as SVG: lifelines, messages, and a column of changes.

Nothing overlaps: a column is as wide as its widest message, the changes have their own column,
and a step is as high as the higher of the two.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from itertools import pairwise
from math import hypot

from slotspec.diagrams.description import (
    ArrowEnd,
    ArrowStart,
    Fate,
    Message,
    MessageArrow,
    Remark,
    Sequence,
    SequenceStep,
)
from slotspec.diagrams.palette import FAMILY, style_sheet
from slotspec.diagrams.palette import LIGHT as COLOUR

SIZE = 12
LINE = 16
ROW = 26
"""Height of a message."""
GAP = 96
"""Minimum distance between two lifelines."""
MARGIN = 16
NUMBERS = 34
"""Width of the step numbers."""
NARROW_GAP = 62
NARROW_TEXT = 27
"""Minimum distance and characters per line of a narrow diagram."""
LONGEST_WORD = 40
"""Only longer words of a message are broken, so names of exceptions stay whole."""
STUB = 16
"""The length of the arrow of a message in flight."""
REMARKS = 58
"""Characters per line of the last column."""

_NARROW = frozenset("ijltfrI.,:;'()[]|! ")
_WIDE = frozenset("mwMW@%")


def width(text: str, size: float = SIZE, bold: bool = False) -> float:
    """An upper estimate of the width of `text`."""
    units = sum(
        0.36 if c in _NARROW else 0.95 if c in _WIDE else 0.74 if c.isupper() else 0.61
        for c in text
    )
    return units * size * (1.06 if bold else 1.0)


def broken(text: str, limit: int = REMARKS, longest: int = 0) -> list[str]:
    """`text` in lines of at most `limit` characters.

    :param longest: break a word only if it is longer than this and than `limit`.
    """
    lines = [""]
    for word in text.split(" "):
        while len(word) > max(limit, longest):
            if lines[-1]:
                lines.append("")
            lines[-1], word = word[:limit], word[limit:]
        if not lines[-1]:
            lines[-1] = word
        elif len(lines[-1]) + 1 + len(word) <= limit:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def stacked(text: str, limit: int = NARROW_TEXT) -> list[str]:
    """A message in lines; a long one has its name first and its arguments below."""
    if len(text) <= limit:
        return [text]
    name, bracket, arguments = text.partition("(")
    names = [""]
    for part in re.findall("[^_]*_|[^_]+", name):
        if names[-1] and len(names[-1] + part) > limit:
            names.append("")
        names[-1] += part
    if not bracket:
        return broken(text, limit, LONGEST_WORD)
    return [*names, *broken(f"({arguments}", limit, LONGEST_WORD)]


def sequence_svg(diagram: Sequence, *, title: bool = True, narrow: bool = False) -> str:
    """The SVG of a sequence, in the light or dark mode of the reader.

    :param narrow: break messages into several lines, and show only remarks about faults and
        divergences.
    """
    return Drawing(_narrowed(diagram) if narrow else diagram, title, narrow).text()


def _narrowed(diagram: Sequence) -> Sequence:
    steps = tuple(
        SequenceStep(
            step.number,
            tuple(i for i in step.items if not isinstance(i, Remark) or i.bad),
        )
        for step in diagram.steps
    )
    return replace(diagram, steps=steps)


class Drawing:
    """The layout of a sequence, written as SVG."""

    def __init__(self, diagram: Sequence, title: bool, narrow: bool) -> None:
        self.diagram = diagram
        self.narrow = narrow
        heads = [width(name, SIZE, True) + 28 for name in diagram.lifelines]
        self.gaps = [
            max(NARROW_GAP if narrow else GAP, (a + b) / 2 + 12) for a, b in pairwise(heads)
        ]
        self.place = {name: i for i, name in enumerate(diagram.lifelines)}
        last = 0.0
        for message in self.messages():
            a, b = self.place[message.source], self.place[message.target]
            needed = max(map(width, self.lines(message))) + 30
            if a == b:
                needed += 34
                if a == len(self.gaps):
                    last = max(last, needed)
                    continue
                b = a + 1
            self.widen(min(a, b), max(a, b), needed)
        for arrow in self.arrows():
            a, b = self.place[arrow.source], self.place[arrow.target]
            needed = max(map(width, self.wrap(label(arrow)))) + 30
            # the text is at the start of the arrow and may be as long as the arrow
            self.widen(min(a, b), max(a, b), needed)
        self.x = [MARGIN + NUMBERS + heads[0] / 2 if heads else MARGIN]
        for gap in self.gaps:
            self.x.append(self.x[-1] + gap)
        edge = self.x[-1] + max(heads[-1] / 2 if heads else 0, last)
        lines = [
            (line, remark.bad)
            for step in diagram.steps
            for remark in step.items
            if isinstance(remark, Remark)
            for text in remark.lines
            for line in broken(text)
        ]
        self.notes = edge + 26
        widest = max((width(line, SIZE, bad) for line, bad in lines), default=0)
        self.width = self.notes + widest + 24 if lines else edge + MARGIN
        self.width = max(self.width, width(diagram.title, 16, True) + 2 * MARGIN if title else 0)
        self.width = max(self.width, width(diagram.ending, SIZE, True) + 2 * MARGIN)
        self.title = title

    def messages(self) -> list[Message]:
        return [m for step in self.diagram.steps for m in step.items if isinstance(m, Message)]

    def arrows(self) -> list[MessageArrow]:
        return [
            i.arrow for step in self.diagram.steps for i in step.items if isinstance(i, ArrowStart)
        ]

    def lines(self, message: Message) -> list[str]:
        return self.wrap(message.text)

    def wrap(self, text: str) -> list[str]:
        """The text of a message in lines."""
        return stacked(text) if self.narrow else [text]

    def widen(self, first: int, last: int, needed: float) -> None:
        """Widen the gaps from lifeline `first` to `last` to at least `needed` in all."""
        have = sum(self.gaps[first:last])
        if have < needed:
            for i in range(first, last):
                self.gaps[i] += (needed - have) / (last - first)

    def text(self) -> str:
        top = MARGIN
        body: list[str] = []
        if self.title:
            body.append(self.write(MARGIN, top + 14, self.diagram.title, size=16, bold=True))
            top += 32
        heads = top
        y = heads + 40.0
        self.top = heads + 28
        self.left: dict[int, float] = {}
        rows: list[str] = []
        under: list[str] = []
        stripes: list[str] = []
        for number, step in enumerate(self.diagram.steps):
            incoming, drawn, high = self.step(step, y)
            if number % 2 == 0:
                stripes.append(self.box(4, y, self.width - 8, high, "gone"))
            under += self.group(step.number, incoming) if incoming else []
            rows += self.group(step.number, drawn)
            y += high
        for arrow in self.arrows():
            if arrow.fate is Fate.IN_FLIGHT:
                for layer, parts in zip((under, rows), self.arrow_end(arrow, y), strict=True):
                    layer += self.group(arrow.sent, parts)
        lines = [self.lifeline(x, heads + 28, y + 8) for x in self.x]
        for name, x in zip(self.diagram.lifelines, self.x, strict=True):
            half = (width(name, SIZE, True) + 20) / 2
            body.append(self.box(x - half, heads, 2 * half, 28, "head", "line"))
            body.append(self.write(x, heads + 18.5, name, bold=True, anchor="middle"))
        if self.diagram.ending:
            wrong = any(
                isinstance(item, Remark) and item.bad
                for s in self.diagram.steps
                for item in s.items
            )
            colour = "bad" if wrong else "ink"
            y += 26
            body.append(self.write(MARGIN, y, self.diagram.ending, bold=True, colour=colour))
        # the stripes are below the lifelines, and these below the messages
        return self.whole([*stripes, *lines, *under, *body, *rows], y + 18)

    def step(self, step: SequenceStep, top: float) -> tuple[list[str], list[str], float]:
        """The arrows that end in a step; its messages and remarks; its height."""
        under: list[str] = []
        out = [self.write(MARGIN, top + 21, str(step.number), colour="faint", size=11)]
        y = top + 4
        for item in step.items:
            if isinstance(item, Message):
                y += ROW + LINE * (len(self.lines(item)) - 1)
                out += self.message(item, y - 5)
            elif isinstance(item, ArrowEnd):
                y += ROW
                lines, texts = self.arrow_end(item.arrow, y - 5)
                under += lines
                out += texts
            elif isinstance(item, ArrowStart):
                y += ROW + LINE * (len(self.wrap(label(item.arrow))) - 1)
                out += self.arrow_start(item.arrow, y - 5)
        below = top + 6
        for item in step.items:
            if isinstance(item, Remark):
                lines = [line for text in item.lines for line in broken(text)]
                high = len(lines) * LINE + 8
                fill, edge = ("wrong", "bad") if item.bad else ("head", "rule")
                wide = self.width - self.notes - 8
                out.append(self.box(self.notes - 8, below, wide, high, fill, edge))
                for i, line in enumerate(lines):
                    out.append(
                        self.write(
                            self.notes,
                            below + 16 + i * LINE,
                            line,
                            bold=item.bad,
                            colour="bad" if item.bad else "ink",
                        )
                    )
                below += high + 4
        return under, out, max(y, below) + 6 - top

    def message(self, message: Message, y: float) -> list[str]:
        a, b = (self.x[self.place[name]] for name in (message.source, message.target))
        colour = "good" if message.reply else "accent"
        if a == b:
            text = self.above(a + 30, y - 1, message, "")
            return [*self.loop(a, y, colour, message.reply), *text]
        text = self.above((a + b) / 2, y - 6, message, "middle")
        return [*self.arrow(a, b, y, colour, message.reply), *text]

    def arrow_start(self, arrow: MessageArrow, y: float) -> list[str]:
        """The start of an arrow, with its text."""
        a, b = (self.x[self.place[name]] for name in (arrow.source, arrow.target))
        self.left[id(arrow)] = y
        away = 8 if b > a else -8
        anchor = "" if b > a else "end"
        text = self.stack(a + away, y - 5, self.wrap(label(arrow)), anchor)
        return [self.box(a - 2.5, y - 2.5, 5, 5, "accent"), *text]

    def arrow_end(self, arrow: MessageArrow, y: float) -> tuple[list[str], list[str]]:
        """The line of an arrow that ends at `y`, at its receiver or before; its text."""
        a, b = (self.x[self.place[name]] for name in (arrow.source, arrow.target))
        top = self.left.get(id(arrow), self.top)
        way = 1 if b > a else -1
        if arrow.fate is Fate.IN_FLIGHT:
            end = a + way * STUB, top + STUB / 2
            return self.slope((a, top), end, "faint", False), []
        since = f"of {arrow.sent}"
        if arrow.fate is Fate.ARRIVES:
            # beyond the lifeline, where there is no other text
            anchor = "" if b > a else "end"
            text = self.write(b + way * 5, y + 3, since, size=10, anchor=anchor, colour="faint")
            return self.slope((a, top), (b, y), "accent", True), [text]
        x = a + (b - a) * 0.6
        lines = self.slope((a, top), (x, y), "bad", False)
        for rise in (-5, 5):
            lines += self.slope((x - 5, y - rise), (x + 5, y + rise), "bad", False)
        text = f"{arrow.fate.value}, {since}"
        return lines, [self.write(x + 10, y + 4, text, colour="bad", halo=True)]

    def above(self, x: float, y: float, message: Message, anchor: str) -> list[str]:
        """The text of a message, with its last line at `y`."""
        return self.stack(x, y, self.lines(message), anchor)

    def stack(self, x: float, y: float, lines: list[str], anchor: str) -> list[str]:
        """Lines of text, the last one at `y`."""
        top = y - LINE * (len(lines) - 1)
        return [
            self.write(x, top + LINE * i, line, anchor=anchor, halo=True)
            for i, line in enumerate(lines)
        ]

    # ---------------------------------------------------------------- the parts of the drawing

    def whole(self, parts: list[str], height: float) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}"'
            f' height="{height:.0f}" viewBox="0 0 {self.width:.0f} {height:.0f}"'
            f' font-family="{FAMILY}" role="img">\n'
            f"<title>{escape(self.diagram.title)}</title>\n"
            f"<style>{style_sheet()}</style>\n"
            f'<rect width="100%" height="100%" fill="{COLOUR["paper"]}"/>\n'
            + "\n".join(parts)
            + "\n</svg>\n"
        )

    def group(self, number: int, parts: list[str]) -> list[str]:
        """The parts of one step."""
        return [f'<g class="step" data-step="{number}">', *parts, "</g>"]

    def box(self, x: float, y: float, wide: float, high: float, fill: str, edge: str = "") -> str:
        border = f' rx="4" stroke="{COLOUR[edge]}"' if edge else ""
        return (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
            f' fill="{COLOUR[fill]}"{border}/>'
        )

    def lifeline(self, x: float, top: float, bottom: float) -> str:
        return (
            f'<line x1="{x:.1f}" y1="{top:.0f}" x2="{x:.1f}" y2="{bottom:.0f}"'
            f' stroke="{COLOUR["rule"]}" stroke-width="1.2" stroke-dasharray="4 3"/>'
        )

    def arrow(self, a: float, b: float, y: float, colour: str, dashed: bool) -> list[str]:
        way = 1 if b > a else -1
        path = f"M{a:.1f},{y:.1f} H{b - way * 8:.1f}"
        return [_stroke(path, colour, dashed), _head(b - way, y, way, COLOUR[colour])]

    def slope(
        self, start: tuple[float, float], end: tuple[float, float], colour: str, head: bool
    ) -> list[str]:
        """A straight line, with or without an arrowhead."""
        path = f"M{start[0]:.1f},{start[1]:.1f} L{end[0]:.1f},{end[1]:.1f}"
        parts = [_stroke(path, colour, False)]
        if head:
            parts.append(_slanting_head(start, end, COLOUR[colour]))
        return parts

    def loop(self, a: float, y: float, colour: str, dashed: bool) -> list[str]:
        path = f"M{a:.1f},{y - 9:.1f} h22 v9 h-15"
        return [_stroke(path, colour, dashed), _head(a + 2, y, -1, COLOUR[colour])]

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SIZE,
        bold: bool = False,
        anchor: str = "",
        colour: str = "ink",
        halo: bool = False,
    ) -> str:
        more = (' font-weight="bold"' if bold else "") + (
            f' text-anchor="{anchor}"' if anchor else ""
        )
        if halo:  # keeps a lifeline behind the text from striking it through
            more += f' stroke="{COLOUR["paper"]}" stroke-width="3" paint-order="stroke"'
        return (
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{COLOUR[colour]}"{more}>'
            f"{escape(text, quote=False)}</text>"
        )


def label(arrow: MessageArrow) -> str:
    """The text at the start of an arrow."""
    in_flight = arrow.fate is Fate.IN_FLIGHT
    return f"{arrow.text} ({arrow.fate.value})" if in_flight else arrow.text


def _stroke(path: str, colour: str, dashed: bool) -> str:
    dash = ' stroke-dasharray="6 3"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{COLOUR[colour]}" stroke-width="1.5"{dash}/>'


def _head(x: float, y: float, way: int, colour: str) -> str:
    """An arrowhead that points to `x`."""
    back = x - way * 9
    return (
        f'<path d="M{x:.1f},{y:.1f} L{back:.1f},{y - 4:.1f} L{back:.1f},{y + 4:.1f} Z"'
        f' fill="{colour}"/>'
    )


def _slanting_head(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    """The arrowhead of a line from `start` to `end`."""
    x, y = end[0] - start[0], end[1] - start[1]
    long = hypot(x, y) or 1.0
    x, y = x / long, y / long
    base = end[0] - 9 * x, end[1] - 9 * y
    sides = [(base[0] - way * 4 * y, base[1] + way * 4 * x) for way in (1, -1)]
    points = " L".join(f"{a:.1f},{b:.1f}" for a, b in (end, *sides))
    return f'<path d="M{points} Z" fill="{colour}"/>'
