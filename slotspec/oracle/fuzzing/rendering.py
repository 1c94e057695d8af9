"""Tells a sequence: as rows of a table, and as a sequence diagram in Mermaid's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from slotspec.oracle.conformance.compare import as_text
from slotspec.oracle.fuzzing.lockstep import Found
from slotspec.oracle.fuzzing.targets import FuzzTarget, target_of_header
from slotspec.oracle.traces.trace import TraceStep

_BY_RM = frozenset({"resource_manager_acknowledges", "resource_manager_fails"})
_BY_TM = frozenset({"offer_slots"})


def call(op: str, arguments: dict[str, Any]) -> str:
    """``release_slot(r1, null)``."""
    return f"{op}({', '.join(_argument(value) for value in arguments.values())})"


def _argument(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return (
            " ".join(
                ":".join(map(_part, item.values())) if isinstance(item, dict) else _argument(item)
                for item in value
            )
            or "nothing"
        )
    return as_text(value)


def _part(value: Any) -> str:
    return "-" if value is None else _argument(value)


def effect(said: dict[str, Any]) -> str:
    """``rm1.request_slot(a1, small)``."""
    rest = {k: v for k, v in said.items() if k not in ("effect", "rm", "tm")}
    owner, _, verb = str(said["effect"]).partition(".")
    who = said.get("rm") or said.get("tm") or owner
    return f"{who}.{verb}({', '.join(_argument(v) for v in rest.values())})"


def outcome(step: TraceStep) -> str:
    """What a step returned or raised."""
    if step.raises is not UNSET and step.raises:
        return f"raises {step.raises}"
    return "" if step.result is UNSET or step.result is None else as_text(step.result)


def rows(steps: Sequence[TraceStep]) -> list[tuple[str, str, str, str]]:
    """Number, operation, result and effects of each step."""
    return [
        (
            str(number),
            call(step.op, step.arguments),
            outcome(step),
            "; ".join(map(effect, step.effects if isinstance(step.effects, list) else [])),
        )
        for number, step in enumerate(steps, 1)
    ]


def mermaid(found: Found) -> str:
    """The sequence and its divergence as a ``sequenceDiagram``."""
    about = target_of_header(found.header)
    lines = [f"    {line}" for step in found.steps for line in _messages(about, step)]
    for difference in found.differences[:3]:
        lines.append(f"    Note over {about.receiver}: {_plain(difference)}")
    if found.fault:
        lines.append(f"    Note over {about.receiver}: {_plain(found.fault)}")
    parties = [f"    participant {name}" for name in (about.caller, about.receiver)]
    return "\n".join(["sequenceDiagram", *parties, *lines])


def _messages(about: FuzzTarget, step: TraceStep) -> list[str]:
    caller, receiver = about.caller, about.receiver
    if step.op in _BY_TM:
        caller = step.arguments["tm"]
    elif step.op in _BY_RM:
        caller = "rm"
    lines = [f"{caller}->>{receiver}: {_plain(call(step.op, step.arguments))}"]
    for said in step.effects if isinstance(step.effects, list) else []:
        to = said.get("rm") or said.get("tm") or about.caller
        lines.append(f"{receiver}->>{to}: {_plain(effect(said))}")
    told = outcome(step)
    if told:
        lines.append(f"{receiver}-->>{caller}: {_plain(told)}")
    return lines


def _plain(text: object) -> str:
    # Mermaid ends a message at a semicolon or a line's end, and takes # for an escape
    return str(text).replace(";", ",").replace("#", "no. ").replace("\n", " ")
