"""A state record that grows: a recording has no bounds."""

from __future__ import annotations

from typing import Any

from slotspec.statemachine.fields import Sort, fresh
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
        self.bounds[sort.name] = max(size, self.bounds[sort.name])
        for name, spec in self.record.fields.items():
            if spec.over is not None:
                values = getattr(self.record, name)
                values.extend([spec.default] * (spec.size(self.bounds) - len(values)))
