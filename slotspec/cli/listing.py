"""``slotspec list``: models, known bugs, findings, and what each model declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli.findings import FINDINGS
from slotspec.statemachine.declaration.model import Model

if TYPE_CHECKING:
    from slotspec.cli.output import Output


class Listing(StrEnum):
    """What can be listed."""

    models = "models"
    generations = "generations"
    scopes = "scopes"
    bounds = "bounds"
    operations = "operations"
    actions = "actions"
    properties = "properties"
    lifecycles = "lifecycles"
    bugs = "bugs"
    findings = "findings"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("list")(list_)


def list_(
    what: Annotated[Listing, typer.Argument(help="What to list.")] = Listing.models,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL", help="List this model only: built-in, or file.py[:attribute]."
        ),
    ] = None,
) -> None:
    """List models, known bugs, findings in today's Flink, and what a model declares."""
    from slotspec.cli.output import Output
    from slotspec.models import MODELS
    from slotspec.models.files import load_model as find_model

    out = Output()
    if what is Listing.models and not model:
        out.table(("model", "what it is"), [(e.name, e.description) for e in MODELS.values()])
        return
    if what is Listing.bugs and not model:
        all_bugs(out)
        return
    if what is Listing.findings and not model:
        out.table(*_findings(FINDINGS))
        return
    for name in model or MODELS:
        found = find_model(name)
        out.line(f"{found.name}: {found.description}", "bold")
        headers, rows = TABLES[what](found)
        out.table(headers, rows)
        out.line()


def all_bugs(out: Output) -> None:
    """Print every known bug, ordered by issue number."""
    from slotspec.bugs import known_bugs

    rows = [
        (bug.issue, bug.model, bug.property, str(bug.length), bug.description)
        for bug in known_bugs().values()
    ]
    headers = ("bug", "model", "breaks", "length", "what goes wrong")
    out.table(headers, rows, ("length",))


Rows = tuple[Sequence[str], Sequence[Sequence[str]]]


def models(model: Model) -> Rows:
    return ("part", "number"), [
        ("generations", str(len(model.generations))),
        ("scopes", str(len(model.scopes))),
        ("operations", str(len(model.operations))),
        ("actions", str(len(model.actions))),
        ("properties", str(len(model.properties))),
    ]


def generations(model: Model) -> Rows:
    names = list(dict.fromkeys(c for choices in model.generations.values() for c in choices))
    rows = [
        (name, *(_choice(choices.get(name)) for choices in model.generations.values()))
        for name in names
    ]
    return ("choice", *model.generations), rows


def _choice(value: object) -> str:
    return value.name if isinstance(value, Enum) else str(value)


def scopes(model: Model) -> Rows:
    rows = [
        (scope.name, ", ".join(f"{n}={v}" for n, v in scope.bounds.items()), scope.description)
        for scope in model.scopes.values()
    ]
    return ("scope", "bounds", "why"), rows


def bounds(model: Model) -> Rows:
    rows = [
        (b.name, f"{b.minimum} to {b.maximum}", str(b.default), b.description)
        for b in model.bounds.values()
    ]
    return ("bound", "range", "default", "what it is"), rows


def operations(model: Model) -> Rows:
    return ("operation", "what it does"), [
        (o.name, o.description) for o in model.operations.values()
    ]


def actions(model: Model) -> Rows:
    rows = [(a.name, ", ".join(a.parameters), a.description) for a in model.actions.values()]
    return ("action", "parameters", "what happens"), rows


def properties(model: Model) -> Rows:
    rows = [(p.name, p.kind.value, p.description, p.source) for p in model.properties.values()]
    return ("property", "kind", "what holds", "source"), rows


def lifecycles(model: Model) -> Rows:
    from slotspec.diagrams.lifecycles import lifecycles_of

    rows = [
        (
            lifecycle.__name__,
            move.source.name,
            move.event.name,
            move.target.name,
            move.event.description,
        )
        for lifecycle in lifecycles_of(model)
        for move in lifecycle.transitions
    ]
    return ("lifecycle", "from", "event", "to", "what happens"), rows


def bugs(model: Model) -> Rows:
    from slotspec.bugs import known_bugs

    rows = [
        (bug.issue, bug.property, str(bug.length), bug.generation or "", bug.description)
        for bug in known_bugs().values()
        if bug.model == model.name
    ]
    return ("bug", "breaks", "length", "generation", "what goes wrong"), rows


def findings(model: Model) -> Rows:
    return _findings(
        [name for name, (_, check) in FINDINGS.items() if check.split()[0] == model.name]
    )


def _findings(names: Iterable[str]) -> Rows:
    rows = [(name, FINDINGS[name][0], f"slotspec check {FINDINGS[name][1]}") for name in names]
    return ("finding", "what goes wrong", "how to see it"), rows


TABLES = {
    Listing.models: models,
    Listing.generations: generations,
    Listing.scopes: scopes,
    Listing.bounds: bounds,
    Listing.operations: operations,
    Listing.actions: actions,
    Listing.properties: properties,
    Listing.lifecycles: lifecycles,
    Listing.bugs: bugs,
    Listing.findings: findings,
}
