"""``slotspec.fuzz``: the fuzzer for programs and notebooks, which opens the peer itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from slotspec.oracle.fuzzing import run
from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.run import DEFAULT_SEQUENCES, DEFAULT_STEPS, FuzzResult, ignore
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.own.entry import class_of
from slotspec.oracle.peer_target import generation_in, implementing, open_peer
from slotspec.oracle.peers.protocol import Peer
from slotspec.oracle.peers.python import AdapterFactory, PythonPeer
from slotspec.statemachine.declaration.arguments import described
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import UsageError


def fuzz(
    peer: Peer | AdapterFactory | str,
    generation: str | None = None,
    *,
    model: str | Model | None = None,
    operations: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    sequences: int = DEFAULT_SEQUENCES,
    steps: int = DEFAULT_STEPS,
    seconds: float | None = None,
    progress: Callable[[Coverage], None] = ignore,
    shrinking: bool = True,
) -> FuzzResult:
    """Run sequences on a peer and in the model until one differs, and shrink that one.

    :param peer: a class or function that makes an adapter
        (:class:`slotspec.oracle.peers.python.Adapter`), a target as of ``slotspec fuzz``, or an
        open peer.
    :param generation: the generation of the model to compare the peer with; by default, the
        peer's own, or the newest.
    :param model: the model of the peer's class; by default, the slot pool of that generation.
        For a protocol of your own its model, or ``file.py[:attribute]``.
    :param operations: the operations that the peer implements, if not all. Sequences have no
        others; in a protocol of your own, the model takes those, marked ``(model only)``.
    :param config: entries that the configuration of every sequence has, as in the header of a
        trace: ``{"strategy": "simple"}``.
    :param seed: the same seed gives the same sequences.
    :param sequences: the most sequences to run.
    :param steps: the most steps of a sequence.
    :param seconds: time limit; with it, the seed alone no longer determines the run.
    :raises PeerError: if the peer fails; it contains the sequence, shrunk if that was quick.
    :raises UsageError: ``SET043`` for what is no peer, ``SET101`` for an unknown generation,
        ``SET117`` for an unknown operation, ``SET119`` for an unknown entry of `config`.
    """
    named = generation or (generation_in(peer) if isinstance(peer, str) else None)
    subject = fuzz_target(class_of(model), named)
    opened = _opened(peer, subject.model)
    newest = subject.schema.generations[-1]
    chosen = subject.generation(named or getattr(opened, "generation", None) or newest)
    try:
        return run.fuzz(
            implementing(opened, operations, subject, config),
            chosen,
            model=subject.model,
            seed_=seed,
            sequences=sequences,
            steps=steps,
            seconds=seconds,
            progress=progress,
            shrinking=shrinking,
        )
    finally:
        if opened is not peer:
            opened.close()


def _opened(peer: Peer | AdapterFactory | str, model: str) -> Peer:
    if isinstance(peer, str):
        return open_peer(peer, model=model)
    if hasattr(peer, "reset"):
        return cast(Peer, peer)
    if not callable(peer):
        what = 'a class that makes an adapter, or a target such as "model:1.12"'
        raise UsageError("SET043", f"fuzz() takes {what}, not {described(peer)}")
    return PythonPeer(peer, getattr(peer, "__name__", "python"))
