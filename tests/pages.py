"""Refresh docs/runs.md, and what the blocks of all pages print.

``slotspec check --all --no-symmetry --json FILE && python -m tests.pages FILE`` refreshes
docs/runs.md; of one model, ``slotspec check MODEL --no-symmetry --json FILE`` does. Then the script
runs the blocks of all pages and updates their outputs. Without a file it does only that.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slotspec.cli.plan import plan
from slotspec.models import MODELS
from tests.blocks import prepare, rewritten

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "docs" / "runs.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

HEAD = """# What was checked

`slotspec check --all --no-symmetry --json FILE` and `python -m tests.pages FILE` write this page;
do not edit.

Each run checks a model at one generation and the bounds of one scope (`slotspec list scopes`). The
check visited every reachable state. Every property holds in all of them, except those listed as
broken by Flink. A state is what the model looks like between two operations. A transition is an
operation that is possible in a state, even if it changes nothing. The depth is the largest number
of operations from the start to a state, by the shortest path.

A property that Flink breaks stays a property. A check reports it as `DEVIATES` with its shortest
trace, and does not fail. This page shows traces of up to {longest} steps. `slotspec check MODEL
--property NAME --verbose` shows any trace, with effects and changes.

{totals}
"""

LONGEST = 8
"""Steps of the longest trace that the page shows."""

Runs = list[dict[str, Any]]


def updated(page: str, made: Runs) -> str:
    """`page` with new sections for the models in `made`.

    :raises SystemExit: some default runs of a model are missing, or some do not hold.
    """
    of = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", page, flags=re.M | re.S))
    for model in dict.fromkeys(run["model"] for run in made):
        runs = [run for run in made if run["model"] == model]
        complain_if_partial(model, runs)
        of[model] = section(model, runs)
    parts = [f"## {model}\n\n{of[model].strip()}\n" for model in MODELS if model in of]
    totals = "\n".join(models_of("\n".join(parts)))
    return "\n".join([HEAD.format(longest=LONGEST, totals=totals), *parts])


def complain_if_partial(model: str, made: Runs) -> None:
    wanted = [(i.generation, i.scope, dict(i.setting.bounds)) for i in plan([model])]
    if [(run["generation"], run["scope"], run["bounds"]) for run in made] != wanted:
        raise SystemExit(f"these are not all runs of {model}: slotspec check {model} --json FILE")
    for run in made:
        if run["verdict"] != "HOLDS" or run["symmetry"] is not None:
            raise SystemExit(f"{model} {run['generation']} {run['scope']}: {run['verdict']}")


def section(model: str, made: Runs) -> str:
    """The section of docs/runs.md about a model."""
    names = {declared["name"] for run in made for declared in run["properties"]}
    broken = {name for name, _ in found_in(made)}
    said = f"{len(names)} properties"
    said += f", of which Flink breaks {len(broken)}." if broken else "; Flink breaks none."
    lines = [MODELS[model].description, said, "", *runs_of(made)]
    if broken:
        lines += ["", *deviations(made), "", "Why:", ""]
        lines += [f"{n}. {reason}" for n, reason in enumerate(reasons(made), 1)]
    return "\n".join(lines)


def runs_of(made: Runs) -> list[str]:
    """One row for each run."""
    rows = ["| generation | scope | states | transitions | depth |", "|---|---|--:|--:|--:|"]
    rows += [row_of(run) for run in made]
    states, transitions = (sum(run[what] for run in made) for what in ("states", "transitions"))
    return [*rows, f"| together | | {states:,} | {transitions:,} | |"]


def row_of(run: dict[str, Any]) -> str:
    """A run as a row of its table."""
    return (
        f"| {run['generation']} | `{run['scope']}` | {run['states']:,} |"
        f" {run['transitions']:,} | {run['depth']} |"
    )


Found = dict[tuple[str, str], dict[str, list[str]]]


def found_in(made: Runs) -> Found:
    """The calls of the shortest trace for each property, reason and generation."""
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


def reasons(made: Runs) -> list[str]:
    return list(dict.fromkeys(reason for _, reason in found_in(made)))


def deviations(made: Runs) -> list[str]:
    """One row for each property, reason and trace, with its generations."""
    notes = reasons(made)
    rows = ["| broken property | in | why | steps | shortest trace |", "|---|---|--:|--:|---|"]
    for (name, reason), by_generation in found_in(made).items():
        traces: dict[tuple[int, str], list[str]] = {}
        for generation, calls in by_generation.items():
            told = ", ".join(f"`{short(c)}`" for c in calls) if len(calls) <= LONGEST else ""
            traces.setdefault((len(calls), told), []).append(generation)
        for (steps, trace), generations in traces.items():
            why = notes.index(reason) + 1
            rows.append(f"| `{name}` | {', '.join(generations)} | {why} | {steps} | {trace} |")
    return rows


def short(call: str) -> str:
    """A call without the names of its arguments."""
    return re.sub(r"\w+=", "", call)


def models_of(page: str) -> list[str]:
    """One row for each model, with the sums of its runs."""
    rows = [
        "| model | runs | states | transitions | properties | broken by Flink |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    total = [0, 0, 0, 0, 0]
    for name, text in re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", page, flags=re.M | re.S):
        runs = re.findall(r"^\| [\d.]+ \| `\w+` \| ([\d,]+) \| ([\d,]+) \| \d+ \|$", text, re.M)
        said = re.search(r"^(\d+) properties(?:, of which Flink breaks (\d+))?", text, re.M)
        assert said is not None
        states, transitions = (
            sum(int(n.replace(",", "")) for n in column) for column in zip(*runs, strict=True)
        )
        numbers = [len(runs), states, transitions, int(said[1]), int(said[2] or 0)]
        total = [a + b for a, b in zip(total, numbers, strict=True)]
        rows.append(f"| [`{name}`](#{name}) | {cells(numbers)} |")
    return [*rows, f"| together | {cells(total)} |"]


def cells(numbers: list[int]) -> str:
    return " | ".join(f"{n:,}" for n in numbers)


def main(files: list[str]) -> None:
    for file in files:
        made = json.loads(Path(file).read_text(encoding="utf-8"))
        RUNS.write_text(updated(RUNS.read_text(encoding="utf-8"), made), encoding="utf-8")
    with TemporaryDirectory() as folder:
        prepare(Path(folder))
        for shown in PAGES:
            text = shown.read_text(encoding="utf-8")
            shown.write_text(rewritten(text, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
