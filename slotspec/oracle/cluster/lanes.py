"""The steps of a recording by thread, and what each process remembers after them."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.cluster.recording import (
    DEATHS,
    JOB_MASTER,
    RESOURCE_MANAGER,
    Recording,
    Step,
    kind_of,
)

QUEUED = 150_000
"""Microseconds within which a step runs that another has queued and not delayed."""

State = dict[str, Any]


def lanes_of(recording: Recording) -> list[list[Step]]:
    """The steps of each thread of the JobMaster, ResourceManager and TaskExecutors."""
    lanes: dict[str, list[Step]] = {}
    for step in recording.steps:
        if kind_of(step.process) in (JOB_MASTER, RESOURCE_MANAGER, "tm"):
            lanes.setdefault(step.lane, []).append(step)
    return list(lanes.values())


def cut_short(lanes: list[list[Step]]) -> set[int]:
    """The ids of steps in which a process crashes, or the recording ends.

    What they have sent is perhaps not all that they would have.
    """
    return {
        id(step)
        for lane in lanes
        for step, after in zip(lane, (*lane[1:], None), strict=True)
        if not step.ended and (after is None or after.trigger == "fault")
    }


def snapshots_of(
    recording: Recording, lanes: list[list[Step]], under_way: dict[int, list[Step]]
) -> dict[int, State]:
    """What a process remembers after each step, by the step's id.

    A step has none if nobody knows, or if the model has no such state.

    :param under_way: see :func:`foresight.answers_under_way`.
    """
    snapshots: dict[int, State] = {}
    for lane in lanes:
        snapshots |= _remembered(lane, recording.unknown)
        for passed in (*_unfinished(recording, lane), *_before_reactions(lane, under_way)):
            snapshots.pop(id(passed), None)
    return snapshots


def _remembered(lane: list[Step], unknown: frozenset[int]) -> dict[int, State]:
    """The last state that each step of a main thread has recorded."""
    found = {}
    last: State | None = None
    for step in lane:
        if step.trigger == "endpoint":
            last = None
        if step.state is not None:
            led, leads = (last or {}).get("leader"), step.state.get("leader")
            # a ResourceManager learns that it leads again before it learns that it did not, and
            # keeps what it knows until then
            again = step.process == RESOURCE_MANAGER and None not in (led, leads) and led != leads
            last = None if again else step.state
        died = step.trigger == "fault" and step.why in DEATHS
        if died or step.last in unknown:
            last = None
        if step.lane == step.process and step.ended and last is not None:
            found[id(step)] = last
    return found


def _unfinished(recording: Recording, lane: list[Step]) -> list[Step]:
    """Steps between one and another that it queued: the model takes the two at once."""
    times = {line.n: line.us for line in recording.lines}
    ends = {step.number: i for i, step in enumerate(lane) if step.number is not None}
    found = []
    for i, step in enumerate(lane):
        outcome = any(
            call.kind == ("request_slot", "rm", "tm") or call.name == "notify_allocation_failure"
            for call in step.sent
        )
        if step.trigger == "local" and outcome and i:
            found.append(lane[i - 1])  # its request failed, and is made anew or given up
        begun = ends.get(step.queued_by) if step.queued_by is not None else None
        if (
            begun is not None
            and step.state is not None
            and step.process != JOB_MASTER
            and times[step.line] - times[lane[begun].last] < QUEUED
        ):
            found += lane[begun:i]
    return found


def _before_reactions(lane: list[Step], under_way: dict[int, list[Step]]) -> list[Step]:
    """Steps from a cancellation to reactions that the model has before it."""
    return [
        between
        for step in lane
        if step.trigger == "message" and step.call is not None
        for reaction in under_way.get(step.call.number, ())
        for between in lane
        if step.line <= between.line < reaction.line
    ]
