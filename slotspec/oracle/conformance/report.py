"""What became of replayed traces: per file, per class, and all together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from slotspec.models.registry import recorded
from slotspec.oracle.conformance.compare import ABSENT, Difference, Outcome
from slotspec.oracle.traces.schema import schema_of
from slotspec.oracle.traces.trace import Expected, TraceStep
from slotspec.statemachine.errors import SlotspecError


@dataclass(frozen=True)
class BadInput:
    """What is wrong with a file: the code and the message of the error, with place and mend."""

    code: str
    message: str

    @classmethod
    def of(cls, error: SlotspecError, place: str = "") -> BadInput:
        """Keep what an error says; reports travel between processes, errors do not."""
        return cls(error.code, f"{place}: {error.message}" if place else error.message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True)
class Divergence:
    """The first step of a trace that does not do what the model does.

    :param step: number of the step, from 1; the header is not one.
    :param line: line of the file.
    :param expected: what the model does.
    :param seen: the step as the trace has it.
    """

    step: int
    line: int
    expected: Expected
    seen: TraceStep
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """As the ``divergence`` of a file in the report of ``slotspec conform --json``."""
        expected = {
            "result": self.expected.result,
            "effects": self.expected.effects,
            "raises": self.expected.raises,
        }
        seen = {
            name: value for name in expected if (value := getattr(self.seen, name)) is not UNSET
        }
        return {
            "step": self.step,
            "line": self.line,
            "operation": self.seen.op,
            "arguments": self.seen.arguments,
            "expected": expected,
            "seen": seen,
            "differences": [_difference_json(difference) for difference in self.differences],
        }


def _difference_json(difference: Difference) -> dict[str, Any]:
    sides = {"expected": difference.expected, "seen": difference.seen}
    return {"path": difference.path} | {k: v for k, v in sides.items() if v is not ABSENT}


@dataclass
class Report:
    """What became of one file.

    :param generation: the generation that it was held against; None where it did not come
        so far.
    :param steps: steps read, those after a divergence included.
    :param matched: steps that agree, from the first on, without a gap.
    :param silent: how many of the matched ones say nothing but their operation.
    :param operations: operation -> how often it is among the matched steps.
    :param error: what is wrong with the file, with place and mend.
    :param fault: what went wrong in slotspec itself.
    """

    path: str
    implementation: str | None = None
    version: str | None = None
    generation: str | None = None
    steps: int = 0
    matched: int = 0
    silent: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    divergence: Divergence | None = None
    error: BadInput | None = None
    fault: str | None = None
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """Also for a file with an error: what the steps before it show."""
        if self.divergence is not None:
            return Outcome.DIVERGES
        if self.error is not None or self.fault is not None or self.matched == self.silent:
            return Outcome.UNDETERMINED
        return Outcome.CONFORMS

    def to_json(self) -> dict[str, Any]:
        """As one of the ``files`` in the report of ``slotspec conform --json``."""
        return {
            "path": self.path,
            "verdict": self.outcome.value,
            "implementation": self.implementation,
            "version": self.version,
            "generation": self.generation,
            "steps": self.steps,
            "matched": self.matched,
            "silent": self.silent,
            "seconds": round(self.seconds, 6),
            "divergence": self.divergence.to_json() if self.divergence else None,
            "error": {"code": self.error.code, "message": self.error.message}
            if self.error
            else None,
            "fault": self.fault,
        }


@dataclass
class Group:
    """All reports of one class and version."""

    implementation: str
    version: str | None
    generation: str | None
    traces: int = 0
    conform: int = 0
    steps: int = 0
    operations: Counter[str] = field(default_factory=Counter)

    @property
    def title(self) -> str:
        """The class for people."""
        if self.implementation not in recorded():
            return self.implementation
        return schema_of(self.implementation).title

    @property
    def possible(self) -> int | None:
        """How many operations this generation of the class has."""
        if self.implementation not in recorded() or not self.generation:
            return None
        return len(schema_of(self.implementation).operations_of(self.generation))


@dataclass
class Summary:
    """What became of all files; `interrupted` where some were not looked at."""

    reports: list[Report] = field(default_factory=list)
    files: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def conforming(self) -> int:
        """Number of files that conform."""
        return sum(report.outcome is Outcome.CONFORMS for report in self.reports)

    @property
    def steps(self) -> int:
        """Number of steps that agree."""
        return sum(report.matched for report in self.reports)

    @property
    def outcome(self) -> Outcome:
        """A divergence decides; else one undetermined file leaves the whole undetermined."""
        found = {report.outcome for report in self.reports}
        if Outcome.DIVERGES in found:
            return Outcome.DIVERGES
        if self.interrupted or Outcome.UNDETERMINED in found or not found:
            return Outcome.UNDETERMINED
        return Outcome.CONFORMS

    @property
    def exit_code(self) -> int:
        """4 a fault of slotspec, else 2 bad input, 1 diverges, 3 undetermined, 0 conforms."""
        if any(report.fault for report in self.reports):
            return 4
        if any(report.error for report in self.reports):
            return 2
        return {Outcome.CONFORMS: 0, Outcome.DIVERGES: 1, Outcome.UNDETERMINED: 3}[self.outcome]

    def groups(self) -> list[Group]:
        """The reports by class and version, in this order."""
        found: dict[tuple[str, str, str], Group] = {}
        for r in self.reports:
            if r.implementation is None:
                continue
            key = (r.implementation, r.version or "", r.generation or "")
            group = found.setdefault(key, Group(r.implementation, r.version, r.generation))
            group.traces += 1
            group.conform += r.outcome is Outcome.CONFORMS
            group.steps += r.matched
            group.operations.update(r.operations)
        return [found[key] for key in sorted(found)]

    def to_json(self) -> dict[str, Any]:
        """The whole of what ``slotspec conform --json`` writes."""
        return {
            "verdict": self.outcome.value,
            "exit_code": self.exit_code,
            "interrupted": self.interrupted,
            "traces": self.files,
            "conforming": self.conforming,
            "steps": self.steps,
            "seconds": round(self.seconds, 6),
            "classes": [
                {
                    "implementation": g.implementation,
                    "version": g.version,
                    "generation": g.generation,
                    "traces": g.traces,
                    "conforming": g.conform,
                    "steps": g.steps,
                    "operations": dict(sorted(g.operations.items())),
                }
                for g in self.groups()
            ],
            "files": [report.to_json() for report in self.reports],
        }
