"""What a check found: verdicts, counterexamples, coverage; and what it tells on its way.

Every engine (interpreted, compiled, one worker or many) fills the same :class:`Result`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from slotspec.statemachine.display import bundle

if TYPE_CHECKING:
    from slotspec.statemachine.declaration.model import Call, Instance, Property


class Verdict(Enum):
    """Answer to a property, or to a whole check."""

    HOLDS = "HOLDS"
    """The search covered every reachable state within the bounds."""
    VIOLATED = "VIOLATED"
    """There is a shortest trace that shows it."""
    UNKNOWN = "UNKNOWN"
    """A limit ended the search first; nothing that was seen breaks it."""
    DEVIATES = "KNOWN DEVIATION"
    """Violated, and the modelled system itself is known to do so; does not fail a run."""


class Limit(Enum):
    """What ended a search early."""

    STATES = "states"
    DEPTH = "depth"
    SECONDS = "seconds"
    MEMORY = "memory"
    INTERRUPTED = "interrupted"
    FOUND = "found"
    """What was sought is known; see ``Limits.until``."""


@dataclass(frozen=True)
class Limits:
    """When to give up: number of states, steps from the start, seconds, bytes; None: never.

    :param until: name of a property, or ``fault`` or ``deadlock``: the search ends with the
        level of states in which it is found, which is soon enough for the shortest trace.
    """

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None
    memory: int | None = None
    until: str | None = None


NO_LIMITS = Limits()
"""Search until every reachable state is seen."""


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
    """A shortest trace to a violation or witness. `fault` is set where a rule itself failed.

    What breaks a ``leads to`` is a run that never ends: a stem to a state where the premise
    holds, the shortest, and on to a loop that is taken round for ever.

    :param instance: what it is a trace of; needed to draw it.
    :param loop: of a run that never ends, after how many steps its loop begins; the steps
        from there lead back to the same state. All steps: the last state stays for ever.
    :param since: of such a run, after how many steps that state is reached from which on
        what was promised never comes.
    :param elements: of such a run, the choice of the property's parameters that it is about.
    """

    steps: tuple[TraceStep, ...]
    fault: str | None = None
    instance: Instance | None = field(default=None, repr=False, compare=False)
    loop: int | None = None
    since: int | None = None
    elements: tuple[int, ...] = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(step.call for step in self.steps)


@dataclass(frozen=True)
class PropertyResult:
    """The verdict on one property.

    A ``sometimes`` property HOLDS as soon as a witness is found, with the witness as its
    trace; it is VIOLATED (no trace) when the search was exhaustive without one.

    :param missing: the choices of its elements that no reachable state satisfies it for.
    """

    property: Property
    verdict: Verdict
    finding: Finding | None = None
    reason: str | None = None
    missing: tuple[tuple[int, ...], ...] = ()


@dataclass
class Result:
    """All that a check of one instance found.

    :param states: distinct reachable states seen, the initial one among them.
    :param transitions: enabled calls over all expanded states, self-loops included; the
        initial state is not one.
    :param depth: largest breadth-first distance from the initial state that was seen.
    :param deadlock: shortest way into a state without successor that is not declared final.
    :param fault: shortest way to a step that leaves the protocol (undeclared transition,
        value out of its field's domain, index out of range, a refusal that changed something).
    :param fired: for each lifecycle transition ``(lifecycle, source, event)``, how often the
        taken calls fired it (0: declared, but no reachable step fires it).
    :param taken: for each action, how many of the transitions are its.
    :param limit: what ended the search early; None for an exhaustive one.
    :param missed: with fingerprints: upper bound of the probability that a state was missed.
    """

    instance: Instance
    engine: str
    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    properties: list[PropertyResult] = field(default_factory=list)
    deadlock: Finding | None = None
    fault: Finding | None = None
    fired: dict[tuple[str, str, str], int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    limit: Limit | None = None
    workers: int = 1
    symmetry: str | None = None
    bytes_per_state: float | None = None
    missed: float | None = None
    compile_seconds: float | None = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self)

    @property
    def verdict(self) -> Verdict:
        """The worst of all: a violation, else UNKNOWN where a limit was hit, else HOLDS."""
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
class Progress:
    """A point on the way of a search; sent a few times a second."""

    instance: Instance
    states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float
    memory: int
    final: bool = False


Reporter = Callable[[Progress], None]
"""Receives progress; the engine itself never prints."""


def silent(_: Progress) -> None:
    """A reporter that says nothing."""
