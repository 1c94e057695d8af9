"""Check an instance, with either engine."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from slotspec.statemachine.declaration.arguments import wants
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError, suggest
from slotspec.statemachine.interpreter.exploring import Reduction, explore_interpreted
from slotspec.statemachine.interpreter.time_limit import check_seconds
from slotspec.statemachine.results import NO_LIMITS, Limit, Limits, Reporter, Result, silent
from slotspec.statemachine.workers import count_workers

if TYPE_CHECKING:
    from slotspec.statemachine.search.partial_order.relations import Relations

Engine = Literal["auto", "interpreted", "compiled"]
ENGINES: tuple[Engine, ...] = ("auto", "interpreted", "compiled")

SMALL = 5_000
"""``auto`` interprets searches of at most this many states."""

TRIES = 20_000
"""``auto`` interprets up to this many tried calls, which takes less time than to compile."""


def check(
    instance: Instance,
    engine: Engine = "auto",
    limits: Limits = NO_LIMITS,
    reporter: Reporter = silent,
    *,
    workers: int | Literal["auto"] = 1,
    fingerprints: bool = False,
    symmetry: bool | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    disk: Path | None = None,
    on: str | None = None,
    compress: bool = False,
    partial_order: bool = False,
) -> Result:
    """Search every reachable state of `instance` within `limits`.

    :param engine: ``interpreted`` runs the rules as Python, ``compiled`` translates them
        first, and ``auto`` interprets a small instance and compiles any other. Verdicts and
        trace lengths do not depend on the engine. Counts do not either, unless the compiled
        one uses symmetry.
    :param workers: threads of the compiled search, or its processes with `on`; ``auto`` means
        one for each processor.
    :param fingerprints: store a 64-bit hash of each state instead of the state; the result
        bounds the probability that a state was missed.
    :param symmetry: visit only one of the states that differ in the names of symmetric sorts.
        By default, the compiled engine does so where the rules prove that names make no
        difference. With True, it also trusts the declaration of symmetric sorts if a test on
        reachable states finds nothing against it.
    :param checkpoint: folder in which the search saves its work.
    :param resume: continue from the checkpoint in that folder, or from the search on disk.
    :param disk: folder in which the search keeps its states, so that they need not fit into memory.
    :param on: search on several machines, with Ray: ``ray`` for processes on this one, or for the
        cluster that this program is connected to, or ``ray://HOST:PORT``.
    :param compress: keep states as trees that share their parts: exact, with a third of the memory
        or less, and slower. Roots go to a temporary file, too, so that traces can be found.
    :param partial_order: search only some of the orders of independent calls, as many as verdicts
        need. Counts are smaller; traces may be longer than the shortest. Not for ``leads to``.
    :raises UsageError: ``SET020`` to ``SET024`` for options that the engine cannot honour,
        ``SET035`` and ``SET038`` for what a search with partial-order reduction cannot do.
    """
    wants("check", "an instance, as model.instance() makes it", instance, Instance)
    wants("check", "limits=Limits(states=…, seconds=…)", limits, Limits)
    refuse_idle(instance)
    if engine not in ENGINES:
        raise UsageError("SET020", f"engine {engine!r}: choose from {', '.join(ENGINES)}")
    if workers != "auto" and workers < 1:
        raise UsageError("SET021", f"workers {workers}: give a number from 1, or auto")
    if resume and checkpoint is None and disk is None:
        raise UsageError(
            "SET023", "resume needs the folder of the checkpoint; give checkpoint, or disk"
        )
    check_limits(limits)
    if limits.until not in (None, "fault", "deadlock", *instance.properties):
        known = suggest(limits.until, ["fault", "deadlock", *instance.properties])
        raise UsageError("SET017", f"{instance.title} has no property {limits.until!r}; {known}")
    asked = {
        "more than one worker": workers not in (1, "auto"),
        "fingerprints": fingerprints,
        "symmetry": symmetry,
        "a checkpoint": checkpoint is not None,
        "a search on disk": disk is not None,
        "a search on several machines": on is not None,
        "compression": compress,
    }
    if partial_order:
        from slotspec.statemachine.search.partial_order.relations import refuse_together

        del asked["more than one worker"]
        refuse_together(instance, [name for name, wanted in asked.items() if wanted])
        asked = {"more than one worker": workers not in (1, "auto")}
    requested = [name for name, wanted in asked.items() if wanted]
    if engine == "interpreted" and requested:
        raise UsageError(
            "SET022",
            f"the interpreted engine does not support {' or '.join(requested)};"
            " use the compiled engine",
        )
    reduced = reduction(instance, partial_order)
    if engine == "interpreted":
        return explore_interpreted(instance, limits, reporter, reduced)
    if engine == "auto" and not requested:
        if not compiler_there():
            return explore_interpreted(instance, limits, reporter, reduced)
        started = perf_counter()
        small = check_small(instance, limits, reporter, reduced=reduced)
        if small is not None:
            return small
        if limits.seconds is not None:
            left = limits.seconds - (perf_counter() - started)
            limits = replace(limits, seconds=max(1e-3, left))
    if not compiler_there():
        what = " and ".join(requested) if requested else "the compiled engine"
        raise UsageError("SET022", f"{what} needs Numba, which is not installed; install numba")
    from slotspec.statemachine.search.engine import explore_compiled

    return explore_compiled(
        instance,
        limits=limits,
        reporter=reporter,
        workers=None if on is not None and workers == "auto" else count_workers(workers),
        fingerprints=fingerprints,
        symmetry=symmetry,
        checkpoint=checkpoint,
        resume=resume,
        disk=disk,
        on=on,
        compress=compress,
        partial_order=reduced,
    )


def refuse_idle(instance: Instance) -> None:
    """Refuse to search what cannot move.

    :raises UsageError: ``SET086`` if the instance has no action.
    """
    if instance.actions:
        return
    model = instance.model
    cure = (
        "its scope and choices admit none; see when= of its actions"
        if model.actions
        else f"declare one with @{model.name}.action(…)"
        + (", or check the model that it is a part of" if model.operations else "")
    )
    raise UsageError("SET086", f"{instance.title} has no action, so nothing happens; {cure}")


def reduction(instance: Instance, wanted: bool) -> Relations | None:
    """What chooses the calls of a reduced search; None for a search that takes all."""
    if not wanted:
        return None
    from slotspec.statemachine.search.partial_order.relations import relations

    return relations(instance)


def check_limits(limits: Limits) -> None:
    """Check limits before anything runs.

    :raises UsageError: ``SET024`` for one that is no positive number.
    """
    check_seconds(limits.seconds)
    for name in ("states", "depth", "memory"):
        value = getattr(limits, name)
        if value is not None and not isinstance(value, int | float):
            raise UsageError("SET024", f"limit on {name} {value!r}: give a number above 0")
        if value is not None and not value >= (0 if name == "depth" else 1e-9):
            raise UsageError("SET024", f"limit on {name} {value}: give a number above 0")


def check_small(
    instance: Instance,
    limits: Limits = NO_LIMITS,
    reporter: Reporter = silent,
    tries: int = TRIES,
    reduced: Reduction | None = None,
) -> Result | None:
    """The interpreter's result, or None if `instance` is too large for it.

    :param tries: roughly how many calls it may try; an instance that needs more is too large.
    :param reduced: chooses the calls to take.
    """
    few = min(SMALL, max(1, tries // max(1, len(instance.calls))))
    if limits.states is not None and limits.states <= few:
        return explore_interpreted(instance, limits, reporter, reduced)
    result = explore_interpreted(instance, replace(limits, states=few), reporter, reduced)
    # ending at the interpreter's own small bound, or at its memory use, decides nothing
    return None if result.limit in (Limit.STATES, Limit.MEMORY) else result


def compiler_there() -> bool:
    """Whether rules can be compiled here; looks Numba up, since importing it takes a second."""
    return all(find_spec(name) for name in ("numba", "slotspec.statemachine.search.engine"))
