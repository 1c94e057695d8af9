"""Replays one trace against the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import UNSET

from slotspec.oracle.conformance.compare import Outcome, compare, surely_equal
from slotspec.oracle.conformance.oracles import Oracle, generation_of, oracle_for
from slotspec.oracle.conformance.report import BadInput, Divergence, Report
from slotspec.oracle.conformance.steps import StepsOracle, StepsReader, is_steps
from slotspec.oracle.traces.reading import TraceReader, printable
from slotspec.oracle.traces.trace import Expected, TraceStep
from slotspec.statemachine.errors import InputError, SlotspecError, StepError


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
