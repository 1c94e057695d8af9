"""A state record that grows: a recording has no bounds."""

from __future__ import annotations

from itertools import product
from typing import Any

from slotspec.statemachine.fields import FieldSpec, Sort, fresh
from slotspec.statemachine.model import Instance
from slotspec.statemachine.rules import Listener


class ElasticRecord:
    """The record of an instance, with room for more elements of a sort when they are needed.

    Elements are only ever added at the end of a sort that is no part of a sum but the last,
    so numbers keep their meaning.
    """

    def __init__(self, instance: Instance, listener: Listener | None = None) -> None:
        self.bounds = dict(instance.setting.bounds)
        self.record: Any = fresh(instance.record, self.bounds, listener)

    def size(self, sort: Sort) -> int:
        return sort.size(self.bounds)

    def grow(self, sort: Sort, size: int) -> None:
        """Make room for `size` elements of `sort`."""
        before = dict(self.bounds)
        self.bounds[sort.name] = max(size, self.bounds[sort.name])
        for name, spec in self.record.fields.items():
            if spec.over is not None:
                values = getattr(self.record, name)
                if len(spec.over.factors) > 1:
                    self._widen(values, spec, before)
                values.extend([spec.default] * (spec.size(self.bounds) - len(values)))

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
        values[:] = moved
