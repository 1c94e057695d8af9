"""Replays traces in several processes and keeps the order of the files."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from slotspec.oracle.conformance.report import Report
from slotspec.oracle.traces.reading import printable
from slotspec.statemachine.processes import end_with_parent

Replay = Callable[[str, str | None], Report]

CHUNK_LIMIT = 16
"""Most files that a process gets at a time; an interruption may have to wait for them."""


def _begin() -> None:
    end_with_parent()
    # the parent handles Ctrl-C
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def replay_chunk(replay: Replay, paths: list[str], generation: str | None) -> list[Report]:
    """The reports of some files."""
    return [replay(path, generation) for path in paths]


def lost(path: str, why: str = "the process that replayed it died") -> Report:
    """The report of a file that nobody could replay."""
    return Report(printable(path), fault=f"{printable(path)}: {why}")


def replay_in_processes(
    replay: Replay, paths: list[str], generation: str | None, jobs: int
) -> Iterator[Report]:
    """Yield one report for each path, in order. A process that dies loses only one file.

    :param replay: a function at module level.
    """
    size = max(1, min(CHUNK_LIMIT, len(paths) // (2 * jobs)))
    chunks = [paths[i : i + size] for i in range(0, len(paths), size)]
    with _processes(min(jobs, len(chunks))) as executor:
        try:
            futures = [executor.submit(replay_chunk, replay, c, generation) for c in chunks]
            for future, chunk in zip(futures, chunks, strict=True):
                try:
                    reports = future.result()
                except BrokenProcessPool:
                    # one death breaks the whole pool without saying which file caused it
                    reports = _replay_apart(replay, chunk, generation)
                yield from reports
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _processes(jobs: int) -> ProcessPoolExecutor:
    # new processes, since a fork would copy locks that threads of the parent hold
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_begin)


def _replay_apart(replay: Replay, paths: list[str], generation: str | None) -> list[Report]:
    """Replay in a separate process. If it dies, halve the files until the one is found."""
    with _processes(1) as executor:
        try:
            return executor.submit(replay_chunk, replay, paths, generation).result()
        except BrokenProcessPool:
            pass
    if len(paths) == 1:
        return [lost(paths[0])]
    half = len(paths) // 2
    return [
        *_replay_apart(replay, paths[:half], generation),
        *_replay_apart(replay, paths[half:], generation),
    ]
