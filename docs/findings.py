"""Write docs/findings/index.md: the title, versions and upstream state of each finding.

And ``slotspec/cli/findings.py``, by which the command line names a finding.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).with_suffix("")
TARGET = FOLDER / "index.md"
MODULE = FOLDER.parents[1] / "slotspec" / "cli" / "findings.py"

HEAD = """# Findings: what today's Flink promises and does not keep

`python docs/findings.py` writes this page from the pages of the findings; do not edit.

Each page is about one defect that the real classes show: what happens, from which version to which,
under which configuration, the shortest sequence, the method at fault, what would mend it, and what
is known of it upstream. A property of the model states the promise, and `slotspec check` finds the
shortest sequence that breaks it. A test replaces the rule at fault by its mend: then the property
holds, and no other breaks.

Line numbers are those that the class files of the release 2.3.0 carry. *Not reported, as far as a
search shows* means that a search of Flink's public issue and pull request threads, with the words
that the page names, showed nothing; it does not mean that nobody knows.
"""

GROUPS = {
    "D": "The JobMaster's declarative slot pool",
    "M": "The ResourceManager's fine-grained slot manager",
    "S": "Slot sharing in the scheduler",
    "T": "The TaskExecutor's slot table",
    "C": "The cluster",
}

TREE = """```{toctree}
:hidden:
:glob:
[A-Z]*
```
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for letter, title in GROUPS.items():
        files = pages(letter)
        if files:
            rows = "\n".join(map(row, files))
            table = "| finding | versions | upstream |\n|---|---|---|"
            parts.append(f"## {title}\n\n{table}\n{rows}\n")
    return "\n".join([*parts, TREE])


def pages(letter: str) -> list[Path]:
    """The pages of a group, by number."""
    return sorted(FOLDER.glob(f"{letter}[0-9]*.md"), key=lambda file: int(file.stem[1:]))


def module() -> str:
    """The whole module."""
    entries = []
    for file in (file for letter in GROUPS for file in pages(letter)):
        text = file.read_text(encoding="utf-8")
        title = re.search(r"^# \w+: (.*)$", text, re.M)
        command = re.search(r"`slotspec check ([^`]*?)\s--verbose`", text)
        assert title is not None, file
        assert command is not None, file
        shown = [title[1], " ".join(command[1].split())]
        lines = "".join(f"        {json.dumps(one)},\n" for one in shown)
        entries.append(f'    "{file.stem}": (\n{lines}    ),\n')
    return f"{MODULE_HEAD}{''.join(entries)}}}\n"


def row(file: Path) -> str:
    """One finding as a row."""
    text = file.read_text(encoding="utf-8")
    title = re.search(r"^# (\w+): (.*)$", text, re.M)
    assert title is not None
    name = f"[{title[1]}]({file.name}): {title[2]}"
    cells = [name, said(text, "Versions"), said(text, "Upstream")]
    return f"| {' | '.join(cells)} |"


def said(text: str, what: str) -> str:
    """The first sentence of one of the points of a page."""
    point = re.search(rf"^- \*\*{what}\*\*: (.*?)(?=^- \*\*|^$|\Z)", text, re.M | re.S)
    assert point is not None, what
    words = " ".join(point[1].split())
    return re.split(r"(?<=[a-z)])[.;](?= |$)", words)[0].rstrip(".").replace("|", "\\|")


MODULE_HEAD = '''"""What is found in today's Flink; ``python docs/findings.py`` writes this file."""

# ruff: noqa: E501

FINDINGS: dict[str, tuple[str, str]] = {
'''

if __name__ == "__main__":
    MODULE.write_text(module(), encoding="utf-8")
    TARGET.write_text(page(), encoding="utf-8")
