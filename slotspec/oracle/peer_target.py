"""Opens the peer that a text names, as on the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from slotspec.models.registry import MODELS, SLOT_POOLS, slot_pool_of
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.peers.partial import PartialPeer
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.statemachine.errors import UsageError

_ATTRIBUTE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_MODEL = re.compile(r"model:([^,]*)(?:,(.*))?")

FORMS = 'model:GENERATION, flink:VERSION, module:attribute, or a command such as "python3 peer.py"'


def generation_in(target: str) -> str | None:
    """The generation that a target names; None if it names none."""
    named = re.match(r"(?:model|flink):(\d+\.\d+)", target)
    return named[1] if named else None


def open_peer(
    target: str,
    *,
    flink_jars: str | Path | None = None,
    timeout: float | None = None,
    model: str | None = None,
) -> Peer:
    """The peer that a target names. Only what it needs is imported.

    :param target: ``model:1.11`` (single choices may follow: ``model:1.12,removal=BY_ID``),
        ``flink:1.12``, ``module:attribute``, or a command.
    :param flink_jars: folder with Flink's jars.
    :param timeout: time limit in seconds for one answer of a command.
    :param model: the model of the peer's class; by default, the slot pool of the generation that
        the target names.
    :raises PeerError: if it cannot be opened.
    """
    if flink_jars is not None and not target.startswith("flink:"):
        raise PeerError("PEE001", f"{target!r} does not use --flink-jars; leave it out")
    model = model or slot_pool_of(generation_in(target))
    if found := _MODEL.fullmatch(target):
        from slotspec.oracle.peers.model import ModelPeer, parse_choices

        peer = ModelPeer(found[1], parse_choices(found[2] or "", found[1], model), model=model)
        peer.name = target if model in SLOT_POOLS else f"{model} {target}"
        return peer
    if target.startswith("flink:"):
        open_flink = MODELS[model].flink_peer()
        if open_flink is None:
            raise PeerError(
                "PEE001",
                f"{target!r} cannot run Flink's {model}; use `slotspec conform` to compare its"
                " recordings with the model",
            )
        flink: Peer = open_flink(target.removeprefix("flink:"), flink_jars)
        return flink
    if _ATTRIBUTE.fullmatch(target):
        from slotspec.oracle.peers.python import load

        return load(target)
    if not target.strip():
        raise PeerError("PEE001", f"the target is empty; use {FORMS}")
    from slotspec.oracle.peers.command import TIMEOUT_SECONDS, CommandPeer

    return CommandPeer(target, TIMEOUT_SECONDS if timeout is None else timeout)


def named(operations: Sequence[str] | None) -> list[str] | None:
    """Operations as a list: given one by one, with commas, or both. None stays None, for all."""
    if operations is None:
        return None
    given = [operations] if isinstance(operations, str) else operations
    return [one.strip() for some in given for one in some.split(",")]


def implementing(peer: Peer, operations: Sequence[str] | None, subject: FuzzTarget) -> Peer:
    """The peer, if it implements only some operations.

    :param operations: see :func:`named`.
    :raises UsageError: ``SET117`` if the class has no such operation.
    """
    operations = named(operations)
    if operations is None:
        return peer
    known = {
        o.name for schema in (subject.schema, *subject.schema.variants) for o in schema.operations
    }
    for op in operations:
        if op not in known:
            raise UsageError(
                "SET117",
                f"operations: the {subject.schema.title} has no operation {op!r}; choose from"
                f" {', '.join(sorted(known))}",
            )
    return PartialPeer(peer, operations)
