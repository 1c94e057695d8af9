"""Findings: deviations of Flink with a page in ``docs/findings``, and what mends them.

``python -m tests.models.findings`` writes the traces of the pages anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from slotspec.models import load_model
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.formatting import for_ever, formatter_of
from slotspec.statemachine.results import Finding, PropertyResult, Result, Verdict
from tests.models.searches import searched

PAGES = Path(__file__).parents[2] / "docs" / "findings"
TRACE = re.compile(r"(?<=<!-- trace -->\n```text\n).*?(?=```\n)", re.DOTALL)


@dataclass(frozen=True)
class Known:
    """A finding.

    :param name: its number, which is the name of its page.
    :param broken: the property that Flink breaks.
    :param scope: the scope whose search finds the shortest trace.
    :param length: the steps of that trace.
    :param mends: rules of the model -> what mends them, together.
    :param also: further properties that break for the same reason.
    :param transitions: roughly how many there are, if many.
    """

    name: str
    model: str
    generation: str
    broken: str
    scope: str
    length: int
    mends: Mapping[Any, Any]
    also: frozenset[str] = frozenset()
    bounds: Mapping[str, int] = field(default_factory=dict)
    transitions: int = 0

    def instance(self, mended: bool = False) -> Instance:
        """The model in which the finding is found, as it is or mended."""
        return load_model(self.model).instance(
            self.bounds,
            generation=self.generation,
            scope=self.scope,
            replace=dict(self.mends) if mended else None,
        )

    def check(self, mended: bool = False) -> Result:
        """The exhaustive check of all properties."""
        return searched(self.instance(mended), self.transitions)

    def trace(self, result: Result) -> Finding:
        """The shortest trace that breaks the property."""
        found = _of(result, self.broken)
        assert found.verdict is Verdict.DEVIATES
        assert found.finding is not None
        return found.finding

    def page(self) -> str:
        return (PAGES / f"{self.name}.md").read_text(encoding="utf-8")


def _of(result: Result, name: str) -> PropertyResult:
    return next(p for p in result.properties if p.property.name == name)


def text_of(instance: Instance, finding: Finding) -> str:
    """A trace as the pages have it: calls, below each its effects and changes."""
    formatter = formatter_of(instance)
    lines = []
    for number, step in enumerate(finding.steps, 1):
        if finding.loop == number - 1:
            lines.append(f"    {for_ever(finding)}:")
        lines.append(f"{number:3} {formatter.format_step(step)}")
        lines += [f"      > {effect}" for effect in formatter.effects(step)]
        lines += [f"      {change}" for change in formatter.changes(step)]
    if finding.loop == len(finding.steps):
        lines.append(f"    {for_ever(finding)}")
    return "\n".join(lines) + "\n"


def broken_by(result: Result) -> set[str]:
    """Properties that do not hold, as known deviations or otherwise."""
    bad = (Verdict.DEVIATES, Verdict.VIOLATED, Verdict.UNKNOWN)
    found = {p.property.name for p in result.properties if p.verdict in bad}
    if result.fault:
        found.add("fault")
    if result.deadlock:
        found.add("deadlock")
    return found


def confirm(known: Known) -> None:
    """Check that the finding is found as its page says, and that its mend mends just that."""
    found = known.check()
    finding = known.trace(found)
    assert len(finding.steps) == known.length
    traces = TRACE.findall(known.page())[:1]
    assert traces == [text_of(known.instance(), finding)], "run python -m tests.models.findings"
    before, after = broken_by(found), broken_by(known.check(mended=True))
    assert before - after == {known.broken} | known.also
    assert after <= before


def found_by_design(known: Known) -> None:
    """Check that a finding is found as its page says; Flink does so on purpose."""
    finding = known.trace(known.check())
    assert len(finding.steps) == known.length
    traces = TRACE.findall(known.page())[:1]
    assert traces == [text_of(known.instance(), finding)], "run python -m tests.models.findings"


def write(known: Known) -> None:
    """Write the trace of a finding into its page."""
    text = text_of(known.instance(), known.trace(known.check()))
    page = TRACE.sub(lambda _: text, known.page(), count=1)
    (PAGES / f"{known.name}.md").write_text(page, encoding="utf-8")


def main() -> None:
    folder = Path(__file__).parent
    for path in sorted(folder.glob("*/test_*_findings.py")):
        module = import_module(f"tests.models.{path.parent.name}.{path.stem}")
        for known in [*module.FINDINGS, *getattr(module, "BY_DESIGN", [])]:
            write(known)


if __name__ == "__main__":
    main()
