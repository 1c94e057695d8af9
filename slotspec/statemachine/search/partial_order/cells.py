"""The cells of a state: one for each value that it holds, as the bits of a number."""

from __future__ import annotations

from slotspec.statemachine.declaration.model import Instance


class Cells:
    """Numbers the cells of an instance's state.

    Scratch fields have none: they are at rest between steps, so no step tells another one
    anything through them.

    :ivar every: the set of all cells.
    """

    def __init__(self, instance: Instance) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self.scratch: set[str] = set()
        end = 0
        for name, spec in instance.record.fields.items():
            if spec.scratch:
                self.scratch.add(name)
                continue
            size = spec.size(instance.setting.bounds)
            self.places[name] = end, size
            end += size
        self.every = (1 << end) - 1
        self.size = end

    def field(self, name: str) -> int:
        """All cells of a field."""
        first, size = self.places.get(name, (0, 0))
        return ((1 << size) - 1) << first

    def of(self, path: str) -> int:
        """The cells that a path means: ``field``, ``field[3]``, or ``parts.*.field``.

        A star stands for any of several parts.
        """
        name, _, index = path.removesuffix("]").partition("[")
        if ".*." in name:
            attribute, _, own = name.partition(".*.")
            names = [
                f"{known}"
                for known in (*self.places, *self.scratch)
                if known.startswith(f"{attribute}.") and known.rpartition(".")[2] == own
            ]
        else:
            names = [name]
        found = 0
        for known in names:
            if known in self.scratch:
                continue
            if known not in self.places:
                return self.every  # nothing is known of it, so it may be anything
            first, size = self.places[known]
            if not index:
                found |= self.field(known)
            elif int(index) < size:
                found |= 1 << (first + int(index))
        return found if names else self.every

    def names(self, cells: int) -> list[str]:
        """The fields of which some cells are in this set."""
        return [name for name in self.places if self.field(name) & cells]
