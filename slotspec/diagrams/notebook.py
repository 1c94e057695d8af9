"""The display of lifecycles, models, traces and results in notebooks."""

from __future__ import annotations

from contextlib import suppress

from slotspec.diagrams.description import Charts, Sequence
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.lifecycles import plain
from slotspec.diagrams.sequences import of_finding, of_property
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Instance, Model
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Finding, PropertyResult, Result


def bundle(shown: object) -> dict[str, str]:
    """Media type -> form of `shown`."""
    found = {"text/plain": repr(shown)}
    if isinstance(shown, Result):
        from slotspec.diagrams.report import fragment

        found["text/plain"] = f"{shown.instance.title}: {shown.verdict.value}"
        found["text/html"] = fragment([shown])
        return found
    if isinstance(shown, Model | Instance):
        from slotspec.diagrams.overview import overview

        found["text/html"] = overview(shown)
        return found
    diagram = _diagram(shown)
    if diagram is None:
        return found
    with suppress(UsageError):  # without pygraphviz the table has the same content
        found["image/svg+xml"] = str(render(diagram, Format.svg))
    found["text/markdown"] = str(render(diagram, Format.table))
    return found


def _diagram(shown: object) -> Charts | Sequence | None:
    if isinstance(shown, type) and issubclass(shown, Lifecycle):
        return plain(shown.__name__, [shown]) if shown.states else None
    if isinstance(shown, Finding) and shown.instance is not None:
        return of_finding(shown.instance, shown)
    if isinstance(shown, PropertyResult) and shown.finding and shown.finding.instance:
        return of_property(shown.finding.instance, shown.property, shown.finding)
    return None
