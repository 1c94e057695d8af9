"""Proof obligations: what has to be found out about each property.

A state property is given the state and the elements of ``each``; a step property takes of
``before``, ``after``, ``result``, the action's arguments and the elements those that it names,
in any order. Both engines, the random walks and the oracles evaluate properties through this
module alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from slotspec.statemachine.declaration.model import Instance, Kind, Property, offered
from slotspec.statemachine.errors import RuleError

T = TypeVar("T")
Elements = tuple[int, ...]
Predicate = Callable[..., bool]
"""Evaluates a property on ``(s)``, or on a step ``(before, after, result, *arguments)``."""


@dataclass(frozen=True)
class Obligation:
    """A property, or a ``sometimes`` property for one choice of elements.

    :param name: the property's, with the elements where there is a obligation for each choice.
    :param elements: that choice; None for the property as a whole.
    """

    name: str
    declared: Property
    elements: Elements | None = None


def choices(instance: Instance, declared: Property) -> list[Elements]:
    """Every choice of elements for a property's parameters."""
    return list(product(*(instance.values(domain) for domain in declared.parameters.values())))


def obligations(instance: Instance) -> list[Obligation]:
    """All obligations of an instance: a ``sometimes`` has one for each choice of its elements."""
    from slotspec.statemachine.formatting import formatter_of

    found = []
    for declared in instance.properties.values():
        if declared.kind is not Kind.SOMETIMES or not declared.parameters:
            found.append(Obligation(declared.name, declared))
            continue
        formatter = formatter_of(instance)
        found += [
            Obligation(
                f"{declared.name}[{formatter.chosen(declared, elements)}]", declared, elements
            )
            for elements in choices(instance, declared)
        ]
    return found


def bind(declared: Property, given: Sequence[T], elements: Sequence[T]) -> list[T]:
    """The arguments that a property takes, in its order.

    :param given: ``(s)``; of a step ``(before, after)``, and ``(result, *arguments)`` if the
        property is about an action.
    :param elements: one for each of the property's parameters.
    """
    if declared.kind is not Kind.STEP:
        return [given[0], *elements]
    by_name: Mapping[str, T] = dict(
        zip(offered(declared.action, declared.parameters), (*given, *elements), strict=True)
    )
    return [by_name[name] for name in declared.takes]


def answering(instance: Instance, function: Callable[..., object]) -> Predicate:
    """A property's rule, which answers with a number or a truth value.

    Any other object is as good as true for Python, as is a generator whose ``all`` was forgotten.
    """
    rule = instance.runnable(function)

    def ask(*given: object) -> bool:
        answer = rule(*given)
        if answer.__class__ is bool:
            return answer
        if answer is not None and not isinstance(answer, int):
            raise not_an_answer(function, answer)
        return bool(answer)

    return ask


def not_an_answer(function: Callable[..., object], answer: object) -> RuleError:
    """The error for a property, or a rule of final states, that returns such an object."""
    code = getattr(function, "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}: " if code is not None else ""
    name = getattr(function, "__name__", "a property")
    cure = (
        "write any(…) or all(…) around it"
        if isinstance(answer, Iterator | list | set)
        else "call it"
        if callable(answer)
        else "return a comparison, or a number"
    )
    return RuleError(
        "RUL007",
        f"{place}in {name}: it returns a {type(answer).__name__}, where a number is needed; {cure}",
    )


def predicate_of(
    instance: Instance, declared: Property, elements: Elements | None = None
) -> Predicate:
    """The property as the interpreter asks it: of every choice of elements, or of `elements`."""
    rule = answering(instance, declared.function)
    chosen = [elements] if elements is not None else choices(instance, declared)
    if declared.kind is not Kind.STEP:
        return asking_each(instance, declared, [0], chosen) if declared.parameters else rule
    names = offered(declared.action, declared.parameters)
    count = len(names) - len(declared.parameters)
    if declared.takes == tuple(names) and declared.action is not None and not declared.parameters:
        return rule
    places = [names.index(name) for name in declared.takes]
    if not declared.parameters:
        if places == [0, 1]:
            return lambda before, after, *_: rule(before, after)
        return lambda *given: rule(*[given[place] for place in places])
    first = [place for place in places if place < count]
    if places[: len(first)] == first:
        ends = [tuple(one[place - count] for place in places[len(first) :]) for one in chosen]
        return asking_each(instance, declared, first, ends)

    def ask(*given: object) -> bool:
        for one in chosen:
            every = (*given[:count], *one)
            if not rule(*[every[place] for place in places]):
                return False
        return True

    return ask


def asking_each(
    instance: Instance, declared: Property, first: Sequence[int], ends: Sequence[Elements]
) -> Predicate:
    """A property of each choice of elements; most of the time of a small check goes here.

    :param first: the places of its first arguments in what the predicate is given.
    :param ends: the arguments after these, for each choice.
    """
    rule = instance.runnable(declared.function)
    answered = answering(instance, declared.function)

    def ask(*given: object) -> bool:
        begin = [given[place] for place in first]
        for end in ends:
            answer = rule(*begin, *end)
            if answer.__class__ is not bool:
                answer = answered(*begin, *end)  # a number, or what is no answer
            if not answer:
                return False
        return True

    return ask


def broken_by(instance: Instance, declared: Property, given: Sequence[object]) -> Elements:
    """The first choice of elements of which a property does not hold; none if it has no such."""
    if declared.parameters:
        for elements in choices(instance, declared):
            if not predicate_of(instance, declared, elements)(*given):
                return elements
    return ()
