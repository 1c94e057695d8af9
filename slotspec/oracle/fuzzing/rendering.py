"""Renders a sequence as rows of a table and as a Mermaid sequence diagram."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from slotspec.oracle.conformance.compare import as_text, cut
from slotspec.oracle.fuzzing.lockstep import MODEL_ONLY, Found
from slotspec.oracle.fuzzing.targets import FuzzTarget, target_of_header
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


def configuration(header: TraceHeader) -> str:
    """The class of a sequence and its configuration: ``SlotPoolImpl, batch_slot_timeout_ms=30``."""
    name = header.implementation.rpartition(" ")[2]
    return ", ".join([name, *(f"{k}={_argument(v)}" for k, v in header.config.items())])


def call(op: str, arguments: dict[str, Any]) -> str:
    """``release_slot(r1, null)``."""
    return f"{op}({', '.join(_argument(value) for value in arguments.values())})"


def _argument(value: Any) -> str:
    if isinstance(value, str):
        return cut(value)
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


def effect(emitted: dict[str, Any]) -> str:
    """``rm1.request_slot(a1, small)``."""
    rest = {k: v for k, v in emitted.items() if k not in ("effect", "rm", "tm")}
    owner, _, verb = str(emitted["effect"]).partition(".")
    who = emitted.get("rm") or emitted.get("tm") or owner
    name = f"{who}.{verb}" if verb else owner
    return f"{name}({', '.join(_argument(v) for v in rest.values())})"


def outcome(step: RecordedStep) -> str:
    """What a step returned or raised."""
    if step.raises is not UNSET and step.raises:
        return f"raises {step.raises}"
    return "" if step.result is UNSET or step.result is None else as_text(step.result)


def answer(found: Found, step: RecordedStep) -> str:
    """What the peer returned or raised, or that it never got the step."""
    return MODEL_ONLY if found.model_only(step.op) else outcome(step)


def rows(found: Found) -> list[tuple[str, str, str, str]]:
    """Number, operation, result and effects of each step."""
    return [
        (
            str(number),
            call(step.op, step.arguments),
            answer(found, step),
            "; ".join(map(effect, step.effects if isinstance(step.effects, list) else [])),
        )
        for number, step in enumerate(found.steps, 1)
    ]


def mermaid(found: Found) -> str:
    """The sequence and its divergence as a ``sequenceDiagram``."""
    target = target_of_header(found.header)
    lines = [f"    {line}" for step in found.steps for line in _messages(target, found, step)]
    for difference in found.differences[:3]:
        lines.append(f"    Note over {target.receiver}: {_plain(difference)}")
    if found.fault:
        lines.append(f"    Note over {target.receiver}: {_plain(found.fault)}")
    parties = [f"    participant {name}" for name in (target.caller, target.receiver)]
    return "\n".join(["sequenceDiagram", *parties, *lines])


def _messages(target: FuzzTarget, found: Found, step: RecordedStep) -> list[str]:
    caller, receiver = target.caller, target.receiver
    if step.op in target.callers:
        by = target.callers[step.op]
        caller = step.arguments.get(by, by)
    lines = [f"{caller}->>{receiver}: {_plain(call(step.op, step.arguments))}"]
    for emitted in step.effects if isinstance(step.effects, list) else []:
        to = emitted.get("rm") or emitted.get("tm") or target.caller
        lines.append(f"{receiver}->>{to}: {_plain(effect(emitted))}")
    if text := answer(found, step):
        lines.append(f"{receiver}-->>{caller}: {_plain(text)}")
    return lines


def _plain(text: object) -> str:
    # in Mermaid a semicolon or a line break ends a message, and # begins an escape
    return str(text).replace(";", ",").replace("#", "no. ").replace("\n", " ")
