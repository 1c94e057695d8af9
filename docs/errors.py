"""Write docs/errors.md from the sources: ``python docs/errors.py``."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = Path(__file__).with_suffix(".md")
CODE = re.compile(r"[A-Z]{3}\d{3}")

AREAS = {
    "FSM": "A lifecycle is declared wrongly.",
    "MDL": "A model, a record or a property is declared wrongly.",
    "RUL": "A rule uses something that rules may not use.",
    "STP": "A step leaves the declared protocol.",
    "SET": "A bound, an option or a name cannot be honoured.",
    "TRC": "A trace is not what it has to be.",
    "LOG": "Log files cannot be read.",
    "PEE": "A live peer fails or answers nonsense.",
    "REC": "A real cluster cannot be recorded.",
    "CKP": "A checkpoint cannot be used.",
    "RAY": "A cluster of Ray cannot be used.",
    "WEB": "The explorer cannot answer a request.",
}
"""First letters of a code -> what its errors are about."""

HEAD = """# Error codes

docs/errors.py writes this page from the sources; do not edit it. Every error that slotspec raises
on purpose has a stable code. The message names the offending value and says what to write instead;
`…` stands for the parts that vary.
"""


def page() -> str:
    """The whole page."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in sorted((ROOT / "slotspec").rglob("*.py")):
        for code, message in messages(ast.parse(path.read_text(encoding="utf-8"))):
            found[code][message].add(path.relative_to(ROOT).as_posix())
    parts = [HEAD]
    for area, about in AREAS.items():
        rows = [row for code in sorted(found) if code.startswith(area) for row in of(code, found)]
        parts.append(
            "\n".join([f"## {area}", "", about, "", "| code | message |", "|---|---|", *rows])
        )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def of(code: str, found: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    """The rows of one code."""
    for message in sorted(m for m in found[code] if m) or [""]:
        yield f"| {code} | {message.replace('|', chr(92) + '|')} |"


def messages(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each code with the message beside it; an empty message where it is made elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for i, argument in enumerate(node.args):
                if is_code(argument):
                    texts = [text(later) for later in node.args[i + 1 :]]
                    yield argument.value, next((t for t in texts if t), "")  # type: ignore[attr-defined]
        elif is_code(node):
            yield node.value, ""  # type: ignore[attr-defined]


def is_code(node: ast.AST) -> bool:
    """Whether a node is a code and nothing else."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value) is not None
        and node.value[:3] in AREAS
    )


def text(node: ast.expr) -> str:
    """A message with ``…`` for what depends on the case."""
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.JoinedStr(values=values):
            return "".join(text(v) if isinstance(v, ast.Constant) else "…" for v in values)
        case ast.BinOp(left=left, right=right):
            return text(left) + text(right)
    return ""


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
