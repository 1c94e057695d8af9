"""Replays one trace against the model."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import UNSET

from slotspec.oracle.cluster.reading import is_cluster_recording
from slotspec.oracle.conformance.compare import Conformance, compare, surely_equal
from slotspec.oracle.conformance.oracles import StepOracle, generation_of, oracle_for
from slotspec.oracle.conformance.report import BadInput, Divergence, Report
from slotspec.oracle.conformance.steps import StepsOracle, StepsReader, is_steps
from slotspec.oracle.traces.reading import TraceReader, printable
from slotspec.oracle.traces.trace import Expected, RecordedStep
from slotspec.statemachine.declaration.arguments import wants
from slotspec.statemachine.errors import InputError, SlotspecError, StepError


def conform(path: str | Path, generation: str | None = None) -> Report:
    """Replay one trace.

    After a divergence the rest of the file is still read, to report bad lines in it.

    :param generation: such as ``1.12``; None: that of the trace's version.
    :returns: the report; a bad file does not raise, see :attr:`Report.error`.
    :raises UsageError: ``SET101`` if the class has no such generation.
    """
    wants("conform", "a path", path, str | os.PathLike)
    report = Report(printable(path))
    start = time.perf_counter()
    try:
        if is_steps(path):
            with StepsReader(path, generation) as reader:
                _replay_steps(reader, report)
        elif is_cluster_recording(path):
            # imported here, since it needs the whole model of the cluster
            from slotspec.oracle.conformance.cluster_recordings import validate

            validate(path, report, generation)
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
    hint: Callable[[RecordedStep], None] | None = getattr(oracle, "hint", None)
    ordered, signals = reader.schema.ordered, reader.schema.signals
    for seen in reader.unread():
        report.steps += 1
        if report.divergence is not None or report.fault is not None:
            reader.read(seen)
            continue
        if seen.op not in has:
            raise InputError(
                "TRC015",
                f"{report.path}:{seen.line}: generation {report.generation} has no operation "
                f"{seen.op!r}; compare the trace with a generation that has it",
            )
        expected = _expected(oracle, hint, seen, report)
        if expected is None:
            reader.read(seen)
            continue
        if seen.silent or not surely_equal(expected, seen):
            seen = reader.read(seen)
            found = compare(expected, seen, ordered, signals)
            if found.outcome is Conformance.DIVERGES:
                report.divergence = Divergence(
                    report.steps, seen.line, expected, seen, found.differences
                )
                continue
            report.silent += found.outcome is Conformance.UNDETERMINED
        report.matched += 1
        report.operations[seen.op] += 1
    if reader.hook is not None:
        report.skipped = f"from line {reader.hook} on, a callback acts inside the step"


def _replay_steps(reader: StepsReader, report: Report) -> None:
    """Replay a trace in a model's own actions."""
    report.implementation = reader.instance.model.name
    report.version, report.generation = reader.header_line.generation, reader.instance.generation
    oracle = StepsOracle(reader)
    last: tuple[RecordedStep, Expected] | None = None
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
        if found.outcome is Conformance.DIVERGES:
            report.divergence = Divergence(
                report.steps, seen.line, expected, seen, found.differences
            )
            continue
        last = seen, expected
        report.matched += 1
        report.silent += found.outcome is Conformance.UNDETERMINED
        report.operations[seen.op] += 1
    if report.divergence is not None or report.fault is not None:
        return
    open_loop = oracle.loop()
    if open_loop is not None and last is not None:
        seen, expected = last
        report.divergence = Divergence(report.steps, seen.line, expected, seen, (open_loop,))


def _expected(
    oracle: StepOracle,
    hint: Callable[[RecordedStep], None] | None,
    seen: RecordedStep,
    report: Report,
) -> Expected | None:
    """One step of the model; None if the model itself fails, and then the report says why."""
    place = f"{report.path}:{seen.line}: {seen.op}"
    try:
        if hint is not None:
            hint(seen)
        if hasattr(oracle, "includes_state"):
            oracle.includes_state = seen.state is not UNSET
        return oracle.step(seen.op, **seen.arguments)
    except StepError as error:
        report.fault = f"{place}: the model leaves its protocol: {error}"
    except SlotspecError as error:
        raise InputError(error.code, f"{place}: {error.message}") from None
    except Exception as error:
        # a failure of the model in one trace must not hide the results of the others
        report.fault = f"{place}: the model fails with {type(error).__name__}: {error}"
    return None
