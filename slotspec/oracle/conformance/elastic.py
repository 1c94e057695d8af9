"""A state record that grows: a recording has no bounds."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import Any

from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.parts import fresh
from slotspec.statemachine.declaration.records import FieldSpec, Sort
from slotspec.statemachine.declaration.rules import Listener


class ElasticRecord:
    """The record of an instance, with room for more elements of a sort when they are needed.

    Elements are only ever added at the end of a sort that is no part of a sum but the last,
    so numbers keep their meaning.
    """

    def __init__(self, instance: Instance, listener: Listener | None = None) -> None:
        self.bounds = dict(instance.setting.bounds)
        self.record: Any = fresh(instance.record, self.bounds, listener)
        self.record.bounds = self.bounds  # its rules ask for the elements that it has by now

    def size(self, sort: Sort) -> int:
        return sort.size(self.bounds)

    def grow(self, sort: Sort, size: int) -> None:
        """Make room for `size` elements of `sort`."""
        before = dict(self.bounds)
        self.bounds[sort.name] = max(size, self.bounds[sort.name])
        for values, spec in self._growing[sort.name]:
            assert spec.over is not None
            if len(spec.over.factors) > 1:
                self._widen(values, spec, before)
            values.extend([spec.default] * (spec.size(self.bounds) - len(values)))

    @cached_property
    def _growing(self) -> dict[str, list[tuple[list[int], FieldSpec]]]:
        """Name of a sort -> the fields whose size depends on its own."""
        found: dict[str, list[tuple[list[int], FieldSpec]]] = {name: [] for name in self.bounds}
        for name, spec in self.record.fields.items():
            if spec.over is not None:
                for below in _made_of(spec.over):
                    found[below].append((getattr(self.record, name), spec))
        return found

    def _widen(self, values: list[int], spec: FieldSpec, before: dict[str, int]) -> None:
        """Give the elements of a field over a product their places under the new sizes."""
        assert spec.over is not None
        old, new = ([f.size(sizes) for f in spec.over.factors] for sizes in (before, self.bounds))
        if old[1:] == new[1:]:
            return
        moved = [spec.default] * spec.size(self.bounds)
        for value, indices in zip(values, product(*map(range, old)), strict=True):
            place = 0
            for index, size in zip(indices, new, strict=True):
                place = place * size + index
            moved[place] = value
        list.__setitem__(values, slice(None), moved)  # machines too, which no rule may assign


def _made_of(sort: Sort) -> set[str]:
    """Names of the sorts with a size of their own that `sort` consists of."""
    below = (*sort.parts, *sort.factors)
    return set[str]().union(*map(_made_of, below)) if below else {sort.name}
