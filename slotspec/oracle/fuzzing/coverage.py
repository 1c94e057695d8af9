"""What a run exercised: operations, lifecycle transitions, pairs of operations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from typing import Any

from slotspec.oracle.fuzzing.targets import FuzzTarget, fuzz_target
from slotspec.statemachine.declaration.lifecycle import Event

Transition = tuple[str, str, str]
"""Lifecycle, source state, event."""


def declared(target: FuzzTarget) -> list[Transition]:
    """Every transition that the lifecycles of a model declare, in order."""
    found: dict[Transition, None] = {}
    for lifecycle in target.lifecycles.values():
        for move in lifecycle.transitions:
            found[lifecycle.__name__, move.source.name, move.event.name] = None
    return list(found)


@dataclass
class Coverage:
    """Counts of one run; pass `listener` to an oracle.

    :param classes: the ``implementation`` of the only classes that sequences are for; None: all
        that the model covers.
    :param silent: steps for which the peer told neither result nor effects nor state.
    """

    generation: str
    model: str
    classes: frozenset[str] | None = None
    sequences: int = 0
    steps: int = 0
    silent: int = 0
    operations: Counter[str] = field_of(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field_of(default_factory=Counter)
    fired: Counter[tuple[str, int, str]] = field_of(default_factory=Counter)

    def listener(self, field: str, index: int, event: Event | None, source: int) -> None:
        """Count one lifecycle event."""
        if event is not None:
            self.fired[field, source, event.name] += 1

    def step(self, before: str | None, op: str) -> None:
        """Count one operation that followed `before`."""
        self.steps += 1
        self.operations[op] += 1
        if before is not None:
            self.pairs[before, op] += 1

    def merge(self, more: Coverage) -> None:
        """Add the counts of another run of the same class and generation."""
        self.sequences += more.sequences
        self.steps += more.steps
        self.silent += more.silent
        self.operations.update(more.operations)
        self.pairs.update(more.pairs)
        self.fired.update(more.fired)

    @property
    def target(self) -> FuzzTarget:
        """What the sequences are for."""
        return replace(fuzz_target(self.model), classes=self.classes)

    @property
    def possible_operations(self) -> list[str]:
        kinds = self.target.schemas
        return list(dict.fromkeys(op for s in kinds for op in s.operations_of(self.generation)))

    def transitions(self) -> dict[Transition, int]:
        """How often each declared transition fired."""
        target = self.target
        counts = dict.fromkeys(declared(target), 0)
        lifecycles = target.lifecycles
        for (name, source, event), count in self.fired.items():
            lifecycle = lifecycles[name]
            counts[lifecycle.__name__, lifecycle.states[source].name, event] += count
        return counts

    def to_json(self) -> dict[str, Any]:
        """The ``coverage`` of ``slotspec fuzz --json``."""
        transitions = self.transitions()
        return {
            "sequences": self.sequences,
            "steps": self.steps,
            "silent": self.silent,
            "operations": dict(sorted(self.operations.items())),
            "operations_possible": len(self.possible_operations),
            "pairs": len(self.pairs),
            "pairs_possible": len(self.possible_operations) ** 2,
            "transitions": sum(count > 0 for count in transitions.values()),
            "transitions_declared": len(transitions),
            "never_fired": [" ".join(t) for t, count in transitions.items() if not count],
        }

    def line(self) -> str:
        """One line, for progress."""
        transitions = self.transitions()
        possible = len(self.possible_operations)
        return (
            f"{self.sequences:,} sequences  {self.steps:,} steps"
            f"  operations {len(self.operations)}/{possible}"
            f"  transitions {sum(c > 0 for c in transitions.values())}/{len(transitions)}"
            f"  pairs {len(self.pairs)}/{possible**2}"
        )
