"""Recorded traces for the page: every step, what changed, and where it parts from the model."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slotspec.diagrams.participants import participants_of_class
from slotspec.diagrams.recordings import ReplayedStep, follow
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.diagrams.sequences import differences, of_recorded, sequence
from slotspec.explorer.errors import RequestError
from slotspec.explorer.settings import Ready, walk
from slotspec.oracle.conformance.steps import finding_of, is_steps
from slotspec.oracle.traces.export import export
from slotspec.statemachine.errors import SlotspecError

LARGEST_BODY = 2 << 20
"""Bytes of an uploaded trace, packed or not."""
LARGEST_TRACE = 16 << 20
"""Bytes of a trace once it is unpacked."""
MOST_STEPS = 2_000


def played(body: bytes, generation: str | None) -> dict[str, Any]:
    """Everything that the page needs to play a trace.

    :raises RequestError: 413 for a trace that is too large, 400 for one that cannot be read.
    """
    text = _unpacked(body)
    lines = text.count(b"\n")
    if lines > MOST_STEPS + 1:
        raise RequestError(
            413,
            "WEB021",
            f"a trace to play has at most {MOST_STEPS:,} steps, this one {lines - 1:,}",
        )
    # the reader of traces wants a file; this one is gone before the answer is sent
    with tempfile.TemporaryDirectory(prefix="slotspec-") as folder:
        path = Path(folder) / "trace.jsonl"
        path.write_bytes(text)
        try:
            if is_steps(path):
                return _path_of(path, generation)
            steps = list(follow(path, generation))
        except SlotspecError as error:
            message = error.message.replace(f"{path}", "the trace")
            raise RequestError(400, error.code, message) from error
    return _answer(steps)


def _path_of(path: Path, generation: str | None) -> dict[str, Any]:
    """A trace in a model's own actions: it is a path, and the page goes along it."""
    instance, finding = finding_of(path, generation)
    return {
        "model": instance.model.name,
        "generation": instance.generation or "",
        "scope": instance.scope,
        "set": ",".join(f"{name}={value}" for name, value in instance.setting.bounds.items()),
        "path": [call.index for call in finding.calls],
    }


def _unpacked(body: bytes) -> bytes:
    if not body:
        raise RequestError(400, "WEB020", "the body is empty; send a trace as JSON lines, or gzip")
    if body[:2] != b"\x1f\x8b":
        return body
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpack.decompress(body, LARGEST_TRACE + 1)
    except zlib.error as error:
        raise RequestError(400, "WEB020", f"the body is no whole gzip: {error}") from error
    if len(text) > LARGEST_TRACE:
        raise RequestError(
            413, "WEB021", f"unpacked, a trace has at most {LARGEST_TRACE >> 20} MiB"
        )
    if not unpack.eof:
        raise RequestError(400, "WEB020", "the gzip ends too early; send the whole file")
    return text


def _answer(steps: list[ReplayedStep]) -> dict[str, Any]:
    header = steps[0].header
    cast = participants_of_class(header.implementation)
    told = []
    rows: list[dict[str, Any]] = []
    before: Mapping[str, Any] = {}
    diverges = next((step.number for step in steps if step.wrong), None)
    for step in steps:
        one = of_recorded(cast, step.number, step.op, step.arguments, step.effects, step.raises)
        state = step.state if step.state is not None else before
        changes = tuple(differences(before, state))
        one = type(one)(one.number, one.caller, one.call, one.effects, changes, tuple(step.wrong))
        told.append(one)
        rows.append(
            {
                "number": step.number,
                "call": one.call,
                "result": json.dumps(step.result),
                "effects": [f"{name}: {text}" for _, name, text in one.effects],
                "changes": list(changes),
                "wrong": list(step.wrong),
                "compared": step.compared,
                "state": state,
            }
        )
        before = state
    return {
        "implementation": header.implementation,
        "version": header.version,
        "generation": steps[0].generation,
        "steps": rows,
        "diverges": diverges,
        "sequence": sequence_svg(
            sequence(cast, told, header.implementation), title=False, narrow=True
        ),
    }


def exported(ready: Ready, path: tuple[int, ...]) -> bytes:
    """The path as a trace, in the form that other commands read."""
    walked = walk(ready, path)
    lines = export(ready.instance, walked.finding(ready.instance))
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


__all__ = ["exported", "played"]
