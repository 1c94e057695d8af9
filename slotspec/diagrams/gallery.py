"""The gallery: diagrams of every built-in model with an index page; a test compares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from slotspec.diagrams.composition import composition, explained, matrix, observe
from slotspec.diagrams.description import Diagram
from slotspec.diagrams.differences import difference
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.lifecycles import lifecycles_of, plain
from slotspec.diagrams.networks import Traffic, network_of
from slotspec.diagrams.sequences import of_property
from slotspec.diagrams.stategraphs import state_graph
from slotspec.models import MODELS, load_model
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Instance, Model
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Finding, Limits

SUFFIX = {
    Format.svg: "svg",
    Format.png: "png",
    Format.dot: "dot",
    Format.mermaid: "mmd",
    Format.table: "md",
}
WITH_PNG = ("PhysicalSlot", "SlotRequest")
"""Lifecycles that the gallery also has as PNG, for readers that show no SVG."""


@dataclass(frozen=True)
class ShownTrace:
    """A trace of the gallery: the shortest of a property, in a scope that has one."""

    model: str
    generation: str
    scope: str
    property: str
    bounds: Mapping[str, int] = field(default_factory=dict)


LOSS = {"slots_per_task_manager": 1, "parallelism": 1, "allocations": 2, "losses": 1}
"""The smallest cluster in which a message can be lost."""
TRACES = (
    ShownTrace("slot_pool", "1.12", "matching", "no_request_is_forgotten"),
    ShownTrace("slot_pool", "1.12", "matching", "a_request_is_served_by_anothers_slot"),
    ShownTrace("slot_pool", "1.12", "reuse", "no_allocation_is_orphaned"),
    ShownTrace("slot_pool", "1.12", "reuse", "a_slot_leaks"),
    ShownTrace("slot_manager", "1.13", "workers", "no_request_waits_beside_an_expected_slot"),
    ShownTrace("task_slot_table", "1.13", "tasks", "every_task_can_be_removed"),
    ShownTrace("logical_slot", "1.13", "faults", "release_ends_the_slot"),
    ShownTrace("slot_sharing", "1.12", "payloads", "a_logical_slot_waits_for_its_payload"),
    ShownTrace("slot_sharing_allocator", "2.3", "bulks", "a_check_does_not_raise"),
    ShownTrace("declarative_slot_pool", "2.3", "idle", "what_is_required_is_needed"),
    ShownTrace(
        "declarative_slot_pool", "2.3", "core", "another_slot_of_a_held_allocation_is_refused"
    ),
    ShownTrace("cluster", "1.13", "losses", "a_loss_is_overcome", LOSS),
)
FAULTS = {
    "task_managers": 2,
    "slots_per_task_manager": 1,
    "parallelism": 1,
    "allocations": 3,
    "losses": 2,
    "repeats": 1,
    "crashes": 1,
    "leader_changes": 1,
    "failovers": 1,
    "early_timeouts": 2,
}
"""The bounds for the walks that find the cluster's operations and messages."""
STATE_LIMITS = (400, 3_000, 12_000)
"""Limits on states for these searches; each is tried until one finds the trace."""
WALKED = {"cluster": FAULTS, "declarative_cluster": {**FAULTS, "allocations": 4}}
"""Bounds of the instances whose steps are observed, of models that are too large otherwise."""

SMALL = {
    "task_managers": 1,
    "requests": 1,
    "request_ids": 1,
    "foreign_allocations": 0,
    "profiles": 1,
}
"""Bounds of the slot pool's state graph."""
FEW = 14
"""States in the slot pool's state graph."""


@dataclass(frozen=True)
class Picture:
    """One diagram in some formats, under a name without a suffix."""

    name: str
    title: str
    diagram: Diagram
    formats: tuple[Format, ...]

    def files(self) -> Iterator[tuple[str, bytes]]:
        for form in self.formats:
            drawn = render(self.diagram, form)
            content = drawn if isinstance(drawn, bytes) else drawn.encode("utf-8")
            yield f"{self.name}.{SUFFIX[form]}", content


INTRODUCTION = """\
# Gallery

`slotspec draw gallery` draws these diagrams from the declarations. SVG follows the light\
 or dark mode of the reader; each picture links its other formats.
"""


def gallery() -> dict[str, bytes]:
    """Path -> content of every file of the gallery."""
    files: dict[str, bytes] = {}
    page = [INTRODUCTION]
    for name in MODELS:
        section, made = drawn(load_model(name))
        page.append(section)
        files.update(made)
    return {**files, "README.md": "\n".join(page).encode("utf-8")}


def drawn(model: Model) -> tuple[str, dict[str, bytes]]:
    """The section of one model on the gallery's page, and its files: path -> content."""
    files: dict[str, bytes] = {}
    section = [f"## {model.name}\n", f"{model.description}\n"]
    for picture in pictures(model):
        made = dict(picture.files())
        files.update(made)
        others = ", ".join(
            f"[{file.rpartition('.')[2]}]({file})" for file in made if not file.endswith("svg")
        )
        section.append(f"### {picture.title}\n")
        section.append(f"![{picture.title}]({picture.name}.svg)\n")
        section.append(f"{others}\n")
    return "\n".join(section), files


def pictures(model: Model) -> Iterator[Picture]:
    """The diagrams of one model."""
    name = model.name
    newest = list(model.generations)[-1] if model.generations else None
    bounds = WALKED.get(name)
    walked = model.instance(bounds, generation=newest) if bounds else None
    traffic = Traffic(walked) if walked else None
    seen = observe(
        model,
        newest,
        instances=[walked] if walked else None,
        also=traffic.record if traffic else None,
    )
    picture, text = (Format.svg, Format.dot, Format.mermaid), Format.table
    yield Picture(
        f"{name}/lifecycles", "Lifecycles", plain(name, lifecycles_of(model)), (*picture, text)
    )
    for lifecycle in own_lifecycles(model):
        one = lifecycle.__name__
        more = (Format.png,) if one in WITH_PNG and name == "slot_pool" else ()
        yield Picture(f"{name}/{one}", one, plain(one, [lifecycle]), (*picture, text, *more))
        yield Picture(
            f"{name}/{one}-events",
            f"{one}, with the operations that fire its events",
            explained(seen, [one]),
            (Format.svg, text),
        )
    yield Picture(
        f"{name}/matrix", "Events that each operation fires", matrix(seen), (Format.svg, text)
    )
    if traffic:  # the cluster has too many operations for one picture; its messages fit
        yield Picture(
            f"{name}/messages",
            "Messages between processes",
            network_of([traffic], seen.steps),
            (*picture, text),
        )
    else:
        yield Picture(
            f"{name}/composition",
            "Composition: operations, lifecycles and effects",
            composition(seen),
            (*picture, text),
        )
    versions = list(model.generations)
    for first, second in pairwise(versions):
        yield Picture(
            f"{name}/difference-{first}-{second}",
            f"Difference between {first} and {second}",
            difference(model, first, second),
            (Format.svg, text),
        )
    for shown in TRACES:
        if shown.model == name:
            yield _trace(model, shown)
    if name == "slot_pool":
        yield _states(model)


def own_lifecycles(model: Model) -> tuple[type[Lifecycle], ...]:
    """The lifecycles of a model without those of its parts."""
    own = {spec.domain for spec in model.record.fields.values()}
    return tuple(one for one in lifecycles_of(model) if one in own)


def _trace(model: Model, shown: ShownTrace) -> Picture:
    instance = model.instance(shown.bounds, generation=shown.generation, scope=shown.scope)
    finding = found(instance, shown.property)
    diagram = of_property(instance, instance.properties[shown.property], finding)
    return Picture(
        f"{model.name}/trace-{shown.property}",
        f"Trace: {shown.property}",
        diagram,
        (Format.svg, Format.mermaid, Format.table),
    )


def _states(model: Model) -> Picture:
    instance = model.instance(SMALL, generation="1.12")
    finding = found(instance, "no_request_is_forgotten")
    title = "slot_pool 1.12, smallest bounds, with a forgotten request"
    return Picture(
        f"{model.name}/states",
        "First reachable states at the smallest bounds, with a counterexample marked",
        state_graph(instance, most=FEW, path=finding, title=title),
        (Format.svg, Format.dot, Format.mermaid, Format.table),
    )


def found(instance: Instance, name: str) -> Finding:
    """The shortest trace of a property.

    :raises LookupError: if there is none, because the property or scope is wrong.
    """
    kept = instance.properties
    if name not in kept:
        raise LookupError(f"the gallery shows {name}, which {instance.title} does not have")
    try:
        instance.properties = {name: kept[name]}
        for states in STATE_LIMITS:
            result = explore_interpreted(instance, Limits(states=states, until=name))
            finding = result.properties[0].finding
            if finding is not None:
                return finding
    finally:
        instance.properties = kept
    raise LookupError(f"no trace of {name} in {STATE_LIMITS[-1]} states of {instance.title}")


def write_gallery(folder: Path) -> int:
    """Write the gallery into `folder` and return the number of its files; others stay."""
    files = gallery()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return len(files)
