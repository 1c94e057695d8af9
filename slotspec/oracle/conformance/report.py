"""Reports of replayed traces: per file, per class, and in total."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from msgspec import UNSET

from slotspec.models.registry import recorded
from slotspec.oracle.cluster.uncompared import Uncompared
from slotspec.oracle.conformance.compare import ABSENT, Conformance, Difference
from slotspec.oracle.traces.schema import schema_of
from slotspec.oracle.traces.trace import Expected, RecordedStep
from slotspec.statemachine.errors import SlotspecError


@dataclass(frozen=True)
class BadInput:
    """What is wrong with a file: the code and the message of the error."""

    code: str
    message: str

    @classmethod
    def of(cls, error: SlotspecError, place: str = "") -> BadInput:
        """Keep code and message: reports travel between processes, errors do not."""
        return cls(error.code, f"{place}: {error.message}" if place else error.message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True)
class Divergence:
    """The first step of a trace that differs from the model.

    :param step: number of the step, from 1, not counting the header.
    :param line: line of the file.
    :param expected: what the model does.
    :param seen: the step as the trace has it.
    """

    step: int
    line: int
    expected: Expected
    seen: RecordedStep
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """The ``divergence`` of a file in the report of ``slotspec conform --json``."""
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


@dataclass(frozen=True)
class WaitingStep:
    """A step of a recorded process that no step of the model explains.

    :param differences: what the model remembers otherwise, where it comes closest.
    :param unsent: messages that the step sends, and the model does not.
    :param in_flight: messages of the model that could arrive instead.
    :param refused: steps of the model that might explain it, each with the condition that is
        false, or what the step would do that the recording does not have.
    """

    line: int
    step: str
    differences: tuple[str, ...]
    unsent: tuple[str, ...]
    in_flight: tuple[str, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removal:
    """What a search for lines to remove found.

    :param lines: the numbers ``n`` of the lines whose removal makes the rest explainable; empty if
        none was found.
    :param what: the same, each call or state in words, with lines of the file: the header is the
        first.
    :param smallest: whether no part of it would do; False if a limit ended the search before.
    :param tried: how many shortened recordings were tried.
    """

    lines: tuple[int, ...]
    what: tuple[str, ...]
    smallest: bool
    tried: int


@dataclass(frozen=True)
class Unexplained:
    """Where the longest explained prefix of a recording ends.

    :param line: the earliest line that is not explained.
    :param waiting: the next step of each process.
    :param last: the last step that is explained.
    :param possible: what the model could do next.
    :param limit: the limit that ended the search; None if no run explains the recording.
    :param removal: the fewest lines whose removal makes the rest explainable, if asked for.
    """

    line: int
    waiting: tuple[WaitingStep, ...]
    last: str | None
    possible: tuple[str, ...]
    limit: str | None
    removal: Removal | None = None

    def to_json(self) -> dict[str, Any]:
        """The ``unexplained`` of a file in the report of ``slotspec conform --json``."""
        return asdict(self)


@dataclass(repr=False)
class Report:
    """The result for one file.

    :param generation: the generation that it was compared with; None if it did not get so far.
    :param steps: number of steps read, including those after a divergence.
    :param matched: number of steps, from the first on, that agree.
    :param silent: how many of the matched steps consist of their operation alone.
    :param unexplained: where the explanation of a cluster recording ends, if it does.
    :param search: of a cluster recording: states visited, explanations tried, steps of the model
        in the run found, and how many of them are hidden.
    :param uncompared: of a cluster recording: what it says that is not compared.
    :param operations: operation -> how often it occurs among the matched steps.
    :param skipped: why the rest of the file is not replayed: no sequence of operations
        expresses it.
    :param error: what is wrong with the file, with the location and a suggested fix.
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
    skipped: str | None = None
    divergence: Divergence | None = None
    unexplained: Unexplained | None = None
    search: dict[str, int] | None = None
    uncompared: tuple[Uncompared, ...] = ()
    error: BadInput | None = None
    fault: str | None = None
    seconds: float = field(default=0.0, compare=False)

    def __repr__(self) -> str:
        against = "" if self.generation is None else f" ({self.generation})"
        wrong = self.error and f"{self.error.code}: {self.error.message}"
        agree = wrong or f"{self.matched:,} of {self.steps:,} steps agree"
        return f"<Report {Path(self.path).name}: {self.outcome.value}{against}, {agree}>"

    @property
    def outcome(self) -> Conformance:
        """The outcome of the steps, even of those before an error."""
        if self.divergence is not None:
            return Conformance.DIVERGES
        if self.unexplained is not None:
            limited = self.unexplained.limit is not None
            return Conformance.UNDETERMINED if limited else Conformance.DIVERGES
        if self.error is not None or self.fault is not None or self.matched == self.silent:
            return Conformance.UNDETERMINED
        return Conformance.CONFORMS if self.skipped is None else Conformance.UNDETERMINED

    def to_json(self) -> dict[str, Any]:
        """One of the ``files`` in the report of ``slotspec conform --json``."""
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
            "skipped": self.skipped,
            "divergence": self.divergence.to_json() if self.divergence else None,
            "unexplained": self.unexplained.to_json() if self.unexplained else None,
            "search": self.search,
            "uncompared": [asdict(one) for one in self.uncompared],
            "error": {"code": self.error.code, "message": self.error.message}
            if self.error
            else None,
            "fault": self.fault,
        }


@dataclass
class Group:
    """The reports of one class and version, added up."""

    implementation: str
    version: str | None
    generation: str | None
    traces: int = 0
    conform: int = 0
    steps: int = 0
    operations: Counter[str] = field(default_factory=Counter)

    @property
    def title(self) -> str:
        """The class as messages call it."""
        if self.implementation not in recorded():
            return self.implementation
        return schema_of(self.implementation).title

    @property
    def possible(self) -> int | None:
        """Number of operations that this generation of the class has."""
        if self.implementation not in recorded() or not self.generation:
            return None
        return len(schema_of(self.implementation).operations_of(self.generation))


@dataclass(repr=False)
class Summary:
    """The results for all files; `interrupted` if some were not replayed."""

    reports: list[Report] = field(default_factory=list)
    files: int = 0
    seconds: float = field(default=0.0, compare=False)
    interrupted: bool = False

    def __repr__(self) -> str:
        return (
            f"<Summary: {self.outcome.value}, {self.conforming:,} of {len(self.reports):,} conform>"
        )

    @property
    def conforming(self) -> int:
        """Number of files that conform."""
        return sum(report.outcome is Conformance.CONFORMS for report in self.reports)

    @property
    def steps(self) -> int:
        """Number of steps that agree."""
        return sum(report.matched for report in self.reports)

    @property
    def outcome(self) -> Conformance:
        """DIVERGES if any file diverges, else UNDETERMINED if any file is.

        Files that cannot be replayed to their end count only where there are no others.
        """
        found = {r.outcome for r in self.reports if r.skipped is None or r.divergence is not None}
        if Conformance.DIVERGES in found:
            return Conformance.DIVERGES
        if self.interrupted or Conformance.UNDETERMINED in found or not found:
            return Conformance.UNDETERMINED
        return Conformance.CONFORMS

    @property
    def exit_code(self) -> int:
        """4 for a fault of slotspec, else 2 for bad input, else by the outcome: 0, 1 or 3."""
        if any(report.fault for report in self.reports):
            return 4
        if any(report.error for report in self.reports):
            return 2
        return {Conformance.CONFORMS: 0, Conformance.DIVERGES: 1, Conformance.UNDETERMINED: 3}[
            self.outcome
        ]

    def groups(self) -> list[Group]:
        """The reports grouped by class and version, sorted by both."""
        found: dict[tuple[str, str, str], Group] = {}
        for r in self.reports:
            if r.implementation is None:
                continue
            key = (r.implementation, r.version or "", r.generation or "")
            group = found.setdefault(key, Group(r.implementation, r.version, r.generation))
            group.traces += r.skipped is None
            group.conform += r.outcome is Conformance.CONFORMS
            group.steps += r.matched
            group.operations.update(r.operations)
        return [found[key] for key in sorted(found)]

    def to_json(self) -> dict[str, Any]:
        """The report of ``slotspec conform --json``."""
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
