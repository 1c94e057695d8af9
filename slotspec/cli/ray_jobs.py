"""Run the searches of ``check`` on a cluster of Ray, each as a task.

The report is that of runs on this machine. Ray runs a task again whose node is lost.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slotspec.cli.jobs import (
    TICK,
    Finished,
    Request,
    Running,
    RunResults,
    Show,
    packed,
    run_one,
    unpacked,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import SlotspecError
from slotspec.statemachine.results import silent
from slotspec.statemachine.search.ray_cluster import cluster


def run_on_ray(
    on: str,
    request: Request,
    instances: Sequence[Instance],
    order: Sequence[int],
    show: Show,
    finished: Finished,
) -> RunResults:
    """Run the `instances` numbered in `order` on the cluster `on`.

    On Ctrl-C, what runs is cancelled and has no result.

    :param request: with `jobs` runs at a time; 0 for as many as the cluster has processors.
    :raises SlotspecError: a run raised it; the other runs are cancelled.
    """
    found = RunResults()
    options = {**request.options, "on": None}
    request = replace(request, names=tuple(map(absolute, request.names)), options=options)
    with cluster(on) as (ray, processors):
        task = ray.remote(_task).options(
            num_cpus=options["workers"], scheduling_strategy="SPREAD", max_retries=3
        )
        at_once = request.jobs or max(1, processors // options["workers"])
        waiting = list(order)
        running: dict[Any, Running] = {}
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    number = waiting.pop(0)
                    alone = request.narrowed(instances[number])
                    one, place = (request, number) if alone is None else (alone, 0)
                    ref = task.remote(one, place, number in request.large)
                    running[ref] = Running(number, instances[number], None)
                done, _ = ray.wait(list(running), timeout=TICK)
                for ref in done:
                    run = running.pop(ref)
                    try:
                        result = unpacked(ray.get(ref), run.instance)
                    except ray.exceptions.RayTaskError as error:
                        if isinstance(error.cause, SlotspecError):
                            raise error.cause from None
                        found.faults[run.number] = str(error.cause)
                        continue
                    except ray.exceptions.RayError as error:
                        found.faults[run.number] = str(error)
                        continue
                    found.results[run.number] = result
                    finished(result)
                show(len(found.results) + len(found.faults), list(running.values()))
        except KeyboardInterrupt:
            pass
        finally:
            for ref in running:
                ray.cancel(ref, force=True)
    return found


def absolute(name: str) -> str:
    """A model's name; that of a file with its whole path, since a task has another folder."""
    file, colon, attribute = name.rpartition(".py:")
    path = Path(file + ".py" if colon else name)
    if path.suffix != ".py":
        return name
    return f"{path.resolve()}:{attribute}" if colon else str(path.resolve())


def _task(request: Request, number: int, large: bool) -> dict[str, Any]:
    """One run, in a process of the cluster."""
    # the runs of a node share its memory
    request = replace(request, jobs=os.cpu_count() or 1)
    return packed(run_one(request, number, large, silent))
