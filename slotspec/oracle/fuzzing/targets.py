"""What the fuzzer needs to know of a modelled class besides its trace schema.

Each class declares its target in ``slotspec/oracle/NAME/fuzzing.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import msgspec

from slotspec.models.registry import MODELS, load_model, recorded, slot_pool_of
from slotspec.oracle.conformance.oracles import check_generation
from slotspec.oracle.fuzzing.sequence import SequenceView, Source
from slotspec.oracle.traces.profiles import amounts_json
from slotspec.oracle.traces.schema import TraceSchema
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Instance, Model
from slotspec.statemachine.errors import UsageError, suggest

PROFILES: Mapping[str, Any] = {
    "any": "ANY",
    "large": amounts_json(2.0, 1024, 0, 256, 64),
    "small": amounts_json(1.0, 256, 0, 64, 32),
    "tall": amounts_json(1.0, 4096, 0, 64, 32),
    "unknown": "UNKNOWN",
    "wide": amounts_json(4.0, 256, 0, 64, 32),
}
"""``large`` satisfies ``small``; ``tall`` and ``wide`` satisfy ``small`` but not each other."""
KNOWN = {name: given for name, given in PROFILES.items() if not isinstance(given, str)}
"""The profiles of a fixed size."""


__all__ = [
    "KNOWN",
    "PROFILES",
    "FuzzTarget",
    "fuzz_target",
    "fuzzable",
    "target_of_header",
]


def _no_config(random: Random) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class FuzzTarget:
    """What the fuzzer needs to know of a modelled class besides its trace schema.

    All but the first four have defaults. With these the sequences of a class are random walks
    of the model's environment, mixed with random operations from the schema.

    :param model: name of the model.
    :param receiver: the class, in diagrams.
    :param caller: the caller of the class, in diagrams.
    :param callers: operation -> another caller of it: the argument that names the caller, or a
        fixed name.
    :param maps: key in a state -> kinds of the names in it, one for each level of nesting.
    :param invented: kind -> the names that no object has, or how many of them there are (else 8).
    :param rare: operations that end what went before, or that only look.
    :param paired: parts of one object that are all null if one is.
    :param config: draws a configuration of the header.
    :param adapt: gives a drawn configuration the form that a generation has.
    :param profiles: the profiles of a header with a drawn configuration.
    :param listed: draws what else such a header lists; None where it lists nothing else.
    :param values: argument -> values to draw from, where it takes no names.
    :param weights: scopes whose walks are drawn more often than once.
    :param tiny: bounds within which a test sequence reaches every state.
    :param covered: bounds of the instances whose transitions and pairs of operations test
        sequences cover; empty: the scopes of the model.
    :param walked: bounds that every walk of the environment has, whatever its scope.
    :param mixed: whether random operations are mixed into the walks.
    :param environment: whether some operations are those of the class's environment, which the
        model takes if the peer does not implement them.
    :param strategy: makes the source of a sequence from a generation, a random generator and
        the operations that must not occur; None: walks and random operations.
    :param view: makes the view of a sequence from a header; None: all names of the sequence.
    :param reshape: gives a peer's step the form that traces of a generation have.
    :param classes: the ``implementation`` of the only classes that sequences are for; None: all
        that the model covers.
    :param fixed: entries of the header's ``config`` that every sequence has.
    :param lacking: ``implementation`` of a class -> the fields of the model's state that it lacks.
    """

    model: str
    schema: TraceSchema
    receiver: str
    caller: str
    callers: Mapping[str, str] = field(default_factory=dict)
    maps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    invented: Mapping[str, int | tuple[str, ...]] = field(default_factory=dict)
    rare: frozenset[str] = frozenset()
    paired: tuple[str, ...] = ()
    config: Callable[[Random], dict[str, Any]] = _no_config
    adapt: Callable[[dict[str, Any], str], dict[str, Any]] = lambda config, generation: config
    profiles: Mapping[str, Any] = field(default_factory=dict)
    listed: Callable[[Random], dict[str, Any]] | None = None
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    walked: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    tiny: Mapping[str, int] = field(default_factory=dict)
    covered: tuple[Mapping[str, int], ...] = ()
    mixed: bool = True
    environment: bool = False
    strategy: Callable[[str, Random, frozenset[str]], Source] | None = None
    view: Callable[[TraceHeader], SequenceView] | None = None
    reshape: Callable[[RecordedStep, str], RecordedStep] | None = None
    classes: frozenset[str] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    lacking: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def schemas(self) -> tuple[TraceSchema, ...]:
        """The schemas of all classes that sequences are for."""
        known = (self.schema, *self.schema.variants)
        return tuple(s for s in known if self.classes is None or s.implementation in self.classes)

    def configured(self, header: TraceHeader) -> TraceHeader:
        """The header with the entries of `fixed` that its class has."""
        known = self.schema.of(header.implementation).config.__struct_fields__
        fixed = {name: value for name, value in self.fixed.items() if name in known}
        return msgspec.structs.replace(header, config={**header.config, **fixed})

    def of(self, implementation: str) -> FuzzTarget:
        """The target of a class that the same model covers; this one if there is no other."""
        schema = self.schema.of(implementation)
        return self if schema is self.schema else replace(self, schema=schema)

    def load(self) -> Model:
        """The model."""
        return load_model(self.model)

    def instance(
        self, bounds: Mapping[str, int], generation: str, scope: str | None = None
    ) -> Instance:
        """The model at these bounds; a model without generations has one in traces only."""
        model = self.load()
        return model.instance(
            bounds, generation=generation if model.generations else None, scope=scope
        )

    @property
    def lifecycles(self) -> dict[str, type[Lifecycle]]:
        """Each field that holds lifecycle states of the classes, with its lifecycle."""
        lacking = frozenset.intersection(
            *(self.lacking.get(s.implementation, frozenset()) for s in self.schemas)
        )
        return {
            name: spec.domain
            for name, spec in self.load().record.fields.items()
            if isinstance(spec.domain, type) and issubclass(spec.domain, Lifecycle)
            if name not in lacking
        }

    def generation(self, asked: str) -> str:
        """`asked`, if the class has that generation.

        :raises UsageError: ``SET101`` if it does not.
        """
        return check_generation(self.schema, asked)


def fuzzable() -> list[str]:
    """Names of the models whose classes can be fuzzed."""
    return list(dict.fromkeys(entry.name for entry in recorded().values()))


def fuzz_target(model: str | None, generation: str | None = None) -> FuzzTarget:
    """The target of a model, or of one of its classes; of None, the slot pool of a generation.

    :param model: a model, or a class by Flink's name, such as ``DefaultDeclarativeSlotPool``.
    :raises UsageError: ``SET112`` for a model that no single class implements.
    """
    model = model or slot_pool_of(generation)
    for implementation, entry in recorded().items():
        if model in (implementation, implementation.rpartition(" ")[2]) and model not in MODELS:
            return replace(fuzz_target(entry.name), classes=frozenset({implementation}))
    if model not in fuzzable():
        raise UsageError(
            "SET112", f"no class implements model {model!r}; {suggest(model, fuzzable())}"
        )
    target = MODELS[model].fuzz_target()
    assert isinstance(target, FuzzTarget)
    return target


def target_of_header(header: TraceHeader) -> FuzzTarget:
    """The target of the class of a trace."""
    return fuzz_target(recorded()[header.implementation].name).of(header.implementation)
