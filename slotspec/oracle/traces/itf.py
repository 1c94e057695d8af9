"""Traces in the Informal Trace Format (ITF) of Apalache and Quint: one JSON object.

https://apalache-mc.org/docs/adr/015adr-trace.html. A state has the model's fields as variables,
an array as a list, and in ``#meta`` the action that led to it with its arguments. What a field's
number means (the name of a lifecycle state, of an element) stands in ``#meta`` of the trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from slotspec.oracle.traces.export import STEPS_FORMAT
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import Ref
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.results import Finding

MINE = "https://apalache-mc.org/docs/adr/015adr-trace.html"
LARGEST = 2**53
"""ITF writes an integer beyond this as ``{"#bigint": "…"}``."""


def itf_of(instance: Instance, finding: Finding) -> dict[str, Any]:
    """A finding as an ITF trace."""
    fields = {n: spec for n, spec in instance.record.fields.items() if not spec.scratch}
    formatter = formatter_of(instance)
    meanings: dict[str, list[str]] = {}
    for name, spec in fields.items():
        if isinstance(spec.domain, type):
            meanings[name] = [state.name for state in spec.domain.states]
        elif isinstance(spec.domain, Ref):
            count = spec.domain.sort.size(instance.setting.bounds)
            meanings[name] = [formatter.element(spec.domain.sort, i) for i in range(count)]
    meta: dict[str, Any] = {
        "format": "ITF",
        "format-description": MINE,
        "source": instance.title,
        "slotspec": {
            "format": STEPS_FORMAT,
            "model": instance.model.name,
            "generation": instance.generation,
            "bounds": dict(instance.setting.bounds),
            **({"bug": instance.defect} if instance.defect else {}),
        },
        "values": meanings,
    }
    before = finding.steps[0].before if finding.steps else instance_state(instance)
    states = [{"#meta": {"index": 0}, **_values(before, fields)}]
    for number, step in enumerate(finding.steps, 1):
        action = step.call.action
        states.append(
            {
                "#meta": {
                    "index": number,
                    "action": action.name,
                    "arguments": dict(zip(action.parameters, step.call.arguments, strict=True)),
                    "result": _number(step.result),
                    "effects": [list(effect) for effect in step.effects],
                },
                **_values(step.after, fields),
            }
        )
    found: dict[str, Any] = {"#meta": meta, "vars": list(fields), "states": states}
    return found if finding.loop is None else {**found, "loop": finding.loop}


def instance_state(instance: Instance) -> dict[str, Any]:
    """The initial state of an instance."""
    from slotspec.statemachine.interpreter.stepping import Interpreter

    return Interpreter(instance).snapshot()


def _values(state: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [_number(one) for one in state[name]]
        if isinstance(state[name], list)
        else _number(state[name])
        for name in fields
    }


def _number(value: int) -> Any:
    return value if -LARGEST < value < LARGEST else {"#bigint": str(value)}


def lines_of(data: bytes, name: str) -> bytes:
    """An ITF trace as the JSON lines that it stands for; see :func:`steps_in`."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("TRC040", f"{name}: this is not JSON: {error}; write it anew") from None
    return b"".join(json.dumps(line).encode() + b"\n" for line in steps_in(document, name))


def steps_in(document: Any, name: str) -> Iterator[dict[str, Any]]:
    """The lines of a ``slotspec.steps`` trace that an ITF trace of slotspec stands for.

    :param name: of the file, for errors.
    :raises InputError: ``TRC040`` for a trace that slotspec has not written, or that is damaged.
    """

    def wrong(what: str) -> InputError:
        return InputError("TRC040", f"{name}: {what}; write it with --trace-out FILE.itf.json")

    meta = document.get("#meta") if isinstance(document, dict) else None
    own = meta.get("slotspec") if isinstance(meta, dict) else None
    if not isinstance(own, dict):
        raise wrong("the ITF trace does not name the model, as slotspec does in its #meta")
    states, names = document.get("states"), document.get("vars")
    if not isinstance(states, list) or not states or not isinstance(names, list):
        raise wrong("the ITF trace has no states or no vars")
    yield own if "loop" not in document else {**own, "loop": document["loop"]}
    for number, state in enumerate(states):
        told = state.get("#meta") if isinstance(state, dict) else None
        if not isinstance(told, dict) or not isinstance(state, dict):
            raise wrong(f"state {number} has no #meta")
        if number == 0:
            continue
        if not isinstance(told.get("action"), str):
            raise wrong(f"state {number} names no action in its #meta")
        yield {
            "action": told["action"],
            "arguments": told.get("arguments", {}),
            "result": _plain(told.get("result")),
            "effects": told.get("effects", []),
            "state": {key: _plain(state[key]) for key in names if key in state},
        }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict) and set(value) == {"#bigint"}:
        try:
            return int(value["#bigint"])
        except ValueError:
            return value
    return value
