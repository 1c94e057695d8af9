"""Write docs/symmetry.md: of which scopes of the built-in models symmetry is proven, or why not."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

from slotspec.models import registry
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.search.scalarsets.proof import obstacles

TARGET = Path(__file__).with_suffix(".md")
LONGEST = 150
"""Characters of an obstacle that are shown."""

HEAD = """# Symmetry of the built-in models

`python docs/symmetry.py` writes this page from the rules; do not edit.

A search uses [symmetry](compiled.md#symmetry) by default where the text of the rules proves that
names make no difference. For each scope, this is what the proof says: how many renamings there are
where it succeeds, or else the first line that tells elements apart. A first match or an order that
is Flink's own stays; other obstacles may vanish with another text of the same rule. Models and
scopes without a symmetric sort of more than one element are not listed.
"""

Answer = tuple[str, str]


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name in registry.MODELS:
        with chdir(TARGET.parents[1]):  # paths of rules are shown from here
            rows = answers(name)
        if not rows:
            continue
        table = ["| scope | generations | symmetry | where |", "|---|---|---|---|"]
        for (scope, (proven, why)), generations in rows.items():
            table.append(f"| {scope} | {', '.join(generations)} | {proven} | {why} |")
        parts.append(f"## {name}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def answers(name: str) -> dict[tuple[str, Answer], list[str]]:
    """What the proof says of each scope, with the generations of which it says this."""
    model = registry.load_model(name)
    found: dict[tuple[str, Answer], list[str]] = {}
    for scope in model.scopes:
        for generation in model.generations:
            instance = model.instance(generation=generation, scope=scope)
            order = Symmetry(instance).order
            if order == 1:
                continue
            first = next(iter(obstacles(instance, most=1)), None)
            answer = f"proven: {order:,} renamings", ""
            if first is not None:
                why = first.why.replace("|", "\\|")
                shown = why if len(why) <= LONGEST else f"{why[:LONGEST]}…"
                answer = "no", f"`{first.place}`: `{shown}`"
            found.setdefault((scope, answer), []).append(generation)
    return found


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
