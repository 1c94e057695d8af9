"""The answers as JSON."""

from __future__ import annotations

from typing import Any

from slotspec.logs.events import Event
from slotspec.logs.facts import Answer
from slotspec.logs.findings import Finding, Report
from slotspec.logs.stories import time_of


def document(report: Report) -> dict[str, Any]:
    """Everything that the logs tell; ids in full, times in seconds by the JobManager's clock."""
    cluster = report.cluster

    def line(event: Event) -> dict[str, Any]:
        return {
            "time": round(time_of(cluster, event), 3),
            "process": event.process,
            "place": str(event.place),
            "tells": event.name,
            "text": event.text,
            **({"cause": event.cause} if event.cause else {}),
        }

    def finding(one: Finding) -> dict[str, Any]:
        return {
            "question": one.question,
            "answer": one.answer.value,
            "text": one.text,
            "lines": [line(event) for event in one.lines],
            "decided_by": [str(deciding) for deciding in one.deciding],
        }

    return {
        "format": "slotspec.logs",
        "format_version": 1,
        "flink": cluster.logs.version,
        "lines": cluster.logs.lines,
        "lines_about_slots": cluster.logs.events,
        "undetermined": round(report.undetermined, 4),
        "divergences": [
            {"allocation": one.id, "text": text, "line": line(event)}
            for one, text, event in report.divergences
        ],
        "clocks": {name: offset.seconds for name, offset in cluster.offsets.items()},
        "not_read": cluster.logs.left_out,
        "jobs": [
            {
                "job": of.job.id,
                "state": of.job.state,
                "required": of.job.required,
                "legs": {leg: {"yes": y, "undetermined": u} for leg, (y, u) in of.legs.items()},
                "findings": [finding(one) for one in of.findings],
            }
            for of in report.jobs
        ],
        "findings": [finding(one) for one in report.findings],
        "allocations": [
            {
                "allocation": one.id,
                "job": one.job,
                "task_manager": one.tm,
                "slot": one.slot,
                "requests": one.requests,
                "facts": {
                    name: fact.answer.value for name, fact in report.verdicts[one.id].facts.items()
                },
                "held": report.holdings[one.id].answer.value,
                "why": report.holdings[one.id].why,
                "decided_by": sorted(
                    {
                        str(deciding)
                        for fact in report.verdicts[one.id].facts.values()
                        if fact.answer is Answer.UNDETERMINED
                        for deciding in fact.deciding
                    }
                ),
                "lines": [line(event) for event in one.events],
            }
            for one in cluster.allocations.values()
        ],
    }
