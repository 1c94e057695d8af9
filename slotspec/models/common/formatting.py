"""What formatters of classes share: calls in a state, changes of texts, timers, any order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from slotspec.models.common.timers import UNUSED
from slotspec.statemachine.declaration.model import Call, ParameterDomain
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.formatting import NOTHING, TraceFormatter
from slotspec.statemachine.results import TraceStep

State = Mapping[str, Any]
Effect = tuple[int, ...]
Texts = Mapping[str, str] | Iterator[tuple[str, str]]
"""Names of things, each with what is to be said of it."""


class ClassFormatter(TraceFormatter):
    """Formats a class with traces, whose arguments may have other names in a state."""

    def argument(self, domain: ParameterDomain, value: int) -> str:
        """An argument of an action; members of enumerations in lower case, as in traces."""
        text = super().argument(domain, value)
        return text if isinstance(domain, Sort) else text.lower()

    def call(self, call: Call) -> str:
        """An action with its arguments."""
        return self._call(call)

    def format_step(self, step: TraceStep) -> str:
        """The call of a step, with the arguments as the state before it names them."""
        return self._call(step.call, step.before)

    def _call(self, call: Call, *known: State) -> str:
        given = zip(call.action.parameters, call.arguments, strict=True)
        texts = [self.given(call, name, value, *known) for name, value in given]
        return f"{call.action.name}({', '.join(text for text in texts if text)})"

    def given(self, call: Call, name: str, value: int, *known: State) -> str:
        """An argument of a call as ``name=value``; empty if it is left out.

        :param known: the state before the call, if it is known.
        """
        return f"{name}={self.argument(call.action.parameters[name], value)}"


class DescribingFormatter(ClassFormatter, ABC):
    """Formats the changes of a step as those of texts about the states before and after it."""

    @abstractmethod
    def described(self, s: State) -> Sequence[Texts]:
        """The texts about a state whose changes traces show, group by group."""

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed of what is :meth:`described`."""
        found: list[str] = []
        groups = zip(self.described(step.before), self.described(step.after), strict=True)
        for old, new in ((dict(before), dict(after)) for before, after in groups):
            found.extend(
                f"{name}: {old.get(name, NOTHING)} -> {new.get(name, NOTHING)}"
                for name in dict.fromkeys([*old, *new])
                if old.get(name) != new.get(name)
            )
        return found


def listed(texts: Iterable[str]) -> str:
    """Texts one after another, or the sign for nothing."""
    return ", ".join(texts) or NOTHING


def scheduled(s: State, names: Mapping[int, str]) -> str:
    """The timers of a state, each by name with what it still waits."""
    timers = zip(s["timer"], s["due_in"], strict=True)
    return listed(f"{names[timer]} in {due}" for timer, due in timers if timer != UNUSED)


def in_any_order(
    effects: Iterable[Effect], order: int, phrase: Callable[[Effect], str]
) -> list[str]:
    """A phrase for each effect; effects that come in any order are one phrase.

    :param order: the effect that begins and ends what comes in any order.
    """
    texts: list[str] = []
    loose: list[str] | None = None
    for effect in effects:
        if effect[0] == order:
            if loose:
                several = len(loose) > 1
                texts.append(f"in any order: {', '.join(loose)}" if several else loose[0])
            loose = [] if effect[1] else None
            continue
        (texts if loose is None else loose).append(phrase(effect))
    return texts
