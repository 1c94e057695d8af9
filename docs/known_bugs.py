"""Write docs/known-bugs.md: ``python docs/known_bugs.py [ISSUE…]``.

The table is measured. The fuzz takes minutes: with issues (or ``new``) it is run for these alone
and for what the page does not have yet.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from slotspec.bugs import Bug, known_bugs
from slotspec.bugs.benchmark import BENCHMARK

TARGET = Path(__file__).with_name("known-bugs.md")

HEAD = """# Known bugs

Written by docs/known_bugs.py; do not edit. Bugs from the history of Flink's slot protocol, each a
rule or two of the healthy model done wrong as Flink once did it. `slotspec check --bug ISSUE` finds
one, `--bug all` finds all, `slotspec list bugs` says what they are, and `slotspec draw --bug ISSUE`
draws the trace.

The property is the one that the check finds broken, by a trace of so many steps; there is no
shorter one, except where the property is a `leads to`: there it is a stem and a
[loop](liveness.md), which is short. The healthy model at the same bounds was searched whole, and
has the property. States
and seconds are those of the search up to the level in which the bug is found, with nothing to be
compiled any more. The fuzz compares results, effects and states of random sequences on the model
with the bug with those of the healthy one, and knows nothing of properties: the number is the
length of what it shortened its first difference to, and "no" means that {examples:,} sequences
showed none; "-" stands where there is no recorded class of that model. The simulation holds the
model with the bug against its properties in {runs:,} random runs, from one seed: again the length
after shortening, of the first property that was seen broken. The last column says at which step
`slotspec conform` refuses the trace that the check wrote; "no" where the trace's form does not tell
what goes wrong, so that neither can a fuzz find it.
"""

COLUMNS = (
    "bug",
    "model",
    "property",
    "length",
    "states",
    "seconds",
    "fuzz",
    "simulation",
    "conform",
)


@dataclass(frozen=True)
class Measured:
    """What was measured of a bug, as it stands on the page."""

    states: str
    seconds: str
    fuzz: str
    simulation: str
    conform: str


def searched(bug: Bug) -> tuple[str, str]:
    """States and seconds of the search for a bug: the least of three.

    :raises SystemExit: the search does not find what the bug says.
    """
    from slotspec.cli.bugs import is_as_told
    from slotspec.statemachine import Limits, check

    seconds = []
    for _ in range(3):
        before = perf_counter()
        result = check(bug.instance(), limits=Limits(seconds=300, until=bug.property))
        seconds.append(perf_counter() - before)
        if not is_as_told(bug, result):
            raise SystemExit(f"{bug.issue}: {bug.property} is not found with {bug.length} steps")
    return f"{result.states:,}", f"{min(seconds):.2f}"


def fuzzed(bug: Bug) -> str:
    """What the fuzz finds of a bug."""
    from slotspec.oracle.fuzzing import can_be_fuzzed, finds_bug

    if not can_be_fuzzed(bug.model):
        return "-"
    length = finds_bug(bug)
    return "no" if length is None else f"yes ({length})"


def simulated(bug: Bug) -> str:
    """What random runs that are held against the properties find of a bug."""
    from slotspec.statemachine.simulate import simulate

    found = simulate(bug.instance()).finding
    return "no" if found is None else f"yes ({len(found.steps)})"


def replayed(bug: Bug) -> str:
    """Whether the healthy model refuses the trace that the check wrote, and at which step."""
    from slotspec.cli.bugs import search
    from slotspec.oracle.conformance.replay import conform
    from slotspec.oracle.fuzzing import can_be_fuzzed
    from slotspec.oracle.traces.export import export

    if not can_be_fuzzed(bug.model):
        return "-"
    instance = bug.instance()
    _, finding = search(instance, 1_000_000)
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.jsonl"
        lines = export(instance, finding)
        trace.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        report = conform(trace)
    if report.error is not None:
        raise SystemExit(f"{bug.issue}: {report.error}")
    return "no" if report.divergence is None else f"yes ({report.divergence.step})"


def read(text: str) -> dict[str, Measured]:
    """What a page has measured, by issue."""
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]
    return {
        row[0].split("]")[0].lstrip("["): Measured(*row[4:9])
        for row in cells
        if len(row) == len(COLUMNS) and row[0].startswith("[FLINK-") and row[4]
    }


def page(measured: dict[str, Measured]) -> str:
    """The whole page."""
    from slotspec.oracle.fuzzing import EXAMPLES
    from slotspec.statemachine.simulate import RUNS

    bugs = known_bugs()
    shown = [row for row in BENCHMARK if any(issue in bugs for issue in row.issues)]
    return "\n".join(
        [
            HEAD.format(examples=EXAMPLES, runs=RUNS),
            f"Of the {len(BENCHMARK)} bugs of the benchmark {len(shown)} are shown"
            f" ({len(bugs)} issues with regressions and further ones).",
            "",
            *table(measured),
            "",
            "## What they are",
            "",
            *(entry(bug) for bug in bugs.values()),
            "## Not shown",
            "",
            "What the models cannot express, and why.",
            "",
            *missing(),
        ]
    )


def table(measured: dict[str, Measured]) -> list[str]:
    """One row for each bug."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---|--:|--:|--:|---|---|---|"]
    for bug in known_bugs().values():
        found = measured.get(bug.issue, Measured("", "", "", "", ""))
        lines.append(
            f"| [{bug.issue}](#{bug.issue.lower()}) | {bug.model} | `{bug.property}` |"
            f" {bug.length} | {found.states} | {found.seconds} | {found.fuzz} |"
            f" {found.simulation} | {found.conform} |"
        )
    return lines


def entry(bug: Bug) -> str:
    """What a bug is."""
    number = next(
        (f"; number {r.number} of the benchmark" for r in BENCHMARK if bug.issue in r.issues), ""
    )
    where = " ".join(filter(None, (bug.model, bug.generation, bug.scope)))
    bounds = ", ".join(f"{name}={value}" for name, value in bug.bounds.items())
    lines = [
        f"### {bug.issue}\n",
        bug.description + (f" {bug.likeness}" if bug.likeness else ""),
        f"\nShown in {where}{f' with {bounds}' if bounds else ''}; fixed in {bug.fixed}{number}.",
    ]
    return "\n".join(lines) + "\n"


def missing() -> list[str]:
    """The bugs of the benchmark that are not shown."""
    lines = ["| number | issues | what goes wrong | it |", "|--:|---|---|---|"]
    for row in BENCHMARK:
        absent = [issue for issue in row.issues if issue not in known_bugs()]
        if len(absent) == len(row.issues):
            lines.append(
                f"| {row.number} | {', '.join(absent)} | {row.description} | {row.reason} |"
            )
    return [*lines, ""]


def main(issues: list[str]) -> None:
    """Measure what is asked for and write the page."""
    text = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    measured = read(text)
    for issue, bug in known_bugs().items():
        states, seconds = searched(bug)
        known = measured.get(issue)
        keep = known is not None and bool(issues) and issue not in issues
        fuzz = known.fuzz if known is not None and keep else fuzzed(bug)
        measured[issue] = Measured(states, seconds, fuzz, simulated(bug), replayed(bug))
        print(issue, measured[issue], flush=True)
        TARGET.write_text(page(measured), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
