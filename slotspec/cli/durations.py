"""How long runs took the last time: the longest begin first, and progress can be judged."""

from __future__ import annotations

import json
from collections.abc import Sequence

from slotspec.statemachine.compiler.cache import folder
from slotspec.statemachine.model import Instance, flat_size
from slotspec.statemachine.verdict import Result

FILE = "durations.json"


def longest_first(instances: Sequence[Instance]) -> list[int]:
    """Numbers of `instances`: those never run first, largest first; then the longest first."""
    known = _known()

    def rank(number: int) -> tuple[float, int]:
        instance = instances[number]
        size = len(instance.calls) * flat_size(instance)
        return -known.get(_key(instance), float("inf")), -size

    return sorted(range(len(instances)), key=rank)


def last_time(instance: Instance) -> float | None:
    """Seconds that the last complete run of these bounds took; None where there was none."""
    return _known().get(_key(instance))


def remember(results: Sequence[Result]) -> None:
    """Note how long complete runs took; where that cannot be written, it is not noted."""
    known = _known()
    known.update({_key(r.instance): round(r.seconds, 3) for r in results if r.limit is None})
    try:
        (folder() / FILE).write_text(json.dumps(known, indent=0), encoding="utf-8")
    except OSError:
        return


def _key(instance: Instance) -> str:
    bounds = " ".join(f"{name}={value}" for name, value in instance.setting.bounds.items())
    return f"{instance.title}: {bounds}"


def _known() -> dict[str, float]:
    """What was noted; nothing where the file is not what it should be."""
    try:
        read = json.loads((folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(read, dict):
        return {}
    return {k: float(v) for k, v in read.items() if isinstance(v, int | float)}
