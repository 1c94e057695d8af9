"""Names of a trace and the numbers that the model knows them by."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache


class Names:
    """A two-way table of names and numbers; a number can be given to another name later.

    :ivar number: the number of a name, None for a name that has none.
    :ivar name: the name of a number; raises KeyError for a number that has none.
    """

    def __init__(self, names: list[str] | None = None) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        # looked up for every part of every state: no call of ours is between
        self.number: Callable[[str], int | None] = self._numbers.get
        self.name: Callable[[int], str] = self._names.__getitem__
        for number, name in enumerate(names or []):
            self.bind(name, number)

    def __len__(self) -> int:
        return len(self._numbers)

    def bind(self, name: str, number: int) -> None:
        """Let `name` stand for `number` from now on, and what either stood for be forgotten."""
        old_name = self._names.pop(number, None)
        if old_name is not None:
            self._numbers.pop(old_name, None)
        old_number = self._numbers.pop(name, None)
        if old_number is not None:
            self._names.pop(old_number, None)
        self._numbers[name] = number
        self._names[number] = name

    def release(self, number: int) -> None:
        """Forget the name of `number`, if it has one."""
        name = self._names.pop(number, None)
        if name is not None:
            del self._numbers[name]

    def items(self) -> list[tuple[str, int]]:
        """Every name with its number, oldest first."""
        return list(self._numbers.items())

    def is_bound(self, number: int) -> bool:
        """Whether some name stands for `number`."""
        return number in self._names

    def __contains__(self, name: str) -> bool:
        return name in self._numbers


@lru_cache(maxsize=1024)  # the names of one state are sorted again and again
def natural(name: str) -> tuple[str, int, str]:
    """Sort key by which ``a2`` comes before ``a10``."""
    digits = len(name) - len(name.rstrip("0123456789"))
    if digits == 0:
        return (name, -1, name)
    return (name[:-digits], int(name[-digits:]), name)
