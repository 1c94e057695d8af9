"""Take the traces of findings on Flink's real classes; prints each finding with its steps.

Run by test_flink_findings.py, in a process for each release, since a JVM loads one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from slotspec.models import MODELS
from slotspec.oracle.fuzzing.environment_walks import recorded
from slotspec.oracle.fuzzing.lockstep import replay
from slotspec.oracle.fuzzing.sources import in_hash_order
from slotspec.statemachine.errors import StepError
from tests.models.findings import Known

FATAL = {"M6"}
"""Findings whose last step ends Flink's process, and this one with it; they run only by name."""

TESTS = Path(__file__).parents[2]


def findings() -> list[Known]:
    """All findings of single classes."""
    found = []
    for path in sorted((TESTS / "models").glob("*/test_*_findings.py")):
        module = import_module(f"tests.models.{path.parent.name}.{path.stem}")
        found += [*module.FINDINGS, *getattr(module, "BY_DESIGN", [])]
    return found


def main(version: str, names: list[str]) -> None:
    generation = ".".join(version.split(".")[:2])
    for known in findings():
        wanted = known.name in names if names else known.name not in FATAL
        if known.generation != generation or not wanted:
            continue
        opened = MODELS[known.model].flink_peer()
        if opened is None:
            continue
        instance, trace = known.instance(), known.trace(known.check())
        header, steps = recorded(trace)
        calls = [(step.op, step.arguments) for step in steps]
        peer = opened(version)
        peer.fatal = known.name in FATAL
        try:
            difference = replay(generation, in_hash_order(header), peer, calls)
        except StepError as error:
            difference = error
        finally:
            peer.close()
        if difference is not None:
            raise SystemExit(f"{known.name} of {instance.title}: {difference}")
        print(known.name, len(calls), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
