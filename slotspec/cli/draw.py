"""``slotspec draw``: lifecycles, traces, compositions and state graphs, as pictures or text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli import options
from slotspec.cli.output import check_writable, write
from slotspec.diagrams.formats import SUFFIXES, Format
from slotspec.statemachine.errors import UsageError, suggest
from slotspec.statemachine.plurals import counted

if TYPE_CHECKING:
    from slotspec.diagrams.composition import Observed
    from slotspec.diagrams.description import Diagram
    from slotspec.statemachine.declaration.model import Instance, Model
    from slotspec.statemachine.results import Finding

TRACE_SUFFIXES = (".jsonl", ".jsonl.gz", ".itf.json")
MAX_STATES = 200_000
"""The default limit of the search for a trace."""


class DiagramKind(StrEnum):
    """The diagrams of a model."""

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
            metavar="WHAT",
            help="A model (a name, or file.py[:attribute]), a lifecycle, a trace file, or gallery.",
            show_default="the slot pool",
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FILE",
            help="The model of a lifecycle or trace file, if it is your own: file.py[:attribute].",
        ),
    ] = None,
    kind: Annotated[
        DiagramKind | None,
        typer.Option(
            help="What of a model to draw: its lifecycles, a table of the events that each"
            " operation fires, the same as a graph, the messages between its processes, its state"
            " graph, the trace of a property, or the difference between two generations."
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: the format of FILE's suffix, else svg."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write here (a folder for gallery); default: stdout."),
    ] = None,
    generation: Annotated[
        list[str] | None,
        typer.Option(metavar="V", help="A generation, such as 1.12; two for a difference."),
    ] = None,
    scope: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use the bounds of this scope.")
    ] = None,
    settings: options.Settings = None,
    prop: Annotated[
        str | None,
        typer.Option("--property", metavar="NAME", help="Draw or mark the trace of this property."),
    ] = None,
    bug: Annotated[
        str | None,
        typer.Option(metavar="ISSUE", help="Draw the trace to a known bug, such as FLINK-8934."),
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Check first, and colour the transitions that fired.")
    ] = False,
    events: Annotated[
        bool, typer.Option("--events", help="Label each edge with the operations that fire it.")
    ] = False,
    symmetry: Annotated[
        bool,
        typer.Option("--symmetry/--no-symmetry", help="Merge states that differ only by names."),
    ] = True,
    max_states: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Limit the state graph or the search to N states."),
    ] = None,
) -> None:
    """Draw lifecycles, a trace as a sequence diagram, a state graph, or a composition.

    Without WHAT it draws the lifecycles of the newest slot pool. SVG and PNG need no Graphviz.
    """
    if bug is not None:
        _reject_options(
            "a known bug",
            WHAT=what,
            model=of,
            kind=kind,
            generation=generation,
            scope=scope,
            property=prop,
            coverage=coverage,
            events=events,
        )
        _draw_bug(bug, settings or [], max_states, form, out)
        return
    if what is None:
        from slotspec.models.registry import slot_pool_of

        what = slot_pool_of()
    if what == "gallery":
        _reject_options(
            "the gallery",
            model=of,
            kind=kind,
            format=form,
            generation=generation,
            scope=scope,
            set=settings,
            property=prop,
            coverage=coverage,
            events=events,
            max_states=max_states,
        )
        _gallery(out)
        return
    check_writable(out)
    chosen = form or _format_of(out)
    lower = what.lower()
    if lower.endswith(TRACE_SUFFIXES) or _is_stream(what):
        _reject_options(
            "a trace file",
            kind=kind,
            property=prop,
            scope=scope,
            set=settings,
            coverage=coverage,
            events=events,
            max_states=max_states,
        )
        from slotspec.oracle.own.entry import class_of

        class_of(of)
        diagram = _trace(what, generation or [])
    else:
        if ".py" in what:
            _reject_options("a model, which WHAT names", model=of)
        diagram = _of_model(
            what,
            of,
            kind,
            generation or [],
            scope,
            settings or [],
            prop,
            (coverage, events, symmetry),
            max_states,
        )
    _render(diagram, chosen, out)


def _is_stream(what: str) -> bool:
    """Whether it names a pipe or standard input, from which a trace is read."""
    path = Path(what)
    return path.exists() and not path.is_file() and not path.is_dir()


def _render(diagram: Diagram, form: Format, out: str | None) -> None:
    from slotspec.diagrams.formats import render

    drawn = render(diagram, form)
    if out is None and isinstance(drawn, bytes) and sys.stdout.isatty():
        raise UsageError("SET053", "a PNG cannot be shown in a terminal; give a file with --out")
    write(out or "-", drawn)


def _draw_bug(
    issue: str, settings: list[str], max_states: int | None, form: Format | None, out: str | None
) -> None:
    """Draw the trace that a check of the known bug finds."""
    from slotspec.cli.bugs import plan_bugs, search
    from slotspec.diagrams.sequences import of_finding, of_property

    chosen = form or _format_of(out)
    if issue.lower() == "all":
        raise UsageError("SET054", "draw one known bug at a time; slotspec list bugs shows all")
    instance = plan_bugs([issue], settings=settings)[0]
    bug, finding = search(instance, max_states or MAX_STATES)
    declared = instance.properties.get(bug.property)
    drawn = of_property(instance, declared, finding) if declared else of_finding(instance, finding)
    _render(drawn, chosen, out)


def _reject_options(what: str, **options: object) -> None:
    """Reject options that do not apply.

    :raises UsageError: ``SET054`` for the first one that is set.
    """
    for name, value in options.items():
        if value:
            option = name.replace("_", "-")
            raise UsageError("SET054", f"--{option} does not apply to {what}; leave it out")


def _format_of(out: str | None) -> Format:
    if out is None:
        return Format.svg
    suffix = Path(out).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            "SET055",
            f"the suffix of {out} names no format; use {', '.join(SUFFIXES)}, or --format",
        )
    return SUFFIXES[suffix]


def _gallery(out: str | None) -> None:
    from slotspec.diagrams.gallery import write_gallery

    folder = Path(out or "diagrams")
    try:
        count = write_gallery(folder)
    except OSError as error:
        raise UsageError(
            "SET026", f"{folder} cannot be written: {error.strerror}; choose another folder"
        ) from error
    typer.echo(f"{counted(count, 'file')} in {folder}")


def _trace(path: str, generations: list[str]) -> Diagram:
    from slotspec.diagrams.sequences import of_finding, of_trace
    from slotspec.oracle.conformance.steps import finding_of, is_steps

    if len(generations) > 1:
        raise UsageError("SET054", "compare a trace with one generation, not several")
    if is_steps(path):
        instance, finding = finding_of(path, generations[0] if generations else None)
        return of_finding(instance, finding, f"{Path(path).name}: {instance.title}")
    return of_trace(path, generations[0] if generations else None)


@dataclass(frozen=True)
class _Subject:
    """What to draw of a model, and at which settings.

    :param lifecycle: draw this lifecycle only.
    :param max_states: the limit of a state graph or a search; None: the default of each.
    """

    model: Model
    lifecycle: str | None
    generation: str | None
    scope: str | None
    bounds: dict[str, int]
    property: str | None
    coverage: bool
    events: bool
    symmetry: bool
    max_states: int | None

    def instance(self, scope: str | None = None) -> Instance:
        return self.model.instance(
            self.bounds, generation=self.generation, scope=scope or self.scope
        )

    def instances(self) -> list[Instance]:
        """Each scope that can be searched; with bounds the first one; the scope if given."""
        names = [s.name for s in self.model.scopes.values() if not s.simulation_only]
        names = [self.scope] if self.scope else names[:1] if self.bounds else names
        return [self.instance(name) for name in names]

    def observed(self) -> Observed:
        """What random walks through the model fire, at its settings or in every scope."""
        from slotspec.diagrams.composition import observe

        own = [self.instance()] if self.scope or self.bounds else None
        return observe(self.model, self.generation, instances=own)


def _of_model(
    what: str,
    of: str | None,
    kind: DiagramKind | None,
    generations: list[str],
    scope: str | None,
    settings: list[str],
    prop: str | None,
    flags: tuple[bool, bool, bool],
    max_states: int | None,
) -> Diagram:
    from slotspec.cli.plan import parse_bounds

    coverage, events, _ = flags
    model, lifecycle = _model_or_lifecycle(what, of)
    chosen = kind or (DiagramKind.trace if prop else DiagramKind.lifecycles)
    if lifecycle and chosen is not DiagramKind.lifecycles:
        raise UsageError("SET054", f"--kind {chosen} is for a model, but {what} is a lifecycle")
    if chosen is DiagramKind.difference:
        _reject_options("a difference", scope=scope, set=settings, property=prop)
        if len(generations) != 2:
            raise UsageError("SET056", "a difference needs two --generation, such as 1.11 and 1.13")
        from slotspec.diagrams.differences import difference

        return difference(model, generations[0], generations[1])
    if len(generations) > 1:
        raise UsageError("SET056", f"give one --generation for {chosen}, not {len(generations)}")
    if chosen is not DiagramKind.lifecycles and (coverage or events):
        raise UsageError("SET054", "--coverage and --events are for lifecycles")
    if coverage and events:
        raise UsageError("SET054", "choose --coverage or --events; an edge has no room for both")
    if prop and chosen not in (DiagramKind.trace, DiagramKind.states):
        raise UsageError("SET054", f"--property does not apply to {chosen}; leave it out")
    version = generations[0] if generations else None
    bounds = parse_bounds(settings)
    subject = _Subject(model, lifecycle, version, scope, bounds, prop, *flags, max_states)
    return _DIAGRAMS[chosen](subject)


def _model_or_lifecycle(what: str, of: str | None = None) -> tuple[Model, str | None]:
    """The model called `what`, or the model with the lifecycle called `what`.

    :param of: the only model to look for the lifecycle in; by default, all built-in ones.
    """
    from slotspec.diagrams.lifecycles import lifecycles_of
    from slotspec.models import MODELS, load_model
    from slotspec.models.files import load_model as find_model

    if of is not None:
        only = find_model(of)
        there = [lifecycle.__name__ for lifecycle in lifecycles_of(only)]
        if what not in there:
            raise UsageError("SET058", f"{of} has no lifecycle {what!r}; {suggest(what, there)}")
        return only, what
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
        f" {', '.join(known)}; a trace ends in .jsonl, .jsonl.gz or .itf.json",
    )


def _lifecycles(subject: _Subject) -> Diagram:
    from slotspec.diagrams.lifecycles import lifecycles_of, painted, plain

    if subject.coverage:
        from slotspec.statemachine.check import check
        from slotspec.statemachine.results import Limits

        limits = Limits(states=subject.max_states)
        charts = painted([check(one, limits=limits) for one in subject.instances()])
    elif subject.events:
        from slotspec.diagrams.composition import explained

        charts = explained(subject.observed())
    else:
        if subject.generation or subject.scope or subject.bounds:
            raise UsageError(
                "SET054",
                "lifecycles are the same for all generations and bounds;"
                " leave these options out, or add --coverage or --events",
            )
        charts = plain(subject.model.name, lifecycles_of(subject.model))
    if subject.lifecycle is None:
        return charts
    only = tuple(chart for chart in charts.charts if chart.name == subject.lifecycle)
    return replace(charts, charts=only)


def _matrix(subject: _Subject) -> Diagram:
    from slotspec.diagrams.composition import matrix

    return matrix(subject.observed())


def _composition(subject: _Subject) -> Diagram:
    from slotspec.diagrams.composition import composition

    return composition(subject.observed())


def _messages(subject: _Subject) -> Diagram:
    from slotspec.diagrams.networks import network

    return network(subject.instances())


def _states(subject: _Subject) -> Diagram:
    from slotspec.diagrams.stategraphs import MOST_STATES, state_graph

    instance = subject.instance()
    path = _finding(instance, subject.property, subject.max_states) if subject.property else None
    most = subject.max_states or MOST_STATES
    return state_graph(instance, most=most, symmetry=subject.symmetry, path=path)


def _property_trace(subject: _Subject) -> Diagram:
    from slotspec.diagrams.sequences import of_property

    instance = subject.instance()
    if subject.property is None:
        raise UsageError("SET057", "name the property to trace with --property")
    finding = _finding(instance, subject.property, subject.max_states)
    return of_property(instance, instance.properties[subject.property], finding)


_DIAGRAMS: dict[DiagramKind, Callable[[_Subject], Diagram]] = {
    DiagramKind.lifecycles: _lifecycles,
    DiagramKind.matrix: _matrix,
    DiagramKind.composition: _composition,
    DiagramKind.messages: _messages,
    DiagramKind.states: _states,
    DiagramKind.trace: _property_trace,
}


def _finding(instance: Instance, prop: str, max_states: int | None) -> Finding:
    from slotspec.statemachine.check import check
    from slotspec.statemachine.results import Limits

    if prop not in instance.properties:
        known = suggest(prop, instance.properties)
        raise UsageError("SET017", f"{instance.title} has no property {prop!r}; {known}")
    instance.properties = {prop: instance.properties[prop]}
    result = check(instance, limits=Limits(states=max_states or MAX_STATES))
    found = result.properties[0]
    if found.finding is None:
        raise UsageError(
            "SET059",
            f"no trace of {prop} in {result.states:,} states of {instance.title}:"
            f" {found.verdict.value}{f', {found.reason}' if found.reason else ''};"
            " try another scope, or a larger --max-states",
        )
    return found.finding
