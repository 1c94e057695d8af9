"""Reads the directed runs of the real slot pool (tests/data/scenarios/slot_pool/*.txt).

Each scenario is one or more runs, and a run is a list of steps, each on two lines::

    op(arguments) -> result RAISES exception   EFFECTS: effect; effect
         NOT-STARTED no-rm tms=… alloc{…} avail{…} pend[…] wait[…] LEAKED{…} t=…

The second line tells less of the state than a recorded trace does, so :func:`reduced` brings
a full state to the same form.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slotspec.oracle.traces.trace import TraceHeader, TraceStep

FOLDER = Path(__file__).parents[2] / "data" / "scenarios" / "slot_pool"
VERSIONS = ("1.11.4", "1.12.5", "1.13.6")

_HOOKS = "callbacks act inside the step, which a trace cannot say"
NOT_REPLAYED = {
    "rm_answers_at_once_failure": "the ResourceManager answers inside the request",
    "rm_answers_at_once_failure_on_connect": "the ResourceManager answers inside the flush",
    "rm_answers_at_once_failure_on_connect_single_and_last": (
        "the ResourceManager answers inside the flush"
    ),
    "reentry_new_request_from_failed_callback": _HOOKS,
    "reentry_release_from_fulfilled_callback": _HOOKS,
    "reentry_payload_releases_slot": _HOOKS,
    "reentry_payload_requests_again": _HOOKS,
    "reentry_timeout_during_connect": _HOOKS,
    "several_callbacks_on_the_returned_future": "its requests are made outside the steps",
    "null_timeout": "its request is made outside the steps",
}
"""Scenario -> why a replay step by step cannot show it."""

HASH_ORDER = {
    ("1.13.6", "unknown_slot_profile"): (
        "whether the batch check meets the unknown profile first depends on Java's hash order"
    ),
}
"""Version and scenario -> why the real class might as well have done something else."""

IDLE_TIMEOUT = {"batch_timeout": 1000}
"""Scenario -> idle timeout, where it is not 50. The text does not say it: x1 stays available
from 80 to 400 in 1.13, so it has to be more than 160; any such number will do."""

UNORDERED_RESULTS = ("create_allocated_slot_report", "get_available_slots_information")
"""These are in Java's hash order here, whereas traces have them sorted."""


def _amounts(cpu: float, heap: int, managed: int, network: int, **extended: float) -> Any:
    return {
        "cpu": cpu,
        "task_heap_mb": heap,
        "task_off_heap_mb": 0,
        "managed_mb": managed,
        "network_mb": network,
        "extended": extended,
    }


def header(version: str, scenario: str) -> TraceHeader:
    """What a directed run was recorded with."""
    return TraceHeader(
        format=1,
        implementation="org.apache.flink SlotPoolImpl",
        version=version,
        config={
            "idle_slot_timeout_ms": IDLE_TIMEOUT.get(scenario, 50),
            "batch_slot_timeout_ms": 80,
        },
        profiles={
            "any": "ANY",
            "gpu": _amounts(2.0, 1024, 256, 64, gpu=1.0),
            "huge": _amounts(64.0, 65536, 16384, 4096),
            "large": _amounts(2.0, 1024, 256, 64),
            "small": _amounts(1.0, 256, 64, 32),
            "tall": _amounts(1.0, 4096, 64, 32),
            "unknown": "UNKNOWN",
            "wide": _amounts(4.0, 256, 64, 32),
            "zero": _amounts(0.0, 0, 0, 0),
        },
        causes={
            "other": "RuntimeException",
            "unfulfillable": "UnfulfillableSlotRequestException",
            "wrapped_unfulfillable": "FlinkException<-UnfulfillableSlotRequestException",
        },
        task_managers={f"tm{i}": {"host": f"host{i}"} for i in (1, 2, 3)},
    )


def why_not(version: str, scenario: str) -> str | None:
    """Why a scenario is not replayed; None where it is."""
    return NOT_REPLAYED.get(scenario) or HASH_ORDER.get((version, scenario))


@dataclass(frozen=True)
class ScenarioStep:
    """One step; `state` is in the form of :func:`reduced`, None where the text has none."""

    step: TraceStep
    state: dict[str, Any] | None


@dataclass
class Run:
    """One run of a scenario on a fresh pool; `number` counts the runs of one scenario."""

    scenario: str
    number: int
    version: str
    steps: list[ScenarioStep] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.version}-{self.scenario}-{self.number}"


def read_scenarios(version: str) -> list[Run]:
    """All runs of one version, in the order of the file, those not replayed included."""
    runs: list[Run] = []
    name = ""
    lines = (FOLDER / f"{version}.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        try:
            if line.startswith("## "):
                name = text.removeprefix("## ")
            elif text.startswith("("):
                prelude = _prelude(text)
                if prelude is not None:
                    before = sum(run.scenario == name for run in runs)
                    runs.append(Run(name, before + 1, version, prelude))
            elif _STATE.fullmatch(text):
                last = runs[-1].steps.pop()
                runs[-1].steps.append(ScenarioStep(last.step, _state(text)))
            elif text and not text.startswith("#"):
                runs[-1].steps.append(ScenarioStep(_step(text, number), None))
        except (ValueError, IndexError) as error:
            raise ValueError(f"{version}.txt:{number}: {error}: {text}") from error
    return runs


def _prelude(text: str) -> list[ScenarioStep] | None:
    """The steps that a run starts with; None where the version has no such run."""
    if text.startswith("(no "):
        return None
    if text == "(not started)":
        return []
    found = re.fullmatch(r"\(started(?:, connected to (\w+))?; registered ([\w ]+)\)", text)
    if found is None:
        raise ValueError("unknown prelude")
    steps = [TraceStep(op="start", arguments={})]
    if found[1]:
        steps.append(TraceStep(op="connect_to_resource_manager", arguments={"rm": found[1]}))
    for tm in found[2].split():
        steps.append(TraceStep(op="register_task_manager", arguments={"tm": tm}))
    return [ScenarioStep(step, None) for step in steps]


_STEP = re.compile(
    r"(?P<op>\w+)\((?P<arguments>.*?)\)"
    r"(?: -> (?P<result>.+?))?(?: RAISES (?P<raises>\w+))?(?:   EFFECTS: (?P<effects>.+))?"
)

_ARGUMENTS = {
    "connect_to_resource_manager": ("rm",),
    "register_task_manager": ("tm",),
    "release_task_manager": ("tm",),
    "create_allocated_slot_report": ("tm",),
    "fail_allocation": ("allocation", "cause"),
    "allocate_available_slot": ("request", "allocation"),
    "request_new_allocated_slot": ("request", "profile"),
    "request_new_allocated_batch_slot": ("request", "profile"),
    "release_slot": ("request", "cause"),
    "request_timeout": ("request",),
    "resource_manager_fails": ("allocation", "cause"),
    "assign_payload": ("allocation",),
    "advance_time": ("ms",),
}


def _step(text: str, line: int) -> TraceStep:
    found = _STEP.fullmatch(text)
    if found is None:
        raise ValueError("not a step")
    return TraceStep(
        op=found["op"],
        arguments=_arguments(found["op"], found["arguments"]),
        result=_value(found["result"]) if found["result"] else None,
        effects=[_effect(e) for e in found["effects"].split("; ")] if found["effects"] else [],
        raises=found["raises"],
        line=line,
    )


def _arguments(op: str, text: str) -> dict[str, Any]:
    if op == "offer_slots":
        tm, offers = text.split(", ", 1)
        parts = [offer.split("/") for offer in ast.literal_eval(offers)]
        return {
            "tm": tm,
            "offers": [{"allocation": a, "index": int(i), "profile": p} for a, i, p in parts],
        }
    values = [_value(value) for value in text.split(", ")] if text else []
    return dict(zip(_ARGUMENTS.get(op, ()), values, strict=True))


def _value(text: str) -> Any:
    """A Python literal, or a bare name."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


_EFFECTS = [
    (r"(?P<rm>\w+)\.request\((?P<allocation>\w+),(?P<profile>\w+)\)", "rm.request_slot"),
    (r"(?P<rm>rm\d+)\.cancel\((?P<allocation>\w+)\)", "rm.cancel_slot_request"),
    (r"payload\.release\((?P<allocation>\w+)\)", "payload.released"),
    (r"(?P<tm>tm\d+)\.free\((?P<allocation>\w+)\)", "tm.free_slot"),
    (
        r"FULFILLED (?P<request>\w+)(?:#(?P<attempt>\d+))? with (?P<allocation>\w+)",
        "request.fulfilled",
    ),
    (
        r"FAILED (?P<request>\w+)(?:#(?P<attempt>\d+))?\((?P<error>\w+)<-(?P<root_cause>\w+)\)",
        "request.failed",
    ),
]


def _effect(text: str) -> dict[str, Any]:
    for pattern, name in _EFFECTS:
        found = re.fullmatch(pattern, text)
        if found:
            fields = {k: v for k, v in found.groupdict().items() if v is not None}
            if "attempt" in fields:
                fields["attempt"] = int(fields["attempt"])
            return {"effect": name, **fields}
    raise ValueError(f"unknown effect {text!r}")


_STATE = re.compile(
    r"(?P<stopped>NOT-STARTED )?(?P<no_rm>no-rm )?tms=(?P<tms>\S*) alloc\{(?P<alloc>.*?)\} "
    r"avail\{(?P<avail>.*?)\} pend\[(?P<pend>.*?)\] wait\[(?P<wait>.*?)\] "
    r"(?:LEAKED\{(?P<leaked>.*?)\} )?t=(?P<clock>\d+)"
)


def _state(text: str) -> dict[str, Any]:
    found = _STATE.fullmatch(text)
    assert found is not None
    return {
        "started": not found["stopped"],
        "connected": not found["no_rm"],
        "task_managers": found["tms"].split(",") if found["tms"] else [],
        "allocated": found["alloc"].split(),
        "available": set(found["avail"].split()),
        "pending": found["pend"].split(),
        "waiting": found["wait"].split(),
        "leaked": (found["leaked"] or "").split(),
        "clock": int(found["clock"]),
    }


def _marked(text: str, request: dict[str, Any]) -> str:
    since = request["unfulfillable_since"]
    return text if since is None else f"{text}!{since}"


def reduced(state: dict[str, Any]) -> dict[str, Any]:
    """As much of a full state as a scenario tells, in the same form."""
    return {
        "started": state["started"],
        "connected": state["connected"],
        "task_managers": state["task_managers"],
        "allocated": [
            f"{a}:{slot['request']}{'*' if slot['payload'] else ''}"
            for a, slot in state["allocated"].items()
        ],
        "available": {f"{a}@{slot['since']}" for a, slot in state["available"].items()},
        "pending": [_marked(f"{r['request']}>{r['allocation']}", r) for r in state["pending"]],
        "waiting": [_marked(r["request"], r) for r in state["waiting"]],
        "leaked": [slot["allocation"] for slot in state.get("leaked", [])],
        "clock": state["clock"],
    }
