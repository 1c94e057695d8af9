"""Traces that a check of slot sharing found, written as recordings of the class.

The checked model uses a record again when nobody can tell; a recording never uses an id for
two slots. So the calls of the trace are told to the oracle under fresh names, and what it
answers is the recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec

from slotspec.models.logical_slot.state import Reaction
from slotspec.models.slot_sharing.environment import next_multi, next_payload, next_single
from slotspec.models.slot_sharing.profiles import CATALOGUE
from slotspec.oracle.slot_pool.export import profile_json
from slotspec.oracle.slot_sharing.adapter import SlotSharingOracle
from slotspec.oracle.slot_sharing.schema import SCHEMA
from slotspec.oracle.traces.trace import FORMAT, TraceHeader, TraceStep
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.results import Finding

OPERATIONS = {"release_multi": "release", "release_single": "release"}
"""Actions that a recording calls otherwise."""

CALLBACKS = {
    "release_multi_and_ask": "release_multi",
    "release_multi_and_cancel": "release_multi",
    "release_single_and_ask_again": "release_single",
}
"""Actions whose first argument is released, and within that somebody calls back: a recording
cannot say that."""

UNSAID = {"forget_multi", "forget_single"}
"""Actions that are no operations: names of a recording are never forgotten."""


def exported(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace of slot sharing as objects for JSON lines: the header, then each step.

    Where a rule of the instance is replaced, the trace says what the replaced rule does, so
    that it diverges where that can be seen. A step in which a rule fails is the last one and
    says nothing but its operation; so is one in which the scheduler calls back within a release.
    Before a job is cancelled the recording ends: that is no operation of the class. An
    unresolved root is the oldest one, whichever the check has taken: recordings fix that order.
    """
    header = header_of(instance)
    yield msgspec.to_builtins(header)
    for step in Recorder(instance, header).record(finding):
        yield step.to_json()


def header_of(instance: Instance) -> TraceHeader:
    """The header of every trace of `instance`; its version is the generation."""
    setting = instance.setting
    named = setting.choices.get("named_profiles")
    if named is None:
        named = dict(list(CATALOGUE.items())[: setting.bounds["profiles"]])
    return TraceHeader(
        format=FORMAT,
        implementation=SCHEMA.implementation,
        version=str(instance.generation),
        config={"owner_releases": bool(setting["owner_releases"])},
        profiles={name: profile_json(profile) for name, profile in named.items()},
    )


class Recorder:
    """Tells the calls of a trace to an oracle, under the names that a recording would use."""

    def __init__(self, instance: Instance, header: TraceHeader) -> None:
        self.oracle = SlotSharingOracle(
            str(instance.generation), header, replace=dict(instance.replace)
        )
        self.profiles = list(header.profiles)
        self.made = {"s": 0, "y": 0, "r": 0}
        self.multis: dict[int, str] = {}
        self.singles: dict[int, str] = {}
        self.payloads: dict[int, str] = {}

    def record(self, finding: Finding) -> Iterator[TraceStep]:
        """The steps of a recording of `finding`."""
        for step in finding.steps:
            action = step.call.action.name
            if action in UNSAID:
                continue
            if action == "cancel_job":
                return
            given = dict(zip(step.call.action.parameters, step.call.arguments, strict=True))
            if action in CALLBACKS:
                name = next(iter(given))
                arguments = self.arguments(CALLBACKS[action], {name: given[name]}, None)
                yield TraceStep(op=OPERATIONS[CALLBACKS[action]], arguments=arguments)
                return
            arguments = self.arguments(action, given, SimpleNamespace(**step.before))
            op = OPERATIONS.get(action, action)
            try:
                expected = self.oracle.step(op, **arguments)
            except StepError:
                yield TraceStep(op=op, arguments=arguments)
                return
            yield expected.as_step(op, arguments)

    def fresh(self, letter: str) -> str:
        self.made[letter] += 1
        return f"{letter}{self.made[letter]}"

    def arguments(self, action: str, given: dict[str, int], before: Any) -> dict[str, Any]:
        """The arguments of an action, by name; new slots and payloads get new names."""
        said: dict[str, Any] = {}
        for name in ("multi", "root"):
            if name in given:
                said["slot"] = self.multis[given[name]]
        if "parent" in given:
            said["parent"] = self.multis[given["parent"]]
        if "slot" in given:
            said["slot"] = self.singles[given["slot"]]
        if "group" in given:
            said["group"] = f"g{given['group'] + 1}"
        if "profile" in given:
            said["profile"] = self.profiles[given["profile"]]
        if "tm" in given:
            said["tm"] = f"tm{given['tm'] + 1}"
            said["allocation"] = f"a{given['allocation'] + 1}"
        match action:
            case "create_root_slot":
                said["slot"] = self.multis[next_multi(before)] = self.fresh("s")
                said["allocated_request"] = self.fresh("r")
            case "allocate_multi":
                said["slot"] = self.multis[next_multi(before)] = self.fresh("s")
            case "allocate_single":
                said["slot"] = self.singles[next_single(before)] = self.fresh("s")
                said["locality"] = "UNCONSTRAINED"
            case "resolve_context":
                place = {name: said.pop(name) for name in ("tm", "allocation", "profile")}
                said["context"] = {**place, "index": 0}
            case "assign_payload":
                said["payload"] = self.payloads[next_payload(before)] = self.fresh("y")
                said["on_fail"] = Reaction(given["on_fail"]).name.lower()
            case "payload_terminates":
                said["payload"] = self.payloads[given["payload"]]
            case "release_logical_slot" | "release_multi" | "release_single" | "fail_context":
                said["cause"] = "other"
        return said
