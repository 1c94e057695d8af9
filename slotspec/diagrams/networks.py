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


def network(instances: Sequence[Instance], *, walks: int = WALKS, steps: int = STEPS) -> Network:
    """The processes of one model and the kinds of messages that the rules send between them.

    The kinds that random walks did not see are dimmed.

    :raises UsageError: ``SET066`` for a model whose processes send no messages.
    """
    seen: dict[tuple[str, str], set[str]] = {}
    declared: dict[tuple[str, str], set[str]] = {}
    order: list[str] = []
    roles: dict[str, None] = {}
    total = 0
    for instance in instances:
        formatter = formatter_of(instance)
        if not isinstance(formatter, MessageFormatter):
            raise UsageError(
                "SET066",
                f"{instance.model.name} has no processes that send messages; draw its composition",
            )
        order += [kind for kind in formatter.kinds() if kind not in order]
        roles |= dict.fromkeys(role(name) for name in formatter.processes())
        for source, target, kind in formatter.routes():
            declared.setdefault((role(source), role(target)), set()).add(kind)

        def record(step: TraceStep, formatter: MessageFormatter = formatter) -> None:
            for delivery in formatter.deliveries(step):
                source, target = map(role, formatter.ends(delivery.channel))
                for envelope in delivery.sent:
                    seen.setdefault((source, target), set()).add(formatter.kind(envelope))

        share = max(1, walks // len(instances))
        total += observe(
            instance.model, walks=share, steps=steps, instances=[instance], also=record
        ).steps
    channels = []
    for ends in ((source, target) for source in roles for target in roles):
        walked = seen.get(ends, set())
        kinds = walked | declared.get(ends, set())
        if kinds:
            ordered = tuple(sorted(kinds, key=order.index))
            channels.append(Channel(*ends, ordered, frozenset(kinds - walked)))
    first = instances[0]
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
