"""The result of a check (verdicts, counterexamples, coverage) and its progress reports.

Every engine (interpreted, compiled, one worker or many) returns the same :class:`Result`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from slotspec.statemachine.display import bundle
from slotspec.statemachine.errors import UsageError, suggest

if TYPE_CHECKING:
    from slotspec.statemachine.declaration.model import Call, Instance, Property


class Verdict(Enum):
    """The verdict on a property, or on a whole check."""

    HOLDS = "HOLDS"
    """The search covered every reachable state within the bounds."""
    VIOLATED = "VIOLATED"
    """The statement is violated; there is a shortest trace that shows it."""
    UNKNOWN = "UNKNOWN"
    """A limit ended the search first, and nothing that was seen violates the statement."""
    DEVIATES = "KNOWN DEVIATION"
    """The modelled system itself is known to violate the statement; this does not fail a run."""


class Limit(Enum):
    """What ended a search early."""

    STATES = "states"
    DEPTH = "depth"
    SECONDS = "seconds"
    MEMORY = "memory"
    INTERRUPTED = "interrupted"
    FOUND = "found"
    """What ``Limits.until`` asks for has been found."""


@dataclass(frozen=True)
class Limits:
    """Limits of a search: states, steps from the start, seconds, bytes; None for no limit.

    :param until: name of a property, or ``fault`` or ``deadlock``. The search ends after the
        level of states in which it is found, so its trace is a shortest one.
    """

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None
    memory: int | None = None
    until: str | None = None


NO_LIMITS = Limits()
"""No limits: search until every reachable state has been seen."""


@dataclass(frozen=True)
class TraceStep:
    """One step of a counterexample or witness, replayed through the interpreter.

    `before` and `after` are field name -> value (a list for an array).
    """

    call: Call
    result: int
    effects: tuple[tuple[int, ...], ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<TraceStep {self.call} = {self.result}>"

    @property
    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Scalars and array elements that differ: ``name`` or ``name[i]`` -> (old, new)."""
        found: dict[str, tuple[Any, Any]] = {}
        for name, old in self.before.items():
            new = self.after[name]
            if isinstance(old, list):
                for i, (a, b) in enumerate(zip(old, new, strict=True)):
                    if a != b:
                        found[f"{name}[{i}]"] = (a, b)
            elif old != new:
                found[name] = (old, new)
        return found


@dataclass(frozen=True)
class Finding:
    """A shortest trace to a violation or witness. `fault` is set if a rule itself failed.

    An infinite run violates a ``leads to``. It is shown as a lasso: a shortest stem to a state
    where the premise holds, then a way into a loop that repeats for ever.

    :param steps: what each call does. A search knows only the calls, and has them replayed when
        somebody asks for more.
    :param instance: the instance that it is a trace of; needed to draw it.
    :param loop: for an infinite run, the number of steps before its loop. The steps after
        that lead back to the same state. If `loop` is the number of all steps, the run stays
        in its last state for ever.
    :param since: for an infinite run, the number of steps to the state from which the
        conclusion never holds again.
    :param elements: for an infinite run, the choice of the property's parameters it violates.
    """

    steps: Sequence[TraceStep]
    fault: str | None = None
    instance: Instance | None = field(default=None, repr=False, compare=False)
    loop: int | None = None
    since: int | None = None
    elements: tuple[int, ...] = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    def __repr__(self) -> str:
        where = f" in {self.instance.title}" if self.instance is not None else ""
        ends = ", then for ever" if self.loop is not None else f", {self.fault}" * bool(self.fault)
        return f"<Finding: {len(self.steps)} steps{where}{ends}>"

    @property
    def calls(self) -> tuple[Call, ...]:
        known = getattr(self.steps, "calls", None)
        return tuple(step.call for step in self.steps) if known is None else known


@dataclass(frozen=True)
class PropertyResult:
    """The verdict on one property.

    A ``sometimes`` property HOLDS as soon as a witness is found, and the witness is its trace.
    It is VIOLATED (without a trace) if an exhaustive search found none.

    :param missing: the choices of its elements for which no reachable state satisfies it.
    """

    property: Property
    verdict: Verdict
    finding: Finding | None = None
    reason: str | None = None
    missing: tuple[tuple[int, ...], ...] = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    def __repr__(self) -> str:
        return f"<PropertyResult {self.property.name}: {self.verdict.value}>"


@dataclass(repr=False)
class Result:
    """All that a check of one instance found.

    Two results are equal if they found the same of the same instance, however long it took and
    however much memory; a result can be pickled where its model stands at the top level of a
    module.

    :param states: distinct reachable states seen, including the initial one.
    :param transitions: enabled calls over all expanded states, including self-loops but not
        the initial state.
    :param depth: largest breadth-first distance from the initial state that was seen.
    :param deadlock: shortest trace to a state without successor that is not declared final.
    :param fault: shortest trace to a step that leaves the protocol (undeclared transition,
        value out of its field's domain, index out of range, a refusal that changed something).
    :param fired: for each lifecycle transition ``(lifecycle, source, event)``, how often the
        taken calls fired it (0: declared, but no reachable step fires it).
    :param taken: for each action, how many of the transitions are calls of it.
    :param limit: what ended the search early; None if it was exhaustive.
    :param symmetry: the canonical form under symmetry, ``exact`` or ``fast``; None without.
    :param symmetry_reason: why symmetry was used or not; None if it could not make a difference.
    :param partial_order: if only some orders of independent calls were searched, how far calls are
        independent. Counts are then those of the reduced graph, and traces may be longer than the
        shortest.
    :param missed: with fingerprints, an upper bound of the probability that a state was missed.
    """

    instance: Instance = field(compare=False)
    engine: str
    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = field(default=0.0, compare=False)
    properties: list[PropertyResult] = field(default_factory=list)
    deadlock: Finding | None = None
    fault: Finding | None = None
    fired: dict[tuple[str, str, str], int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    limit: Limit | None = None
    workers: int = 1
    symmetry: str | None = None
    symmetry_reason: str | None = None
    bytes_per_state: float | None = field(default=None, compare=False)
    missed: float | None = None
    partial_order: str | None = None
    compile_seconds: float | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> PropertyResult:
        """The result of the property of this name.

        :raises UsageError: ``SET017`` if the instance has none.
        """
        for found in self.properties:
            if found.property.name == name:
                return found
        known = suggest(name, [found.property.name for found in self.properties])
        raise UsageError("SET017", f"{self.instance.title} has no property {name!r}; {known}")

    def __repr__(self) -> str:
        return (
            f"<Result {self.instance.title}: {self.verdict.value}, {self.states:,} states,"
            f" {self.transitions:,} transitions, depth {self.depth}>"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        names = [f.name for f in fields(self) if f.compare]
        return self.instance.is_as(other.instance) and all(
            getattr(self, name) == getattr(other, name) for name in names
        )

    __hash__ = None  # type: ignore[assignment]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    @property
    def symmetry_note(self) -> str | None:
        """Whether symmetry was used, and why; None if it could make no difference."""
        used = f"symmetry {self.symmetry}" if self.symmetry else "no symmetry"
        return None if self.symmetry_reason is None else f"{used}: {self.symmetry_reason}"

    @property
    def partial_order_note(self) -> str | None:
        """How far calls are independent; None if all orders were searched."""
        return None if self.partial_order is None else f"partial order: {self.partial_order}"

    @property
    def verdict(self) -> Verdict:
        """The overall verdict: VIOLATED for any violation, else UNKNOWN if a limit ended the
        search, else HOLDS.
        """
        if self.fault or self.deadlock:
            return Verdict.VIOLATED
        found = {p.verdict for p in self.properties}
        if Verdict.VIOLATED in found:
            return Verdict.VIOLATED
        if self.limit is not None or Verdict.UNKNOWN in found:
            return Verdict.UNKNOWN
        return Verdict.HOLDS

    @property
    def dead(self) -> list[tuple[str, str, str]]:
        """Declared lifecycle transitions that no reachable step fires."""
        return [key for key, count in self.fired.items() if count == 0]


@dataclass(frozen=True)
class NodeProgress:
    """The progress of one machine of a search on several: what it keeps, and what it has sent.

    :param node: the first letters of its name in the cluster.
    :param processes: how many processes of the search run there.
    :param left: states of the level that it has not expanded yet.
    :param memory: bytes in use.
    :param sent: bytes sent to other processes.
    """

    node: str
    processes: int
    states: int
    left: int
    memory: int
    sent: int


@dataclass(frozen=True)
class Progress:
    """The progress of a search; sent a few times a second.

    :param nodes: of a search on several machines, the progress of each.
    """

    instance: Instance
    states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float
    memory: int
    final: bool = False
    nodes: tuple[NodeProgress, ...] = ()


Reporter = Callable[[Progress], None]
"""Receives progress; the engine itself never prints."""


def silent(_: Progress) -> None:
    """A reporter that ignores all progress."""
