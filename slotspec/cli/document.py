"""A check as one JSON object; docs/json.md explains the keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotspec.cli.bugs import bug_of, found_by
from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.results import Finding, PropertyResult, Result, Verdict

FORMAT = 1
"""The version: it rises when a key changes its meaning or is removed, not when one is added."""


def document(result: Result) -> dict[str, Any]:
    """`result` as a JSON object."""
    instance = result.instance
    violated = [p.finding for p in result.properties if p.verdict is Verdict.VIOLATED]
    first = next((f for f in (result.fault, *violated, result.deadlock) if f), None)
    return {
        "format": FORMAT,
        "model": instance.model.name,
        "generation": instance.generation,
        "scope": instance.scope,
        "bug": bug_document(result),
        "bounds": dict(instance.setting.bounds),
        "engine": result.engine,
        "workers": result.workers,
        "symmetry": result.symmetry,
        "symmetry_reason": result.symmetry_reason,
        "partial_order": result.partial_order,
        "verdict": result.verdict.name,
        "limit": result.limit.value if result.limit else None,
        "states": result.states,
        "transitions": result.transitions,
        "depth": result.depth,
        "seconds": round(result.seconds, 3),
        "compile_seconds": result.compile_seconds,
        "bytes_per_state": result.bytes_per_state,
        "missed": result.missed,
        "properties": [
            {
                "name": found.property.name,
                "kind": found.property.kind.value,
                "verdict": found.verdict.name,
                "sentence": found.property.description,
                "source": found.property.source,
                "reason": found.reason,
                "trace": steps(result.instance, found.finding),
                **loop(found),
            }
            for found in result.properties
        ],
        "deadlock": steps(result.instance, result.deadlock),
        "fault": {"message": result.fault.fault, "trace": steps(result.instance, result.fault)}
        if result.fault
        else None,
        "taken": result.taken,
        "coverage": [
            {"lifecycle": lifecycle, "source": source, "event": event, "fired": count}
            for (lifecycle, source, event), count in result.fired.items()
        ],
        "trace": steps(result.instance, first),
    }


def loop(found: PropertyResult) -> dict[str, Any]:
    """The elements that a trace is about, and where the loop of an infinite run begins."""
    finding = found.finding
    names = found.property.parameters
    if found.property.kind is not Kind.LEADS_TO:
        if not names:
            return {}
        missing = [dict(zip(names, elements, strict=True)) for elements in found.missing]
        return {
            "elements": dict(zip(names, finding.elements, strict=True)) if finding else None,
            "missing": missing,
        }
    return {
        "loop": finding and finding.loop,
        "since": finding and finding.since,
        "elements": finding and dict(zip(names, finding.elements, strict=True)),
    }


def bug_document(result: Result) -> dict[str, Any] | None:
    """The known bug that was switched on and whether the check found it; None without a bug."""
    bug = bug_of(result.instance)
    if bug is None:
        return None
    finding = found_by(bug, result)
    return {
        "issue": bug.issue,
        "sentence": bug.description,
        "property": bug.property,
        "length": bug.length,
        "found": finding is not None,
        "trace": steps(result.instance, finding),
    }


def steps(instance: Instance, finding: Finding | None) -> list[Mapping[str, Any]] | None:
    """The steps of a trace; None if there is none."""
    if finding is None:
        return None
    formatter = formatter_of(instance)
    return [
        {
            "step": number,
            "action": step.call.action.name,
            "arguments": dict(zip(step.call.action.parameters, step.call.arguments, strict=True)),
            "result": step.result,
            "effects": [list(effect) for effect in step.effects],
            "changed": {name: list(pair) for name, pair in step.changed.items()},
            "words": {
                "call": formatter.format_step(step),
                "effects": formatter.effects(step),
                "changes": formatter.changes(step),
            },
        }
        for number, step in enumerate(finding.steps, 1)
    ]
