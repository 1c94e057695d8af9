"""The messages between processes: what the rules may send, and what random walks saw of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slotspec.diagrams.composition import STEPS, WALKS, observe
from slotspec.diagrams.description import Channel, Network
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.results import TraceStep


class Traffic:
    """The messages that walks through one instance send.

    :ivar seen: the kinds of messages from one role to another.
    :raises UsageError: ``SET066`` for a model whose processes send no messages.
    """

    def __init__(self, instance: Instance) -> None:
        formatter = formatter_of(instance)
        if not isinstance(formatter, MessageFormatter):
            raise UsageError(
                "SET066",
                f"{instance.model.name} has no processes that send messages; draw its composition",
            )
        self.instance, self.formatter = instance, formatter
        self.seen: dict[tuple[str, str], set[str]] = {}

    def record(self, step: TraceStep) -> None:
        """Record the messages that one step sends."""
        for delivery in self.formatter.deliveries(step):
            source, target = map(role, self.formatter.ends(delivery.channel))
            for envelope in delivery.sent:
                kind = self.formatter.kind(envelope)
                self.seen.setdefault((source, target), set()).add(kind)


def network(instances: Sequence[Instance], *, walks: int = WALKS, steps: int = STEPS) -> Network:
    """The processes of one model and the kinds of messages that the rules send between them.

    The kinds that random walks did not see are dimmed.

    :raises UsageError: ``SET066`` for a model whose processes send no messages.
    """
    traffic = [Traffic(instance) for instance in instances]
    share = max(1, walks // len(instances))
    total = sum(
        observe(i.model, walks=share, steps=steps, instances=[i], also=of.record).steps
        for i, of in zip(instances, traffic, strict=True)
    )
    return network_of(traffic, total)


def network_of(traffic: Sequence[Traffic], total: int) -> Network:
    """The network of instances through which walks have gone.

    :param total: the steps of the walks.
    """
    seen: dict[tuple[str, str], set[str]] = {}
    declared: dict[tuple[str, str], set[str]] = {}
    order: list[str] = []
    roles: dict[str, None] = {}
    for one in traffic:
        formatter = one.formatter
        order += [kind for kind in formatter.kinds() if kind not in order]
        roles |= dict.fromkeys(role(name) for name in formatter.processes())
        for source, target, kind in formatter.routes():
            declared.setdefault((role(source), role(target)), set()).add(kind)
        for between, sent in one.seen.items():
            seen.setdefault(between, set()).update(sent)
    channels = []
    for ends in ((source, target) for source in roles for target in roles):
        walked = seen.get(ends, set())
        kinds = walked | declared.get(ends, set())
        if kinds:
            ordered = tuple(sorted(kinds, key=order.index))
            channels.append(Channel(*ends, ordered, frozenset(kinds - walked)))
    first = traffic[0].instance
    title = " ".join(part for part in (first.model.name, first.generation) if part)
    return Network(
        f"{title}: messages between processes",
        tuple(roles),
        tuple(channels),
        f"The rules send {len(order)} kinds of messages. Dimmed: not seen in {total:,} steps of"
        " random walks.",
    )


def role(process: str) -> str:
    """The role of a process: its name without a number."""
    return re.sub(r" ?\d+$", "", process)
