"""Which runs a command line asks for: models, generations, scopes, bounds, properties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from re import findall

from slotspec.models import MODELS
from slotspec.models.files import load_model as find_model
from slotspec.statemachine.check import refuse_idle
from slotspec.statemachine.declaration.model import Instance, Kind, Model, Scope
from slotspec.statemachine.errors import SlotspecError, UsageError, suggest
from slotspec.statemachine.interpreter.stepping import place_of


def plan(
    names: Sequence[str],
    generations: Sequence[str] = (),
    scopes: Sequence[str] = (),
    settings: Sequence[str] = (),
    properties: Sequence[str] = (),
    *,
    simulation_only: bool = False,
    newest: bool = False,
    safety: bool = False,
) -> list[Instance]:
    """Every instance to check, in order of model, generation, scope.

    Empty `names` mean all built-in models; empty `generations` and `scopes` mean all that a
    model has. Bounds from `settings` (``NAME=VALUE``) change the first scope only, unless
    `scopes` names others. A scope that is too large to search must be named.

    :param newest: of each model, only its newest generation, unless `generations` names some,
        and no large scope, unless `scopes` names it.
    :param safety: leave out the properties that only a run that never ends can violate.
    :param simulation_only: choose the scope that is too large to search, if there is one.
    :raises UsageError: ``SET001`` to ``SET019`` for an unknown name.
    """
    bounds = parse_bounds(settings)
    models = [find_model(name) for name in names or MODELS]
    _known("generation", generations, [v for m in models for v in m.generations], "SET004")
    _known("scope", scopes, [name for m in models for name in m.scopes], "SET003")
    _known("property", properties, [name for m in models for name in m.properties], "SET017")
    _known("bound", bounds, [name for m in models for name in m.bounds], "SET001")
    instances: list[Instance] = []
    for model in models:
        for version in _generations(model, generations, newest):
            for scope in _scopes(model, scopes, bounds, simulation_only, newest):
                instances.append(_instance(model, bounds, version, scope))
    if properties:
        for instance in instances:
            instance.properties = {
                name: p for name, p in instance.properties.items() if name in properties
            }
        asked = {name for instance in instances for name in instance.properties}
        missing = [name for name in properties if name not in asked]
        if missing:
            raise UsageError(
                "SET018",
                f"property {missing[0]} does not apply to these settings;"
                " choose another generation or other bounds",
            )
    if safety:
        for instance in instances:
            instance.properties = {
                name: p for name, p in instance.properties.items() if p.kind is not Kind.LEADS_TO
            }
    if not instances:
        raise UsageError("SET019", "nothing to check: no model has this generation and this scope")
    for instance in instances:
        refuse_idle(instance)
    return instances


def _instance(
    model: Model, bounds: Mapping[str, int], generation: str | None, scope: str
) -> Instance:
    """Make the instance; the user's constants and conditions run here and may fail."""
    try:
        return model.instance(bounds, generation=generation, scope=scope)
    except SlotspecError:
        raise
    except Exception as error:
        raise UsageError(
            "SET015",
            f"model {model.name} cannot be set up with scope {scope} and {dict(bounds)}:"
            f" {type(error).__name__}: {error} {place_of(error)}",
        ) from error


def parse_bounds(settings: Iterable[str]) -> dict[str, int]:
    """Parse ``NAME=VALUE`` items as bounds.

    :raises UsageError: ``SET016`` for any other form.
    """
    bounds: dict[str, int] = {}
    for item in settings:
        name, equals, value = item.partition("=")
        try:
            if not name or not equals or not value.isascii() or "_" in value:
                raise ValueError
            bounds[name] = int(value)
        except ValueError:
            raise UsageError(
                "SET016", f"--set {item}: write NAME=NUMBER, as in --set requests=3"
            ) from None
    return bounds


def _generations(model: Model, wanted: Sequence[str], newest: bool) -> list[str | None]:
    if not model.generations:
        return [] if wanted else [None]
    versions = list(model.generations)
    if newest and not wanted:
        return [versions[-1]]
    return [v for v in versions if not wanted or v in wanted]


def left_out(instances: Sequence[Instance]) -> str:
    """The older generations and the scopes that a default run does not cover; may be empty."""
    models = dict.fromkeys(instance.model for instance in instances)
    older = {v for model in models for v in list(model.generations)[:-1]}
    parts = {
        "generations": ", ".join(sorted(older, key=lambda v: [int(n) for n in findall(r"\d+", v)])),
        "large scopes": _named_scopes(models, lambda scope: scope.large),
        "scopes that must be named": _named_scopes(models, lambda scope: scope.simulation_only),
    }
    return "; ".join(f"{kind} {names}" for kind, names in parts.items() if names)


def _named_scopes(models: Iterable[Model], wanted: Callable[[Scope], bool]) -> str:
    """The scopes of each model that are wanted, after its name; may be empty."""
    found = ((model, [s.name for s in model.scopes.values() if wanted(s)]) for model in models)
    return ", ".join(f"{model.name} ({', '.join(names)})" for model, names in found if names)


def _scopes(
    model: Model, wanted: Sequence[str], bounds: object, simulation_only: bool, newest: bool
) -> list[str]:
    if wanted:
        return [name for name in model.scopes if name in wanted]
    endless = [scope.name for scope in model.scopes.values() if scope.simulation_only]
    finite = [name for name in model.scopes if name not in endless]
    if simulation_only:
        return (endless or finite)[:1]
    if bounds:
        return finite[:1]
    return [name for name in finite if not (newest and model.scopes[name].large)]


def _known(what: str, wanted: Iterable[str], known: Sequence[str], code: str) -> None:
    for name in wanted:
        if name not in known:
            raise UsageError(code, f"no {what} {name!r}; {suggest(name, known)}")
