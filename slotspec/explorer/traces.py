"""Recorded traces for the page: every step, its changes, and the first divergence."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slotspec.diagrams.participants import participants_of_class
from slotspec.diagrams.recordings import SHOWN, ReplayedStep, follow
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.diagrams.sequences import of_replayed, of_replays
from slotspec.explorer.errors import RequestError
from slotspec.explorer.settings import Ready, walk
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.steps import StepsOracle, StepsReader, finding_of, is_steps
from slotspec.oracle.traces.export import export
from slotspec.statemachine.errors import SlotspecError, StepError

LARGEST_BODY = 2 << 20
"""Bytes of an uploaded trace, compressed or not."""
LARGEST_TRACE = 16 << 20
"""Bytes of a trace after decompression."""
MOST_STEPS = 2_000


def played(body: bytes, generation: str | None) -> dict[str, Any]:
    """Everything that the page needs to play a trace.

    :raises RequestError: 400 for a trace that cannot be read, 413 for one that is too large.
    """
    text = _decompressed(body)
    lines = text.count(b"\n")
    if lines > MOST_STEPS + 1:
        raise RequestError(
            413,
            "WEB021",
            f"this trace has {lines - 1:,} steps; the page plays at most {MOST_STEPS:,}",
        )
    # the trace reader needs a file; it is deleted before the response is sent
    with tempfile.TemporaryDirectory(prefix="slotspec-") as folder:
        # one object with #meta is ITF
        path = Path(folder) / ("trace.itf.json" if b'"#meta"' in text[:99] else "trace.jsonl")
        path.write_bytes(text)
        try:
            if is_steps(path):
                return _path_of(path, generation)
            healthy = list(follow(path, generation))
            bug = healthy[0].header.bug
            steps = list(follow(path, generation, with_bug=True)) if bug else healthy
        except SlotspecError as error:
            message = error.message.replace(f"{path}", "the trace")
            raise RequestError(400, error.code, message) from error
    return {**_answer(steps), "bug": bug or "", "without": _diverges(healthy) if bug else None}


def _diverges(steps: list[ReplayedStep]) -> int | None:
    """The number of the first step that differs from the model."""
    return next((step.number for step in steps if step.wrong), None)


def _path_of(path: Path, generation: str | None) -> dict[str, Any]:
    """A trace of a model's own actions, as a path that the page can follow.

    It belongs to the model with the known bug that the trace names. `diverges` is the first step
    whose result, effects or state differ there, `without` the first that differs without the bug.
    """
    instance, finding = finding_of(path, generation)
    bug = instance.defect
    return {
        "bug": bug,
        "diverges": _first_difference(path, generation, with_bug=True),
        "without": _first_difference(path, generation, with_bug=False) if bug else None,
        "model": instance.model.name,
        "generation": instance.generation or "",
        "scope": instance.scope,
        "set": ",".join(f"{name}={value}" for name, value in instance.setting.bounds.items()),
        "path": [call.index for call in finding.calls],
    }


def _first_difference(path: Path, generation: str | None, *, with_bug: bool) -> Any:
    """Number and differences of the first step that is not as the model takes it."""
    with StepsReader(path, generation, with_bug=with_bug) as reader:
        oracle = StepsOracle(reader)
        for number, seen in enumerate(reader, 1):
            try:
                found = oracle.compare(seen)[1]
            except StepError as error:
                # the faults of a bug are what its trace shows
                return None if with_bug else {"step": number, "wrong": [str(error)]}
            if found.outcome is Conformance.DIVERGES:
                wrong = [str(difference) for difference in found.differences[:SHOWN]]
                return {"step": number, "wrong": wrong}
    return None


def _decompressed(body: bytes) -> bytes:
    if not body:
        raise RequestError(400, "WEB020", "the body is empty; send a trace as JSON lines, or gzip")
    if body[:2] != b"\x1f\x8b":
        return body
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = decompressor.decompress(body, LARGEST_TRACE + 1)
    except zlib.error as error:
        raise RequestError(400, "WEB020", f"the body is not a valid gzip file: {error}") from error
    if len(text) > LARGEST_TRACE:
        raise RequestError(
            413, "WEB021", f"a decompressed trace has at most {LARGEST_TRACE >> 20} MiB"
        )
    if not decompressor.eof:
        raise RequestError(400, "WEB020", "the gzip file is incomplete; send the whole file")
    return text


def _answer(steps: list[ReplayedStep]) -> dict[str, Any]:
    header = steps[0].header
    participants = participants_of_class(header.implementation)
    rendered = of_replayed(participants, steps)
    rows: list[dict[str, Any]] = []
    state: Mapping[str, Any] = {}
    for step, text in zip(steps, rendered, strict=True):
        state = step.state if step.state is not None else state
        rows.append(
            {
                "number": step.number,
                "call": text.call,
                "result": json.dumps(step.result),
                "effects": [f"{name}: {effect}" for _, name, effect in text.effects],
                "changes": list(text.changes),
                "wrong": list(step.wrong),
                "compared": step.compared,
                "state": state,
            }
        )
    return {
        "implementation": header.implementation,
        "version": header.version,
        "generation": steps[0].generation,
        "steps": rows,
        "diverges": _diverges(steps),
        "sequence": sequence_svg(
            of_replays(steps, header.implementation), title=False, narrow=True
        ),
    }


def exported(ready: Ready, path: tuple[int, ...]) -> bytes:
    """The path as a trace that the other commands can read."""
    walked = walk(ready, path)
    lines = export(ready.instance, walked.finding(ready.instance))
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


__all__ = ["exported", "played"]
