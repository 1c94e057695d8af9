"""Traces: what happened to one object, step by step, as JSON Lines (gzip accepted).

The first line is the header, every other line is a step::

    {"op": name, …arguments, "result": …, "effects": […], "raises": exception class,
     "unordered": [[begin, end), …], "state": {…}}

A step may lack any of ``result``, ``effects`` and ``state``: then it does not say what they
were. Reading streams: one line is in memory at a time. Nothing that is read is trusted, and
every error is an :class:`~slotspec.statemachine.errors.InputError` that names file, line and
mend; the codes are those of :mod:`slotspec.oracle.traces.reading`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

FORMAT = 1
"""The only format number that there is."""

_VERSION = re.compile(r"(\d{1,4}\.\d{1,4})(\.\d{1,4})*([-.][0-9A-Za-z]{1,20})?")


class TraceHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The first line of a trace.

    :param implementation: which class was recorded, such as ``org.apache.flink SlotPoolImpl``.
    :param version: its release, such as ``1.12.5``; an empty text is not a version.
    :param config: what the class was built with; see the vocabulary of the class.
    :param profiles: short name -> ``"ANY"``, ``"UNKNOWN"`` or the amounts ``cpu``,
        ``task_heap_mb``, ``task_off_heap_mb``, ``managed_mb``, ``network_mb``, ``extended``.
    :param causes: short name -> simple class name of the exception. ``A<-B`` is an A that
        wraps a B.
    :param task_managers: name -> at least its ``host``; an absent field lists none, and
        then every name is allowed.
    :param scenario: name of a directed run.
    """

    format: int
    implementation: str
    version: str
    config: dict[str, Any]
    profiles: dict[str, dict[str, Any] | str]
    causes: dict[str, str] = {}
    task_managers: dict[str, dict[str, str]] = {}
    seed: int | None = None
    scenario: str | None = None

    @property
    def generation(self) -> str | None:
        """The first two numbers of the version (``1.12``); None where it has none."""
        found = _VERSION.fullmatch(self.version)
        return found[1] if found else None

    def cause_chain(self, name: str) -> tuple[str, ...]:
        """Class names of a cause, outermost first; raises KeyError for an unlisted name."""
        return tuple(self.causes[name].split("<-"))


class TraceStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``UNSET`` stands for a part of which the trace says nothing.

    :param line: line number in its file, 0 for a step that comes from no file.
    :param raises: simple class name of the exception, None for none.
    :param raises_cause: simple class name of its direct cause.
    :param unordered: half-open ranges of `effects` whose order means nothing.
    """

    op: str
    arguments: dict[str, Any]
    result: Any = UNSET
    effects: list[dict[str, Any]] | UnsetType = UNSET
    raises: str | UnsetType | None = UNSET
    raises_cause: str | None = None
    unordered: tuple[tuple[int, int], ...] = ()
    state: dict[str, Any] | UnsetType = UNSET
    line: int = 0

    @property
    def silent(self) -> bool:
        """Whether nothing but the operation is known of this step."""
        return (
            self.result is UNSET
            and self.effects is UNSET
            and self.raises is UNSET
            and self.state is UNSET
        )

    def to_json(self) -> dict[str, Any]:
        """The object of this step's line, in the order in which recordings have its fields."""
        record: dict[str, Any] = {"op": self.op, **self.arguments}
        if self.result is not UNSET:
            record["result"] = self.result
        if self.effects is not UNSET:
            record["effects"] = self.effects
        if self.raises is not UNSET and self.raises is not None:
            record["raises"] = self.raises
        if self.raises_cause is not None:
            record["raises_cause"] = self.raises_cause
        if self.unordered:
            record["unordered"] = [list(bounds) for bounds in self.unordered]
        if self.state is not UNSET:
            record["state"] = self.state
        return record


@dataclass
class Expected:
    """What the model does in one step, in the JSON shapes of a trace.

    :param result: what the operation returns; None where it raises.
    :param effects: the calls that it makes, in order.
    :param unordered: half-open ranges of `effects` whose order means nothing.
    :param raises: simple class name of the exception, None for none.
    :param state: the complete state after the step.
    :param raises_cause: simple class name of the direct cause of the exception.
    """

    result: Any
    effects: list[dict[str, Any]] = field(default_factory=list)
    unordered: list[tuple[int, int]] = field(default_factory=list)
    raises: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    raises_cause: str | None = None

    def as_step(self, op: str, arguments: Mapping[str, Any], *, state: bool = True) -> TraceStep:
        """The step of a trace that says exactly this."""
        return TraceStep(
            op=op,
            arguments=dict(arguments),
            result=self.result,
            effects=self.effects,
            raises=self.raises,
            raises_cause=self.raises_cause,
            unordered=tuple(self.unordered),
            state=self.state if state else UNSET,
        )
