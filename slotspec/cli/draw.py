"""``slotspec draw``: lifecycles, traces, compositions, state graphs, as pictures or text."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.diagrams.formats import ENDINGS, Format
from slotspec.statemachine.errors import UsageError

if TYPE_CHECKING:
    from slotspec.diagrams.description import Diagram
    from slotspec.statemachine.declaration.model import Instance, Model
    from slotspec.statemachine.results import Finding

TRACES = (".jsonl", ".jsonl.gz")
"""How the file of a trace ends."""
SEARCHED = 200_000
"""States in which a property's trace is looked for, where nothing else is said."""


class Kind(StrEnum):
    """What of a model can be drawn."""

    lifecycles = "lifecycles"
    matrix = "matrix"
    composition = "composition"
    messages = "messages"
    states = "states"
    trace = "trace"
    difference = "difference"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("draw")(draw)


def draw(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHAT]",
            help="A model (a name, or file.py[:attribute]), a lifecycle, a trace file, or gallery.",
            show_default="slot_pool",
        ),
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option(
            help="Of a model: its lifecycles, the matrix of operations and events, the same as"
            " a picture, who sends what to whom, its state graph, a property's trace, or how two"
            " generations differ."
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: what FILE's ending says, else svg."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where to write (gallery: a folder); default: stdout."),
    ] = None,
    generation: Annotated[
        list[str] | None,
        typer.Option(metavar="V", help="Such as 1.12; twice for a difference."),
    ] = None,
    scope: Annotated[str | None, typer.Option(metavar="NAME", help="Bounds by name.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=N", help="A bound of your own; repeatable."),
    ] = None,
    prop: Annotated[
        str | None,
        typer.Option("--property", metavar="NAME", help="Whose trace to draw, or to mark."),
    ] = None,
    bug: Annotated[
        str | None,
        typer.Option(metavar="ISSUE", help="The trace to this known bug, such as FLINK-8934."),
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Check first, and paint what was fired.")
    ] = False,
    events: Annotated[
        bool, typer.Option("--events", help="Say on each edge which operations fire it.")
    ] = False,
    symmetry: Annotated[
        bool, typer.Option("--symmetry/--no-symmetry", help="Collapse states that differ by names.")
    ] = True,
    max_states: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Of a state graph or a search.")
    ] = None,
) -> None:
    """Draw lifecycles, a trace as a sequence diagram, a state graph, the composition.

    Without WHAT the lifecycles of the slot pool. SVG and PNG need no Graphviz on the machine.
    """
    if bug is not None:
        _refuse_for(
            "a known bug",
            WHAT=what,
            kind=kind,
            generation=generation,
            scope=scope,
            property=prop,
            coverage=coverage,
            events=events,
        )
        _draw_bug(bug, settings or [], max_states, form, out)
        return
    what = what or "slot_pool"
    if what == "gallery":
        _refuse_for("the gallery", kind=kind, format=form, property=prop, scope=scope)
        _gallery(out)
        return
    chosen = form or _format_of(out)
    lower = what.lower()
    if lower.endswith(TRACES):
        _refuse_for("a trace file", kind=kind, property=prop, scope=scope, set=settings)
        diagram = _trace(what, generation or [])
    else:
        diagram = _of_model(
            what,
            kind,
            generation or [],
            scope,
            settings or [],
            prop,
            (coverage, events, symmetry),
            max_states,
        )
    _render(diagram, chosen, out)


def _render(diagram: Diagram, form: Format, out: str | None) -> None:
    from slotspec.diagrams.formats import render

    drawn = render(diagram, form)
    if out is None and isinstance(drawn, bytes) and sys.stdout.isatty():
        raise UsageError("SET053", "a PNG is not for a terminal; give a file with --out")
    _write(out, drawn)


def _draw_bug(
    issue: str, settings: list[str], max_states: int | None, form: Format | None, out: str | None
) -> None:
    """The trace that a check of the known bug finds, as a sequence diagram."""
    from slotspec.cli.bugs import plan_bugs, search
    from slotspec.diagrams.sequences import of_finding, of_property

    chosen = form or _format_of(out)
    if issue.lower() == "all":
        raise UsageError("SET054", "draw one known bug at a time; slotspec list bugs shows all")
    instance = plan_bugs([issue], settings=settings)[0]
    bug, finding = search(instance, max_states or SEARCHED)
    declared = instance.properties.get(bug.property)
    drawn = of_property(instance, declared, finding) if declared else of_finding(instance, finding)
    _render(drawn, chosen, out)


def _refuse_for(what: str, **options: object) -> None:
    """Complain about options that have no meaning here."""
    for name, value in options.items():
        if value:
            raise UsageError("SET054", f"--{name} means nothing for {what}; leave it out")


def _format_of(out: str | None) -> Format:
    if out is None:
        return Format.svg
    ending = Path(out).suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            "SET055",
            f"the ending of {out} names no format; use {', '.join(ENDINGS)}, or --format",
        )
    return ENDINGS[ending]


def _write(out: str | None, drawn: str | bytes) -> None:
    if out is None or out == "-":
        if isinstance(drawn, bytes):
            sys.stdout.buffer.write(drawn)
        else:
            sys.stdout.write(drawn)
        return
    try:
        Path(out).write_bytes(drawn if isinstance(drawn, bytes) else drawn.encode("utf-8"))
    except OSError as error:
        raise UsageError("SET026", f"{out} cannot be written: {error.strerror}") from error


def _gallery(out: str | None) -> None:
    from slotspec.diagrams.gallery import write_gallery

    folder = Path(out or "diagrams")
    try:
        count = write_gallery(folder)
    except OSError as error:
        raise UsageError("SET026", f"{folder} cannot be written: {error.strerror}") from error
    typer.echo(f"{count} files in {folder}")


def _trace(path: str, generations: list[str]) -> Diagram:
    from slotspec.diagrams.sequences import of_finding, of_trace
    from slotspec.oracle.conformance.steps import finding_of, is_steps

    if len(generations) > 1:
        raise UsageError("SET054", "hold a trace against one generation, not several")
    if is_steps(path):
        instance, finding = finding_of(path, generations[0] if generations else None)
        return of_finding(instance, finding, f"{Path(path).name}: {instance.title}")
    return of_trace(path, generations[0] if generations else None)


def _of_model(
    what: str,
    kind: Kind | None,
    generations: list[str],
    scope: str | None,
    settings: list[str],
    prop: str | None,
    flags: tuple[bool, bool, bool],
    max_states: int | None,
) -> Diagram:
    from slotspec.cli.plan import parse_bounds

    coverage, events, symmetry = flags
    model, lifecycle = _model_or_lifecycle(what)
    chosen = kind or (Kind.trace if prop else Kind.lifecycles)
    if lifecycle and chosen is not Kind.lifecycles:
        raise UsageError("SET054", f"--kind {chosen} is for a model, {what} is a lifecycle")
    if chosen is Kind.difference:
        _refuse_for("a difference", scope=scope, set=settings, property=prop)
        if len(generations) != 2:
            raise UsageError("SET056", "a difference needs --generation twice, as 1.11 and 1.13")
        from slotspec.diagrams.differences import difference

        return difference(model, generations[0], generations[1])
    if len(generations) > 1:
        raise UsageError("SET056", f"give one --generation for {chosen}, not {len(generations)}")
    if chosen is not Kind.lifecycles and (coverage or events):
        raise UsageError("SET054", "--coverage and --events are for lifecycles")
    if coverage and events:
        raise UsageError("SET054", "choose --coverage or --events: both do not fit on an edge")
    if prop and chosen not in (Kind.trace, Kind.states):
        raise UsageError("SET054", f"--property means nothing for {chosen}; leave it out")
    version = generations[0] if generations else None
    bounds = parse_bounds(settings)
    if chosen is Kind.lifecycles:
        return _lifecycles(model, lifecycle, version, scope, bounds, coverage, events, max_states)
    if chosen in (Kind.matrix, Kind.composition):
        from slotspec.diagrams.composition import matrix, observe, web

        given = [model.instance(bounds, generation=version, scope=scope)] if scope or bounds else []
        seen = observe(model, version, instances=given)
        return matrix(seen) if chosen is Kind.matrix else web(seen)
    if chosen is Kind.messages:
        from slotspec.diagrams.networks import network

        some = [s.name for s in model.scopes.values() if not s.simulation_only]
        names = [scope] if scope else some[:1] if bounds else some
        return network([model.instance(bounds, generation=version, scope=name) for name in names])
    instance = model.instance(bounds, generation=version, scope=scope)
    if chosen is Kind.trace and prop is None:
        raise UsageError("SET057", "whose trace? Name a property with --property")
    finding = _finding(instance, prop, max_states) if prop else None
    if chosen is Kind.states:
        from slotspec.diagrams.stategraphs import MOST_STATES, state_graph

        return state_graph(
            instance, most=max_states or MOST_STATES, symmetry=symmetry, path=finding
        )
    from slotspec.diagrams.sequences import of_property

    assert finding is not None
    return of_property(instance, instance.properties[prop or ""], finding)


def _model_or_lifecycle(what: str) -> tuple[Model, str | None]:
    """The model called `what`, or that which has a lifecycle called so."""
    from slotspec.cli.modules import find_model
    from slotspec.diagrams.lifecycles import lifecycles_of
    from slotspec.models import MODELS, load_model

    if what in MODELS or ".py" in what:
        return find_model(what), None
    known: list[str] = []
    for name in MODELS:
        model = load_model(name)
        names = [lifecycle.__name__ for lifecycle in lifecycles_of(model)]
        if what in names:
            return model, what
        known += [one for one in names if one not in known]
    raise UsageError(
        "SET058",
        f"nothing is called {what!r}; models: {', '.join(MODELS)}; lifecycles:"
        f" {', '.join(known)}; a trace ends in .jsonl or .jsonl.gz",
    )


def _lifecycles(
    model: Model,
    lifecycle: str | None,
    version: str | None,
    scope: str | None,
    bounds: dict[str, int],
    coverage: bool,
    events: bool,
    max_states: int | None,
) -> Diagram:
    from dataclasses import replace

    from slotspec.diagrams.lifecycles import lifecycles_of, painted, plain

    if coverage:
        from slotspec.statemachine.check import check
        from slotspec.statemachine.results import Limits

        names = [s.name for s in model.scopes.values() if not s.simulation_only]
        if scope:
            names = [scope]
        elif bounds:
            names = names[:1]
        results = [
            check(
                model.instance(bounds, generation=version, scope=name),
                limits=Limits(states=max_states),
            )
            for name in names
        ]
        charts = painted(results)
    elif events:
        from slotspec.diagrams.composition import explained, observe

        given = [model.instance(bounds, generation=version, scope=scope)] if scope or bounds else []
        charts = explained(observe(model, version, instances=given))
    else:
        if version or scope or bounds:
            raise UsageError(
                "SET054",
                "lifecycles are declared once for all generations and bounds;"
                " leave these out, or add --coverage or --events",
            )
        charts = plain(model.name, lifecycles_of(model))
    if lifecycle is None:
        return charts
    return replace(charts, charts=tuple(c for c in charts.charts if c.name == lifecycle))


def _finding(instance: Instance, prop: str, max_states: int | None) -> Finding:
    from slotspec.statemachine.check import check
    from slotspec.statemachine.results import Limits

    if prop not in instance.properties:
        known = ", ".join(instance.properties)
        raise UsageError("SET017", f"{instance.title} has no property {prop!r}; it has {known}")
    instance.properties = {prop: instance.properties[prop]}
    result = check(instance, limits=Limits(states=max_states or SEARCHED))
    found = result.properties[0]
    if found.finding is None:
        raise UsageError(
            "SET059",
            f"no trace of {prop} in {result.states:,} states of {instance.title}:"
            f" {found.verdict.value}{f', {found.reason}' if found.reason else ''};"
            " try another scope, or a larger --max-states",
        )
    return found.finding
