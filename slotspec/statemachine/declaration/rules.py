"""What a rule may call besides plain integer Python.

A *rule* is a plain function ``rule(s, …)`` over the state record `s`. The interpreter runs it
as it is, the compiler translates it, and both give the same results, faults included. A rule
computes with integers:

* fields ``s.name`` (scalars) and ``s.name[i]`` (arrays); constants of the instance, read like
  fields but never assigned; parts ``s.name`` and ``s.name[i]``;
* local names for integers, parts and effects; ``a, b = b, a``; ``if``, ``while``, ``for``,
  ``match`` over integers and enumerations, ``break``, ``continue``, ``return``;
* arithmetic, chained comparisons, ``and``/``or``/``not``, ``a if c else b``, ``:=``;
  ``x in (A, B)``, ``x in s.name``, ``x not in range(…)``;
* ``any``, ``all``, ``sum``, ``min``, ``max``, ``next(…, default)`` and ``only(…, default)`` over
  a generator expression with any number of ``for`` and ``if``, or over what can be looped over;
  ``min`` and ``max`` of several numbers; ``len``, ``abs``, ``int``, ``bool``;
* loops over ``range(…)``, ``s.elements(SORT)``, array fields, tuples, tables of the module,
  parts, effects, and ``enumerate``, ``zip`` and ``reversed`` of these;
* enum members, lifecycle states, module-level integers and tuples, ``NONE``, ``DISABLED``;
* calls of other rules, with keyword and default arguments, that return a number or several
  (``a, b = helper(s)``); arrays, parts and effects may be passed on;
* the functions below: ``fire``, ``recycle``, ``restart`` and ``emit`` change something,
  ``unchanged(before, after, "field", …)`` compares two states.

An array of lifecycle states is read, never assigned: ``fire`` changes it.

``s.elements(MANAGERS)`` is the ``range`` of a sort's elements. The record knows how large the
sort is in this instance. In a rule of a part, the part's own bounds count.

An effect ``e`` of ``s.effects`` (or of ``after.effects`` in a step property) has ``e.kind`` and
the arguments that its kind declares, by name; see
:mod:`slotspec.statemachine.declaration.effects`. It is also the tuple ``(kind, a, b, c, d)``.

There are no collections, exceptions, strings or floats, and no generator other than the argument
of one of the functions above. The compiler reads the variables of a closure as constants. Test
the guard before the first change: an action that returns ``DISABLED`` has changed nothing.
Assigning a value outside a field's domain is a fault.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from slotspec.statemachine.declaration.dotted_names import value_of
from slotspec.statemachine.declaration.effects import Effects
from slotspec.statemachine.declaration.lifecycle import NO_TRANSITION, Event, Lifecycle
from slotspec.statemachine.errors import RuleError, StepError, suggest

NONE = 65535
"""No element of a sort. As an index it is a fault, as is any value out of range."""

DISABLED = -1
"""Returned by an action whose guard does not hold."""

Array = list[int]
"""An array field: one small integer for each element of a sort."""


class Listener(Protocol):
    """Receives every lifecycle event that a rule fires (coverage, referee, recording)."""

    def __call__(self, field: str, index: int, event: Event | None, source: int) -> None: ...


class Machines(list[int]):
    """A field of lifecycle states: a list with its lifecycle and a listener."""

    __slots__ = ("field", "lifecycle", "listener")

    def put(self, index: int, value: int) -> None:
        """Set a state; ``fire`` and ``recycle`` call this after their checks."""
        list.__setitem__(self, index, value)

    def __setitem__(self, index: Any, state: Any) -> None:
        raise StepError(
            "STP010",
            f"{caller()}: {self.field} holds lifecycle states and cannot be assigned;"
            " fire an event",
        )

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
    if not isinstance(machines, Machines):
        machines[index] = target
        return
    machines.put(index, target)
    if machines.listener is not None:
        machines.listener(machines.field, index, event, source)


def recycle(machines: Array, index: int) -> None:
    """Reuse the record of an object whose life has ended: it returns to the initial state.

    :raises StepError: ``STP002`` if the object is neither in a final nor the initial state.
    """
    source = machines[index]
    if not isinstance(machines, Machines):
        machines[index] = 0
        return
    state = machines.lifecycle.states[source]
    if not (state.final or state.initial):
        raise StepError(
            "STP002",
            f"{machines.field}[{index}] is {state.name}: its life has not ended; end it first",
        )
    if machines.listener is not None:
        machines.listener(machines.field, index, None, source)
    machines.put(index, 0)


def only(values: Iterable[int], default: int) -> int:
    """The value that a generator yields; `default` if it yields none.

    Write it where there is at most one: other than ``next``, it does not depend on an order, so
    it goes with symmetry.

    :raises StepError: ``STP012`` if it yields two that differ.
    """
    found, some = default, False
    for value in values:
        if some and value != found:
            raise StepError("STP012", f"{caller()}: only one value is expected: {SEVERAL}")
        found, some = value, True
    return found


SEVERAL = "there are two that differ; use next if the first will do"


def not_none(element: int) -> int:
    """`element`, which goes into a sequence; the rules on sequences call this.

    :raises StepError: ``STP013`` if it is NONE, which marks the free places of a sequence.
    """
    if element == NONE:
        raise StepError("STP013", f"{caller()}: {NO_ELEMENT}")
    return element


NO_ELEMENT = "NONE cannot be appended to a sequence, since it marks free places; test for it first"


class _LeftOut(int):
    """NONE for an argument that was not given."""


LEFT_OUT = _LeftOut(NONE)


def emit(
    s: Any,
    effect: int,
    a: int = LEFT_OUT,
    b: int = LEFT_OUT,
    c: int = LEFT_OUT,
    d: int = LEFT_OUT,
    **named: int,
) -> None:
    """Emit an effect: an RPC, a completed future. The engines keep the order.

    Arguments are given in order, or by the names that the model's effects declare
    (see :mod:`slotspec.statemachine.declaration.effects`).

    :raises RuleError: ``RUL010`` for arguments that the effect does not declare, or for none
        where it declares some.
    """
    given = [int(effect), a, b, c, d]
    for name, value in named.items():
        given[s.effect_names[effect].index(name) + 1] = value
    if isinstance(effect, Effects):
        wrong = effect.miscounted(sum(value is not LEFT_OUT for value in given[1:]))
        if wrong is not None:
            raise RuleError("RUL010", f"{caller()}: {wrong}")
    s.effects.append(s.emitted(NONE if value is LEFT_OUT else value for value in given))


def unchanged(before: Any, after: Any, /, *fields: str, but: Sequence[str] = ()) -> bool:
    """Whether two states have the same values in these fields; effects do not count.

    ``unchanged(before, after)`` compares all fields but scratch fields,
    ``unchanged(before, after, "slot", "pending")`` these two, ``unchanged(before, after,
    but=("idle_for",))`` all others. The name of a part means all of its fields. Of a part,
    give it itself: ``unchanged(before.pool, after.pool, "slot")``.

    :raises RuleError: ``RUL017`` for a name that no field has.
    """
    record: Any = type(before)
    for name in _compared(record, fields, but if isinstance(but, str) else tuple(but)):
        if "." in name:
            if value_of(before, name) != value_of(after, name):
                return False
        elif getattr(before, name) != getattr(after, name):
            return False
    return True


OWN = (
    __name__,
    "slotspec.statemachine.declaration.queues",
    "slotspec.statemachine.declaration.records",
)
"""The modules of the rule language itself; an error is located at who calls them."""


@lru_cache(maxsize=256)
def _compared(record: Any, fields: Sequence[str], but: Sequence[str]) -> list[str]:
    """As :func:`compared`, once for all states."""
    return compared(record, fields, but, caller)


def caller() -> str:
    """The location of the calling rule, as ``file:line: in function``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") in OWN:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}: in {frame.f_code.co_name}"


def compared(
    record: Any, fields: Sequence[str], but: Sequence[str], where: Callable[[], str]
) -> list[str]:
    """The fields that :func:`unchanged` compares, in their order.

    :param where: gives the location of the call, for an error message.
    """
    if isinstance(but, str):
        but = (but,)
    there = [name for name, spec in record.fields.items() if not spec.scratch]
    meant: list[set[str]] = []
    for names in (fields, but):
        meant.append(set())
        for name in names:
            found = [own for own in there if own == name or own.startswith(f"{name}.")]
            if not found:
                raise RuleError(
                    "RUL017",
                    f"{where()}: the state has no field {name!r} to compare;"
                    f" {suggest(name, there)}",
                )
            meant[-1].update(found)
    if fields and but:
        raise RuleError(
            "RUL017", f"{where()}: unchanged takes either fields or but=; remove one of them"
        )
    return [name for name in there if (name in meant[0] if fields else name not in meant[1])]
