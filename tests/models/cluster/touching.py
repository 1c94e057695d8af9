"""Which rules of a cluster a random run calls, or the explanation of a recording."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from slotspec.oracle.conformance.cluster_recordings import validate
from slotspec.oracle.conformance.report import Report
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.interpreter.random_walk import InterpretedWalk

MODELS = ("cluster", "declarative_cluster")


def called(doing: Callable[[], Any]) -> set[str]:
    """The rules that something calls, each as ``model.module.function``."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        doing()
    finally:
        sys.setprofile(None)
    return {
        f"{path.parent.name}.{path.stem}.{code.co_name}"
        for code in seen
        if (path := Path(code.co_filename)).parent.name in MODELS
    }


def called_in_runs(instance: Instance) -> set[str]:
    """The rules that some random runs call, with more faults than usual."""
    instance.properties = {}
    walk = InterpretedWalk(instance, steps=150, rate=0.2)
    return called(lambda: walk.block(range(30), seed=1, stop=lambda: False))


def called_by_explanation(path: Path) -> set[str]:
    """The rules that the search for the explanation of a recording calls."""
    return called(lambda: validate(path, Report(str(path))))
