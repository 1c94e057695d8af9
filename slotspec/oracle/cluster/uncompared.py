"""What of a recording is not compared with the model, where it says more than the model does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slotspec.oracle.cluster.foresight import NEVER
from slotspec.oracle.cluster.recording import JOB_MASTER, RESOURCE_MANAGER, Call, Step

SUSPENDED = "SUSPENDED"
"""A job whose JobMaster leads no more."""
MISLED = (
    "the JobMasters that the ResourceManager knows, as the recorder has told one that leads that"
    " it does not"
)
FINISHED_BEFORE = "whether a task had finished before its job was suspended"
IN_VAIN = "registrations of which nothing came"
IN_BETWEEN = "what a process remembers between a step and one that it has queued"


@dataclass(frozen=True)
class Uncompared:
    """Something that is recorded and not compared.

    :param line: the first line that tells of it.
    :param count: how many recorded states do, or calls.
    """

    what: str
    line: int
    count: int


def is_over_unnoticed(state: str, job: str) -> bool:
    """Whether a task of a suspended job had finished: the model knows only that it is over."""
    return job == SUSPENDED and state == "FINISHED"


def uncompared(
    lanes: list[list[Step]],
    snapshots: dict[int, dict[str, Any]],
    misled_from: int,
    in_vain: list[Call],
) -> list[Uncompared]:
    """What is not compared, each with its first line.

    :param misled_from: see :func:`foresight.misled_from`.
    :param in_vain: registrations that are explained as if they were lost.
    """
    told = [
        (step, step.state)
        for lane in lanes
        for step in lane
        if step.state is not None and step.lane == step.process
    ]
    found = {
        MISLED: [
            step.last
            for step, _ in told
            if step.process == RESOURCE_MANAGER and misled_from < step.last < NEVER
        ],
        FINISHED_BEFORE: [
            step.last
            for step, state in told
            if step.process == JOB_MASTER
            and any(
                is_over_unnoticed(task["state"], state.get("job", ""))
                for task in state.get("tasks", ())
            )
        ],
        IN_BETWEEN: [step.last for step, _ in told if step.ended and id(step) not in snapshots],
        IN_VAIN: [call.line for call in in_vain],
    }
    return [Uncompared(what, min(lines), len(lines)) for what, lines in found.items() if lines]
