"""Traces: what happened to one object, step by step, as JSON Lines (gzip accepted).

The first line is the header, every other line is a step::

    {"op": name, …arguments, "result": …, "effects": […], "raises": exception class,
     "unordered": [[begin, end), …], "state": {…}}

A step may lack ``result``, ``effects`` or ``state``; the trace then leaves it open. Readers keep
one line in memory at a time and trust nothing. Every error is an
:class:`~slotspec.statemachine.errors.InputError` that names file, line and a suggested fix; see
:mod:`slotspec.oracle.traces.reading` for the codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

FORMAT = 1
"""The format number of traces; there is only one."""
CLUSTER_FORMAT = "slotspec.cluster-recording"
"""The format of recordings of clusters, which are no traces of a class."""
OWN_MODEL = "slotspec model "
"""How the header of a trace of a user's own model begins to name it."""

OperationCall = tuple[str, dict[str, Any]]
"""The name of an operation and its arguments, as in a trace."""

BriefProfile = (
    Literal["any", "unknown"] | tuple[Annotated[float, Meta(ge=0)], Annotated[int, Meta(ge=0)]]
)
"""A profile that traces write where they use it: cpu and heap in MiB."""

_VERSION = re.compile(r"(\d{1,4}\.\d{1,4})(\.\d{1,4})*([-.][0-9A-Za-z]{1,20})?")


class SharingGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A slot sharing group of a header.

    :param profile: its own profile: ``any``, ``unknown``, or cpu and heap in MiB.
    """

    profile: BriefProfile


class SharingVertex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A vertex of a header.

    :param group: the group that it is said to be in, if any.
    :param member: whether that group contains it.
    """

    group: str | None
    profile: BriefProfile
    member: bool = True


class TraceHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The first line of a trace.

    :param implementation: the recorded class, such as ``org.apache.flink SlotPoolImpl``.
    :param version: its release, such as ``1.12.5``.
    :param config: the configuration of the class; see its schema.
    :param profiles: short name -> ``"ANY"``, ``"UNKNOWN"`` or the amounts ``cpu``,
        ``task_heap_mb``, ``task_off_heap_mb``, ``managed_mb``, ``network_mb``, ``extended``.
    :param causes: short name -> simple class name of the exception. ``A<-B`` is an A that
        wraps a B.
    :param task_managers: name -> at least its ``host``, where the class looks at it. If the field
        is absent, every name is allowed. A file may also list only the names.
    :param scenario: name of a directed run.
    :param what: what that run shows.
    :param reentrant: a callback acts inside a step. A line ``{"hook": …}`` says when; no
        sequence of operations expresses what follows it.
    :param groups: the slot sharing groups.
    :param vertices: the vertices of the job, each with its group.
    :param construction_effects: what the class did before its first step.
    :param driven: which object was driven, where recordings of a class have several kinds.
    :param profile_order: the order in which hash tables iterate the profiles.
    :param bug: the known bug that the trace shows; the model that has it conforms.
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
    what: str | None = None
    reentrant: bool = False
    groups: dict[str, SharingGroup] = {}
    vertices: dict[str, SharingVertex] = {}
    construction_effects: list[dict[str, str]] = []
    driven: str | None = None
    profile_order: list[str] = []
    bug: str | None = None

    @property
    def generation(self) -> str | None:
        """The first two numbers of the version (``1.12``); None where it has none."""
        found = _VERSION.fullmatch(self.version)
        return found[1] if found else None

    def cause_chain(self, name: str) -> tuple[str, ...]:
        """Class names of a cause, outermost first; raises KeyError for an unlisted name."""
        return tuple(self.causes[name].split("<-"))


class RecordedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a trace. A part that the trace leaves open is ``UNSET``.

    :param line: line number in its file; 0 for a step that is not from a file.
    :param raises: simple class name of the exception, None for none.
    :param raises_cause: simple class name of its direct cause.
    :param unordered: half-open ranges of `effects` whose order is arbitrary.
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
        """Whether the step consists of its operation alone."""
        return (
            self.result is UNSET
            and self.effects is UNSET
            and self.raises is UNSET
            and self.state is UNSET
        )

    def to_json(self) -> dict[str, Any]:
        """The step as the object of a line, its fields in the order of recordings."""
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
    """What the model does in one step, in the JSON form of traces.

    :param result: what the operation returns; None where it raises.
    :param effects: the calls that it makes, in order.
    :param unordered: half-open ranges of `effects` whose order is arbitrary.
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

    def as_step(self, op: str, arguments: Mapping[str, Any], *, state: bool = True) -> RecordedStep:
        """This as a step of a trace."""
        return RecordedStep(
            op=op,
            arguments=dict(arguments),
            result=self.result,
            effects=self.effects,
            raises=self.raises,
            raises_cause=self.raises_cause,
            unordered=tuple(self.unordered),
            state=self.state if state else UNSET,
        )
