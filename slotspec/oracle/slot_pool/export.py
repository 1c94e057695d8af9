"""Traces that a check found, written as recordings of the class: ``slotspec conform`` replays
them.

The checked model and a recording name things differently: the model uses a record again
when nothing refers to it, a recording never uses an id for two things. So the calls of the
trace are told to the oracle under fresh names, and what it answers is the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from slotspec.models.common.resource_profile import CATALOGUE, ResourceProfile
from slotspec.models.slot_pool.environment import Failure
from slotspec.models.slot_pool.lifecycles import SlotRequest
from slotspec.models.slot_pool.state import Effect
from slotspec.oracle.slot_pool.adapter import (
    BATCH_SLOT_TIMEOUT_MS,
    IDLE_SLOT_TIMEOUT_MS,
    SlotPoolOracle,
)
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.traces.trace import FORMAT, Expected, TraceHeader, TraceStep
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import StepError, UsageError
from slotspec.statemachine.results import Finding
from slotspec.statemachine.results import TraceStep as Taken

CAUSES = {
    "other": "RuntimeException",
    "unfulfillable": "UnfulfillableSlotRequestException",
}


def exported(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace of the slot pool as objects for JSON lines: the header, then each step.

    One tick of the model is a millisecond. Where a rule of the instance is replaced, the
    trace says what the replaced rule does, so that it diverges where that can be seen. A
    step in which a rule fails is the last one and says nothing but its operation.

    :raises UsageError: ``SET040`` if the instance was given choices other than those of
        its generation: a recording could not say so.
    """
    header = header_of(instance)
    yield msgspec.to_builtins(header)
    for step in Recorder(instance, header).record(finding):
        yield step.to_json()


def header_of(instance: Instance) -> TraceHeader:
    """The header of every trace of `instance`; its version is the generation.

    :raises UsageError: as :func:`exported`.
    """
    setting, generation = instance.setting, str(instance.generation)
    declared = instance.model.generations[generation]
    for name, value in declared.items():
        if setting.choices[name] != value:
            raise UsageError(
                "SET040",
                f"{name} is not what generation {generation} chooses: such a trace cannot be"
                " written as a recording; leave the choice out",
            )
    profiles = setting.choices.get("profiles")
    if profiles is None:
        profiles = dict(list(CATALOGUE.items())[: setting.bounds["profiles"]])
    tms = range(setting.bounds["task_managers"])
    return TraceHeader(
        format=FORMAT,
        implementation=SCHEMA.implementation,
        version=generation,
        config={
            "idle_slot_timeout_ms": setting["idle_timeout"] or IDLE_SLOT_TIMEOUT_MS,
            "batch_slot_timeout_ms": setting["batch_timeout"] or BATCH_SLOT_TIMEOUT_MS,
        },
        profiles={name: profile_json(profile) for name, profile in profiles.items()},
        causes=CAUSES,
        task_managers={f"tm{tm + 1}": {"host": "host1"} for tm in tms},
    )


def profile_json(profile: ResourceProfile) -> dict[str, Any] | str:
    """A profile as headers have it."""
    if profile.any_:
        return "ANY"
    if profile.unknown:
        return "UNKNOWN"
    amounts = asdict(profile)
    del amounts["any_"], amounts["unknown"]
    return {**amounts, "extended": dict(profile.extended)}


class Recorder:
    """Tells the calls of a trace to an oracle, under the names that a recording would use."""

    def __init__(self, instance: Instance, header: TraceHeader) -> None:
        self.own = instance.setting.bounds["requests"]
        self.profiles = list(header.profiles)
        self.tells_profile = instance.generation == "1.13"
        self.oracle = SlotPoolOracle(
            str(instance.generation), header, replace=dict(instance.replace)
        )
        self.ids: dict[int, str] = {}
        self.attempts: dict[str, int] = {}
        self.requests: dict[int, tuple[str, int]] = {}
        self.allocations: dict[int, str] = {}

    def record(self, finding: Finding) -> Iterator[TraceStep]:
        """The steps of a recording of `finding`."""
        for step in finding.steps:
            op, arguments = self.told(step)
            try:
                expected = self.oracle.step(op, **arguments)
            except StepError:
                yield TraceStep(op=op, arguments=arguments)
                return
            self.learn(step, expected)
            yield expected.as_step(op, arguments)

    def told(self, step: Taken) -> tuple[str, dict[str, Any]]:
        """The operation of a step and its arguments, by name."""
        action = step.call.action.name
        given = dict(zip(step.call.action.parameters, step.call.arguments, strict=True))
        telling: Callable[..., dict[str, Any]] | None = getattr(self, f"_{action}", None)
        if telling is not None:
            return RENAMED.get(action, action), telling(step, **given)
        said = (self.argument(name, number) for name, number in given.items())
        return action, dict(said)

    def argument(self, parameter: str, number: int) -> tuple[str, str]:
        """A parameter of an action as an argument of a trace: its name there, and its value."""
        if parameter in ("allocation", "request"):  # the answer to a call names its allocation
            return "allocation", self._allocation(number)
        if parameter == "failure":
            return "cause", Failure(number).name.lower()
        word = {"gateway": "rm"}.get(parameter, parameter)
        return word, f"{word}{number + 1}"

    def _allocation(self, number: int) -> str:
        if number >= self.own:
            return f"x{number - self.own + 1}"
        return self.allocations[number]

    def _id(self, number: int, before: Mapping[str, Any]) -> str:
        """The name of a request id: a new one unless it is in use."""
        if number not in before["request_id"] and number not in before["slot_request"]:
            self.ids[number] = f"r{len(self.attempts) + 1}"
            self.attempts[self.ids[number]] = 0
        return self.ids[number]

    def learn(self, step: Taken, expected: Expected) -> None:
        """Note the names of what the step made: requests, and allocations sent for them."""
        after = step.after
        for number, status in enumerate(after["request"]):
            if status != SlotRequest.UNUSED and step.before["request"][number] == 0:
                name = self.ids[after["request_id"][number]]
                self.requests[number] = (name, self.attempts[name])
        sent = [e["allocation"] for e in expected.effects if e["effect"] == "rm.request_slot"]
        records = [effect[2] for effect in step.effects if effect[0] == Effect.REQUEST_SLOT]
        self.allocations.update(zip(records, sent, strict=True))

    # ------------------------------------------ operations that a recording words differently

    def _offer_slot(
        self, step: Taken, tm: int, index: int, allocation: int, profile: int
    ) -> dict[str, Any]:
        offer = {
            "allocation": self._allocation(allocation),
            "index": index,
            "profile": self.profiles[profile],
        }
        return {"tm": f"tm{tm + 1}", "offers": [offer]}

    def _request_new_allocated_slot(
        self, step: Taken, request: int, request_id: int, profile: int
    ) -> dict[str, Any]:
        name = self._id(request_id, step.before)
        self.attempts[name] += 1
        return {"request": name, "profile": self.profiles[profile]}

    _request_new_allocated_batch_slot = _request_new_allocated_slot

    def _allocate_available_slot(
        self, step: Taken, request_id: int, allocation: int
    ) -> dict[str, Any]:
        arguments = {
            "request": self._id(request_id, step.before),
            "allocation": self._allocation(allocation),
        }
        if self.tells_profile:  # 1.13 wants it, and does not look at it
            held = step.before["slot_profile"][allocation]
            arguments["profile"] = self.profiles[0 if held == NONE else held]
        return arguments

    def _release_slot(self, step: Taken, request_id: int) -> dict[str, Any]:
        return {"request": self._id(request_id, step.before), "cause": "other"}

    def _request_timeout(self, step: Taken, request: int) -> dict[str, Any]:
        name, attempt = self.requests[request]
        return {"request": name} if attempt == 1 else {"request": name, "attempt": attempt}

    def _advance_time(self, step: Taken) -> dict[str, Any]:
        return {"ms": 1}


RENAMED = {"offer_slot": "offer_slots"}
