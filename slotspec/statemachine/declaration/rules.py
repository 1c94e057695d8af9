"""The few words that a rule may use besides plain integer Python.

A *rule* is a plain function ``rule(s, …)`` over the state record `s`. The interpreter runs it
as it stands, the compiler translates it, and both give the same results, faults included. A
rule keeps to integers:

* fields ``s.name`` (scalars) and ``s.name[i]`` (arrays); constants of the instance, read like
  fields but never assigned; parts ``s.name`` and ``s.name[i]``;
* local names for integers, parts and effects; ``a, b = b, a``; ``if``, ``while``, ``for``,
  ``match`` over integers and enumerations, ``break``, ``continue``, ``return``;
* arithmetic, chained comparisons, ``and``/``or``/``not``, ``a if c else b``, ``:=``;
  ``x in (A, B)``, ``x in s.name``, ``x not in range(…)``;
* ``any``, ``all``, ``sum``, ``min``, ``max`` and ``next(…, default)`` over a generator
  expression with any number of ``for`` and ``if``, or directly over what can be looped over;
  ``min`` and ``max`` of several numbers; ``len``, ``abs``, ``int``, ``bool``;
* loops over ``range(…)``, ``s.elements(SORT)``, array fields, tuples, tables of the module,
  parts, effects, and ``enumerate``, ``zip`` and ``reversed`` of these;
* enum members, lifecycle states, module-level integers and tuples, ``NONE``, ``DISABLED``;
* calls of other rules, with keyword and default arguments, that return a number or several
  (``a, b = helper(s)``); arrays, parts and effects may be passed on;
* the words below.

``s.elements(MANAGERS)`` is the ``range`` of a sort's elements. A rule asks its record, since the
sort itself does not know how large it is in this instance. In a rule of a part, the part's own
bounds count.

An effect ``e`` of ``s.effects`` (or of ``after.effects`` in a step property) has ``e.kind`` and
the arguments that its kind declares, by name; see :mod:`slotspec.statemachine.declaration.effects`. It is
also the tuple ``(kind, a, b, c, d)``.

There are no collections, exceptions, strings or floats, and no generator other than the argument
of one of the words above. What a closure holds is read as a constant. A guard comes before the
first change: an action that returns ``DISABLED`` has changed nothing. A value out of a field's
domain is a fault as soon as it is assigned.
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


def emit(
    s: Any,
    effect: int,
    a: int = NONE,
    b: int = NONE,
    c: int = NONE,
    d: int = NONE,
    **named: int,
) -> None:
    """Tell the world something: an RPC, a completed future. Order is kept.

    Arguments are given in order, or by the names that the model's effects declare
    (see :mod:`slotspec.statemachine.declaration.effects`).
    """
    given = [int(effect), a, b, c, d]
    for name, value in named.items():
        given[s.effect_names[effect].index(name) + 1] = value
    s.effects.append(s.emitted(given))
