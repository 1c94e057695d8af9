"""How long each run took last time, to start the longest run first and to estimate progress.

It also remembers which runs were too large to interpret, so that ``check`` compiles them at
once. A note affects only the order and the engine, never a result.
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
    """What is known about a run: its duration in seconds, and whether it was compiled."""

    seconds: float
    compiled: bool


def longest_first(instances: Sequence[Instance]) -> list[int]:
    """The order to run `instances` in: first the unknown ones by size, then the longest."""
    known = _known()

    def rank(number: int) -> tuple[float, int]:
        instance = instances[number]
        size = len(instance.calls) * flat_size(instance)
        note = known.get(_key(instance))
        return -(float("inf") if note is None else note.seconds), -size

    return sorted(range(len(instances)), key=rank)


def last_time(instance: Instance) -> float | None:
    """Seconds that the last complete run of these bounds took; None if there was none."""
    note = _known().get(_key(instance))
    return None if note is None else note.seconds


def known_as_large(instances: Sequence[Instance]) -> frozenset[int]:
    """The numbers of those `instances` that were compiled last time."""
    known = _known()
    notes = [known.get(_key(instance)) for instance in instances]
    return frozenset(n for n, note in enumerate(notes) if note is not None and note.compiled)


def remember(results: Sequence[Result]) -> None:
    """Remember how long complete runs took; do nothing if the file cannot be written."""
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
    """All notes; none if the file is missing or damaged."""
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
