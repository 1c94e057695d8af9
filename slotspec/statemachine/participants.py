"""Who talks to whom: the lifelines of a model's sequence diagrams.

Names of single task managers, requests and so on come from the text of the trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Caller:
    """Who calls an operation: a lifeline, or (`argument`) the one that an argument names."""

    lifeline: str
    argument: str | None = None


@dataclass(frozen=True)
class Participants:
    """The lifelines of a model.

    :param system: what is modelled; it receives every call.
    :param order: kinds of lifelines from left to right.
    :param callers: operation -> who calls it; any other is called by `caller_of_others`.
    :param receivers: effect -> the kind of lifeline that it reaches; any other goes back to
        the caller. A kind in `single` is one lifeline; of any other, the effect's first word
        names the one that is meant.
    :param prefixes: the same for recorded traces: ``tm`` of ``tm.free_slot`` -> kind.
    :param single: kinds that are one lifeline each.
    """

    system: str
    order: tuple[str, ...] = (ENVIRONMENT,)
    callers: Mapping[str, Caller] = field(default_factory=dict)
    receivers: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    caller_of_others: str = ENVIRONMENT
    single: frozenset[str] = frozenset({ENVIRONMENT})

    def caller(self, operation: str, arguments: Mapping[str, str]) -> tuple[str, str]:
        """Kind and name of the lifeline that calls `operation`."""
        found = self.callers.get(operation, Caller(self.caller_of_others))
        name = arguments.get(found.argument) if found.argument else None
        return found.lifeline, name or found.lifeline


def single_lifelines(
    system: str,
    order: tuple[str, ...],
    *,
    callers: Mapping[str, str],
    others: str,
    receivers: Mapping[str, str],
    prefixes: Mapping[str, str],
) -> Participants:
    """A cast in which each kind is one lifeline."""
    return Participants(
        system,
        order,
        {operation: Caller(kind) for operation, kind in callers.items()},
        receivers,
        prefixes,
        others,
        frozenset(order),
    )
