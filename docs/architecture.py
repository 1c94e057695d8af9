"""Draw docs/pictures/architecture.svg from the import contracts: ``python docs/architecture.py``.

``lint-imports`` checks the same contracts (pyproject.toml), so the picture cannot promise anything
that the code does not keep.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from slotspec.diagrams.palette import FONT, LIGHT

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "pictures" / "architecture.svg"

HOLDS = {
    "cli": "the command line, one file for each command",
    "explorer": "the page in the browser",
    "testing": "the pytest plugin",
    "logs": "what log files tell about slots",
    "recorder": "the agent that records real clusters",
    "diagrams": "lifecycles, traces and state graphs as pictures",
    "oracle": "traces, replay, live peers, fuzzing",
    "bugs": "Flink's known bugs, each as replaced rules",
    "properties": "what must hold of each model",
    "models": "Flink's classes as rules",
    "statemachine": "the engine; knows nothing of Flink",
}
"""Package -> what it holds. A layer that is missing here cannot be drawn."""


def contracts() -> dict[str, dict[str, Any]]:
    """The import contracts by their ids."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


def layers() -> list[list[str]]:
    """The packages from top to bottom; those of one layer may not import each other."""
    named = contracts()["layers"]["layers"]
    return [[name.strip().rpartition(".")[2] for name in row.split("|")] for row in named]


def inside(package: str) -> Iterator[tuple[str, list[str]]]:
    """Rows of what a package contains, each with the rule for it."""
    rules = contracts()
    if package == "statemachine":
        yield "each imports only those to its right", rules["engine"]["layers"]
        yield "likewise, inside of compiler", rules["compiler"]["layers"]
    independent = {"models": "classes", "properties": "properties"}.get(package)
    if independent:
        alone = [name.rpartition(".")[2] for name in rules[independent]["modules"]]
        folders = sorted(p.parent.name for p in (ROOT / "slotspec" / package).glob("*/__init__.py"))
        yield "may import those below", [f for f in folders if f not in (*alone, "common")]
        yield "none imports another", alone
        yield "shared by all", ["common"]


def node(package: str) -> str:
    """A package as a node: its name, what it holds, what is inside."""
    rows = [
        f'<tr><td align="left"><b>{package}</b>   '
        f'<font point-size="11" color="{LIGHT["faint"]}">{HOLDS[package]}</font></td></tr>'
    ]
    rows += [
        f'<tr><td align="left">{chips(rule, names)}</td></tr>' for rule, names in inside(package)
    ]
    return f'{package} [label=<<table border="0" cellspacing="2">{"".join(rows)}</table>>]'


def chips(rule: str, names: Iterable[str]) -> str:
    """A row of small boxes with the rule behind it."""
    boxes = "".join(
        f'<td border="1" color="{LIGHT["line"]}" bgcolor="{LIGHT["paper"]}">{name}</td>'
        for name in names
    )
    note = f'<font point-size="10" color="{LIGHT["faint"]}">{rule}</font>'
    head = '<table border="0" cellspacing="4" cellpadding="3">'
    return f"{head}<tr>{boxes}<td>{note}</td></tr></table>"


def picture() -> str:
    """The packages and who may import whom, as DOT."""
    rows = layers()
    text = f'fontname="{FONT}", fontcolor="{LIGHT["ink"]}"'
    lines = [
        f'graph [bgcolor="{LIGHT["paper"]}", ranksep=0.25, nodesep=0.6, pad=0.2]',
        f'node [shape=box, style="rounded,filled", fontsize=13, {text},'
        f' color="{LIGHT["line"]}", fillcolor="{LIGHT["state"]}"]',
        f'edge [color="{LIGHT["line"]}", arrowsize=0.7]',
        *(node(package) for row in rows for package in row),
        *(f"{a} -> {b}" for upper, lower in pairwise(rows) for a, b in product(upper, lower)),
    ]
    return "digraph architecture {\n" + "\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    from slotspec.diagrams.pictures import svg

    TARGET.write_text(svg(picture()), encoding="utf-8")
