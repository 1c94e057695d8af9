"""Stubborn sets: which calls a state can leave for later, and no verdict changes.

A call *moves* in a state if it is possible there and changes it. In each state, the search takes
only the moving calls of a set T of calls that is closed (Valmari, "Stubborn sets for reduced state
space generation", 1991, and "A stubborn attack on state explosion", 1992):

* with a call that moves, T has each call that depends on it: one of the two may write what the
  other may read or write;
* with a call that does not move, T has each call that may write what it may read or write. Until
  one of them moves, the call does what it does now: nothing, or the same fault. If the call is
  refused because a cell has a wrong value (:mod:`.guards`), those that may write this cell do;
* T has a call that moves, if there is one.

So calls outside of T neither change what those in T do, nor make others in T possible, whatever
is done first: a way that the whole search finds can begin with a call of T instead. Every state
in which nothing moves is found, and so every deadlock.

What else is to be found in some state depends on the cells that it reads. An ``always`` or
``sometimes`` property is like one more call, which writes nothing: with a moving call that may
write what such an *observer* reads, T has each call that may write that. A call that is refused or
meets a fault is its own observer, and what a step property about an action reads belongs to what
the action's calls read.

A property of every step would make every call depend on whatever it reads. But a step that
changes nothing of that cannot break it, unless it breaks it by changing nothing. The search
asks this in every state it visits (:attr:`Relations.stuttering`). So what the property reads of
one choice of its elements belongs only to calls that may write some of it, or that emit effects
if it reads effects.

A call could be left for later for ever, in a circle. So T is used only if one of its calls leads
to a state of the next level, else another T, and at last all calls. Levels end, so from every
state the search comes to one where it takes all calls (Bosnacki, Leue and Lluch Lafuente,
"Partial-order reduction for general state exploring algorithms", 2009, have this proviso for
queues, with states that are new or still wait; a next level does not depend on the order within
one).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.search.partial_order.footprints import Footprints
from slotspec.statemachine.search.partial_order.guards import Condition, conditions

MOST = 10_000
"""The relations of more calls take too much memory."""


@dataclass(frozen=True)
class Relations:
    """Which calls a stubborn set needs with each call, as the bits of a number.

    :ivar moving: with a call that moves.
    :ivar still: with a call that does not.
    :ivar conditions: for each call, cells with the values that it needs them to have.
    :ivar writers: for each cell, the calls that may write it.
    :ivar stuttering: the properties of every step, of which a step that changes nothing is asked.
    """

    moving: tuple[int, ...]
    still: tuple[int, ...]
    conditions: tuple[tuple[Condition, ...], ...]
    writers: tuple[int, ...]
    stuttering: tuple[str, ...]

    @property
    def idle(self) -> bool:
        """Whether nothing can be left out, since each call depends on all others."""
        every = (1 << len(self.moving)) - 1
        return all(needed == every for needed in self.moving)

    @property
    def note(self) -> str:
        """How far calls are independent, as a report says it."""
        if self.idle:
            return "each call depends on all others, so nothing is left out"
        count = len(self.moving)
        independent = sum(count - needed.bit_count() for needed in self.moving)
        share = independent / (count * (count - 1))
        return f"on average, a call is independent of {share:.0%} of the others"

    def closure(self, seed: int, moving: int, value: Callable[[int], int]) -> int:
        """The least stubborn set with this call; `moving` are the calls that move."""
        found = waiting = 1 << seed
        while waiting:
            lowest = waiting & -waiting
            call = lowest.bit_length() - 1
            needed = self.moving[call] if moving & lowest else self.enabling(call, value)
            waiting = (waiting ^ lowest) | (needed & ~found)
            found |= needed
        return found

    def enabling(self, call: int, value: Callable[[int], int]) -> int:
        """The calls that a call needs that does not move."""
        for condition in self.conditions[call]:
            if value(condition.cell) not in condition.allowed:
                return self.writers[condition.cell]
        return self.still[call]

    def choose(
        self,
        calls: Sequence[int],
        leads_on: Callable[[int], bool],
        value: Callable[[int], int],
    ) -> Sequence[int]:
        """The calls to take of those that move, the fewest that will do.

        :param leads_on: whether a call leads to a state of the next level.
        :param value: the value of a cell.
        """
        moving = sum(1 << call for call in calls)
        candidates: list[tuple[int, int]] = []
        for seed in calls:
            kept = self.closure(seed, moving, value) & moving
            if kept != moving:
                candidates.append((kept.bit_count(), kept))
        for _, kept in sorted(candidates, key=lambda one: one[0]):
            chosen = [call for call in calls if kept >> call & 1]
            if any(map(leads_on, chosen)):
                return chosen
        return calls


def relations(instance: Instance) -> Relations:
    """The relations between the calls of an instance, by the text of its rules.

    :raises UsageError: ``SET038`` for too many calls.
    """
    if len(instance.calls) > MOST:
        raise UsageError(
            "SET038",
            f"a search with partial-order reduction may have {MOST:,} calls, and"
            f" {instance.title} has {len(instance.calls):,}; leave it out, or choose smaller"
            " bounds",
        )
    found = Footprints(instance)
    calls, uses = found.calls, uses_of(found)
    writers, users = [0] * found.cells.size, [0] * found.cells.size
    for number, call in enumerate(calls):
        for cell in bits(call.writes):
            writers[cell] |= 1 << number
        for cell in bits(uses[number]):
            users[cell] |= 1 << number
    # what is to be added for a call that may write this cell
    observed = [0] * found.cells.size
    for observer in found.observers:
        all_writers = union(writers, observer.uses)
        for cell in bits(observer.uses):
            observed[cell] |= all_writers
    moving, still = [], []
    for number, call in enumerate(calls):
        needed = 1 << number | union(writers, uses[number])
        still.append(needed)
        moving.append(needed | union(users, call.writes) | union(observed, call.writes))
    names = tuple(found.on_steps)
    made = Relations(tuple(moving), tuple(still), ((),) * len(calls), tuple(writers), names)
    if made.idle:
        return made
    known = []
    for number, call_ in enumerate(instance.calls):
        needs = conditions(instance, found.cells, call_)
        fewer = [one for one in needs if writers[one.cell] != still[number]]
        known.append(tuple(sorted(fewer, key=lambda one: writers[one.cell].bit_count())))
    return replace(made, conditions=tuple(known))


def uses_of(found: Footprints) -> list[int]:
    """The cells that each call uses, with those of the properties of steps that it may break."""
    uses = []
    for call in found.calls:
        used = call.uses
        for asked in (one for several in found.on_steps.values() for one in several):
            if call.writes & asked.uses or (call.emits and asked.hears):
                used |= asked.uses
        uses.append(used)
    return uses


def refuse_together(instance: Instance, others: Sequence[str]) -> None:
    """Refuse what a search with partial-order reduction cannot do.

    :param others: what else is asked for.
    :raises UsageError: ``SET035`` for a ``leads to`` property, ``SET038`` for another option.
    """
    for what in others:
        raise UsageError(
            "SET038", f"a search with partial-order reduction goes without {what}; leave it out"
        )
    claimed = [name for name, p in instance.properties.items() if p.kind is Kind.LEADS_TO]
    if claimed:
        raise UsageError(
            "SET035",
            f"{', '.join(claimed)} of {instance.title} is about runs that never end, which"
            " partial-order reduction cannot tell; leave it out, or check the others alone"
            " (--safety)",
        )


def union(sets: Sequence[int], cells: int) -> int:
    """The union of the sets of these cells."""
    found = 0
    for cell in bits(cells):
        found |= sets[cell]
    return found


def bits(number: int) -> list[int]:
    """The places of the bits that are set."""
    found = []
    while number:
        lowest = number & -number
        found.append(lowest.bit_length() - 1)
        number ^= lowest
    return found
