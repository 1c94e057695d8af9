"""Models: a state record, operations, an environment and properties; and their instances.

A :class:`Model` is the declaration. An :class:`Instance` is the model at fixed bounds and
choices. Instances are what slotspec checks, fuzzes, draws and replays.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from enum import Enum, IntEnum
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, TypeVar

from slotspec.statemachine.declaration.arguments import described, refuse, wants
from slotspec.statemachine.declaration.determinism import check_deterministic
from slotspec.statemachine.declaration.effects import emitted, names_of
from slotspec.statemachine.declaration.guards import Checks, checks_of, guarded
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.parts import fresh, parts_of
from slotspec.statemachine.declaration.pickling import declared_in, model_at, place_of, remade
from slotspec.statemachine.declaration.ranges import Ranges
from slotspec.statemachine.declaration.records import (
    Bound,
    FieldSpec,
    Record,
    Setting,
    Sort,
    amount,
)
from slotspec.statemachine.declaration.rules import Listener
from slotspec.statemachine.declaration.substitute import substitute
from slotspec.statemachine.display import bundle
from slotspec.statemachine.errors import DeclarationError, UsageError, suggest

Rule = Callable[..., int]
F = TypeVar("F", bound=Callable[..., Any])
ParameterDomain = Sort | type[IntEnum] | int
"""What an action's parameter ranges over: a sort, an enumeration, or 0 … n-1."""

MOST_CALLS = 1_000_000
"""The most calls of an instance; each is tried in each state."""


class Kind(Enum):
    """The kind of statement that a property makes."""

    ALWAYS = "always"
    STEP = "step"
    SOMETIMES = "sometimes"
    LEADS_TO = "leads to"


class Fairness(Enum):
    """How a run must treat each call (an action with its arguments) that keeps being possible.

    As in TLA+, a call counts as possible only where it changes the state. Lamport, "The
    temporal logic of actions", 1994.
    """

    WEAK = "weak"
    """A call that stays possible from some point on is taken eventually."""
    STRONG = "strong"
    """A call that is possible again and again is taken eventually."""


class _Declared:
    """Something that a model declares under a name."""

    name: str
    owner: Model
    kind_of: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __reduce__(self) -> Any:
        return declared_in, (self.owner, self.kind_of, self.name)


@dataclass(frozen=True, eq=False, repr=False)
class Operation(_Declared):
    """A method of the modelled class's own interface; `function` is its rule."""

    name: str
    function: Rule
    description: str


@dataclass(frozen=True, eq=False, repr=False)
class Action(_Declared):
    """Something the environment may do: one call for each choice of its parameters.

    :param fair: the fairness of each of its calls; None for no fairness.
    :param fault: whether it is a fault of the world (a lost message, a crash). Simulation
        takes faults at a given rate, and ``leads to`` considers only runs in which faults stop.
    """

    name: str
    function: Rule
    parameters: Mapping[str, ParameterDomain]
    description: str
    when: Callable[[Setting], bool] | None = None
    fair: Fairness | None = None
    fault: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Property(_Declared):
    """A named statement about a model.

    :param kind: fixes the arguments of `function`. ``ALWAYS``, ``SOMETIMES`` and ``LEADS_TO``
        take ``(s, *elements)``, as does `to`. A ``STEP`` names those it wants of ``before``,
        ``after`` and the elements; if it is about an action, also of ``result`` and the
        action's arguments.
    :param action: the action that a ``STEP`` is about; None for any action.
    :param when: the settings in which the property is checked; None for all.
    :param deviation: returns the reason where the modelled system itself breaks the statement.
        Such a violation is reported as known and does not fail a run.
    :param to: for a ``LEADS_TO``, what must follow once the statement holds.
    :param parameters: the elements; the property is checked for each choice of them separately.
    :param takes: the names of the arguments of `function`, in order.
    """

    name: str
    kind: Kind
    function: Callable[..., Any]
    description: str
    source: str
    action: Action | None = None
    when: Callable[[Setting], bool] | None = None
    deviation: Callable[[Setting], str | None] | None = None
    to: Callable[..., Any] | None = None
    parameters: Mapping[str, ParameterDomain] = field(default_factory=dict)
    takes: tuple[str, ...] = ()

    @property
    def on(self) -> str | None:
        """The name of the action that a ``STEP`` is about."""
        return None if self.action is None else self.action.name


@dataclass(frozen=True)
class Scope:
    """A named choice of bounds that a default run explores, and the reason for these bounds.

    :param simulation_only: takes minutes to search, or can be simulated only. A simulation uses
        the first such scope; a check uses one only when it is asked for by name.
    :param large: takes seconds to search, or shows nothing that the other scopes do not. A check
        of all built-in models leaves it out unless it is to check everything.
    """

    name: str
    description: str
    bounds: Mapping[str, int]
    simulation_only: bool = False
    large: bool = False


def offered(action: Action | None, parameters: Mapping[str, ParameterDomain]) -> list[str]:
    """The names of the arguments that a ``STEP`` may take, in the order they are passed."""
    of_action = [] if action is None else ["result", *action.parameters]
    return ["before", "after", *of_action, *parameters]


def _check_arguments(
    name: str, description: str, record: object, bounds: object, *more: object
) -> None:
    """Check the arguments of a model."""
    for word, text in (("name", name), ("description", description)):
        if not isinstance(text, str) or not text.strip():
            refuse(
                f"Model({word}, …)", text, f"write Model(name, description, record): {word} is text"
            )
    if not (isinstance(record, type) and issubclass(record, Record)):
        refuse(f"Model({name!r}, …)", record, "give the class of its state, a subclass of Record")
    generations, scopes, effects = more
    for word, given, kind in (("bounds", bounds, Bound), ("scopes", scopes, Scope)):
        if not isinstance(given, Sequence) or not all(isinstance(one, kind) for one in given):
            fix = f"give a list of {kind.__name__}(…)"
            if isinstance(given, Sequence) and any(isinstance(one, Sort) for one in given):
                fix += "; a sort brings its own bound"
            refuse(f"{word}= of Model({name!r}, …)", given, fix)
    if generations is not None and not (
        isinstance(generations, Mapping)
        and all(isinstance(choices, Mapping) for choices in generations.values())
    ):
        fix = 'give the choices of each: {"1.0": {"fast": 0}}'
        refuse(f"generations= of Model({name!r}, …)", generations, fix)
    if effects is not None and not (isinstance(effects, type) and issubclass(effects, IntEnum)):
        fix = "give a class of Effects"
        refuse(f"effects= of Model({name!r}, …)", effects, fix)


def first_paragraph(function: Callable[..., Any]) -> str:
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())


class Model:
    """A protocol model under construction; declare into it with the decorators.

    :param name: unique name, used on the command line.
    :param description: what is modelled.
    :param record: the state record class.
    :param bounds: bounds that no field or constant of the record uses directly, other than
        the sizes of sorts.
    :param generations: version name -> the choices of that generation.
    :param scopes: the bounds of default runs; ``--set`` starts from the first.
    :param replace: rules of another model that stand for others in all instances of this one,
        as implementations of an interface do.
    :ivar home: a function and its arguments that load the model, if to import its module is not
        enough.
    """

    def __init__(
        self,
        name: str,
        description: str,
        record: type[Record],
        *,
        bounds: Sequence[Bound] = (),
        generations: Mapping[str, Mapping[str, Any]] | None = None,
        scopes: Sequence[Scope] = (),
        effects: type[IntEnum] | None = None,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> None:
        _check_arguments(name, description, record, bounds, generations, scopes, effects)
        self.name = name
        self.replace = dict(replace or {})
        self.description = description
        self.record = record
        self.effects = effects
        self.generations = dict(generations or {})
        for number, scope in enumerate(scopes):
            if scope.name in {other.name for other in scopes[:number]}:
                raise DeclarationError(
                    "MDL002", f"{name} has two scopes of the name {scope.name}; rename one"
                )
        self.scopes = {scope.name: scope for scope in scopes} or {
            "default": Scope("default", "The default bounds.", {})
        }
        self.sorts = record.sorts()
        self.operations: dict[str, Operation] = {}
        self.actions: dict[str, Action] = {}
        self.properties: dict[str, Property] = {}
        self.settle: Rule | None = None
        self.final: Callable[..., Any] | None = None
        self.formatter: Callable[[Instance], object] | None = None
        self.home: tuple[Callable[..., Model], tuple[Any, ...]] | None = None
        self.bounds: dict[str, Bound] = {}
        for bound in [*(sort.bound for sort in self.sorts), *bounds, *record.bounds_used()]:
            if bound is not None:
                self._add_bound(bound)
        for scope in self.scopes.values():
            self._bounds(scope.bounds)

    def __repr__(self) -> str:
        return (
            f"<Model {self.name}: {len(self.actions)} actions, {len(self.properties)} properties>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    def __reduce__(self) -> Any:
        return self.home or (model_at, place_of(self))

    def operation(self, function: F = None) -> F:  # type: ignore[assignment]
        """Declare an operation: a method of the modelled class's interface."""
        self._plain("operation", function)
        self._add(self.operations, Operation, function)
        return function

    def action(
        self,
        bare: None = None,
        /,
        *,
        when: Callable[[Setting], bool] | None = None,
        fair: Fairness | None = None,
        fault: bool = False,
        **parameters: ParameterDomain,
    ) -> Callable[[F], F]:
        """Declare an action of the environment and the domains of its parameters."""
        self._check_options("action", {"when": when})
        if fair is not None and not isinstance(fair, Fairness):
            raise DeclarationError(
                "MDL013", f"{self.name}: fair of @action is {fair!r}; give Fairness.WEAK or STRONG"
            )
        if not isinstance(fault, bool):
            raise DeclarationError(
                "MDL013", f"{self.name}: fault of @action is {fault!r}; give True or False"
            )
        if bare is not None:
            raise self._misused("action", "(parameter=domain, …), or () without parameters", bare)

        def declare(function: F) -> F:
            self._check_function("action", function)
            state, *names = [*inspect.signature(function).parameters] or [""]
            if not state:
                raise DeclarationError(
                    "MDL003",
                    f"{self.name}.{function.__name__} takes nothing; its first argument is the"
                    " state",
                )
            if names != list(parameters):
                raise DeclarationError(
                    "MDL003",
                    f"{self.name}.{function.__name__} takes {names} after the state, but the"
                    f" decorator gives domains for {list(parameters)}; name the same, in order",
                )
            if fault and fair is not None:
                raise DeclarationError(
                    "MDL008",
                    f"{self.name}.{function.__name__} is declared a fault and fair; nothing"
                    " makes faults happen, so leave out one of the two",
                )
            self._add(
                self.actions,
                Action,
                function,
                parameters=parameters,
                when=when,
                fair=fair,
                fault=fault,
            )
            return function

        return declare

    def share(self, other: Model, *functions: Callable[..., Any]) -> None:
        """Declare actions and properties of another model here too, as they are there.

        The state record must have what their rules use. Actions come before the properties
        that are about them.
        """
        for function in functions:
            name = function.__name__
            if name in self.actions or name in self.properties:
                raise DeclarationError(
                    "MDL002", f"{self.name}.{name} is declared twice; rename one"
                )
            if name in other.actions:
                self.actions[name] = other.actions[name]
            else:
                declared = other.properties[name]
                about = None if declared.on is None else self.actions[declared.on]
                self.properties[name] = replaced(declared, action=about)

    def after_each_step(self, function: F = None) -> F:  # type: ignore[assignment]
        """Declare a rule that runs after each action that was taken (tidying up)."""
        self._plain("after_each_step", function, self.settle)
        self.settle = function
        return function

    def final_states(self, function: F = None) -> F:  # type: ignore[assignment]
        """Declare which states may have no successor; any other is a deadlock."""
        self._plain("final_states", function, self.final)
        self.final = function
        return function

    def always(
        self, source: str = "", *, each: Mapping[str, ParameterDomain] | None = None, **options: Any
    ) -> Callable[[F], F]:
        """Declare that a statement holds in every reachable state, for each choice of `each`.

        :param source: where the statement comes from: a class, a method, a paper.
        :param options: `when` and `deviation`, see :class:`Property`.
        """
        return self._property(Kind.ALWAYS, source, each, options)

    def sometimes(
        self, source: str = "", *, each: Mapping[str, ParameterDomain] | None = None, **options: Any
    ) -> Callable[[F], F]:
        """Declare that some reachable state satisfies a statement (a guard against vacuity).

        With `each`, every choice needs such a state; they may be different states.
        """
        return self._property(Kind.SOMETIMES, source, each, options)

    def step(
        self,
        source: str = "",
        on: Callable[..., Any] | None = None,
        *,
        each: Mapping[str, ParameterDomain] | None = None,
        **options: Any,
    ) -> Callable[[F], F]:
        """Declare that a statement holds for every step (of the action `on`, if given).

        The statement names the arguments it wants, in any order: ``before``, ``after``,
        ``result`` and the parameters of `on`, and the names in `each`.
        """
        action = None
        if on is not None:
            name = getattr(on, "__name__", None)
            action = self.actions.get(str(name))
            if action is None:
                raise DeclarationError(
                    "MDL005",
                    f"{self.name}: a step property is about {name or on!r}, but no such action is"
                    " declared; name one of its actions that stands above it",
                )
        return self._property(Kind.STEP, source, each, options, action=action)

    def leads_to(
        self,
        source: str = "",
        to: Callable[..., Any] | None = None,
        *,
        each: Mapping[str, ParameterDomain] | None = None,
        **options: Any,
    ) -> Callable[[F], F]:
        """Declare that whenever a statement holds, `to` holds then or later.

        It must hold in every run that respects the declared fairness and in which faults
        stop, for each choice of `each` separately. See docs/liveness.md.
        """
        return self._property(Kind.LEADS_TO, source, each, options, to=to)

    def _property(
        self,
        kind: Kind,
        source: str,
        each: Mapping[str, ParameterDomain] | None,
        options: dict[str, Any],
        **more: Any,
    ) -> Callable[[F], F]:
        word = kind.name.lower()
        if not isinstance(source, str):
            raise self._misused(word, '("source", …)', source)
        if not source.strip():
            raise DeclarationError(
                "MDL004", f"{self.name}: @{word} needs a source: a class, a method, a paper"
            )
        if each is not None and not isinstance(each, Mapping):
            raise DeclarationError(
                "MDL013",
                f"{self.name}: each of @{word} is {described(each)}; give a mapping such as"
                ' {"job": JOBS}',
            )
        unknown = sorted(options.keys() - {"when", "deviation"})
        if unknown:
            raise DeclarationError(
                "MDL013",
                f"{self.name}: @{word} knows no option {unknown[0]!r}; it has each, when and"
                " deviation" + (", and on" if kind is Kind.STEP else ""),
            )
        self._check_options(word, options)
        if kind is Kind.LEADS_TO:
            if not callable(more["to"]):
                raise DeclarationError(
                    "MDL013", f"{self.name}: to of @{word} is {more['to']!r}; give a function"
                )
            self._check_function(f"{word}, as its second argument", more["to"])
        parameters = dict(each or {})

        def declare(function: F) -> F:
            self._check_function(word, function)
            takes = tuple(inspect.signature(function).parameters)
            if kind is Kind.STEP:
                self._check_step(function, takes, more["action"], parameters)
            else:
                self._check_elements(function, (function, *more.values()), parameters)
            self._add(
                self.properties,
                Property,
                function,
                kind=kind,
                source=source,
                parameters=parameters,
                takes=takes,
                **options,
                **more,
            )
            return function

        return declare

    def _check_options(self, word: str, options: Mapping[str, Any]) -> None:
        """Check that options that must be functions of the setting are functions."""
        for name, value in options.items():
            if value is not None and not callable(value):
                raise DeclarationError(
                    "MDL013", f"{self.name}: {name} of @{word} is {value!r}; give a function"
                )

    def _check_elements(
        self,
        function: Callable[..., Any],
        sides: Sequence[Callable[..., Any]],
        parameters: Mapping[str, ParameterDomain],
    ) -> None:
        """Check that each side of a property takes the state and the names in `each`."""
        for side in sides:
            state, *names = [*inspect.signature(side).parameters] or [""]
            if not state:
                raise DeclarationError(
                    "MDL009",
                    f"{self.name}.{function.__name__}: {side.__name__} takes nothing; its first"
                    " argument is the state",
                )
            if names != list(parameters):
                raise DeclarationError(
                    "MDL009",
                    f"{self.name}.{function.__name__}: {side.__name__} takes {names} after"
                    f" the state, but each gives domains for {list(parameters)};"
                    " name the same, in order",
                )

    def _check_step(
        self,
        function: Callable[..., Any],
        takes: Sequence[str],
        action: Action | None,
        parameters: Mapping[str, ParameterDomain],
    ) -> None:
        """Check that a ``step`` takes only known arguments, and every name in `each`."""
        there = offered(action, {})
        where = f"{self.name}.{function.__name__}"
        for name in parameters:
            if name in there:
                raise DeclarationError(
                    "MDL014", f"{where}: each names {name}, which a step has anyway; rename it"
                )
            if name not in takes:
                raise DeclarationError(
                    "MDL014", f"{where}: each gives a domain for {name}, which it does not take"
                )
        there += parameters
        for name in takes:
            if name not in there:
                raise DeclarationError(
                    "MDL014",
                    f"{where} takes {name!r}; a step"
                    + (f" of {action.name}" if action else "")
                    + f" has {', '.join(there)}"
                    + ("" if action else "; what belongs to an action needs on=action"),
                )

    def _plain(self, word: str, function: Any, before: Any = None) -> None:
        """Check that a decorator without arguments is applied directly, to one function only."""
        if not callable(function) or isinstance(function, type):
            raise self._misused(word, "", function)
        self._check_function(word, function)
        if word == "operation":
            return
        if before is not None:
            raise DeclarationError(
                "MDL002",
                f"{self.name}: @{word} is declared twice, of {before.__name__} and of"
                f" {function.__name__}; make them one",
            )
        names = list(inspect.signature(function).parameters)
        if len(names) != 1:
            raise DeclarationError(
                "MDL003",
                f"{self.name}.{function.__name__} takes {names}; @{word} gives the state alone",
            )

    def _check_function(self, word: str, function: object) -> None:
        """Check that a rule is a plain function: one with source, and nothing wrapped around it."""
        coroutine = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        generates = inspect.isgeneratorfunction(function)
        if inspect.isfunction(function) and not coroutine and not generates:
            return
        wrapped = getattr(function, "__func__", getattr(function, "__wrapped__", function))
        name = getattr(wrapped, "__name__", None)
        what = "an async def" if coroutine else "a generator" if generates else ""
        what = what or f"an object of type {type(function).__name__.strip('_')}"
        raise DeclarationError(
            "MDL013",
            f"{self.name}: @{word} is given {f'{name}, ' if name else ''}{what}; give a plain"
            " function, declared with def and without decorators that wrap it",
        )

    def _misused(self, word: str, parentheses: str, given: object) -> DeclarationError:
        what = "nothing" if given is None else getattr(given, "__name__", repr(given))
        return DeclarationError(
            "MDL012",
            f"{self.name}: @{word} is given {what}, and would declare nothing; write"
            f" @model.{word}{parentheses or ' without parentheses'}",
        )

    def _add(
        self, where: dict[str, Any], cls: Any, function: Callable[..., Any], **more: Any
    ) -> None:
        name = function.__name__
        description = first_paragraph(function)
        if name in where:
            before = where[name].function
            # a notebook's cell that ran twice
            again = before.__module__ == "__main__" == function.__module__ and (
                before.__qualname__ == function.__qualname__
            )
            fix = "rename one" + ("; to change it, run the cell of Model(…) again" if again else "")
            raise DeclarationError("MDL002", f"{self.name}.{name} is declared twice; {fix}")
        if not description:
            raise DeclarationError(
                "MDL004", f"{self.name}.{name} needs a docstring that says what it is"
            )
        for parameter, domain in more.get("parameters", {}).items():
            is_enumeration = isinstance(domain, type) and issubclass(domain, IntEnum)
            is_count = isinstance(domain, int) and not isinstance(domain, bool) and domain > 0
            if not (isinstance(domain, Sort) or is_count or (is_enumeration and list(domain))):
                raise DeclarationError(
                    "MDL016",
                    f"{self.name}.{name}: {parameter} is over {described(domain)}; give a sort, an"
                    " enumeration of integers, or how many values there are, at least one",
                )
            if isinstance(domain, Sort) and (unsized := self._unsized(domain)) is not None:
                raise DeclarationError(
                    "MDL011",
                    f"{self.name}.{name}: {parameter} ranges over {unsized.name}, which nothing"
                    " in the record has; give the model its bound, or choose another sort",
                )
        made = cls(name=name, function=function, description=description, **more)
        # where a pickle finds it again
        kind = next(kind for kind, known in vars(self).items() if known is where)
        object.__setattr__(made, "owner", self)
        object.__setattr__(made, "kind_of", kind)
        where[name] = made

    def _add_bound(self, bound: Bound) -> None:
        """Add what gives a sort its size, or a number; all of one name are one."""
        known = self.bounds.setdefault(bound.name, bound)
        for what in ("default", "minimum", "maximum"):
            one, other = getattr(known, what), getattr(bound, what)
            if one != other:
                raise DeclarationError(
                    "MDL002",
                    f"{self.name}: {bound.name} is declared twice, with {what}={one} and with"
                    f" {what}={other}; --set could not tell them apart: rename one",
                )

    def _unsized(self, sort: Sort) -> Sort | None:
        """The sort within `sort` that has no size in this model; None if there is none."""
        for below in (*sort.parts, *sort.factors):
            unsized = self._unsized(below)
            if unsized is not None:
                return unsized
        return sort if sort.bound is not None and sort.bound.name not in self.bounds else None

    def _bounds(self, given: Mapping[str, int]) -> dict[str, int]:
        values = {name: bound.default for name, bound in self.bounds.items()}
        for name, value in given.items():
            if name not in self.bounds:
                known = suggest(name, sorted(self.bounds))
                raise UsageError("SET001", f"model {self.name} has no bound {name!r}; {known}")
            values[name] = self.bounds[name].checked(value)
        for sort in self.sorts:
            if sort.size(values) > sort.most:
                made_of = " and ".join(part.name for part in (*sort.parts, *sort.factors))
                raise UsageError(
                    "SET005",
                    f"model {self.name} would have {sort.size(values)} {sort.name}, made of"
                    f" {made_of}; a state holds at most {sort.most}: choose smaller bounds",
                )
        return values

    def instance(
        self,
        bounds: Mapping[str, int] | None = None,
        *,
        generation: str | None = None,
        scope: str | None = None,
        choices: Mapping[str, Any] | None = None,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> Instance:
        """The model at fixed bounds and choices.

        :param bounds: values for some bounds; the others keep the values of `scope`.
        :param generation: a version name; by default the newest.
        :param choices: single choices that override the generation's.
        :param replace: rules to replace wherever they are called, as a named defect does.
        :raises UsageError: ``SET001`` to ``SET004`` for unknown names and values out of range.
        """
        wants("instance", "bounds as a mapping", bounds, Mapping | None)
        setting, name = self.setting(bounds, generation, scope, choices)
        rules = {**self.replace, **(replace or {})}
        return Instance(self, setting, name, rules)

    def setting(
        self,
        bounds: Mapping[str, int] | None,
        generation: str | None,
        scope: str | None,
        choices: Mapping[str, Any] | None,
    ) -> tuple[Setting, str]:
        """The bounds and choices of an instance, and the name of its scope; see :meth:`instance`.

        :raises UsageError: as :meth:`instance`.
        """
        if scope is not None and scope not in self.scopes:
            known = suggest(scope, self.scopes)
            raise UsageError("SET003", f"model {self.name} has no scope {scope!r}; {known}")
        chosen = self.scopes[scope] if scope else next(iter(self.scopes.values()))
        values = self._bounds({**chosen.bounds, **(bounds or {})})
        named: dict[str, Any] = {}
        if self.generations:
            version = generation or list(self.generations)[-1]
            if version not in self.generations:
                known = suggest(version, self.generations)
                raise UsageError(
                    "SET004", f"model {self.name} has no generation {version!r}; {known}"
                )
            named = {**self.generations[version], **(choices or {}), "generation": version}
        elif generation is not None:
            raise UsageError("SET004", f"model {self.name} has no generations; leave it out")
        else:
            named = dict(choices or {})
        return Setting(values, named), chosen.name


@dataclass(frozen=True, repr=False)
class Call:
    """One action with its arguments; `index` is its position among the instance's calls."""

    index: int
    action: Action
    arguments: tuple[int, ...]

    def __str__(self) -> str:
        inside = ", ".join(
            f"{n}={v}" for n, v in zip(self.action.parameters, self.arguments, strict=True)
        )
        return f"{self.action.name}({inside})"

    def __repr__(self) -> str:
        return f"<Call {self}>"


@dataclass(eq=False, repr=False)
class Instance:
    """A model at fixed bounds and choices; see :meth:`Model.instance`.

    `record` is the record class with the constants of this setting. `calls` lists every
    action with every choice of arguments, in the fixed order in which they are tried.
    """

    model: Model
    setting: Setting
    scope: str
    replace: Mapping[Callable[..., Any], Callable[..., Any]]
    record: type[Record] = field(init=False)
    actions: list[Action] = field(init=False)
    calls: list[Call] = field(init=False)
    properties: dict[str, Property] = field(init=False)
    _made: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)
    _guarded: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)
    defect: str = field(init=False, default="")
    """Name of the defect that `replace` or the choices introduce, if it has one."""

    def __post_init__(self) -> None:
        declared = self.model.record
        constants = {n: fixed(amount(c.value, self.setting)) for n, c in declared.constants.items()}
        self.record = type(self.model.record.__name__, (self.model.record,), constants)
        self.record.constants = self.model.record.constants
        self.record.parts = tuple(parts_of(self.model.record, self.setting))
        self.record.fields = {n: f.settled(self.setting) for n, f in declared.fields.items()}
        for part in self.record.parts:
            self.record.fields |= part.fields
        self.record.bounds = self.setting.bounds
        self.record.effect_names = names_of(self.model.effects)
        for part in self.record.parts:
            raised = {part.effects_from + k: n for k, n in part.record.effect_names.items()}
            self.record.effect_names = raised | self.record.effect_names
        self.record.emitted = emitted(self.record.effect_names)
        self._check_names()
        for spec in self.record.fields.values():
            spec.largest(self.setting)
        self.actions = [
            a for a in self.model.actions.values() if a.when is None or a.when(self.setting)
        ]
        self.properties = {
            p.name: p
            for p in self.model.properties.values()
            if (p.when is None or p.when(self.setting))
            and (p.on is None or p.on in {a.name for a in self.actions})
        }
        self._check_rules()
        self._check_deviations()
        self.calls = list(self._all_calls())

    def _check_deviations(self) -> None:
        """Check that a deviation has a reason: whatever it is, it stands in for a violation."""
        for declared in self.properties.values():
            reason = declared.deviation(self.setting) if declared.deviation else None
            if reason is not None and not (isinstance(reason, str) and reason.strip()):
                raise DeclarationError(
                    "MDL013",
                    f"{self.model.name}.{declared.name}: deviation returns {reason!r}; return in"
                    " words why the modelled system violates the property, or None",
                )

    def _check_rules(self) -> None:
        rules: list[Any] = [self.model.settle, self.model.final]
        rules += [action.function for action in self.actions]
        for declared in self.properties.values():
            rules += [declared.function, declared.to]
        for rule in rules:
            used = self.replace.get(rule, rule)
            if isinstance(used, types.FunctionType):
                check_deterministic(used)

    def _check_names(self) -> None:
        """Check that lifecycle names differ: coverage is counted by name."""
        named: dict[str, type[Lifecycle]] = {}
        for name, lifecycle in self.lifecycles.items():
            if named.setdefault(lifecycle.__name__, lifecycle) is not lifecycle:
                raise DeclarationError(
                    "MDL010",
                    f"{self.model.name}.{name}: the model would have two lifecycles of the name"
                    f" {lifecycle.__name__}; rename one",
                )

    def _all_calls(self) -> Iterator[Call]:
        index = 0
        for action in self.actions:
            ranges = [self.values(domain) for domain in action.parameters.values()]
            count = prod(map(len, ranges))
            if index + count > MOST_CALLS:
                sizes = " x ".join(
                    f"{len(values):,} {name}"
                    for name, values in zip(action.parameters, ranges, strict=True)
                )
                raise UsageError(
                    "SET037",
                    f"{self.model.name}.{action.name} has {count:,} calls ({sizes}); all actions"
                    f" together may have {MOST_CALLS:,}: choose smaller bounds, or draw what an"
                    " argument stands for in several steps",
                )
            for arguments in product(*ranges):
                yield Call(index, action, arguments)
                index += 1

    def values(self, domain: ParameterDomain) -> Sequence[int]:
        """Every value of a parameter's domain, as integers."""
        if isinstance(domain, Sort):
            return range(domain.size(self.setting.bounds))
        if isinstance(domain, int):
            return range(domain)
        return [int(member) for member in domain]

    def fresh(self, listener: Listener | None = None) -> Any:
        """A state record in the initial state, for interpretation."""
        return fresh(self.record, self.setting.bounds, listener)

    def rule(self, function: F) -> F:
        """`function` with this instance's replacements in place of the declared rules."""
        return substitute(function, self.replace, self._made) if self.replace else function

    @cached_property
    def ranges(self) -> Ranges:
        """The ranges that the numbers in its rules can take."""
        return Ranges(self)

    @cached_property
    def checks(self) -> Checks:
        """Where its rules may overflow; whoever knows it from an earlier analysis sets it."""
        return checks_of(self.ranges)

    def runnable(self, function: F) -> F:
        """`function` as the interpreter runs it: a number beyond 64 bits is a fault."""
        return guarded(self.rule(function), self.checks, self._guarded)

    def largest(self, spec: FieldSpec) -> int:
        return spec.largest(self.setting)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    def __repr__(self) -> str:
        return f"<Instance {self.title}: {', '.join(f'{n}={v}' for n, v in self._bounds())}>"

    def _bounds(self) -> list[tuple[str, int]]:
        return list(self.setting.bounds.items())

    def __reduce__(self) -> Any:
        made_of = {
            "bounds": dict(self.setting.bounds),
            "generation": self.generation,
            "scope": self.scope,
            "choices": {n: v for n, v in self.setting.choices.items() if n != "generation"},
            "replace": dict(self.replace),
        }
        return remade, (self.model, made_of, self.defect, list(self.properties))

    def is_as(self, other: Instance | None) -> bool:
        """Whether another instance is made of the same: model, bounds, choices, replaced rules."""
        return other is self or (
            other is not None
            and (self.model, self.setting, self.scope, self.defect, dict(self.replace))
            == (other.model, other.setting, other.scope, other.defect, dict(other.replace))
        )

    @property
    def generation(self) -> str | None:
        return self.setting.choices.get("generation")

    @property
    def lifecycles(self) -> dict[str, type[Lifecycle]]:
        """Field name -> lifecycle, for each field that holds lifecycle states."""
        return {
            name: spec.domain
            for name, spec in self.record.fields.items()
            if isinstance(spec.domain, type)
        }

    @property
    def title(self) -> str:
        parts = [self.model.name, self.generation or "", self.scope, self.defect]
        return " ".join(part for part in parts if part and part != "default")


def fixed(value: Any) -> Any:
    """A constant, of which no rule can change a part: a table of lists is one of tuples."""
    return tuple(map(fixed, value)) if isinstance(value, list) else value


def flat_size(instance: Instance) -> int:
    """How many values a state of `instance` holds (scratch fields not counted)."""
    return sum(
        spec.size(instance.setting.bounds)
        for spec in instance.record.fields.values()
        if not spec.scratch
    )
