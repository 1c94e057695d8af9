"""Replays traces on several machines, with Ray, and keeps the order of the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from slotspec.oracle.conformance.report import Report
from slotspec.oracle.conformance.workers import CHUNK_LIMIT, Replay, lost, replay_chunk
from slotspec.statemachine.search.ray_cluster import cluster
from slotspec.statemachine.search.ray_tasks import Lost, in_order


def replay_on_cluster(
    on: str, replay: Replay, paths: list[str], generation: str | None, jobs: int | None
) -> Iterator[Report]:
    """Yield one report for each path, in order. Each node reads the files at the same path.

    :param jobs: how many processes; None for one for each processor of the cluster.
    :raises InputError: ``RAY001`` or ``RAY006`` if the cluster cannot be used.
    :raises UsageError: ``SET030``, ``SET044``, ``SET045`` likewise.
    """
    with cluster(on, jobs) as (ray, processors):
        size = max(1, min(CHUNK_LIMIT, len(paths) // (2 * processors)))
        chunks = [paths[i : i + size] for i in range(0, len(paths), size)]
        pieces = ((str(Path.cwd()), replay, chunk, generation) for chunk in chunks)
        made = in_order(ray, processors, _replay_there, pieces)
        for reports, chunk in zip(made, chunks, strict=True):
            if isinstance(reports, Lost):
                yield from (lost(path, reports.why) for path in chunk)
            else:
                yield from reports


def _replay_there(
    folder: str, replay: Replay, paths: list[str], generation: str | None
) -> list[Report]:
    """The reports of some files, in a process of the cluster; `folder` is where they are named."""
    with suppress(OSError):
        os.chdir(folder)
    return replay_chunk(replay, paths, generation)
