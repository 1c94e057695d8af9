"""Write docs/known-bugs.md: ``python docs/known_bugs.py [ISSUE…]``.

The script measures the table. Fuzzing takes minutes: with issues (or ``new``), it fuzzes only these
and bugs that the page does not have yet.
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

docs/known_bugs.py writes this page; do not edit it. These are bugs from the history of Flink's
slot protocol. Each one replaces a rule or two of the healthy model by what Flink once did.
`slotspec check --bug ISSUE` finds one, `--bug all` finds all, `slotspec list bugs` describes them,
and `slotspec draw --bug ISSUE` draws the trace. The columns of the table are:

- *property*: what the check finds violated. At the same bounds, the healthy model has this property
  in every reachable state.
- *length*: steps of the shortest trace; for a `leads to` property, steps of a short stem and
  [loop](liveness.md).
- *states*, *seconds*: size and duration of the search up to the level with the bug, without
  compilation.
- *fuzz*: steps of the shrunk sequence. The fuzzer compares results, effects and states of random
  sequences on the broken and on the healthy model, and knows no properties. "no" means that
  {examples:,} sequences showed no difference; "-" means that the model has no recorded class.
- *simulation*: steps of the shrunk run that violates a property first, in {runs:,} random runs from
  one seed.
- *conform*: the step at which `slotspec conform` rejects the trace that the check wrote. "no" means
  that such traces do not show what goes wrong, so a fuzzer cannot find it either.
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
    """The measurements of a bug, as the page shows them."""

    states: str
    seconds: str
    fuzz: str
    simulation: str
    conform: str


def searched(bug: Bug) -> tuple[str, str]:
    """States and seconds of the search for a bug; the fastest of three searches.

    :raises SystemExit: the search does not find the violation that the bug declares.
    """
    from slotspec.cli.bugs import is_as_declared
    from slotspec.statemachine import Limits, check

    seconds = []
    for _ in range(3):
        before = perf_counter()
        limits = Limits(seconds=300, until=bug.property)
        result = check(bug.instance(), limits=limits, symmetry=False)
        seconds.append(perf_counter() - before)
        if not is_as_declared(bug, result):
            raise SystemExit(f"{bug.issue}: {bug.property} is not found with {bug.length} steps")
    return f"{result.states:,}", f"{min(seconds):.2f}"


def fuzzed(bug: Bug) -> str:
    """What the fuzzer finds."""
    from slotspec.oracle.fuzzing import can_be_fuzzed, finds_bug

    if not can_be_fuzzed(bug.model):
        return "-"
    length = finds_bug(bug)
    return "no" if length is None else f"yes ({length})"


def simulated(bug: Bug) -> str:
    """What random runs find when every step is checked against the properties."""
    from slotspec.statemachine.simulate import simulate

    found = simulate(bug.instance()).finding
    return "no" if found is None else f"yes ({len(found.steps)})"


def replayed(bug: Bug) -> str:
    """Whether the healthy model rejects the trace that the check wrote, and at which step."""
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
    """The measurements on a page, by issue."""
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
            f"The models show {len(shown)} of the {len(BENCHMARK)} bugs of the benchmark"
            f" ({len(bugs)} issues, including regressions and further ones).",
            "",
            *table(measured),
            "",
            "## What they are",
            "",
            *(entry(bug) for bug in bugs.values()),
            "## Not shown",
            "",
            "The models cannot express these bugs, for the given reasons.",
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
    """The description of a bug."""
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
    lines = ["| number | issues | what goes wrong | not shown because it |", "|--:|---|---|---|"]
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
