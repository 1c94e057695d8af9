"""Run one step of an instance by calling its rules unchanged, and undo it.

The interpreter is the reference for every other execution. It keeps a journal of what a
rule writes. The journal shows whether a refused action changed anything, limits the domain
checks to what was written, and undoes a step without a copy of the state.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from slotspec.statemachine.declaration.dotted_names import holder_of, value_of
from slotspec.statemachine.declaration.effects import Emitted, NoSuchArgument
from slotspec.statemachine.declaration.integers import LEAVES
from slotspec.statemachine.declaration.lifecycle import Event
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.declaration.parts import assemble, fresh
from slotspec.statemachine.declaration.queues import GAP, length
from slotspec.statemachine.declaration.records import FieldSpec, Record, Ref
from slotspec.statemachine.declaration.rules import DISABLED, NONE, Machines
from slotspec.statemachine.declaration.source import first_line
from slotspec.statemachine.errors import RuleError, SlotspecError, StepError
from slotspec.statemachine.interpreter.hints import hint
from slotspec.statemachine.obligations import answering

ENGINE = Path(__file__).parents[1]
LARGEST = 2**16 - 1
"""A value of a packed state has 16 bits."""

CHANGED = re.compile(rb"[^\0]")


class Watching:
    """Mixin for an array of fixed length that journals its writes."""

    __slots__ = ()

    def __getitem__(self: Any, index: int, get: Any = list.__getitem__) -> int:
        if index < 0:
            raise IndexError("a rule may not count from the end")
        return get(self, index)  # type: ignore[no-any-return]

    def __setitem__(self: Any, index: int, value: int) -> None:
        if index < 0:
            raise IndexError("a rule may not count from the end")
        old = list.__getitem__(self, index)
        if old != value:
            if not (0 <= value <= self.place.largest or value == self.place.none):
                self.place.refuse(f"{self.name}[{index}]", value)
            self.note((self, index, old))
            list.__setitem__(self, index, value)

    def _fixed(self: Any, *_: Any) -> Any:
        raise StepError("STP007", f"{self.name}: a rule may only assign elements of an array")

    append = extend = insert = pop = remove = clear = sort = reverse = _fixed
    __delitem__ = __iadd__ = __imul__ = _fixed


class Place:
    """The position of a field in the packed state (-1 for none) and its allowed values."""

    __slots__ = ("largest", "name", "none", "offset", "rest")

    def __init__(self, name: str, spec: FieldSpec, largest: int, offset: int) -> None:
        self.name = name
        self.largest = largest
        self.none = NONE if isinstance(spec.domain, Ref) else self.largest
        self.offset = offset
        self.rest = spec.default

    def refuse(self, where: str, value: int) -> NoReturn:
        """Raise the fault that `value` is outside the domain.

        :raises StepError: ``STP003``.
        """
        none = " or NONE" if self.none == NONE else ""
        raise StepError("STP003", f"{where} is {value}; it may be 0 to {self.largest}{none}")

    def check(self, where: str, value: int) -> None:
        """Check that `value` is allowed here between steps.

        :raises StepError: ``STP003`` if it is out of the domain, ``STP004`` for a scratch field
            that is not cleared.
        """
        if self.offset < 0:
            if value != self.rest:
                raise StepError("STP004", f"scratch field {where} is left at {value} by the step")
        elif not (0 <= value <= self.largest or value == self.none):
            self.refuse(where, value)


class WatchedList(Watching, list[int]):  # type: ignore[misc]
    """An array of references or numbers."""

    __slots__ = ("name", "note", "place")


class WatchedMachines(Watching, Machines):  # type: ignore[misc]
    """An array of lifecycle states."""

    __slots__ = ("name", "note", "place")

    put = Watching.__setitem__  # type: ignore[assignment]
    __setitem__ = Machines.__setitem__


def _watched_record(
    record: type[Record], prefix: str, journal: list[Any], places: dict[str, Place]
) -> type[Record]:
    """A subclass of `record` whose scalars journal their old values.

    :param places: the scalars of the whole record, by their dotted names.
    """
    scalars = {name for name, spec in record.fields.items() if not spec.array and "." not in name}

    def __setattr__(s: Any, name: str, value: int) -> None:
        if name not in scalars:
            raise StepError("STP007", f"a rule assigned s.{prefix}{name}, which is no scalar field")
        old = getattr(s, name)
        if old != value:
            place = places[prefix + name]
            if not (0 <= value <= place.largest or value == place.none):
                place.refuse(prefix + name, value)
            journal.append((None, prefix + name, old))
            object.__setattr__(s, name, value)

    return type(record.__name__, (record,), {"__setattr__": __setattr__})


class Interpreter:
    """The state of an instance, and the steps that change it.

    :ivar s: the record on which rules and properties are called.
    :ivar journal: writes since the last :meth:`load` or :meth:`clear`, as (array, index, old
        value), or (None, name, old value) for a scalar.
    :ivar fired: ``(event, source state)`` of each event fired since the last :meth:`clear`.
    :ivar functions: action name -> its rule, with replaced rules in place.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.journal: list[tuple[Any, Any, int]] = []
        self.fired: list[tuple[Event, int]] = []
        self.functions = {a.name: instance.runnable(a.function) for a in instance.actions}
        settle = instance.model.settle
        self.settle: Callable[[Any], Any] | None = (
            None if settle is None else instance.runnable(settle)
        )
        final = instance.model.final
        self.final: Callable[[Any], Any] | None = (
            None if final is None else answering(instance, final)
        )
        self._cells: list[tuple[Any, int | str]] = []
        self._scalars: dict[str, Place] = {}
        self._sequences: dict[str, Any] = {}
        self._holders: dict[str, tuple[Any, str]] = {}
        self._fields: list[tuple[str, Any, str, bool]] = []
        """Each field that is part of the state: its holder, its own name, and if it is an array."""
        self.s = self._watched()
        self.effects: list[Emitted] = self.s.effects
        self._packed = bytearray(2 * len(self._cells))
        self._values = memoryview(self._packed).cast("H")
        self._pack_all()
        self._loaded = self.key

    def _watched(self) -> Any:
        """A new record that writes the journal."""
        instance, journal = self.instance, self.journal

        def heard(field: str, index: int, event: Event | None, source: int) -> None:
            if event is not None:
                self.fired.append((event, source))

        records = {
            part.name: _watched_record(part.record, f"{part.name}.", journal, self._scalars)
            for part in instance.record.parts
        }
        plain = fresh(instance.record, instance.setting.bounds)
        watched: Any = _watched_record(instance.record, "", journal, self._scalars)
        s = watched.__new__(watched)
        object.__setattr__(s, "effects", plain.effects)
        assemble(s, records)
        cells = self._cells
        for name, spec in instance.record.fields.items():
            values = value_of(plain, name)
            holder, own = holder_of(s, name)
            at = -1 if spec.scratch else len(cells)
            if not spec.scratch:
                self._fields.append((name, holder, own, spec.array))
            place = Place(name, spec, instance.largest(spec), at)
            if not spec.array:
                self._scalars[name] = place
                self._holders[name] = holder, own
                object.__setattr__(holder, own, values)
                if not spec.scratch:
                    cells.append((holder, own))
                continue
            array: Any
            if isinstance(spec.domain, type):
                array = WatchedMachines(values, spec.domain, name, heard)
            else:
                array = WatchedList(values)
            array.note, array.name, array.place = journal.append, name, place
            if spec.container == "sequence":
                self._sequences[name] = array
            object.__setattr__(holder, own, array)
            if not spec.scratch:
                cells += [(array, index) for index in range(len(values))]
        return s

    def _pack_all(self) -> None:
        """Pack the initial state, after checking that it is within all domains."""
        try:
            self._pack_initial()
        except StepError as error:
            name = self.instance.title
            raise StepError(error.code, f"initial state of {name}: {error.message}") from None

    def _pack_initial(self) -> None:
        for name, place in self._scalars.items():
            place.check(name, getattr(*self._holders[name]))
        for at, (holder, own) in enumerate(self._cells):
            if isinstance(own, int):
                holder.place.check(f"{holder.name}[{own}]", holder[own])
            self._pack(at)

    def _pack(self, at: int) -> None:
        """Pack the value at this position."""
        holder, own = self._cells[at]
        value = holder[own] if isinstance(own, int) else getattr(holder, own)
        if value > LARGEST:
            raise not_kept(self.instance.title, holder.name if isinstance(own, int) else own, value)
        self._values[at] = value

    @property
    def key(self) -> bytes:
        """The current state, packed: a 16-bit number for each value, in order of declaration."""
        return bytes(self._packed)

    def load(self, key: bytes) -> None:
        """Go to the state with this key, by writing what is different there."""
        self.undo()
        difference = int.from_bytes(key, "little") ^ int.from_bytes(self._packed, "little")
        if not difference:
            return
        self._packed[:] = self._loaded = key
        changed = CHANGED.finditer(difference.to_bytes(len(key), "little"))
        for at in {match.start() // 2 for match in changed}:
            holder, own = self._cells[at]
            if isinstance(own, int):
                list.__setitem__(holder, own, self._values[at])
            else:
                object.__setattr__(holder, own, self._values[at])

    def clear(self) -> None:
        """Forget what led here: journal, effects, fired events. :meth:`undo` leads back here."""
        if not (self.journal or self.effects or self.fired):
            return
        for array, index, _ in self.journal:  # a fault has left them unpacked
            place, within = (self._scalars[index], 0) if array is None else (array.place, index)
            if place.offset >= 0:
                self._pack(place.offset + within)
        self._loaded = self.key
        self._forget()

    def _forget(self) -> None:
        self.journal.clear()
        self.effects.clear()
        self.fired.clear()

    def finish(self, call: Call, result: Any) -> bytes:
        """Settle after a taken call and check what it wrote; the key of the new state.

        :raises StepError: the step leaves the protocol; :meth:`undo` leads back.
        """
        if result.__class__ is not int and not isinstance(result, int):
            raise StepError(
                "STP008",
                f"{call.action.name} returned {result!r}; return a number, or DISABLED",
            )
        if self.settle is not None:
            self.settle(self.s)
        values = self._values
        for array, index, _ in self.journal:
            if array is None:
                place = self._scalars[index]
                value = getattr(*self._holders[index])
                at = place.offset
            else:
                place = array.place
                value = array[index]
                at = place.offset + index
            if place.offset < 0 or not (0 <= value <= place.largest or value == place.none):
                place.check(index if array is None else f"{place.name}[{index}]", value)
            elif isinstance(value, int) and value <= LARGEST:
                values[at] = value
            else:
                where = first_line(self.instance.rule(call.action.function))
                raise not_kept(where, place.name, value)
        if self._sequences:
            self._check_sequences(call)
        return bytes(self._packed)

    def _check_sequences(self, call: Call) -> None:
        """Check that no element of a sequence that was written follows a free place.

        :raises StepError: ``STP014`` otherwise.
        """
        for name in {array.name for array, _, _ in self.journal if array is not None}:
            array = self._sequences.get(name)
            if array is not None and any(v != NONE for v in list(array)[length(array) :]):
                shown = ", ".join("NONE" if v == NONE else str(v) for v in array)
                where = first_line(self.instance.rule(call.action.function))
                raise StepError("STP014", f"{where}: {name} {GAP}; it is {shown}")

    def undo(self) -> None:
        """Go back to the state that was loaded or cleared last, whatever was done since."""
        if not (self.journal or self.effects or self.fired):
            return
        assign = list.__setitem__
        for array, index, old in reversed(self.journal):
            if array is None:
                holder, own = self._holders[index]
                object.__setattr__(holder, own, old)
            else:
                assign(array, index, old)
        self._packed[:] = self._loaded
        self._forget()

    def check_refusal(self, call: Call) -> None:
        """Check that the call that was just refused changed nothing.

        :raises StepError: ``STP005`` otherwise.
        """
        if self.effects:
            raise StepError("STP005", f"{call} refused, but emitted an effect before it did")
        first: dict[tuple[str, int], tuple[int, int]] = {}
        for array, index, old in self.journal:
            name = index if array is None else array.name
            now = getattr(*self._holders[index]) if array is None else array[index]
            first.setdefault((name, -1 if array is None else index), (old, now))
        for (name, index), (old, now) in first.items():
            if old != now:
                where = name if index < 0 else f"{name}[{index}]"
                raise StepError(
                    "STP005",
                    f"{call} refused, but changed {where} from {old} to {now} before it did;"
                    " put the guard before the first change",
                )

    def step(self, call: Call) -> int:
        """Take one call from the current state and stay in the new state; returns its result.

        :raises StepError: the call leaves the protocol; the state stays as the fault left it.
        :raises RuleError: the rule itself is broken.
        """
        self.clear()
        try:
            result = self.functions[call.action.name](self.s, *call.arguments)
            if result == DISABLED:
                if self.journal or self.effects:
                    self.check_refusal(call)
                return DISABLED
            self.finish(call, result)
        except Exception as error:
            raise fault_of(error, call) from error
        return int(result)

    def step_by_one(self, calls: Iterable[Call]) -> Call | None:
        """Take the first of these calls that is not refused; None if all are.

        Most calls are refused, so trying one costs little more than calling its rule.

        :raises StepError: as :meth:`step`, of the call that leaves the protocol.
        :raises RuleError: the rule itself is broken.
        """
        s, functions, journal, effects = self.s, self.functions, self.journal, self.effects
        self.clear()
        for call in calls:
            try:
                result = functions[call.action.name](s, *call.arguments)
                if result == DISABLED:
                    if journal or effects or self.fired:
                        self.check_refusal(call)
                        self.clear()
                    continue
                self.finish(call, result)
            except Exception as error:
                raise fault_of(error, call) from error
            return call
        return None

    def may_end(self) -> bool:
        """Whether the model declares the current state final.

        :raises RuleError: ``RUL100`` if the rule cannot be evaluated.
        """
        if self.final is None:
            return False
        try:
            return bool(self.final(self.s))
        except RuleError:
            raise
        except Exception as error:
            raise RuleError(
                "RUL100",
                f"final states of {self.instance.model.name} cannot be evaluated:"
                f" {type(error).__name__}: {error} {place_of(error)}",
            ) from error

    def snapshot(self) -> dict[str, Any]:
        """Every field that is part of the state, as plain numbers and lists."""
        return {
            name: list(map(int, getattr(holder, own))) if array else int(getattr(holder, own))
            for name, holder, own, array in self._fields
        }


def not_kept(where: str, name: str, value: object) -> RuleError:
    """The error for a value that a state cannot hold, although the field's domain may have it."""
    if isinstance(value, int):
        return RuleError(
            "RUL012",
            f"{where}: field {name} is {value}; a search keeps values up to {LARGEST}, so bound it"
            " by that",
        )
    return RuleError(
        "RUL006",
        f"{where}: {name} is given {value!r}, which is no integer; rules know integers only",
    )


def fault_of(error: Exception, call: Call) -> StepError:
    """The step error for an exception that a rule raised.

    :raises RuleError: ``RUL100`` if the exception means that the rule cannot be run at all.
    """
    if isinstance(error, StepError):
        return error
    if isinstance(error, SlotspecError):
        raise error
    if isinstance(error, IndexError):
        return StepError(
            "STP006",
            f"{call}: index out of range {place_of(error)}"
            " (NONE, or a number beyond the array, was used as an index)",
        )
    if isinstance(error, OverflowError):
        return StepError("STP011", f"{call}: {LEAVES} {place_of(error)}")
    if isinstance(error, ArithmeticError | ValueError | NoSuchArgument):
        return StepError("STP006", f"{call}: {error} {place_of(error)}")
    raise RuleError(
        "RUL100",
        f"{call} cannot be run: {type(error).__name__}: {error} {place_of(error)}{hint(error)}",
    ) from error


def too_deep(name: str, error: RecursionError) -> RuleError:
    """The error for a property that calls itself too deep."""
    return RuleError("RUL100", f"{name} cannot be evaluated: {error} {place_of(error)}")


def place_of(error: BaseException) -> str:
    """Where in the rules an exception was raised, as ``in function, file:line``."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [f for f in frames if ENGINE not in Path(f.filename).parents] or list(frames)
    last = outside[-1]
    return f"in {last.name}, {Path(last.filename).name}:{last.lineno}"
