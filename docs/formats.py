"""Write docs/formats.md and the JSON Schema files of all classes: ``python docs/formats.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slotspec.oracle.traces.json_schema import content_of, document, file_name, schemas
from slotspec.oracle.traces.schema import RESERVED, Operation, TraceSchema

ROOT = Path(__file__).parents[1]
TARGET = Path(__file__).with_suffix(".md")
FOLDER = ROOT / "slotspec" / "oracle" / "schemas"

HEAD = """# Trace and peer formats

docs/formats.py writes this page from the declarations; do not edit it. A trace is a file of JSON
lines, plain or gzip: a header, then one line for each step. `slotspec conform` reads it; `fuzz`,
`record` and `generate` write it. A [peer](fuzzing.md#in-any-language) in any language is asked for
the same operations, and answers with the same results, effects and states. Traces of other models
have [another form](json.md#traces-in-a-models-own-actions).

Each class has a JSON Schema of its lines, which is installed with slotspec. Its definitions
`header`, `step`, `question` and `answer` describe each kind of line. A schema cannot say that names
are those of the header, and that ranges lie within the effects; `conform` checks this too.

```python
from importlib.resources import files
import json

file = files("slotspec") / "oracle" / "schemas" / "SlotPoolImpl.schema.json"
print(json.loads(file.read_text())["title"])
```

```text
One line of a trace of org.apache.flink SlotPoolImpl
```

## Header

| field | |
|---|---|
| `format` | 1 |
| `implementation`, `version` | the class, as below, and its release, as `1.12.5` |
| `config` | the configuration of the class, as below |
| `profiles` | name -> `"ANY"`, `"UNKNOWN"` or the amounts: `cpu` in cores; `task_heap_mb`, \
`task_off_heap_mb`, `managed_mb`, `network_mb` in MiB; `extended`, an object of others; \
all six are needed |
| `causes` | name -> class of the exception; `A<-B` is an A that wraps a B |
| `task_managers` | name -> at least `host`, where the class looks at it; or a list of names |
| `groups`, `vertices` | of the slot sharing allocator: name -> `profile`; name -> `group`, \
`profile` and, if false, `member` |
| `profile_order` | the order in which hash tables list the profiles, first to last; if left out, \
that of `profiles` |
| `seed`, `scenario`, `what`, `driven`, `construction_effects`, `reentrant`, `bug` | about the \
recording; may be left out |

## Step

| field | |
|---|---|
| `op` | the operation; its arguments are further fields of the step |
| `result` | what it returned; null if nothing, or if it raised |
| `effects` | what it did, in order: objects with the field `effect`, and those below |
| `raises`, `raises_cause` | simple class names of the exception and its direct cause |
| `unordered` | half-open ranges `[begin, end]` of effects whose order is arbitrary |
| `state` | the complete state afterwards |

A field that is left out is not compared, but for `op` and the arguments; without `raises`, nothing
was raised, and without `raises_cause`, the exception has no direct cause. A state is compared as a
whole. A question mark stands behind what may be absent. Names are short texts such as `r1`. Times
are in milliseconds. If an object has one name twice, the last value counts.

The argument `cause` is a name among the header's `causes`; in an effect, `cause`, `error` and
`root_cause` are simple class names of exceptions. The arguments `order` and `noted` tell what
Flink's hash tables decided; an implementation need not look at them.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join("".join(section(schema)) for schema in schemas())


def section(schema: TraceSchema) -> Iterator[str]:
    """What the page says of one class."""
    parts: dict[str, Any] = document(schema)["$defs"]
    content = content_of(schema)
    file = f"../slotspec/oracle/schemas/{file_name(schema)}"
    yield f"\n## {schema.title[0].upper() + schema.title[1:]}\n\n`{schema.implementation}`,"
    yield f" generations {', '.join(schema.generations)} ([JSON Schema]({file})).\n"
    yield table("configuration", parts[schema.config.__name__])
    yield from (f"\n{own_ids(schema, kind)}\n" for kind in schema.names if own_ids(schema, kind))
    yield "\n| operation | arguments | result |\n|---|---|---|\n"
    yield from (operation_row(schema, one, parts) for one in schema.operations)
    yield "\n| effect | fields | |\n|---|---|---|\n"
    for effect in content.effects:
        found = parts[effect.__name__]
        (tag,) = found["properties"]["effect"]["enum"]
        yield f"| `{tag}` | {fields(found, parts, {'effect'})} | {about(found)} |\n"
    yield table("state", parts[content.state.__name__])
    shown = {content.state.__name__, schema.config.__name__, *(e.__name__ for e in content.effects)}
    for name, part in parts.items():
        if name not in SHARED | shown and "." not in name:
            yield f"\n{name}: {about(part)}\n{table(name, part)}"


SHARED = frozenset(
    (
        *("header", "step", "hook", "question", "answer", "Header", "Answered"),
        *("SharingGroup", "SharingVertex", "Resources"),
    )
)
"""Definitions that the page describes once, or not at all."""


def operation_row(schema: TraceSchema, operation: Operation, parts: Mapping[str, Any]) -> str:
    """An operation with its arguments and its result."""
    step = parts[f"step.{operation.name}"]
    outcome = {*RESERVED, *step["properties"]} - operation.accepted
    result = text(step["properties"]["result"])
    if result.startswith("list") or operation.result in (bool, int):
        result = result.removesuffix(" or null")
    absent = [g for g in schema.generations if g in operation.absent_in]
    note = f" (not in {', '.join(absent)})" if absent else ""
    return f"| `{operation.name}`{note} | {fields(step, parts, outcome)} | {result} |\n"


def own_ids(schema: TraceSchema, kind: str) -> str:
    """How traces call the ids of a kind that the class makes itself; empty if it makes none."""
    declared = schema.names[kind]
    if not declared.generated:
        return ""
    names = f"`{declared.prefix}1`, `{declared.prefix}2`, …"
    if declared.shown_by is None:
        return f"The class makes each `{kind}` itself; a peer calls them {names} as it makes them."
    return (
        f"The class makes each `{kind}` itself: {names} in the order of `{declared.shown_by}`; a"
        " peer may call them otherwise."
    )


def fields(part: Mapping[str, Any], parts: Mapping[str, Any], but: set[str]) -> str:
    """The fields of an object, in a line; objects among them with their own fields."""
    return ", ".join(
        f"`{name}`{'' if name in part['required'] else '?'}: {argument(kind, parts)}"
        for name, kind in part["properties"].items()
        if name not in but
    )


def table(title: str, part: Mapping[str, Any]) -> str:
    """The fields of an object, and what they mean where that is said."""
    said = meanings(part)
    needed = part["required"]
    lines = (
        f"| `{name}`{'' if name in needed else '?'} | {text(kind)} |"
        f" {meaning(said.get(name, ''), kind)} |"
        for name, kind in part["properties"].items()
    )
    return "\n".join((f"\n| {title} | | |", "|---|---|---|", *lines, ""))


def meaning(said: str, kind: Mapping[str, Any]) -> str:
    """What a field means, and its value if it is left out."""
    if "default" not in kind:
        return said
    left_out = f"if left out: `{json.dumps(kind['default'])}`."
    return f"{said} {left_out[0].upper()}{left_out[1:]}" if said else left_out


def argument(kind: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """The type of an argument."""
    inner = kind.get("items", kind).get("$ref", "").rpartition("/")[2]
    if "." not in inner:
        return text(kind)
    several = "list of " if "items" in kind else ""
    return f"{several}{{{fields(parts[inner], parts, set())}}}"


def text(kind: Mapping[str, Any]) -> str:
    """A type in words."""
    if "$ref" in kind:
        return str(kind["$ref"]).rpartition("/")[2]
    if "anyOf" in kind:
        return " or ".join(text(one) for one in kind["anyOf"])
    if "enum" in kind:
        return ", ".join("null" if one is None else f"`{json.dumps(one)}`" for one in kind["enum"])
    if kind.get("type") == "array":
        if "prefixItems" in kind:
            return f"[{', '.join(text(one) for one in kind['prefixItems'])}]"
        return f"list of {text(kind['items'])}" if kind.get("items") else "list"
    if kind.get("type") == "object":
        more = kind.get("additionalProperties")
        return f"name -> {text(more)}" if isinstance(more, dict) else "object"
    names = {
        "string": "name",
        "integer": "whole number",
        "number": "number",
        "boolean": "true, false",
    }
    found = names.get(str(kind.get("type")), str(kind.get("type", "anything")))
    low = kind.get("minimum")
    return found if low is None else f"{found} from {low}"


def about(part: Mapping[str, Any]) -> str:
    """The first paragraph of a description."""
    return " ".join(str(part.get("description", "")).partition("\n\n")[0].split())


def meanings(part: Mapping[str, Any]) -> dict[str, str]:
    """What the fields mean, by name."""
    rest = str(part.get("description", "")).partition("\n\n")[2]
    told = (one.partition(": ") for one in " ".join(rest.split()).split(":param ")[1:])
    return {name: words.strip() for name, _, words in told}


def files() -> dict[Path, str]:
    """Path -> content of all that this script writes."""
    found = {FOLDER / file_name(schema): text_of(document(schema)) for schema in schemas()}
    return {**found, TARGET: page()}


def text_of(schema: Mapping[str, Any]) -> str:
    """A JSON Schema with one line for each definition."""
    above = json.dumps({key: part for key, part in schema.items() if key != "$defs"})
    below = (f"{json.dumps(name)}: {json.dumps(part)}" for name, part in schema["$defs"].items())
    return f'{above[:-1]}, "$defs": {{\n' + ",\n".join(below) + "\n}}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
