"""The compiled engine: rules as machine code, the whole state space at speed."""

from __future__ import annotations

from pathlib import Path

from slotspec.statemachine.compiler.unit import compile_instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.model import Instance
from slotspec.statemachine.verdict import NO_LIMITS, Limits, Reporter, Result, silent

MOST_WORKERS = 64


def explore_compiled(
    instance: Instance,
    limits: Limits = NO_LIMITS,
    reporter: Reporter = silent,
    workers: int = 1,
    fingerprints: bool = False,
    symmetry: bool = False,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Result:
    """Search all reachable states of `instance` with its rules compiled.

    The parameters are those of :func:`slotspec.statemachine.check.check`.

    :raises RuleError: a rule uses something that cannot be compiled (``RUL…``).
    :raises UsageError: ``SET030`` for a number of workers that cannot be had, ``SET031`` for
        an option that is not supported.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError("SET030", f"workers {workers}: choose from 1 to {MOST_WORKERS}")
    if symmetry:
        raise UsageError("SET031", "symmetry is not supported by the compiled engine yet")
    if checkpoint is not None or resume:
        raise UsageError("SET031", "checkpoints are not supported by the compiled engine yet")
    from slotspec.statemachine.search.explorer import Explorer

    compiled = compile_instance(instance)
    return Explorer(compiled, limits, reporter, workers, fingerprints).run()
