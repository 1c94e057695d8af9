"""Replays traces against the model and reports, per file, how far they agree."""

from __future__ import annotations

import glob
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import UNSET

from slotspec.oracle.conformance.compare import ABSENT, Difference, Outcome, compare, surely_equal
from slotspec.oracle.conformance.registry import Oracle, generation_of, oracle_for
from slotspec.oracle.conformance.steps import StepsOracle, StepsReader, is_steps
from slotspec.oracle.traces.reading import TraceReader, printable
from slotspec.oracle.traces.schema import SCHEMAS
from slotspec.oracle.traces.trace import Expected, TraceStep
from slotspec.statemachine.errors import InputError, SlotspecError, StepError, UsageError

ENDINGS = (".jsonl", ".jsonl.gz")
"""What a file in a folder has to end in to be taken for a trace."""

FILES_WORTH_A_PROCESS = 500
"""With fewer files for each, starting processes takes longer than replaying: 450 recordings of
80 steps take 2.0 s in one process and 3.1 s in two."""


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
        known = SCHEMAS.get(self.implementation)
        return known.title if known else self.implementation

    @property
    def possible(self) -> int | None:
        """How many operations this generation of the class has."""
        known = SCHEMAS.get(self.implementation)
        return len(known.operations_of(self.generation)) if known and self.generation else None


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


def conform(path: str | Path, generation: str | None = None) -> Report:
    """Replay one trace.

    The file is read to its end after a divergence, too, so that a bad line further down is
    named as well.

    :param generation: such as ``1.12``; None takes it from the version of the trace.
    :returns: never raises for what is in the file, see :attr:`Report.error`.
    :raises UsageError: ``SET101`` where the class has no such generation.
    """
    report = Report(printable(path))
    start = time.perf_counter()
    try:
        if is_steps(path):
            with StepsReader(path, generation) as reader:
                _replay_steps(reader, report)
        else:
            with TraceReader(path) as recorded:
                _replay(recorded, generation, report)
    except InputError as error:
        report.error = BadInput.of(error)
    report.seconds = time.perf_counter() - start
    return report


def _replay(reader: TraceReader, generation: str | None, report: Report) -> None:
    header = reader.header
    report.implementation, report.version = header.implementation, header.version
    try:
        report.generation = generation_of(header, generation)
        oracle = oracle_for(header, report.generation)
    except InputError as error:
        raise InputError(error.code, f"{report.path}:1: {error.message}") from None
    has = frozenset(reader.schema.operations_of(report.generation))
    hint: Callable[[TraceStep], None] | None = getattr(oracle, "hint", None)
    ordered = reader.schema.ordered
    for seen in reader.unread():
        report.steps += 1
        if report.divergence is not None or report.fault is not None:
            reader.read(seen)
            continue
        if seen.op not in has:
            raise InputError(
                "TRC015",
                f"{report.path}:{seen.line}: generation {report.generation} has no operation "
                f"{seen.op!r}; hold the trace against a generation that has it",
            )
        expected = _expected(oracle, hint, seen, report)
        if expected is None:
            reader.read(seen)
            continue
        if seen.silent or not surely_equal(expected, seen):
            seen = reader.read(seen)
            found = compare(expected, seen, ordered)
            if found.outcome is Outcome.DIVERGES:
                report.divergence = Divergence(
                    report.steps, seen.line, expected, seen, found.differences
                )
                continue
            report.silent += found.outcome is Outcome.UNDETERMINED
        report.matched += 1
        report.operations[seen.op] += 1


def _replay_steps(reader: StepsReader, report: Report) -> None:
    """A trace in a model's own actions."""
    report.implementation = reader.instance.model.name
    report.version, report.generation = reader.said.generation, reader.instance.generation
    oracle = StepsOracle(reader)
    last: tuple[TraceStep, Expected] | None = None
    for seen in reader:
        report.steps += 1
        if report.divergence is not None or report.fault is not None:
            continue
        try:
            expected, found = oracle.compare(seen)
        except StepError as error:
            place = f"{report.path}:{seen.line}: {seen.op}"
            report.fault = f"{place}: the model leaves its protocol: {error}"
            continue
        if found.outcome is Outcome.DIVERGES:
            report.divergence = Divergence(
                report.steps, seen.line, expected, seen, found.differences
            )
            continue
        last = seen, expected
        report.matched += 1
        report.silent += found.outcome is Outcome.UNDETERMINED
        report.operations[seen.op] += 1
    if report.divergence is not None or report.fault is not None:
        return
    open_loop = oracle.loop()
    if open_loop is not None and last is not None:
        seen, expected = last
        report.divergence = Divergence(report.steps, seen.line, expected, seen, (open_loop,))


def _expected(
    oracle: Oracle, hint: Callable[[TraceStep], None] | None, seen: TraceStep, report: Report
) -> Expected | None:
    """One step of the model; None where the model itself failed, which the report then says."""
    place = f"{report.path}:{seen.line}: {seen.op}"
    try:
        if hint is not None:
            hint(seen)
        if hasattr(oracle, "tells_state"):
            oracle.tells_state = seen.state is not UNSET
        return oracle.step(seen.op, **seen.arguments)
    except StepError as error:
        report.fault = f"{place}: the model leaves its protocol: {error}"
    except SlotspecError as error:
        raise InputError(error.code, f"{place}: {error.message}") from None
    except Exception as error:
        # One trace that the model cannot digest must not hide what the others show.
        report.fault = f"{place}: the model fails with {type(error).__name__}: {error}"
    return None


def expand(paths: Iterable[str | Path]) -> list[str | InputError]:
    """The files that are meant by files, folders (searched to any depth) and patterns.

    In place of a folder or pattern without traces stands the error that says so. A file that
    is named twice is taken once.
    """
    found: dict[str, str | InputError] = {}
    for given in map(str, paths):
        for file in _expand_one(given):
            key = file.message if isinstance(file, InputError) else os.path.abspath(file)
            found.setdefault(key, file)
    return list(found.values())


def _expand_one(given: str) -> Iterator[str | InputError]:
    if os.path.isdir(given):
        files = _in_folder(given)
        if not files:
            kinds = " or ".join(f"*{ending}" for ending in ENDINGS)
            yield InputError(
                "TRC021", f"{printable(given)}: the folder has no trace ({kinds}); name another"
            )
        yield from files
    elif glob.has_magic(given) and not os.path.exists(given):
        matches = sorted(glob.glob(given, recursive=True))
        if not matches:
            yield InputError(
                "TRC021", f"{printable(given)}: no file matches the pattern; correct it"
            )
        for match in matches:
            # A folder that a pattern happens to match is no promise of traces.
            yield from _in_folder(match) if os.path.isdir(match) else [match]
    else:
        yield given


def _in_folder(folder: str) -> list[str]:
    return sorted(
        os.path.join(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if name.endswith(ENDINGS)
    )


def _conform_guarded(path: str, generation: str | None) -> Report:
    """For one of many: an option that does not fit this file must not stop the others."""
    try:
        return conform(path, generation)
    except UsageError as error:
        return Report(printable(path), error=BadInput.of(error, f"{printable(path)}:1"))


def ignore_report(_: Report) -> None:
    """A receiver of reports that does nothing."""


def conform_all(
    paths: Iterable[str | Path],
    generation: str | None = None,
    jobs: int | None = 1,
    on_report: Callable[[Report], None] = ignore_report,
) -> Summary:
    """Replay many traces; a bad file stops none of the others.

    :param paths: files, folders and patterns.
    :param jobs: number of processes; None: as many as there are processors, if there are
        files enough to be worth their start.
    :param on_report: is given each report as it comes, in the order of the files.
    :returns: all reports; with `interrupted` set after Ctrl-C.
    :raises UsageError: ``SET101`` where no class has such a generation, ``SET102`` for less
        than one job.
    """
    if jobs is not None and jobs < 1:
        raise UsageError("SET102", f"{jobs} jobs cannot replay anything; give at least 1")
    known = sorted({g for v in SCHEMAS.values() for g in v.generations})
    if generation is not None and generation not in known:
        raise UsageError(
            "SET101", f"there is no generation {generation!r}; use one of {', '.join(known)}"
        )
    start = time.perf_counter()
    summary = Summary()
    try:
        files = expand(paths)
        summary.files = len(files)
        if jobs is None:
            jobs = max(1, min(os.cpu_count() or 1, len(files) // FILES_WORTH_A_PROCESS))
        for report in _reports(files, generation, jobs):
            summary.reports.append(report)
            on_report(report)
    except KeyboardInterrupt:
        summary.interrupted = True
    summary.seconds = time.perf_counter() - start
    return summary


def _reports(files: list[str | InputError], generation: str | None, jobs: int) -> Iterator[Report]:
    readable = [file for file in files if isinstance(file, str)]
    if jobs > 1 and len(readable) > 1:
        # Imported here: one process needs none of it.
        from slotspec.oracle.conformance.workers import replay_in_processes

        replayed = replay_in_processes(_conform_guarded, readable, generation, jobs)
    else:
        replayed = (_conform_guarded(file, generation) for file in readable)
    for file in files:
        if isinstance(file, InputError):
            yield Report(file.message.split(": ")[0], error=BadInput.of(file))
        else:
            yield next(replayed)
