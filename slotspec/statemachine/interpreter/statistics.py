"""Statistics and findings of random walks, for both engines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from slotspec.statemachine.interpreter.rng import REGISTERS

GOES_ON, NOTED, AT_REST, ENDED = range(4)
"""Status of a walk: it goes on, or has the wanted length; something was found; no call that may
be taken changes the state; only faults change the state, and it is final."""

FULL, REST, END, CUT, FOUND = "full length", "at rest", "ended", "cut short", "violated"
"""What ends a run: it has the wanted length; nothing changes the state any more; a final state
without successor; time or Ctrl-C; a violation."""


@dataclass(frozen=True)
class Seen:
    """Something that a walk found: after how many steps, and by which call, if any.

    :param what: name of a property, ``fault`` or ``deadlock``.
    :param text: the description of a fault.
    :param broken: the property could not be evaluated; the next finding is the fault.
    """

    what: str
    kind: str
    steps: int
    call: int | None = None
    text: str = ""
    broken: bool = False


@dataclass(frozen=True)
class Violation:
    """A violation as a run met it.

    :param kind: ``property``, ``fault`` or ``deadlock``.
    :param name: the property that is violated, or that cannot be evaluated; else None.
    :param calls: the calls that lead to it, as positions among all calls of the instance.
    :param text: the description of a fault.
    """

    kind: str
    name: str | None
    run: int
    calls: tuple[int, ...]
    text: str = ""


@dataclass
class Statistics:
    """Statistics of a block of runs; those of consecutive blocks can be merged.

    :ivar taken: action -> calls that were possible and taken, with or without effect.
    :ivar moved: action -> the steps among these calls.
    :ivar fired: ``(lifecycle, source, event)`` -> how often.
    :ivar witnessed: ``sometimes`` property -> (run, steps) where it was first seen.
    :ivar deviations: known deviation -> number of runs in which it was seen.
    """

    runs: int = 0
    steps: int = 0
    longest: int = 0
    stutters: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    fired: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    registers: bytearray = field(default_factory=lambda: bytearray(REGISTERS))
    witnessed: dict[str, tuple[int, int]] = field(default_factory=dict)
    deviations: Counter[str] = field(default_factory=Counter)
    violation: Violation | None = None

    def merge(self, later: Statistics) -> None:
        """Add the statistics of the next runs."""
        self.runs += later.runs
        self.steps += later.steps
        self.longest = max(self.longest, later.longest)
        self.stutters += later.stutters
        for mine, more in (
            (self.ends, later.ends),
            (self.taken, later.taken),
            (self.moved, later.moved),
            (self.fired, later.fired),
            (self.deviations, later.deviations),
        ):
            mine.update(more)  # type: ignore[arg-type]
        self.registers = bytearray(map(max, self.registers, later.registers))
        for name, place in later.witnessed.items():
            self.witnessed.setdefault(name, place)
        self.violation = self.violation or later.violation
