"""The few words that a rule may use besides plain integer Python.

A *rule* is a plain function ``rule(s, …)`` over the state record `s`. It is run as it
stands by the interpreter and translated by the compiler, so it keeps to integers:

* fields ``s.name`` (scalars) and ``s.name[i]`` (arrays), ``len(s.name)`` for a size;
* constants of the model instance, read like scalars or arrays but never assigned;
* local integers, ``if``, ``while``, ``for i in range(…)``, ``return``, ``break``,
  ``continue``, comparisons, arithmetic, ``and``/``or``/``not``, ``a if c else b``,
  ``min``, ``max``, ``abs``;
* enum members, lifecycle states, module-level integers, ``NONE``, ``DISABLED``;
* calls of other rules (an array field may be passed on: ``append(s.pending, request)``);
* the words below.

No allocation, exceptions, strings or floats; what a closure holds is read as a constant. A
guard comes before the first change: an action that returns ``DISABLED`` has changed nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

from slotspec.statemachine.declaration.lifecycle import NO_TRANSITION, Event, Lifecycle
from slotspec.statemachine.errors import StepError

NONE = 65535
"""No element of a sort. Used as an index it raises, as any value out of range does."""

DISABLED = -1
"""Returned by an action whose guard does not hold."""

Array = list[int]
"""An array field: one small integer for each element of a sort."""


class Listener(Protocol):
    """Told of every lifecycle event that a rule fires (coverage, referee, recording)."""

    def __call__(self, field: str, index: int, event: Event | None, source: int) -> None: ...


class Machines(list[int]):
    """A field of lifecycle states: a list that knows its lifecycle and who listens."""

    __slots__ = ("field", "lifecycle", "listener")

    def __init__(
        self, values: list[int], lifecycle: type[Lifecycle], field: str, listener: Listener | None
    ) -> None:
        super().__init__(values)
        self.lifecycle = lifecycle
        self.field = field
        self.listener = listener


def fire(machines: Array, index: int, event: Event) -> None:
    """Let `event` happen to the object at `index`.

    :raises StepError: ``STP001`` if its lifecycle declares no such transition.
    """
    source = machines[index]
    target = event.targets[source]
    if target == NO_TRANSITION:
        field = getattr(machines, "field", "?")
        state = machines.lifecycle.states[source].name if isinstance(machines, Machines) else source
        raise StepError(
            "STP001", f"undeclared transition: {field}[{index}] is {state} and got {event!r}"
        )
    machines[index] = target
    if isinstance(machines, Machines) and machines.listener is not None:
        machines.listener(machines.field, index, event, source)


def recycle(machines: Array, index: int) -> None:
    """Give the record of an object whose life has ended to a new object (initial state).

    :raises StepError: ``STP002`` if the object is neither in a final nor the initial state.
    """
    source = machines[index]
    if isinstance(machines, Machines):
        state = machines.lifecycle.states[source]
        if not (state.final or state.initial):
            raise StepError(
                "STP002", f"{machines.field}[{index}] is {state.name}: its life has not ended"
            )
        if machines.listener is not None:
            machines.listener(machines.field, index, None, source)
    machines[index] = 0


def emit(s: Any, effect: int, a: int = NONE, b: int = NONE, c: int = NONE, d: int = NONE) -> None:
    """Tell the world something: an RPC, a completed future. Order is kept."""
    s.effects.append((int(effect), a, b, c, d))
