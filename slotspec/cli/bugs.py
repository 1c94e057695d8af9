"""``--bug``: switch known bugs on, and report whether the check finds them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slotspec.cli.findings import FINDINGS
from slotspec.statemachine.errors import UsageError

if TYPE_CHECKING:
    from slotspec.bugs import Bug
    from slotspec.cli.output import Output
    from slotspec.statemachine.declaration.model import Instance
    from slotspec.statemachine.results import Finding, Result

ALL = "all"
NUMBERS = ("length", "found", "states", "seconds")


def chosen_bugs(issues: Sequence[str]) -> list[Bug]:
    """The bugs of these issues, ordered by number; ``all`` means every known bug.

    An issue may be its number alone, and in any case.

    :raises UsageError: ``SET070`` for an issue that is not a known bug.
    """
    from slotspec.bugs import known_bugs

    known = known_bugs()
    wanted = set()
    for given in issues:
        issue = given.upper()
        issue = f"FLINK-{issue}" if issue.isdecimal() else issue
        if given.lower() == ALL:
            wanted |= set(known)
        elif issue in known:
            wanted.add(issue)
        elif issue in FINDINGS:
            title, check = FINDINGS[issue]
            raise UsageError(
                "SET070",
                f"{issue} is a finding in today's Flink, not a known bug to switch on: {title}; see"
                f" it with `slotspec check {check} --verbose`, and read docs/findings/{issue}.md",
            )
        else:
            raise UsageError("SET070", f"no known bug {given!r}; {_hint(issue, list(known))}")
    return [bug for issue, bug in known.items() if issue in wanted]


def _hint(issue: str, known: Sequence[str]) -> str:
    near = get_close_matches(issue, known, n=3, cutoff=0.8)
    if near:
        return f"did you mean {' or '.join(near)}? slotspec list bugs shows all"
    return f"slotspec list bugs shows all {len(known)}"


def plan_bugs(
    issues: Sequence[str],
    names: Sequence[str] = (),
    generations: Sequence[str] = (),
    scopes: Sequence[str] = (),
    settings: Sequence[str] = (),
    properties: Sequence[str] = (),
) -> list[Instance]:
    """The model with each of these bugs, ordered by issue number.

    Each bug has its model, generation, scope and property. `names`, `generations`, `scopes` and
    `properties` must agree with a bug that the user names; with ``all`` they choose among the
    bugs. `settings` change bounds.

    :raises UsageError: ``SET070`` for an unknown bug, ``SET071`` if something contradicts a bug,
        ``SET072`` if no bug is left.
    """
    from slotspec.cli.plan import parse_bounds

    bounds = parse_bounds(settings)
    everything = ALL in (issue.lower() for issue in issues)
    instances = []
    for bug in chosen_bugs(issues):
        contradiction = _contradiction(bug, names, generations, scopes, properties)
        if contradiction and not everything:
            raise UsageError("SET071", contradiction)
        if not contradiction:
            instances.append(_instance(bug, bounds, bool(properties)))
    if not instances:
        raise UsageError(
            "SET072",
            "no known bug has this model, generation, scope and property; leave one of them out",
        )
    return instances


def _contradiction(
    bug: Bug,
    names: Sequence[str],
    generations: Sequence[str],
    scopes: Sequence[str],
    properties: Sequence[str],
) -> str | None:
    for what, given, own in (
        ("of model", names, bug.model),
        ("shown in generation", generations, bug.generation),
        ("shown in scope", scopes, bug.scope),
        ("found by property", properties, bug.property),
    ):
        if given and own not in given:
            return f"{bug.issue} is {what} {own}, not {' or '.join(given)}; leave that out"
    return None


def _instance(bug: Bug, bounds: dict[str, int], alone: bool) -> Instance:
    instance = bug.instance(bounds)
    if alone and bug.property in instance.properties:
        instance.properties = {bug.property: instance.properties[bug.property]}
    return instance


def bug_of(instance: Instance) -> Bug | None:
    """The known bug that is switched on in `instance`."""
    if not instance.defect:
        return None
    from slotspec.bugs import known_bugs

    return known_bugs().get(instance.defect)


def found_by(bug: Bug, result: Result) -> Finding | None:
    """The trace to the fault or violation that the bug causes, if the check found one."""
    from slotspec.statemachine.results import Verdict

    special = {"fault": result.fault, "deadlock": result.deadlock}
    if bug.property in special:
        return special[bug.property]
    for found in result.properties:
        if found.property.name == bug.property and found.verdict is Verdict.VIOLATED:
            return found.finding
    return None


def search(instance: Instance, most: int) -> tuple[Bug, Finding]:
    """The known bug of `instance` and the trace to it, within `most` states.

    :raises UsageError: ``SET073`` if there is none.
    """
    from slotspec.statemachine.check import check
    from slotspec.statemachine.results import Limits

    bug = bug_of(instance)
    assert bug is not None
    result = check(instance, limits=Limits(states=most, until=bug.property))
    finding = found_by(bug, result)
    if finding is None:
        raise UsageError(
            "SET073",
            f"no trace of {bug.property} in {result.states:,} states of {instance.title};"
            " try other bounds, or a larger --max-states",
        )
    return bug, finding


def is_as_declared(bug: Bug, result: Result) -> bool:
    """Whether the check found the bug with a trace of the declared length."""
    finding = found_by(bug, result)
    return finding is not None and len(finding.steps) == bug.length


def report_bugs(results: Sequence[Result], left: Sequence[Instance], seconds: float) -> None:
    """Print what the checks of bugs found: one bug in full, several as a table."""
    from slotspec.cli.output import Output

    out = Output()
    if len(results) == 1:
        _one(out, results[0])
    else:
        _many(out, results)
    for instance in left:
        out.line(f"not run: {instance.title}", "yellow")
    pairs = [(bug, result) for result in results if (bug := bug_of(result.instance))]
    found = sum(found_by(bug, result) is not None for bug, result in pairs)
    exact = sum(is_as_declared(bug, result) for bug, result in pairs)
    engines = " and ".join(dict.fromkeys(result.engine for result in results))
    out.line(
        f"{found} of {len(results) + len(left)} found, {exact} with the expected length,"
        f" {engines + ', ' if engines else ''}{seconds:.1f} s"
    )


def _one(out: Output, result: Result) -> None:
    from slotspec.cli.report import trace
    from slotspec.statemachine.results import Verdict

    bug = bug_of(result.instance)
    assert bug is not None
    for text in (f"{bug.issue}: {bug.description}", bug.likeness):
        if text:
            out.line(text, "bold" if text is not bug.likeness else None)
    bounds = ", ".join(f"{n}={v}" for n, v in result.instance.setting.bounds.items())
    out.line(f"in {result.instance.title} ({bounds})")
    out.line(f"expected: {bug.property} violated after {bug.length} steps; fixed in {bug.fixed}")
    finding = found_by(bug, result)
    counts = f"{result.states:,} states, depth {result.depth}"
    out.line()
    if finding is None:
        limit = f" before the limit on {result.limit.value}" if result.limit else ""
        out.line(f"NOT FOUND{limit}: {counts}", "yellow")
        return
    title = f"VIOLATED {bug.property} after {len(finding.steps)} steps ({counts})"
    declared = result.instance.properties.get(bug.property)
    message = finding.fault or (declared.description if declared else "")
    trace(out, result.instance, f"{title}: {message}", finding)
    others = [
        f"{p.property.name} ({len(p.finding.steps)})"
        for p in result.properties
        if p.verdict is Verdict.VIOLATED and p.finding and p.finding is not finding
    ]
    if others:
        out.line(f"also violated (steps): {', '.join(others)}")


def _many(out: Output, results: Sequence[Result]) -> None:
    rows = []
    for result in results:
        bug = bug_of(result.instance)
        assert bug is not None
        finding = found_by(bug, result)
        verdict = "VIOLATED" if finding else "NOT FOUND"
        if result.limit is not None and finding is None:
            verdict = f"UNKNOWN (limit: {result.limit.value})"
        rows.append(
            (
                bug.issue,
                bug.model,
                bug.property,
                str(bug.length),
                str(len(finding.steps)) if finding else "",
                f"{result.states:,}",
                f"{result.seconds:.1f}",
                verdict,
            )
        )
    out.table(
        ("bug", "model", "property", "length", "found", "states", "seconds", "verdict"),
        rows,
        NUMBERS,
    )
    out.line()
