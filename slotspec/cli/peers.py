"""The peer that ``fuzz`` and ``record`` run, and the report of one that fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotspec.oracle.own.entry import class_of
from slotspec.statemachine.errors import UsageError

if TYPE_CHECKING:
    from slotspec.oracle.fuzzing.targets import FuzzTarget
    from slotspec.oracle.peers.protocol import Peer, PeerError

MAX_TIMEOUT = 86_400


def target_and_peer(
    target: str | None,
    model: str | None,
    bug: str | None,
    flink_jars: Path | None,
    timeout: float,
    generation: str | None = None,
) -> tuple[FuzzTarget, Peer]:
    """The class to test, and the peer: a target, or a model with a known bug.

    Without `model`, the class is the slot pool of `generation`, or of the generation that the
    target or the peer names.

    :raises UsageError: ``SET112`` for a model without a class, ``SET113`` unless the user gives
        exactly one of target and bug and nothing that contradicts it, ``SET070`` for an unknown
        bug, ``SET115`` for a timeout out of range.
    """
    from slotspec.oracle.fuzzing.targets import fuzz_target
    from slotspec.oracle.peer_target import generation_in, open_peer

    if (target is None) == (bug is None):
        raise UsageError("SET113", "give either --target or --bug: the peer to test")
    if not 0 < timeout <= MAX_TIMEOUT:
        raise UsageError(
            "SET115", f"--timeout {timeout:g}: give seconds above 0, {MAX_TIMEOUT:,} at most"
        )
    if target is not None:
        model = class_of(model)
        named = generation_in(target) or generation
        asked = fuzz_target(model, named) if model or named else None
        known = asked.model if asked else None
        peer = open_peer(target, flink_jars=flink_jars, timeout=timeout, model=known)
        return asked or fuzz_target(None, getattr(peer, "generation", None)), peer
    from slotspec.cli.bugs import ALL, chosen_bugs
    from slotspec.oracle.fuzzing.bugs import peer_of

    assert bug is not None
    if bug.lower() == ALL:
        raise UsageError("SET113", "fuzz one known bug at a time; slotspec list bugs shows all")
    (chosen,) = chosen_bugs([bug])
    if flink_jars is not None:
        raise UsageError("SET113", "--flink-jars does not apply to --bug; leave it out")
    if model not in (None, chosen.model):
        raise UsageError(
            "SET113",
            f"{chosen.issue} is a bug of {chosen.model}, not of {model}; leave --model out",
        )
    return fuzz_target(chosen.model), peer_of(chosen)


def generation_for(peer: Any, asked: str | None, subject: FuzzTarget) -> str:
    """The generation to compare a peer with: as asked, the peer's own, or the newest.

    :raises UsageError: ``SET101`` if it is unknown.
    """
    return subject.generation(
        asked or getattr(peer, "generation", None) or subject.schema.generations[-1]
    )


def explain_peer(error: PeerError, out: Path | None) -> None:
    """Print what a peer was asked up to its failure, and write it to `out`."""
    from slotspec.oracle.fuzzing.rendering import call, configuration
    from slotspec.statemachine.plurals import counted
    from slotspec.statemachine.visible import visible

    print(f"Error: {error}", file=sys.stderr)
    if error.header is not None:
        print(visible(f"the configuration: {configuration(error.header)}"), file=sys.stderr)
    if error.sequence:
        count = len(error.sequence)
        before = f" (shortened from {error.original})" if error.original > count else ""
        print(f"the sequence so far, {counted(count, 'operation')}{before}:", file=sys.stderr)
    for number, (op, arguments) in enumerate(error.sequence, 1):
        print(visible(f"  {number}  {call(op, arguments)}"), file=sys.stderr)
    if out is not None and error.header is not None:
        from slotspec.oracle.traces.trace import RecordedStep
        from slotspec.oracle.traces.writing import write_trace

        steps = [RecordedStep(op=op, arguments=arguments) for op, arguments in error.sequence]
        write_trace(out, error.header, steps)
        print(f"written to {out}", file=sys.stderr)
