"""What several runs of a model say together: each property, each transition, by generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import PropertyResult, Result, Verdict

WORST = (Verdict.VIOLATED, Verdict.DEVIATES, Verdict.UNKNOWN, Verdict.HOLDS)
"""Verdicts, the one that decides first."""

Transition = tuple[str, str, str]
"""Lifecycle, source state, event."""


@dataclass
class Group:
    """The runs of one model at one generation, over all its scopes."""

    generation: str | None
    results: list[Result] = field(default_factory=list)

    @property
    def exhaustive(self) -> bool:
        return all(result.limit is None for result in self.results)

    def verdict(self, name: str) -> Verdict | None:
        """The worst verdict on a property; None where it is about none of these runs."""
        found = {p.verdict for r in self.results for p in r.properties if p.property.name == name}
        return next((verdict for verdict in WORST if verdict in found), None)

    def deviations(self) -> list[tuple[Result, PropertyResult]]:
        """Each known deviation for each of its reasons, in the run with the shortest trace."""
        shortest: dict[tuple[str, str | None], tuple[Result, PropertyResult]] = {}
        for result in self.results:
            for found in result.properties:
                if found.verdict is not Verdict.DEVIATES:
                    continue
                known = shortest.get((found.property.name, found.reason))
                if known is None or length(found) < length(known[1]):
                    shortest[found.property.name, found.reason] = (result, found)
        return list(shortest.values())

    def fired(self) -> dict[Transition, int]:
        """Each declared lifecycle transition with how often it was fired in any scope."""
        total: dict[Transition, int] = {}
        for result in self.results:
            for key, count in result.fired.items():
                total[key] = total.get(key, 0) + count
        return total


def own_lifecycles(instance: Instance) -> list[type[Lifecycle]]:
    """Lifecycles of the model itself, without those that only its parts have."""
    fields = instance.model.record.fields.values()
    return [spec.domain for spec in fields if isinstance(spec.domain, type)]


def length(found: PropertyResult) -> int:
    return len(found.finding.steps) if found.finding else 0


def groups(results: Sequence[Result]) -> dict[str, list[Group]]:
    """Runs by model and generation, in the order in which they were made."""
    found: dict[str, dict[str | None, Group]] = {}
    for result in results:
        of_model = found.setdefault(result.instance.model.name, {})
        version = result.instance.generation
        of_model.setdefault(version, Group(version)).results.append(result)
    return {name: list(of_model.values()) for name, of_model in found.items()}


def overall(results: Sequence[Result]) -> Verdict:
    """The worst of all runs."""
    found = {result.verdict for result in results}
    return next((v for v in (Verdict.VIOLATED, Verdict.UNKNOWN) if v in found), Verdict.HOLDS)
