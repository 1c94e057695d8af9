"""The compiled engine: an exhaustive search that runs rules as machine code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.compiler.drivers.expand import Expansion
from slotspec.statemachine.compiler.drivers.stuttering import StutteringExpansion
from slotspec.statemachine.compiler.drivers.symmetry import MOST_NUMBERED, Symmetry
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.liveness import claims
from slotspec.statemachine.results import NO_LIMITS, Limits, Reporter, Result, silent
from slotspec.statemachine.search.partial_order.relations import Relations, refuse_together
from slotspec.statemachine.search.scalarsets.proof import obstacles
from slotspec.statemachine.workers import count_workers


def explore_compiled(
    instance: Instance,
    limits: Limits = NO_LIMITS,
    reporter: Reporter = silent,
    workers: int | None = 1,
    fingerprints: bool = False,
    symmetry: bool | str | None = False,
    checkpoint: Path | None = None,
    resume: bool = False,
    disk: Path | None = None,
    on: str | None = None,
    compress: bool = False,
    partial_order: Relations | None = None,
) -> Result:
    """Search all reachable states of `instance` with its rules compiled.

    The parameters are those of :func:`slotspec.statemachine.check.check`.

    :param partial_order: the relations between the calls, for a reduced search.
    :param workers: with `on`, None means one process for each processor of the cluster.
    :param symmetry: ``exact`` (or True) visits only one of the states that differ in the names
        of symmetric sorts. ``fast`` sometimes visits several of them, but takes half the time
        per state (verdicts and trace lengths are the same, `depth` may be larger). None means
        ``exact`` where the rules prove that names make no difference, and no symmetry elsewhere.

    :raises RuleError: a rule uses something that cannot be compiled (``RUL…``).
    :raises UsageError: ``SET030`` for an invalid number of workers, ``SET031`` for resuming
        without a checkpoint folder, ``SET032`` for an unknown kind of symmetry, ``SET033`` if
        the model has no symmetry or breaks the one it declares, ``SET035`` for fingerprints or
        unproven symmetry with a ``leads to`` property, ``SET038`` for what a search on disk,
        compressed or on several machines cannot do, ``SET044`` and ``SET045`` if there is no
        such cluster.
    :raises InputError: ``RAY001`` to ``RAY005`` if the cluster fails.
    """
    if workers is not None:
        count_workers(workers)
    if partial_order is not None:
        together = {
            "fingerprints": fingerprints,
            "symmetry": symmetry,
            "a checkpoint": checkpoint,
            "a search on disk": disk,
            "a search on several machines": on,
            "compression": compress,
        }
        refuse_together(instance, [name for name, wanted in together.items() if wanted])
    others = {"a folder of states": disk is not None, "--on": on}
    for name, wanted in others.items():
        if compress and wanted:
            raise UsageError("SET038", f"a search with compression goes without {name}")
    if resume and checkpoint is None and disk is None:
        raise UsageError("SET031", "resume needs the folder of the checkpoint")
    from slotspec.statemachine.search.canonicalizer import EXACT, FAST, PLAIN
    from slotspec.statemachine.search.checkpoint import Checkpoint
    from slotspec.statemachine.search.explorer import Explorer
    from slotspec.statemachine.search.symmetry import CutShort, check_symmetry

    modes = {None: PLAIN, False: PLAIN, True: EXACT, "fast": FAST, "exact": EXACT}
    if symmetry not in modes:
        raise UsageError("SET032", f"symmetry {symmetry!r}: choose from fast, exact")
    mode, reason = modes[symmetry], None
    claimed = [declared.name for declared in claims(instance)]
    proven = False
    if on is not None:
        refuse("on several machines", fingerprints, mode != PLAIN, checkpoint, limits, claimed)
        if resume:
            raise UsageError("SET038", "a search on several machines cannot be resumed")
    elif compress:
        refuse("with compression", fingerprints, mode != PLAIN, checkpoint, limits, claimed)
    elif disk is not None:
        refuse("on disk", fingerprints, mode != PLAIN, checkpoint, limits, claimed)
    elif partial_order is not None:
        mode = PLAIN
    elif symmetry is not False:
        proven, reason = decide(instance, claimed)
        if symmetry is None and proven:
            mode = EXACT
        elif symmetry is not None and not proven:
            reason = f"tested on reachable states, not proven: {reason}"
    if claimed and fingerprints:
        raise UsageError(
            "SET035",
            f"{', '.join(claimed)} of {instance.title} is about runs that never end, which"
            " fingerprints cannot tell; leave fingerprints out, or check the others alone"
            " (--safety)",
        )
    if claimed and mode != PLAIN and not (proven and mode == EXACT):
        raise UsageError(
            "SET035",
            f"{', '.join(claimed)} of {instance.title} is about runs that never end, which only"
            " exact symmetry can tell, where the rules prove it; leave symmetry out, or check the"
            " others alone (--safety)",
        )
    if on is not None:
        from slotspec.statemachine.search.ray_cluster import cluster, ray_module

        ray_module(on)  # compiling takes longer than to notice that it is missing
    reduced = partial_order is not None and not partial_order.idle
    writer = StutteringExpansion if reduced else Expansion
    compiled = compile_instance(instance, symmetric=mode != PLAIN, writer=writer)
    if on is not None:
        from slotspec.statemachine.search.ray_search import RayExplorer

        with cluster(on, workers) as (ray, count):
            return RayExplorer(compiled, limits, reporter, count, ray, disk).run()
    if compress:
        from slotspec.statemachine.search.compressed import CompressedExplorer

        assert workers is not None
        return CompressedExplorer(compiled, limits, reporter, workers).run()
    assert workers is not None
    if partial_order is not None and reduced:
        from slotspec.statemachine.search.partial_order.explorer import ReducedExplorer

        return ReducedExplorer(compiled, limits, reporter, workers, partial_order).run()
    if disk is not None:
        from slotspec.statemachine.search.disk import DiskExplorer

        identity: dict[str, Any] = {
            "model": instance.title,
            "bounds": dict(instance.setting.bounds),
            "search": "on disk",
            "rules": compiled.text_sum,
        }
        folder = Checkpoint(disk, identity, resume)
        try:
            return DiskExplorer(compiled, limits, reporter, workers, folder).run()
        except OSError as error:
            raise folder.unwritable(error) from None
    if mode != PLAIN and not proven:
        try:
            check_symmetry(instance, compiled=compiled, seconds=limits.seconds)
        except CutShort as stop:
            return stop.result
    files = None
    if checkpoint is not None:
        identity = {
            "model": instance.title,
            "bounds": dict(instance.setting.bounds),
            "fingerprints": fingerprints,
            "symmetry": mode,
            "workers": workers,
            "rules": compiled.text_sum,
        }
        files = Checkpoint(checkpoint, identity, resume)
    explorer = Explorer(compiled, limits, reporter, workers, fingerprints, mode, files)
    explorer.result.symmetry_reason = reason
    explorer.result.partial_order = None if partial_order is None else partial_order.note
    return explorer.run()


def refuse(
    how: str,
    fingerprints: bool,
    symmetry: bool,
    checkpoint: Path | None,
    limits: Limits,
    claimed: Sequence[str],
) -> None:
    """Refuse what a search cannot do that takes each level as a whole.

    :raises UsageError: ``SET038``.
    """
    refused = (
        (fingerprints, "fingerprints"),
        (symmetry, "symmetry"),
        (checkpoint is not None, "a checkpoint (a folder of states is one)"),
        (limits.states is not None, "a limit on states (limit the depth, the time or the memory)"),
        (bool(claimed), f"leads to properties ({', '.join(claimed)}; --safety leaves them out)"),
    )
    for wanted, what in refused:
        if wanted:
            raise UsageError("SET038", f"a search {how} goes without {what}; leave it out")


def decide(instance: Instance, claimed: Sequence[str]) -> tuple[bool, str | None]:
    """Whether the rules prove an instance symmetric, and the reason for the answer.

    There is no reason if symmetry could not make a difference.

    :param claimed: the ``leads to`` properties.
    """
    if Symmetry(instance).order == 1:
        return False, None
    if claimed and Symmetry(instance).order > MOST_NUMBERED:
        return False, f"too many renamings for {', '.join(claimed)}"
    found = obstacles(instance, most=1)
    return not found, str(found[0]) if found else "proven by the text of the rules"
