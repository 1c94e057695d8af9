"""Which element of a model each name of a trace stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from slotspec.oracle.conformance.elastic import ElasticRecord
from slotspec.oracle.traces.names import Names
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError


class ListedNames(Names):
    """Names that the header lists, such as those of profiles; no other name is allowed.

    :param what: the thing that is named, for messages.
    """

    def __init__(self, names: Iterable[str], what: str) -> None:
        super().__init__(list(names))
        self._what = what

    def decode(self, name: str | None) -> int:
        """The number of a name; NONE for null.

        :raises InputError: ``TRC031`` for a name that the header does not list.
        """
        if name is None:
            return NONE
        number = self.number(name)
        if number is None:
            raise InputError("TRC031", f"the header lists no {self._what} {name!r}; add it there")
        return number


class NameTable(Names):
    """Names of the elements of one sort. A new name gets an element that nothing refers to.

    The sort grows when it runs out of elements.

    :param is_free: whether nothing in the state refers to an element, so that another name may
        take it. None: an element keeps its name until somebody releases it.
    :param names: names that are known from the start.
    """

    def __init__(
        self,
        elastic: ElasticRecord,
        sort: Sort,
        is_free: Callable[[int], bool] | None = None,
        names: Iterable[str] = (),
    ) -> None:
        super().__init__(list(names))
        self.sort = sort
        self.is_free = is_free
        self._elastic = elastic
        self._next = 0
        # elements that the arguments of the present step name: nothing else may refer to them yet
        self._mentioned: set[int] = set()
        elastic.grow(sort, len(self))

    def begin_step(self) -> None:
        """Forget which elements the step before has mentioned."""
        if self._mentioned:
            self._mentioned.clear()

    def decode(self, name: str | None) -> int:
        """The element of a name; NONE for null."""
        if name is None:
            return NONE
        number = self.number(name)
        if number is None:
            number = self.unused()
            self.bind(name, number)
        self._mentioned.add(number)
        return number

    def encode(self, number: int) -> str | None:
        """The name of an element; null for NONE."""
        return None if number == NONE else self.name(number)

    def unused(self) -> int:
        """An element that nothing refers to. The search continues where the last one ended."""
        size = self._elastic.size(self.sort)
        if self.is_free is None:
            number = len(self)
            while self.is_bound(number):
                number -= 1
            if number >= size:
                self._elastic.grow(self.sort, max(2 * number, 1))
            return number
        for number in chain(range(self._next, size), range(self._next)):
            if number not in self._mentioned and self.is_free(number):
                self._next = number + 1
                return number
        self._elastic.grow(self.sort, 2 * size)
        self._next = size + 1
        return size

    def release_free(self) -> None:
        """Forget the names of elements that nothing refers to any more."""
        assert self.is_free is not None
        for _, number in self.items():
            if self.is_free(number):
                self.release(number)
