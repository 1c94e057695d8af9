"""The README's tables of runs and deviations, from the JSON of a whole check.

``slotspec check slot_pool --json FILE`` and ``python -m tests.readme_tables FILE`` write them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"


def filled(text: str, made: list[dict[str, Any]]) -> str:
    """`text` with its tables written anew from the runs `made`."""
    for name, lines in {
        "runs": runs(made),
        "deviations": deviations(made),
        "reasons": [f"{n}. {reason}" for n, reason in enumerate(reasons(made), 1)],
    }.items():
        body = "\n".join([f"<!-- {name} -->", "", *lines, "", "<!-- end -->"])
        text = re.sub(rf"<!-- {name} -->.*?<!-- end -->", lambda _, b=body: b, text, flags=re.S)
    return text


def runs(made: list[dict[str, Any]]) -> list[str]:
    """One row for each run."""
    rows = ["| generation | scope | states | transitions | depth |", "|---|---|--:|--:|--:|"]
    for run in made:
        assert run["verdict"] == "HOLDS"
        rows.append(
            f"| {run['generation']} | `{run['scope']}` | {run['states']:,} |"
            f" {run['transitions']:,} | {run['depth']} |"
        )
    total = [sum(run[what] for run in made) for what in ("states", "transitions")]
    return [*rows, f"| together | | {total[0]:,} | {total[1]:,} | |"]


Found = dict[tuple[str, str], dict[str, list[str]]]


def found_in(made: list[dict[str, Any]]) -> Found:
    """For each property and reason, by generation, the calls of the shortest trace."""
    found: Found = {}
    for run in made:
        for declared in run["properties"]:
            if declared["verdict"] == "DEVIATES":
                calls = [step["words"]["call"] for step in declared["trace"]]
                of_property = found.setdefault((declared["name"], declared["reason"]), {})
                known = of_property.get(run["generation"])
                if known is None or len(calls) < len(known):
                    of_property[run["generation"]] = calls
    return found


def reasons(made: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(reason for _, reason in found_in(made)))


def deviations(made: list[dict[str, Any]]) -> list[str]:
    """One row for each property, reason and trace, with the generations that it is of."""
    notes = reasons(made)
    rows = ["| property | in | why | shortest trace |", "|---|---|--:|---|"]
    for (name, reason), by_generation in found_in(made).items():
        traces: dict[str, list[str]] = {}
        for generation, calls in by_generation.items():
            traces.setdefault(", ".join(f"`{short(c)}`" for c in calls), []).append(generation)
        for trace, generations in traces.items():
            why = notes.index(reason) + 1
            rows.append(f"| `{name}` | {', '.join(generations)} | {why} | {trace} |")
    return rows


def short(call: str) -> str:
    """A call without the names of its arguments."""
    return re.sub(r"\w+=", "", call)


if __name__ == "__main__":
    runs_made = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    README.write_text(filled(README.read_text(encoding="utf-8"), runs_made), encoding="utf-8")
