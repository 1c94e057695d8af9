"""Makes an oracle that never uses an element twice, to compare one that does with it."""

from __future__ import annotations

from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import NameTable


def never_reuse(oracle: ModelOracle) -> None:
    """Let every new name take an element that no name had before."""
    for names in oracle.names.values():
        if isinstance(names, NameTable) and names.is_free is not None:
            names.unused = _Fresh(oracle, names)  # type: ignore[method-assign]


class _Fresh:
    def __init__(self, oracle: ModelOracle, names: NameTable) -> None:
        self.elastic = oracle.elastic
        self.sort = names.sort
        self.taken = 0

    def __call__(self) -> int:
        number = self.taken
        self.taken += 1
        while number >= self.elastic.size(self.sort):
            self.elastic.grow(self.sort, 2 * self.elastic.size(self.sort))
        return number
