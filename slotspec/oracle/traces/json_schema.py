"""The trace and peer formats of a class as JSON Schema, derived from its declarations.

The document describes one line of a trace. Its definitions ``question`` and ``answer`` describe
the lines that a peer in any language reads and writes. What a schema cannot say is checked by the
reader only: that names are those of the header, and that ranges lie within the effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from slotspec.models.registry import Entry, recorded
from slotspec.oracle.traces.content import Content, Number, Resources
from slotspec.oracle.traces.schema import Name, Operation, TraceSchema
from slotspec.oracle.traces.trace import FORMAT, SharingGroup, SharingVertex

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Profile = Resources | Literal["ANY", "UNKNOWN"]
VERSION = r"^\d{1,4}\.\d{1,4}(\.\d{1,4})*([-.][0-9A-Za-z]{1,20})?$"


def schemas() -> list[TraceSchema]:
    """The schemas of the built-in classes."""
    built_in = ((name, entry) for name, entry in recorded().items() if type(entry) is Entry)
    return [entry.schema().of(name) for name, entry in built_in]


def content_of(schema: TraceSchema) -> Content:
    """What traces of a class contain besides operations."""
    entry = recorded()[schema.implementation]
    content: Content = import_module(f"slotspec.oracle.{entry.name}.content").CONTENT
    return content.variants.get(schema.implementation, content)


def file_name(schema: TraceSchema) -> str:
    """The file of a class in the folder of schemas: ``SlotPoolImpl.schema.json``."""
    return f"{schema.implementation.split()[-1]}.schema.json"


def document(schema: TraceSchema) -> dict[str, Any]:
    """The JSON Schema of one line of a trace of a class."""
    operations = schema.operations
    types = {
        "header": header_of(schema),
        "step": _union([step_of(schema, one) for one in operations]),
        "operation": _union([asked_of(one) for one in operations]),
        "answered": msgspec.defstruct("Answered", _outcome(schema, Any), **_STRICT),
    }
    shapes, parts = msgspec.json.schema_components(types.values(), ref_template="#/$defs/{name}")
    named = dict(zip(types, shapes, strict=True))
    asked, answered = named.pop("operation"), named.pop("answered")
    return {
        "$schema": DIALECT,
        "title": f"One line of a trace of {schema.implementation}",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("header", "step", "hook")],
        "$defs": {
            **named,
            "hook": _only("hook", {}),
            "question": {"anyOf": [_only("reset", {"$ref": "#/$defs/header"}), asked]},
            "answer": {
                "anyOf": [
                    _only("ready", {"const": True}),
                    _only("error", {"type": "string"}),
                    answered,
                ]
            },
            **parts,
        },
    }


def _only(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """An object with one field; a hook, which says when a callback acts, may have more."""
    found = {"type": "object", "properties": {name: value}, "required": [name]}
    return found if name == "hook" else {**found, "additionalProperties": False}


def header_of(schema: TraceSchema) -> Any:
    """The type of a header."""
    required = schema.required
    fields: list[Any] = [
        ("format", Literal[FORMAT]),
        ("implementation", Literal[schema.implementation]),
        ("version", Annotated[str, Meta(pattern=VERSION)]),
        ("config", schema.config),
    ]
    for name, kind in (
        ("profiles", dict[Name, Profile]),
        ("causes", dict[Name, Name]),
        ("task_managers", dict[Name, dict[str, str]] | list[Name]),
        ("groups", dict[Name, SharingGroup]),
        ("vertices", dict[Name, SharingVertex]),
    ):
        fields.append((name, kind) if name in required else (name, kind | UnsetType, UNSET))
    more: dict[str, Any] = {
        "seed": int | None,
        "scenario": str | None,
        "what": str | None,
        "reentrant": bool,
        "construction_effects": list[effect_of(schema)],  # type: ignore[misc]
        "driven": str | None,
        "profile_order": list[Name],
        "bug": str | None,
    }
    fields += [(name, kind | UnsetType, UNSET) for name, kind in more.items()]
    return msgspec.defstruct("Header", fields, **_STRICT)


def step_of(schema: TraceSchema, operation: Operation) -> Any:
    """The type of a step of an operation."""
    name = f"step.{operation.name}"
    fields = [*_arguments(name, operation), *_outcome(schema, result_of(schema, operation))]
    return msgspec.defstruct(name, fields, **_tagged("op", operation.name))


def asked_of(operation: Operation) -> Any:
    """The type of an operation as a peer is asked for it."""
    name = f"ask.{operation.name}"
    fields = _arguments(name, operation)
    return msgspec.defstruct(name, fields, **_tagged("op", operation.name))


def _arguments(name: str, operation: Operation) -> list[Any]:
    """The fields of the arguments; objects among them get names that no others have."""
    fields: list[Any] = []
    for argument in operation.arguments:
        if argument.items is None:
            fields.append(argument.field())
            continue
        items = [item.field() for item in argument.items]
        item = msgspec.defstruct(f"{name}.{argument.name}", items, **_STRICT)
        kind: Any = list[item] if argument.many else item  # type: ignore[valid-type]
        optional = argument.optional
        fields.append(
            (argument.name, kind | UnsetType, UNSET) if optional else (argument.name, kind)
        )
    return fields


def result_of(schema: TraceSchema, operation: Operation) -> Any:
    """The type of an operation's result; null where it raises, or returns nothing."""
    declared = content_of(schema).results.get(operation.name)
    if declared is not None:
        return declared | None
    if operation.result is None:
        return None
    return (Name if isinstance(operation.result, str) else operation.result) | None


def _outcome(schema: TraceSchema, result: Any) -> list[tuple[str, Any, Any]]:
    """The fields of a step besides its arguments; each may be absent."""
    fields = {
        "result": result,
        "effects": list[effect_of(schema)],  # type: ignore[misc]
        "raises": Name | None,
        "raises_cause": Name | None,
        "unordered": list[tuple[Number, Number]],
        "state": content_of(schema).state,
    }
    return [
        (name, kind if kind is Any else kind | UnsetType, UNSET) for name, kind in fields.items()
    ]


def effect_of(schema: TraceSchema) -> Any:
    """The type of an effect."""
    return _union(content_of(schema).effects)


def _union(types: Sequence[Any]) -> Any:
    return reduce(or_, types)


def _tagged(field: str, tag: str) -> dict[str, Any]:
    return {**_STRICT, "tag_field": field, "tag": tag}


_STRICT: dict[str, Any] = {"kw_only": True, "forbid_unknown_fields": True}
