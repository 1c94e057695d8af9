"""What a notebook shows for a lifecycle, a trace, a result."""

from __future__ import annotations

from contextlib import suppress

from slotspec.diagrams.description import Charts, Sequence
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.lifecycles import plain
from slotspec.diagrams.sequences import of_finding
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Finding, Result


def bundle(shown: object) -> dict[str, str]:
    """Forms of `shown` by media type."""
    found = {"text/plain": repr(shown)}
    if isinstance(shown, Result):
        from slotspec.diagrams.report import fragment

        found["text/plain"] = f"{shown.instance.title}: {shown.verdict.value}"
        found["text/html"] = fragment([shown])
        return found
    diagram = _diagram(shown)
    if diagram is None:
        return found
    with suppress(UsageError):  # without pygraphviz the table says the same
        found["image/svg+xml"] = str(render(diagram, Format.svg))
    found["text/markdown"] = str(render(diagram, Format.table))
    return found


def _diagram(shown: object) -> Charts | Sequence | None:
    if isinstance(shown, type) and issubclass(shown, Lifecycle):
        return plain(shown.__name__, [shown]) if shown.states else None
    if isinstance(shown, Finding) and shown.instance is not None:
        return of_finding(shown.instance, shown)
    return None
