"""The result buffer, to which compiled functions write while they run.

Every compiled function takes a *result buffer*: an array of 64-bit cells, one array for each
worker, that holds counters, findings, and the effects of the current step.
"""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.obligations import obligations

FAULT = -(2**63)
"""Returned by a compiled function that met a fault; the result buffer tells which."""

IN_VAIN = FAULT + 1
"""Returned by an action that is refused after it may have fired events and undone them."""

EFFECTS_ROOM = 64
EFFECT_CELLS = 5

SITE, BASE, FOUND, EFFECT_COUNT, STEP, STOP, DEPTH, STUTTERED = 0, 1, 2, 3, 4, 5, 6, 7
"""Cells: last fault's site, number of the batch's first state, number of findings, number of
effects of this step, what a firing adds to its counter (1, or -1 while a step that met a fault is
repeated to undo its counts), whether rules must end at once, how deep recursion is, and which
properties a step would break that changes nothing (bits)."""

REMEMBERED = 32
"""How many answers of helpers can be remembered while the calls of a state are tried."""

DEEPEST = 900
"""How deep rules may call themselves: not much less than in Python."""

BROKEN = 1 << 40
"""Added to the call of a finding if the property could not be evaluated there."""
EVENTS = 8
EVENT_CELLS = 4


class ResultBuffer:
    """The layout of a result buffer.

    :ivar obligations: the obligations; an obligation's index is the kind of its findings.
    :ivar numbers: for each property, the kind of its first obligation.
    :ivar remembered: the first cell of remembered answers; ``FAULT`` means that there is none.
    """

    def __init__(self, instance: Instance) -> None:
        self.obligations = obligations(instance)
        self.numbers: dict[str, int] = {}
        for number, obligation in enumerate(self.obligations):
            self.numbers.setdefault(obligation.declared.name, number)
        self.kinds = len(self.obligations) + 2
        self.deadlock = len(self.obligations)
        self.fault = self.deadlock + 1
        self.opened = EVENTS + EVENT_CELLS * self.kinds
        self.taken = self.opened + self.kinds
        self.effects = self.taken + len(instance.actions)
        self.remembered = self.effects + EFFECTS_ROOM * EFFECT_CELLS
        self.fired = self.remembered + REMEMBERED
        self.first: dict[str, int] = {}
        self.lifecycles: dict[str, type[Lifecycle]] = {}
        end = self.fired
        for lifecycle in instance.lifecycles.values():
            if lifecycle.__name__ not in self.first:
                self.first[lifecycle.__name__] = end
                self.lifecycles[lifecycle.__name__] = lifecycle
                end += len(lifecycle.events) * len(lifecycle.states)
        self.size = end

    def fired_cell(self, lifecycle: type[Lifecycle], event: Event, source: int) -> int:
        return self.first[lifecycle.__name__] + event.index * len(lifecycle.states) + source
