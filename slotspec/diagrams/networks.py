"""Who sends what to whom: found, like the composition, by running the model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slotspec.diagrams.composition import STEPS, WALKS, observe
from slotspec.diagrams.description import Network, Wire
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.results import TraceStep


def network(instances: Sequence[Instance], *, walks: int = WALKS, steps: int = STEPS) -> Network:
    """The processes of one model, and the kinds of messages between them.

    :raises UsageError: ``SET066`` for a model without messages between processes.
    """
    seen: dict[tuple[str, str], dict[str, None]] = {}
    order: list[str] = []
    roles: dict[str, None] = {}
    taken = 0
    for instance in instances:
        words = formatter_of(instance)
        if not isinstance(words, MessageFormatter):
            raise UsageError(
                "SET066",
                f"{instance.model.name} has no processes that send messages; choose the"
                " composition",
            )
        order += [kind for kind in words.kinds() if kind not in order]
        roles |= dict.fromkeys(role(name) for name in words.processes())

        def note(step: TraceStep, words: MessageFormatter = words) -> None:
            for one in words.deliveries(step):
                source, target = map(role, words.ends(one.channel))
                for letter in one.sent:
                    seen.setdefault((source, target), {})[words.kind(letter)] = None

        share = max(1, walks // len(instances))
        taken += observe(
            instance.model, walks=share, steps=steps, instances=[instance], also=note
        ).steps
    wires = tuple(
        Wire(source, target, tuple(sorted(found, key=order.index)))
        for source in roles
        for target in roles
        if (found := seen.get((source, target)))
    )
    told = len({kind for found in seen.values() for kind in found})
    first = instances[0]
    title = " ".join(part for part in (first.model.name, first.generation) if part)
    return Network(
        f"{title}: who sends what to whom",
        tuple(roles),
        wires,
        f"Seen in {taken:,} steps of random walks: {told} of {len(order)} kinds of messages.",
    )


def role(process: str) -> str:
    """What a process is, whichever of its kind."""
    return re.sub(r" \d+$", "", process)
