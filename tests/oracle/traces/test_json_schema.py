"""The JSON Schema files of traces and peers: recordings validate, damaged lines do not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache, reduce
from importlib.resources import files
from operator import or_
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from docs import formats
from slotspec.oracle.traces.json_schema import (
    content_of,
    document,
    file_name,
    header_of,
    schemas,
    step_of,
)
from slotspec.oracle.traces.schema import TraceSchema, schema_of
from tests.blocks import ROOT
from tests.variants import fast_first

TRACES = ROOT / "tests" / "data" / "traces"
SCHEMAS = {schema.implementation: schema for schema in schemas()}
each_class = pytest.mark.parametrize("name", SCHEMAS)


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a trace up to a callback that acts within a step."""
    with gzip.open(path) as file:
        for line in file:
            if line.startswith(b'{"hook"'):
                return
            yield line


@cache
def validator(name: str, kind: str) -> Any:
    """Validates one kind of line with the file that is installed."""
    file = files("slotspec") / "oracle" / "schemas" / file_name(SCHEMAS[name])
    parts = json.loads(file.read_text(encoding="utf-8"))["$defs"]
    return validator_of(kind, parts)


def validator_of(kind: str, parts: dict[str, Any]) -> Any:
    """Validates with one definition, and those that it refers to."""
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": parts})


@cache
def sample(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the steps of one recording of a class."""
    for path in sorted(TRACES.rglob("*.gz")):
        lines = lines_of(path)
        header = json.loads(next(lines))
        if header["implementation"] == name:
            return header, [json.loads(line) for line in lines]
    raise LookupError(name)


def test_the_files_and_the_page_are_up_to_date() -> None:
    for path, content in formats.files().items():
        assert path.read_text(encoding="utf-8") == content, "run: python docs/formats.py"
    assert {path.name for path in formats.FOLDER.iterdir()} == set(map(file_name, SCHEMAS.values()))


@pytest.mark.slow
def test_every_recording_is_as_declared() -> None:
    """All lines of all recordings decode as the types that the JSON Schema is made of."""
    readers = {
        name: (
            msgspec.json.Decoder(header_of(schema)),
            msgspec.json.Decoder(reduce(or_, [step_of(schema, o) for o in schema.operations])),
        )
        for name, schema in SCHEMAS.items()
    }
    seen: dict[str, set[str]] = {name: set() for name in SCHEMAS}
    count = 0
    for path in TRACES.rglob("*.gz"):
        first, *rest = lines_of(path)
        name = msgspec.json.decode(first)["implementation"]
        header, step = readers[name]
        header.decode(first)
        for line in rest:
            effects = step.decode(line).effects
            seen[name].update(e.__struct_config__.tag for e in effects or ())
        count += 1
    assert count == 2_059
    for name, schema in SCHEMAS.items():
        declared = {effect.__struct_config__.tag for effect in content_of(schema).effects}
        assert declared - seen[name] <= {"pool.disable_batch_check"}, name


@pytest.mark.parametrize("name", fast_first(SCHEMAS, 2))
def test_a_recording_validates(name: str) -> None:
    header, steps = sample(name)
    jsonschema.Draft202012Validator.check_schema(document(SCHEMAS[name]))
    validator(name, "header").validate(header)
    validator(name, "question").validate({"reset": header})
    validator(name, "step").validate(steps[0])
    for step in steps[:12]:
        validator(name, f"step.{step['op']}").validate(step)
        arguments = schema_of(name).by_name[step["op"]].accepted
        asked = {field: value for field, value in step.items() if field in {"op", *arguments}}
        validator(name, f"ask.{step['op']}").validate(asked)
        answered = {field: value for field, value in step.items() if field not in asked}
        validator(name, "answer").validate(answered)


def damaged(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The step with one thing wrong."""
    yield {**step, "suprise": 1}
    yield {**step, "effects": [{"effect": "no.such_effect"}]}
    yield {**step, "effects": "none"}
    yield {**step, "unordered": [[0]]}
    yield {**step, "raises": 3}
    yield {**step, "result": {"no": "such result"}}
    for field in step["state"]:
        state = dict(step["state"])
        yield {**step, "state": {**state, field: {"no": object.__name__, "1": [True]}}}
        if field not in ("leaked", "stable"):
            del state[field]
            yield {**step, "state": state}
    yield {**step, "state": {**step["state"], "more": 0}}


@each_class
def test_a_damaged_line_does_not_validate(name: str) -> None:
    header, steps = sample(name)
    step = next(one for one in steps if one.get("result") is not None)
    assert not validator(name, "step").is_valid({**step, "op": "no_such_operation"})
    checked = validator(name, f"step.{step['op']}")
    checked.validate(step)
    for wrong in damaged(step):
        assert not checked.is_valid(wrong), wrong
    checked = validator(name, "header")
    for field in ("format", "implementation", "version", "config"):
        assert not checked.is_valid({n: v for n, v in header.items() if n != field})
    for wrong in ({"format": 2}, {"version": "new"}, {"implementation": "x"}, {"more": 1}):
        assert not checked.is_valid({**header, **wrong})
    assert not checked.is_valid({**header, "config": {**header["config"], "more": 1}})


@each_class
def test_what_a_peer_says_besides_steps(name: str) -> None:
    answer = validator(name, "answer")
    assert answer.is_valid({"ready": True})
    assert answer.is_valid({"error": "I have no such slot"})
    assert answer.is_valid({})
    assert not answer.is_valid({"ready": "yes"})
    assert not answer.is_valid({"effects": [{}]})
    assert not validator(name, "question").is_valid({"op": "no_such_operation"})


def test_a_schema_that_forgets_a_field_is_noticed() -> None:
    """The recordings would not validate: this is what the tests above rely on."""
    schema: TraceSchema = SCHEMAS["org.apache.flink SlotPoolImpl"]
    made = document(schema)
    _, (step, *_) = sample(schema.implementation)
    kind = f"step.{step['op']}"
    assert validator_of(kind, made["$defs"]).is_valid(step)
    del made["$defs"]["State"]["properties"]["waiting"]
    assert not validator_of(kind, made["$defs"]).is_valid(step)
