"""A model, or a model at fixed bounds, as a part of a page: its lifecycles, tables, first state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from html import escape
from itertools import count
from typing import Any

from slotspec.diagrams.description import Charts
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.lifecycles import chart, lifecycles_of, outermost
from slotspec.diagrams.report import apart, style, table
from slotspec.statemachine.declaration.model import Action, Instance, Model
from slotspec.statemachine.declaration.records import FieldSpec, Sort
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import TraceFormatter, formatter_of
from slotspec.statemachine.interpreter.stepping import Interpreter


def overview(shown: Model | Instance) -> str:
    """HTML: what a model declares, or the bounds of an instance and its initial state."""
    parts = _model(shown) if isinstance(shown, Model) else _instance(shown)
    return f'<style>{style()}</style><div class="slotspec">{"".join(parts)}</div>'


def _model(model: Model) -> Iterator[str]:
    yield f"<h3>{escape(model.name)}</h3><p>{escape(model.description)}</p>"
    yield _lifecycles(model)
    actions = ((_call(a), escape(a.description)) for a in model.actions.values())
    yield table(("action", "description"), actions)
    properties = (
        (_code(p.name), escape(p.kind.value), escape(p.description))
        for p in model.properties.values()
    )
    yield table(("property", "kind", "description"), properties)


def _lifecycles(model: Model) -> str:
    """Their pictures; nothing where none can be drawn."""
    pictures = count(1)
    drawn: list[str] = []
    with suppress(UsageError):
        for lifecycle in outermost(lifecycles_of(model)):
            charts = Charts(lifecycle.__name__, (chart(lifecycle),))
            drawn.append(apart(str(render(charts, Format.svg)), next(pictures)))
    return f'<div class="charts">{"".join(drawn)}</div>'


def _call(action: Action) -> str:
    of_sorts = (
        f"{name}: {domain.name}" if isinstance(domain, Sort) else name
        for name, domain in action.parameters.items()
    )
    return _code(f"{action.name}({', '.join(of_sorts)})")


def _instance(instance: Instance) -> Iterator[str]:
    bounds = ", ".join(f"{name}={value}" for name, value in instance.setting.bounds.items())
    yield f"<h3>{escape(instance.title)}</h3><p>{escape(bounds)}</p>"
    state, formatter = Interpreter(instance).snapshot(), formatter_of(instance)
    fields = instance.record.fields
    rows = (
        (
            _code(name),
            escape(_value(formatter, fields[name], value)),
            escape(fields[name].description),
        )
        for name, value in state.items()
    )
    yield table(("field", "at first", "description"), rows)


def _value(formatter: TraceFormatter, spec: FieldSpec, value: Any) -> str:
    """A value of the initial state; an array whose elements are alike as one of them."""
    if not isinstance(value, list):
        return formatter.value(spec.domain, value)
    texts = [formatter.value(spec.domain, one) for one in value]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{texts[0]} ({len(texts)} times)"
    return ", ".join(texts)


def _code(name: str) -> str:
    return f"<code>{escape(name)}</code>"
