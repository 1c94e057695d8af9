"""Replays many traces, in one process or several, and reports how far each agrees."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from slotspec.models.registry import recorded
from slotspec.oracle.conformance.files import expand
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.conformance.report import BadInput, Report, Summary
from slotspec.oracle.traces.reading import printable
from slotspec.statemachine.errors import InputError, UsageError

FILES_WORTH_A_PROCESS = 500
"""With fewer files per process, starting processes takes longer than it saves: 450 recordings of
80 steps take 2.0 s in one process and 3.1 s in two."""


def _conform_guarded(path: str, generation: str | None) -> Report:
    """Replay one of many: an option that does not fit this file must not stop the others."""
    try:
        return conform(path, generation)
    except UsageError as error:
        return Report(printable(path), error=BadInput.of(error, f"{printable(path)}:1"))


def ignore_report(_: Report) -> None:
    """Do nothing with a report."""


def conform_all(
    paths: Iterable[str | Path],
    generation: str | None = None,
    jobs: int | None = 1,
    on_report: Callable[[Report], None] = ignore_report,
    on: str | None = None,
) -> Summary:
    """Replay many traces. A bad file does not stop the others.

    :param paths: files, folders and patterns.
    :param jobs: number of processes; None: one for each processor if there are enough files.
    :param on_report: called with each report, in the order of the files.
    :param on: replay them on several machines, with Ray: ``ray`` or ``ray://HOST:PORT``. Each
        machine reads the files at the same path.
    :returns: all reports; `interrupted` is set after Ctrl-C.
    :raises UsageError: ``SET101`` if no class has such a generation, ``SET102`` for fewer
        jobs than one; ``SET030``, ``SET044``, ``SET045`` for a cluster that cannot be used.
    :raises InputError: ``RAY001`` or ``RAY006`` likewise.
    """
    if jobs is not None and jobs < 1:
        raise UsageError("SET102", f"{jobs} jobs cannot replay anything; use at least 1")
    known = sorted({g for entry in recorded().values() for g in entry.schema().generations})
    if generation is not None and generation not in known:
        raise UsageError(
            "SET101", f"there is no generation {generation!r}; use one of {', '.join(known)}"
        )
    start = time.perf_counter()
    summary = Summary()
    try:
        files = expand(paths)
        summary.files = len(files)
        if jobs is None and on is None:
            jobs = max(1, min(os.cpu_count() or 1, len(files) // FILES_WORTH_A_PROCESS))
        for report in _reports(files, generation, jobs, on):
            summary.reports.append(report)
            on_report(report)
    except KeyboardInterrupt:
        summary.interrupted = True
    summary.seconds = time.perf_counter() - start
    return summary


def _reports(
    files: list[str | InputError], generation: str | None, jobs: int | None, on: str | None
) -> Iterator[Report]:
    readable = [file for file in files if isinstance(file, str)]
    if on is not None:
        from slotspec.oracle.conformance.ray_replay import replay_on_cluster

        replayed = replay_on_cluster(on, _conform_guarded, readable, generation, jobs)
    elif jobs is not None and jobs > 1 and len(readable) > 1:
        # imported here, since a single process does not need it
        from slotspec.oracle.conformance.workers import replay_in_processes

        replayed = replay_in_processes(_conform_guarded, readable, generation, jobs)
    else:
        replayed = (_conform_guarded(file, generation) for file in readable)
    for file in files:
        if isinstance(file, InputError):
            yield Report(file.message.split(": ")[0], error=BadInput.of(file))
        else:
            yield next(replayed)
