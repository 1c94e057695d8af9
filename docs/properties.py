"""Write docs/properties.md from the declarations: ``python docs/properties.py``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from slotspec.models import MODELS, load_model
from slotspec.statemachine import Instance, Model, Property

TARGET = Path(__file__).with_suffix(".md")

HEAD = """# Properties

docs/properties.py writes this page from the declarations; do not edit it. An `always` property
holds in every reachable state, a `step` property in every step, and a `sometimes` property in at
least one reachable state. A `leads to` property says that one condition eventually leads to another
([liveness](liveness.md)). The source names the place in Flink that a property is about. If a
property has an allowed deviation, a check reports its violation as a known deviation of Flink and
does not fail.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(load_model(name)) for name in MODELS)])


def section(model: Model) -> str:
    """One model's part of the page."""
    parts = [f"## {model.name}", model.description]
    parts += [entry(model, declared) for declared in model.properties.values()]
    return "\n\n".join(parts) + "\n"


def entry(model: Model, declared: Property) -> str:
    """One property."""
    lines = [
        f"### {declared.name}",
        f"{declared.description}\n\n- kind: {declared.kind.value}",
        f"- source: {declared.source}",
    ]
    if declared.to is not None:
        each = f", for each of {', '.join(declared.parameters)}" if declared.parameters else ""
        lines.append(f"- leads to: `{declared.to.__name__}`{each}")
    lines += [
        f"- allowed deviation in {where}: {why}" for why, where in deviations(model, declared)
    ]
    return f"{lines[0]}\n\n" + "\n".join(lines[1:])


def deviations(model: Model, declared: Property) -> list[tuple[str, str]]:
    """Each reason why Flink may break the property, with the runs in which it may."""
    found: dict[str, dict[str, list[str]]] = {}
    for instance in instances(model) if declared.deviation is not None else []:
        reason = declared.deviation(instance.setting)  # type: ignore[misc]
        if declared.name in instance.properties and reason is not None:
            versions = found.setdefault(reason, {})
            versions.setdefault(instance.generation or "", []).append(instance.scope)
    return [(reason, where(model, versions)) for reason, versions in found.items()]


@cache
def instances(model: Model) -> list[Instance]:
    """The model at each generation and scope."""
    return [
        model.instance(generation=version, scope=scope)
        for version in model.generations or [None]
        for scope in model.scopes
    ]


def where(model: Model, versions: dict[str, list[str]]) -> str:
    """Generations with their scopes; the scopes are left out where it is all of them."""
    together: dict[str, list[str]] = {}
    for version, scopes in versions.items():
        named = "" if len(scopes) == len(model.scopes) else f" ({', '.join(scopes)})"
        together.setdefault(named, []).append(version)
    return "; ".join((", ".join(v) + named).strip() for named, v in together.items()) or "it"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
