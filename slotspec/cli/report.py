"""The report of a check: runs, properties, coverage, known deviations, traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from slotspec.cli.output import Output
from slotspec.cli.rows import HEADERS, cells
from slotspec.cli.summary import Group, Transition, groups, length, overall, own_lifecycles
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.formatting import NOTHING, for_ever, formatter_of
from slotspec.statemachine.plurals import counted
from slotspec.statemachine.results import Finding, Result, Verdict

NUMBERS = ("states", "transitions", "depth", "seconds", "step")


SHORT = {Verdict.DEVIATES: "DEVIATES"}
"""Short forms of verdicts for narrow columns."""


def report(
    results: Sequence[Result],
    left: Sequence[Instance],
    seconds: float,
    verbose: bool,
    faults: Mapping[Instance, str] | None = None,
    shown: bool = False,
    omitted: str = "",
    claimed: Sequence[str] = (),
) -> None:
    """Print the report of `results`.

    :param left: instances that have not run because the user interrupted.
    :param verbose: show the traces of known deviations and witnesses too.
    :param shown: the rows of the runs were printed as they ended.
    :param omitted: what a default run does not cover.
    :param claimed: properties that were left out, since no finite run violates them.
    :param faults: instances whose run failed because of a fault of slotspec, and the fault.
    """
    out = Output()
    if shown:
        out.line()
    for name, of_model in groups(results).items():
        runs(out, of_model, shown)
        if any(group.results[0].properties for group in of_model):
            out.line()
            properties(out, of_model)
        out.line()
        for group in of_model:
            coverage(out, name, group)
        deviations(out, of_model)
        out.line()
    for result in results:
        for title, finding in findings(result, verbose):
            trace(out, result.instance, title, finding)
    for instance in left:
        out.line(f"not run: {instance.title}", "yellow")
    for instance, why in (faults or {}).items():
        out.line(f"FAULT OF SLOTSPEC in {instance.title}: {why}", "bold red")
    if claimed:
        out.line(f"not checked (no finite run violates them): {', '.join(claimed)}")
    if omitted:
        out.line(f"not checked: {omitted}; `slotspec check --all` checks everything")
    verdict = overall(results)
    if (left or faults) and verdict is Verdict.HOLDS:
        verdict = Verdict.UNKNOWN
    out.line(closing(results, verdict, len(results) + len(left) + len(faults or {}), seconds))


def closing(results: Sequence[Result], verdict: Verdict, runs: int, seconds: float) -> str:
    """The last line: the overall verdict and what it covers."""
    count = counted(len(results), "run")
    parts = [count if runs == len(results) else f"{len(results)} of {runs} runs"]
    known = {
        (g.results[0].instance.model.name, p.property.name)
        for of_model in groups(results).values()
        for g in of_model
        for _, p in g.deviations()
    }
    if known:
        parts.append(counted(len(known), "known deviation"))
    engines = " and ".join(dict.fromkeys(result.engine for result in results))
    parts += [engines] if engines else []
    return f"{verdict.value}: {', '.join(parts)}, {seconds:.1f} s"


def runs(out: Output, of_model: Sequence[Group], shown: bool) -> None:
    """One row for each run, unless they were `shown` as the runs ended."""
    if not shown:
        rows = [cells(result) for group in of_model for result in group.results]
        out.table(HEADERS, rows, NUMBERS)
    notes: set[str] = set()
    for group in of_model:
        for result in group.results:
            note = result.symmetry_note
            if note is not None and note not in notes:
                notes.add(note)
                out.line(f"{result.instance.title}: {note}")
            if result.partial_order_note is not None:
                out.line(f"{result.instance.title}: {result.partial_order_note}")
            if result.missed is not None:
                out.line(
                    f"{result.instance.title}: the probability that a state was missed"
                    f" is at most {result.missed:.1e}"
                )


def properties(out: Output, of_model: Sequence[Group]) -> None:
    """One row for each property, one column for each generation."""
    model = of_model[0].results[0].instance.model
    rows = []
    for name, declared in model.properties.items():
        verdicts = [group.verdict(name) for group in of_model]
        if any(verdicts):
            cells = [SHORT.get(v, v.value) if v else NOTHING for v in verdicts]
            rows.append((name, declared.kind.value, *cells))
    out.table(("property", "kind", *(g.generation or "verdict" for g in of_model)), rows)


def coverage(out: Output, model: str, group: Group) -> None:
    """How many declared lifecycle transitions fired, and which did not."""
    fired = group.fired()
    never = [key for key, count in fired.items() if not count]
    title = " ".join(part for part in (model, group.generation) if part)
    out.line(f"{title}: {len(fired) - len(never)} of {len(fired)} lifecycle transitions fired")
    label = "dead" if group.exhaustive else "not fired before the limit"
    unfired(out, label, never, group.results[0].instance)


def unfired(out: Output, label: str, never: Sequence[Transition], instance: Instance) -> None:
    """Print the transitions that did not fire.

    The lifecycles of parts take one line together: the check of a part shows what it can do.
    """
    own = {d.__name__ for d in own_lifecycles(instance)}
    for lifecycle, source, event in never:
        if lifecycle in own:
            out.line(f"  {label}: {lifecycle} {source} --{event}-->", "yellow")
    others = Counter(lifecycle for lifecycle, _, _ in never if lifecycle not in own)
    if others:
        counts = ", ".join(f"{name} {count}" for name, count in others.items())
        out.line(f"  {label} in its parts: {counts}", "yellow")


def deviations(out: Output, of_model: Sequence[Group]) -> None:
    """Known deviations: the shortest trace of each, and the reasons as notes."""
    rows: dict[tuple[str, str], list[str]] = {}
    notes: list[str] = []
    for column, group in enumerate(of_model):
        for result, found in group.deviations():
            reason = found.reason or ""
            if reason not in notes:
                notes.append(reason)
            row = rows.setdefault((found.property.name, reason), [NOTHING] * len(of_model))
            row[column] = f"{length(found)} ({result.instance.scope})" if found.finding else "yes"
    if not rows:
        return
    out.line()
    out.line("Known deviations: steps of the shortest trace (scope)")
    out.line()
    out.table(
        ("property", *(group.generation or "steps" for group in of_model), "note"),
        [
            (name, *cells, str(notes.index(reason) + 1))
            for (name, reason), cells in sorted(rows.items(), key=lambda r: notes.index(r[0][1]))
        ],
    )
    out.line()
    for number, reason in enumerate(notes, 1):
        out.line(f"note {number}: {reason}")


def findings(result: Result, everything: bool) -> Iterator[tuple[str, Finding | None]]:
    """The findings of a run with their titles, faults and violations first."""
    name = result.instance.title
    if result.fault:
        yield f"VIOLATED protocol of {name}: {result.fault.fault}", result.fault
    if result.deadlock:
        yield f"VIOLATED no deadlock of {name}: no call is possible", result.deadlock
    wanted = [Verdict.VIOLATED, *([Verdict.DEVIATES, Verdict.HOLDS] if everything else [])]
    for verdict in wanted:
        for found in result.properties:
            if found.verdict is not verdict or (
                verdict is not Verdict.VIOLATED and not found.finding
            ):
                continue
            heading = "WITNESS of" if verdict is Verdict.HOLDS else verdict.value
            declared = found.property
            more = f" ({found.reason})" if found.reason else ""
            more = formatter_of(result.instance).about(declared, found.finding) + more
            title = f"{heading} {declared.name} of {name}: {declared.description}{more}"
            yield title, found.finding


def trace(out: Output, instance: Instance, title: str, finding: Finding | None) -> None:
    """Print a trace as a table of steps with their calls, effects and changes."""
    out.line(title, "bold")
    if finding is None:
        out.line()
        return
    if not finding.steps:
        stays = for_ever(finding)
        out.line("in the initial state" + (f"; {stays}\n" if stays else "\n"))
        return
    formatter = formatter_of(instance)
    rows = [
        (
            str(number),
            formatter.format_step(step),
            "\n".join(formatter.effects(step)),
            "\n".join(formatter.changes(step)),
        )
        for number, step in enumerate(finding.steps, 1)
    ]
    if finding.loop is not None:
        rows.insert(finding.loop, ("", for_ever(finding) or "", "", ""))
    out.table(("step", "call", "effects", "changes"), rows, NUMBERS)
    out.line()
