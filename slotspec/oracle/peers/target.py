"""The text that names a peer on the command line."""

from __future__ import annotations

import re
from pathlib import Path

from slotspec.oracle.peers.protocol import Peer, PeerError

_ATTRIBUTE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_MODEL = re.compile(r"model:([^,]*)(?:,(.*))?")

FORMS = 'model:GENERATION, flink:VERSION, module:attribute, or a command such as "python3 peer.py"'


def open_peer(
    target: str,
    *,
    flink_jars: str | Path | None = None,
    timeout: float | None = None,
    model: str = "slot_pool",
) -> Peer:
    """The peer that a target names; nothing heavier is imported than it needs.

    :param target: ``model:1.11`` (single choices may follow: ``model:1.12,removal=BY_ID``),
        ``flink:1.12``, ``module:attribute``, or a command.
    :param flink_jars: folder of jars, for Flink.
    :param timeout: seconds for one answer, for a command.
    :param model: the class that it has to be one of.
    :raises PeerError: where it cannot be had.
    """
    if flink_jars is not None and not target.startswith("flink:"):
        raise PeerError("PEE001", f"--flink-jars is of no use for {target!r}; leave it out")
    if found := _MODEL.fullmatch(target):
        from slotspec.oracle.peers.model import ModelPeer, parse_choices

        peer = ModelPeer(found[1], parse_choices(found[2] or "", found[1], model), model=model)
        peer.name = target if model == "slot_pool" else f"{model} {target}"
        return peer
    if target.startswith("flink:"):
        from slotspec.oracle.fuzzing.targets import fuzz_target

        open_flink = fuzz_target(model).flink
        if open_flink is None:
            raise PeerError(
                "PEE001",
                f"{target!r} cannot run Flink's {model}; use `slotspec conform` to compare its"
                " recordings with the model",
            )
        return open_flink(target.removeprefix("flink:"), flink_jars)
    if _ATTRIBUTE.fullmatch(target):
        from slotspec.oracle.peers.python import load

        return load(target)
    if not target.strip():
        raise PeerError("PEE001", f"the target is empty; give {FORMS}")
    from slotspec.oracle.peers.command import TIMEOUT_SECONDS, CommandPeer

    return CommandPeer(target, TIMEOUT_SECONDS if timeout is None else timeout)
