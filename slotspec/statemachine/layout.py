"""The layout of a state: one byte per value while a rule runs, packed bits while stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slotspec.statemachine.declaration.dotted_names import value_of
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import LARGEST_SORT, FieldSpec, Ref
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import RuleError, StepError

WORD = 8


@dataclass(frozen=True)
class Place:
    """The position of one field.

    :param offset: its first byte in a working record.
    :param size: how many values it has.
    :param bits: how many bits each value takes when stored.
    :param largest: its largest value other than NONE.
    :param none: the byte that stands for NONE (all of its bits set), or None.
    """

    name: str
    spec: FieldSpec
    offset: int
    size: int
    bits: int
    largest: int
    none: int | None

    def byte(self, value: int) -> int:
        return self.none if value == NONE and self.none is not None else value

    def value(self, byte: int) -> int:
        return NONE if self.none is not None and byte == self.none else byte


class Layout:
    """The layout of an instance's state, as bytes padded to words and as packed bits.

    Scratch fields follow the state (from byte `words` * 8 on) and are never stored.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.places: dict[str, Place] = {}
        fields = instance.record.fields
        state = [name for name, spec in fields.items() if not spec.scratch]
        scratch = [name for name, spec in fields.items() if spec.scratch]
        end = self._place(state, 0)
        self.words = max(1, -(-end // WORD))
        end = self._place(scratch, self.words * WORD)
        self.capacity = -(-end // WORD) if scratch else self.words
        bits = sum(self.places[name].bits * self.places[name].size for name in state)
        self.state_fields = state
        self.scratch_fields = scratch
        self.bits = bits
        self.packed = max(1, -(-bits // 64))

    def _place(self, names: list[str], at: int) -> int:
        for name in names:
            spec = self.instance.record.fields[name]
            largest = self.instance.largest(spec)
            if largest > LARGEST_SORT:
                raise RuleError(
                    "RUL012",
                    f"field {name} of model {self.instance.model.name} takes values up to"
                    f" {largest}; a compiled field is one byte, so bound it by {LARGEST_SORT}",
                )
            reference = isinstance(spec.domain, Ref)
            count = largest + 1 + reference
            bits = (count - 1).bit_length() if count > 1 else 0
            none = (1 << bits) - 1 if reference else None
            size = spec.size(self.instance.setting.bounds)
            self.places[name] = Place(name, spec, at, size, bits, largest, none)
            at += size
        return at

    def initial(self) -> bytes:
        """The working record of the initial state, including scratch fields.

        :raises StepError: ``STP003`` if a value is outside its domain.
        """
        record = bytearray(self.capacity * WORD)
        for place in self.places.values():
            value, has_none = place.spec.default, place.none is not None
            if not (0 <= value <= place.largest or (value == NONE and has_none)):
                none = " or NONE" if has_none else ""
                raise StepError(
                    "STP003",
                    f"initial state of {self.instance.title}: {place.name} is {value}; it may be 0"
                    f" to {place.largest}{none}",
                )
            for i in range(place.size):
                record[place.offset + i] = place.byte(place.spec.default)
        return bytes(record)

    def masks(self) -> list[int]:
        """For each word of a working record, which of its bits are stored."""
        record = bytearray(self.words * WORD)
        for name in self.state_fields:
            place = self.places[name]
            for i in range(place.size):
                record[place.offset + i] = (1 << place.bits) - 1
        return [int.from_bytes(record[i : i + WORD], "little") for i in range(0, len(record), WORD)]

    def _bits(self) -> Iterator[tuple[int, int, int]]:
        """(byte of the record, bit of the stored state, number of bits), in stored order."""
        at = 0
        for mask_index, mask in enumerate(self.masks()):
            for byte in range(WORD):
                width = (mask >> (8 * byte) & 0xFF).bit_length()
                if width:
                    yield mask_index * WORD + byte, at, width
                    at += width

    def pack(self, record: bytes) -> list[int]:
        """The stored words of a working record."""
        number = 0
        for byte, at, width in self._bits():
            number |= (record[byte] & ((1 << width) - 1)) << at
        return [number >> (64 * i) & ((1 << 64) - 1) for i in range(self.packed)]

    def unpack(self, words: list[int]) -> bytes:
        """The working record of stored words, with scratch fields cleared."""
        number = sum(int(word) << (64 * i) for i, word in enumerate(words))
        record = bytearray(self.initial())
        for byte, at, width in self._bits():
            record[byte] = number >> at & ((1 << width) - 1)
        return bytes(record)

    def encode(self, state: Any) -> bytes:
        """The working record of an interpreted state."""
        record = bytearray(self.initial())
        for name in self.state_fields:
            place = self.places[name]
            value = value_of(state, name)
            for i, v in enumerate(value if place.spec.array else [value]):
                record[place.offset + i] = place.byte(int(v))
        return bytes(record)

    def decode(self, record: bytes) -> dict[str, Any]:
        """Field name -> value (a list for an array) of a working record."""
        found: dict[str, Any] = {}
        for name in self.state_fields:
            place = self.places[name]
            values = [place.value(record[place.offset + i]) for i in range(place.size)]
            found[name] = values if place.spec.array else values[0]
        return found
