"""What a command line asks to be run: models, generations, scopes, bounds, properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from slotspec.cli.modules import find_model
from slotspec.models import MODELS
from slotspec.statemachine.declaration.model import Instance, Model
from slotspec.statemachine.errors import SlotspecError, UsageError
from slotspec.statemachine.interpreter.stepping import place_of


def plan(
    names: Sequence[str],
    generations: Sequence[str] = (),
    scopes: Sequence[str] = (),
    settings: Sequence[str] = (),
    properties: Sequence[str] = (),
    *,
    simulation_only: bool = False,
) -> list[Instance]:
    """Every instance to check, in order of model, generation, scope.

    Without `names` all built-in models; without `generations` and `scopes` all of each
    model's, except that bounds given by `settings` (``NAME=VALUE``) start from its first
    scope alone. A scope too large to be searched through is left out unless it is named; with
    `simulation_only` it is the one that is taken.

    :raises UsageError: a name that nothing has (``SET001`` to ``SET019``).
    """
    bounds = parse_bounds(settings)
    models = [find_model(name) for name in names or MODELS]
    _known("generation", generations, [v for m in models for v in m.generations], "SET004")
    _known("scope", scopes, [name for m in models for name in m.scopes], "SET003")
    _known("property", properties, [name for m in models for name in m.properties], "SET017")
    _known("bound", bounds, [name for m in models for name in m.bounds], "SET001")
    instances: list[Instance] = []
    for model in models:
        for version in _generations(model, generations):
            for scope in _scopes(model, scopes, bounds, simulation_only):
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
                f"property {missing[0]} says nothing about these settings;"
                " choose another generation or other bounds",
            )
    if not instances:
        raise UsageError("SET019", "nothing to check: no model has this generation and this scope")
    return instances


def _instance(
    model: Model, bounds: Mapping[str, int], generation: str | None, scope: str
) -> Instance:
    """The instance; its constants and conditions are the user's own functions and may fail."""
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
    """``NAME=VALUE`` items as bounds.

    :raises UsageError: ``SET016`` for any other form.
    """
    bounds: dict[str, int] = {}
    for item in settings:
        name, equals, value = item.partition("=")
        try:
            if not name or not equals:
                raise ValueError
            bounds[name] = int(value)
        except ValueError:
            raise UsageError(
                "SET016", f"--set {item}: write NAME=NUMBER, as in --set requests=3"
            ) from None
    return bounds


def _generations(model: Model, wanted: Sequence[str]) -> list[str | None]:
    if not model.generations:
        return [] if wanted else [None]
    return [v for v in model.generations if not wanted or v in wanted]


def _scopes(
    model: Model, wanted: Sequence[str], bounds: object, simulation_only: bool
) -> list[str]:
    if wanted:
        return [name for name in model.scopes if name in wanted]
    large = [scope.name for scope in model.scopes.values() if scope.simulation_only]
    small = [name for name in model.scopes if name not in large]
    if simulation_only:
        return (large or small)[:1]
    return small[:1] if bounds else small


def _known(what: str, wanted: Iterable[str], known: Sequence[str], code: str) -> None:
    for name in wanted:
        if name in known:
            continue
        there = list(dict.fromkeys(known))
        near = get_close_matches(name, there, n=3, cutoff=0.5)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        else:
            hint = f"there is {', '.join(there)}" if there else "there is none"
        raise UsageError(code, f"no {what} {name!r}; {hint}")
