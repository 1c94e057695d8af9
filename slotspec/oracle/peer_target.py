"""Opens the peer that a text names, as on the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from slotspec.models.registry import MODELS, SLOT_POOLS, slot_pool_of
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.peers.partial import PartialPeer
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.oracle.traces.hints import allowed, lowered
from slotspec.oracle.traces.reading import shown
from slotspec.statemachine.errors import UsageError, suggest

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


def implementing(
    peer: Peer,
    operations: Sequence[str] | None,
    subject: FuzzTarget,
    config: Mapping[str, Any] | Sequence[str] | None = None,
) -> Peer:
    """The peer, if it implements only some operations, one of several classes, or some settings.

    :param operations: see :func:`named`. If one class of the model has all of them and another
        does not, sequences are for the first.
    :param config: entries of the header's ``config``, or texts such as ``strategy=simple``.
    :raises UsageError: ``SET117`` if the class has no such operation, ``SET119`` if it has no
        such entry or the entry takes no such value.
    """
    operations = named(operations)
    settings = _settings(config or {}, subject)
    if operations is None:
        if subject.classes is None and not settings:
            return peer
        return PartialPeer(peer, None, subject.classes, settings)
    known = {o.name for schema in subject.schemas for o in schema.operations}
    titles = " and the ".join(schema.title for schema in subject.schemas)
    for op in operations:
        if op not in known:
            hint = suggest(op, sorted(known))
            raise UsageError("SET117", f"operations: no operation {op!r} of the {titles}; {hint}")
    having = {s.implementation for s in subject.schemas if set(operations) <= set(s.by_name)}
    classes = frozenset(having) if 0 < len(having) < len(subject.schemas) else subject.classes
    return PartialPeer(peer, operations, classes, settings)


def _settings(config: Mapping[str, Any] | Sequence[str], subject: FuzzTarget) -> dict[str, Any]:
    """Entries of a header's config, each checked against the classes that have it."""
    if not isinstance(config, Mapping):
        config = dict(map(_setting, config))
    for name, value in config.items():
        having = [s.config for s in subject.schemas if name in s.config.__struct_fields__]
        if not having:
            every = {f for s in subject.schemas for f in s.config.__struct_fields__}
            raise UsageError("SET119", f"config: no entry {name!r}; {suggest(name, sorted(every))}")
        for struct in having:
            kind = get_type_hints(struct, include_extras=True)[name]
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError as error:
                texts = allowed(struct, name)
                hint = f"use one of {', '.join(texts)}" if texts else lowered(error)
                raise UsageError("SET119", f"config: {name}={shown(value)}: {hint}") from None
    return dict(config)


def _setting(text: str) -> tuple[str, Any]:
    """``slots=2`` as a name and a value: JSON, or else a text."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(
            "SET119", f"--config {text}: write NAME=VALUE, as --config strategy=simple"
        )
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value
