"""Looks for a run of the cluster model that explains a recording, and reports what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slotspec.models.registry import load_model
from slotspec.oracle.cluster.branches import Node
from slotspec.oracle.cluster.declarative import DeclarativeExplainer
from slotspec.oracle.cluster.explanation import ClusterExplainer
from slotspec.oracle.cluster.reading import read
from slotspec.oracle.cluster.recording import Recording
from slotspec.oracle.cluster.uncompared import uncompared
from slotspec.oracle.conformance.report import Report, Unexplained, WaitingStep
from slotspec.oracle.conformance.trace_validation import (
    Bounds,
    Explanation,
    explain,
)
from slotspec.oracle.traces.export import steps_of
from slotspec.oracle.traces.reading import printable
from slotspec.oracle.traces.trace import CLUSTER_FORMAT
from slotspec.statemachine.errors import InputError, UsageError
from slotspec.statemachine.interpreter.replay import explain as explain_calls

EXPLAINERS = {one.model: one for one in (ClusterExplainer, DeclarativeExplainer)}
"""What explains recordings, by model."""
UNTOLD_STEPS = frozenset({"timer_is_early", "message_is_lost", "request_comes_first"})
"""Steps of the model that no line of a recording tells of."""
UNKNOWN_MANAGER = "DeclarativeSlotManager"
"""The slot manager of 1.13 to 1.17, unless they are configured otherwise."""
SHOWN = 6
"""Steps that wait, and differences of each, that a report has."""


def generation_of(flink: str, wanted: str | None, path: str) -> str:
    """The generation of the cluster model to compare a recording with.

    :raises UsageError: ``SET101`` for a generation that the model does not have.
    :raises InputError: ``TRC011`` for a version that no generation models.
    """
    known = [g for name in EXPLAINERS for g in load_model(name).generations]
    if wanted is not None:
        if wanted not in known:
            raise UsageError(
                "SET101",
                f"there is no generation {wanted!r} of the cluster; use one of {', '.join(known)}",
            )
        return wanted
    found = ".".join(flink.split(".")[:2])
    if found not in known:
        raise InputError(
            "TRC011",
            f"{path}:1: no generation of the cluster models Flink {flink}; choose one with"
            f" --generation: {', '.join(known)}",
        )
    return found


def explainer_of(generation: str) -> type[ClusterExplainer]:
    """What explains recordings of a generation."""
    return next(
        explainer
        for name, explainer in EXPLAINERS.items()
        if generation in load_model(name).generations
    )


def check_pool(recording: Recording, generation: str) -> None:
    """Refuse a recording whose JobMaster has another pool than the model.

    :raises InputError: ``TRC025``, also for a slot manager that no model has.
    """
    managers = (line.state.get("manager") for line in recording.lines if line.state is not None)
    if any(manager.get("class") == UNKNOWN_MANAGER for manager in managers if manager is not None):
        raise InputError(
            "TRC025",
            f"the ResourceManager has a {UNKNOWN_MANAGER}, which no model has; record a cluster"
            " with cluster.declarative-resource-management.enabled: false (1.12, 1.13), or"
            " cluster.fine-grained-resource-management.enabled: true (1.14 to 1.17)",
        )
    declarative = explainer_of(generation) is DeclarativeExplainer
    pools = (line.state.get("pool") for line in recording.lines if line.state is not None)
    if all(("fulfilled" in pool) is declarative for pool in pools if pool is not None):
        return
    other = ClusterExplainer if declarative else DeclarativeExplainer
    has = "not the declarative one" if declarative else "the declarative one"
    known = ", ".join(load_model(other.model).generations)
    raise InputError(
        "TRC025",
        f"the pool of the JobMaster is {has}, so generation {generation} has another protocol;"
        f" compare it with one of these generations: {known}",
    )


def validate(
    path: str | Path,
    report: Report,
    generation: str | None = None,
    bounds: Bounds | None = None,
) -> tuple[ClusterExplainer, Explanation[Node]]:
    """Look for a run that explains a recording, and put the result into `report`.

    :raises InputError: for a recording that cannot be read, or contradicts itself.
    :raises UsageError: as :func:`generation_of`.
    """
    recording = read(path)
    report.implementation, report.version = CLUSTER_FORMAT, recording.header.flink
    report.generation = generation_of(recording.header.flink, generation, printable(path))
    try:
        check_pool(recording, report.generation)
        explainer = explainer_of(report.generation)(recording, report.generation)
    except InputError as error:
        raise InputError(error.code, f"{printable(path)}:1: {error.message}") from None
    found = explain(explainer.lanes, explainer, bounds)
    report.steps = sum(map(len, explainer.lanes))
    report.matched = found.explained
    report.silent = sum(not calls for _, calls in found.run)
    report.operations = Counter(
        step.call.name if step.call is not None else step.trigger for step, calls in found.run
    )
    report.search = {
        "states": found.states,
        "tried": found.tried,
        "model_steps": sum(len(calls) for _, calls in found.run),
        "hidden_steps": sum(
            call.action.name in UNTOLD_STEPS for _, calls in found.run for call in calls
        ),
    }
    report.uncompared = tuple(
        uncompared(
            explainer.lanes,
            explainer.snapshots,
            explainer.misled_from,
            [recording.calls[n] for n in explainer.registered_in_vain | explainer.never_joined],
        )
    )
    if not found.complete:
        report.unexplained = unexplained(explainer, found)
    return explainer, found


def unexplained(explainer: ClusterExplainer, found: Explanation[Node]) -> Unexplained:
    """What stops a run, from the state that explains the longest prefix."""
    waiting = []
    for step in found.waiting[:SHOWN]:
        differences, unsent = explainer.closest.get(step.line, ([], ()))
        waiting.append(
            WaitingStep(
                step.line,
                str(step),
                tuple(
                    f"{where}: model {has!r}, recorded {told!r}" for where, has, told in differences
                ),
                tuple(str(pattern) for pattern in unsent if not pattern.optional),
                explainer.in_flight(found.state, step),
                refusals(explainer, found.state, step),
            )
        )
    last = found.run[-1][0] if found.run else None
    return Unexplained(
        found.waiting[0].line,
        tuple(waiting),
        None if last is None else str(last),
        tuple(explainer.possible(found.state)),
        found.limit,
    )


def refusals(explainer: ClusterExplainer, state: Node, step: Any) -> tuple[str, ...]:
    """Why each step of the model that might explain a recorded one does not.

    Steps that the same condition refuses are named once.
    """
    found: dict[str, str] = {}
    for call, why in explainer.refused(state, step).items():
        name = call.partition("(")[0]
        found.setdefault(f"{name}: {why}", f"{call}: {why}")
    return tuple(found.values())


def explaining_run(path: str | Path, generation: str | None = None) -> Iterator[dict[str, Any]]:
    """The run that explains a recording, as lines of a trace in the model's own actions.

    If none does, that of its longest explained prefix.

    :raises InputError: as :func:`validate`.
    :raises UsageError: likewise.
    """
    explainer, found = validate(path, Report(printable(path)), generation)
    instance = explainer.world.instance
    calls = [call for _, more in found.run for call in more]
    yield from steps_of(instance, explain_calls(instance, calls))
