"""What the fuzz has to know of a modelled class, beside its trace schema.

Each class has its own in ``slotspec/oracle/NAME/fuzzing.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from slotspec.models.registry import MODELS, load_model, recorded
from slotspec.oracle.traces.schema import TraceSchema
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import UsageError

AMOUNTS = ("cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb")


def profile(*amounts: float) -> dict[str, Any]:
    """A profile as headers have it."""
    return {**dict(zip(AMOUNTS, amounts, strict=True)), "extended": {}}


PROFILES: Mapping[str, Any] = {
    "any": "ANY",
    "large": profile(2.0, 1024, 0, 256, 64),
    "small": profile(1.0, 256, 0, 64, 32),
    "tall": profile(1.0, 4096, 0, 64, 32),
    "unknown": "UNKNOWN",
    "wide": profile(4.0, 256, 0, 64, 32),
}
"""``large`` satisfies ``small``; ``tall`` and ``wide`` satisfy ``small`` but not each other."""
KNOWN = {name: given for name, given in PROFILES.items() if not isinstance(given, str)}
"""Those of a fixed size."""


def _no_config(random: Random) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class FuzzTarget:
    """A modelled class as the fuzz sees it.

    :param model: name of the model.
    :param receiver: the class, in diagrams.
    :param caller: who calls it there.
    :param made: first letters of the names that the class makes itself, such as ``a1``.
    :param maps: key in a state -> kinds of the names in it, one for each level of nesting.
    :param kinds: arguments whose names are those of another kind.
    :param invented: kind -> first letters of invented names, and how many there are.
    :param new: arguments that name something that was not there before, as ``op.argument``.
    :param rare: operations that end what went before, or that only look.
    :param paired: parts of one object that are all null where one is.
    :param config: draws a configuration of the header.
    :param profiles: of a header with a drawn configuration.
    :param tiny: bounds within which every state is covered.
    :param walked: bounds that every walk of the environment has, whatever its scope.
    """

    model: str
    schema: TraceSchema
    receiver: str
    caller: str
    made: tuple[str, ...] = ()
    maps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    invented: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    new: frozenset[str] = frozenset()
    rare: frozenset[str] = frozenset()
    paired: tuple[str, ...] = ()
    config: Callable[[Random], dict[str, Any]] = _no_config
    profiles: Mapping[str, Any] = field(default_factory=dict)
    walked: Mapping[str, int] = field(default_factory=dict)
    tiny: Mapping[str, int] = field(default_factory=dict)

    def load(self) -> Model:
        """The model itself."""
        return load_model(self.model)

    @property
    def lifecycles(self) -> dict[str, type[Lifecycle]]:
        """Each field of lifecycle states with its lifecycle."""
        return {
            name: spec.domain
            for name, spec in self.load().record.fields.items()
            if isinstance(spec.domain, type) and issubclass(spec.domain, Lifecycle)
        }

    def generation(self, asked: str | None) -> str:
        """`asked`, if this class has it.

        :raises UsageError: ``SET101`` where it has not.
        """
        if asked not in self.schema.generations:
            known = ", ".join(self.schema.generations)
            raise UsageError(
                "SET101",
                f"there is no generation {asked!r} of the {self.schema.title}; use one of {known}",
            )
        return asked


def fuzzable() -> list[str]:
    """The models of classes that can be fuzzed."""
    return [entry.name for entry in recorded().values()]


def fuzz_target(model: str) -> FuzzTarget:
    """How a model's class is fuzzed.

    :raises UsageError: ``SET112`` for a model without a class that could be run.
    """
    if model not in fuzzable():
        raise UsageError(
            "SET112", f"no class to run for model {model!r}; choose from {', '.join(fuzzable())}"
        )
    target = MODELS[model].fuzz_target()
    assert isinstance(target, FuzzTarget)
    return target


def target_of_header(header: TraceHeader) -> FuzzTarget:
    """How the class of a trace is fuzzed."""
    return fuzz_target(recorded()[header.implementation].name)
