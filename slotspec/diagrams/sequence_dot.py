"""A sequence as DOT with fixed positions, for formats other than SVG.

Graphviz draws this layout and does not compute one. On the command line ``neato -n`` renders
it as :mod:`slotspec.diagrams.pictures` does.
"""

from __future__ import annotations

from slotspec.diagrams.description import Sequence
from slotspec.diagrams.palette import FONT
from slotspec.diagrams.palette import LIGHT as COLOUR
from slotspec.diagrams.sequence_svg import SIZE, Drawing, width

PLACED = "// fixed positions: render with neato -n"
"""The first line of such a source."""


def sequence_dot(diagram: Sequence) -> str:
    """The DOT source of a sequence."""
    return _Placed(diagram, True, False).text()


class _Placed(Drawing):
    """The same layout, written as nodes and edges with positions."""

    def __init__(self, diagram: Sequence, title: bool, narrow: bool) -> None:
        super().__init__(diagram, title, narrow)
        self.count = 0

    def whole(self, parts: list[str], height: float) -> str:
        head = (
            f'digraph "{_quoted(self.diagram.title)}" {{\n'
            f'graph [bgcolor="{COLOUR["paper"]}" splines=line pad=0.1'
            f' bb="0,{-height:.0f},{self.width:.0f},0"]\n'
            f'node [fontname="{FONT}" label="" margin=0 fixedsize=true penwidth=1]\n'
            "edge [penwidth=1.5 arrowsize=0.7]\n"
        )
        return f"{PLACED}\n{head}" + "\n".join(parts) + "\n}\n"

    def group(self, number: int, parts: list[str]) -> list[str]:
        return parts

    def node(self, x: float, y: float, attributes: str) -> str:
        self.count += 1
        return f'n{self.count} [pos="{x:.1f},{-y:.1f}" {attributes}]'

    def box(self, x: float, y: float, wide: float, high: float, fill: str, edge: str = "") -> str:
        style = f'style="filled,rounded" color="{COLOUR[edge]}"' if edge else "style=filled"
        border = style if edge else f'{style} color="{COLOUR[fill]}"'
        return self.node(
            x + wide / 2,
            y + high / 2,
            f"shape=box width={wide / 72:.3f} height={high / 72:.3f} {border}"
            f' fillcolor="{COLOUR[fill]}"',
        )

    def line(self, ends: tuple[tuple[float, float], tuple[float, float]], attributes: str) -> str:
        point = "shape=point width=0.001 height=0.001 style=invis"
        made = [self.node(x, y, point) for x, y in ends]
        return "\n".join([*made, f"n{self.count - 1} -> n{self.count} [{attributes}]"])

    def lifeline(self, x: float, top: float, bottom: float) -> str:
        look = f'arrowhead=none style=dashed penwidth=1 color="{COLOUR["rule"]}"'
        return self.line(((x, top), (x, bottom)), look)

    def arrow(self, a: float, b: float, y: float, colour: str, dashed: bool) -> list[str]:
        return [self.line(((a, y), (b, y)), _look(colour, dashed))]

    def slope(
        self, start: tuple[float, float], end: tuple[float, float], colour: str, head: bool
    ) -> list[str]:
        return [self.line((start, end), _look(colour, False) + (" arrowhead=none" * (not head)))]

    def loop(self, a: float, y: float, colour: str, dashed: bool) -> list[str]:
        plain = f"{_look(colour, dashed)} arrowhead=none"
        return [
            self.line(((a, y - 9), (a + 22, y - 9)), plain),
            self.line(((a + 22, y - 9), (a + 22, y)), plain),
            self.line(((a + 22, y), (a, y)), _look(colour, dashed)),
        ]

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
        wide = width(text, size, bold)
        middle = {"middle": x, "end": x - wide / 2}.get(anchor, x + wide / 2)
        justified = {"middle": "", "end": "\\r"}.get(anchor, "\\l")
        face = f' fontname="{FONT} Bold"' if bold else ""
        ground = f' style=filled fillcolor="{COLOUR["paper"]}"' if halo else ""
        return self.node(
            middle,
            y - size * 0.36,
            f"shape=none width={wide / 72:.3f} height={1.4 * size / 72:.3f} fontsize={size}{face}"
            f' fontcolor="{COLOUR[colour]}"{ground} label="{_quoted(text)}{justified}"',
        )


def _look(colour: str, dashed: bool) -> str:
    return f'color="{COLOUR[colour]}"' + (" style=dashed" if dashed else "")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
