"""How long runs took the last time: the longest begin first, and progress can be judged.

And whether they were too large to be interpreted, which then need not be tried again. A note
decides nothing but the order and the engine, and every engine finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from slotspec.statemachine.compiler.backend.cache import folder
from slotspec.statemachine.declaration.model import Instance, flat_size
from slotspec.statemachine.results import Result

FILE = "durations.json"


class Note(NamedTuple):
    """What is known of a run: its seconds, and whether it was compiled."""

    seconds: float
    compiled: bool


def longest_first(instances: Sequence[Instance]) -> list[int]:
    """Numbers of `instances`: those never run first, largest first; then the longest first."""
    known = _known()

    def rank(number: int) -> tuple[float, int]:
        instance = instances[number]
        size = len(instance.calls) * flat_size(instance)
        note = known.get(_key(instance))
        return -(float("inf") if note is None else note.seconds), -size

    return sorted(range(len(instances)), key=rank)


def last_time(instance: Instance) -> float | None:
    """Seconds that the last complete run of these bounds took; None where there was none."""
    note = _known().get(_key(instance))
    return None if note is None else note.seconds


def known_as_large(instances: Sequence[Instance]) -> frozenset[int]:
    """Numbers of those of `instances` that were compiled the last time."""
    known = _known()
    notes = [known.get(_key(instance)) for instance in instances]
    return frozenset(n for n, note in enumerate(notes) if note is not None and note.compiled)


def remember(results: Sequence[Result]) -> None:
    """Note how long complete runs took; where that cannot be written, it is not noted."""
    known = _known()
    for result in results:
        if result.limit is None:
            seconds, compiled = round(result.seconds, 3), result.engine == "compiled"
            known[_key(result.instance)] = Note(seconds, compiled)
    try:
        (folder() / FILE).write_text(json.dumps(known, indent=0), encoding="utf-8")
    except OSError:
        return


def _key(instance: Instance) -> str:
    bounds = " ".join(f"{name}={value}" for name, value in instance.setting.bounds.items())
    return f"{instance.title}: {bounds}"


def _known() -> dict[str, Note]:
    """What was noted; nothing where the file is not what it should be."""
    try:
        read = json.loads((folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(read, dict):
        return {}
    found = {}
    for key, value in read.items():
        match value:
            case [int() | float() as seconds, bool() as compiled]:
                found[key] = Note(float(seconds), compiled)
    return found
