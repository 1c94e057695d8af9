"""What to write instead: suggestions for names and fields that a file or an option has wrong."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from slotspec.statemachine.errors import suggest


def lowered(error: object) -> str:
    """A message of msgspec, to follow after a colon."""
    text = str(error)
    return text[:1].lower() + text[1:]


def allowed(struct: type[msgspec.Struct], field: str) -> tuple[str, ...]:
    """The texts that a field may have; empty if it is no choice of texts."""
    kind = get_type_hints(struct).get(field)
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def explained(struct: type[msgspec.Struct], given: dict[str, Any], error: object) -> str:
    """A message of msgspec about an object, with what to write instead where that is known."""
    fields = struct.__struct_fields__
    for name in given:
        if name not in fields:
            return f"there is no field {name!r}; {suggest(name, fields)}"
    missing = re.search(r"missing required field `(\w+)`$", str(error))
    if missing:
        absent = [f for f in struct.__struct_fields__ if f not in given and f in _required(struct)]
        return f"the field {missing[1]!r} is missing; add {', '.join(absent)}"
    place = re.search(r"`\$\.(\w+)`", str(error))
    texts = allowed(struct, place[1]) if place else ()
    return f"{lowered(error)}; use one of {', '.join(texts)}" if texts else lowered(error)


def _required(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct) if field.required}
