"""FLINK-19832: a shared slot is given back while a call still adds requests to it."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing_allocator import allocation
from slotspec.models.slot_sharing_allocator.state import Raised, SlotSharingAllocatorState
from slotspec.models.slot_sharing_allocator.walks import group_at
from slotspec.statemachine.declaration.rules import NONE


def ask_one_that_is_released(s: SlotSharingAllocatorState, count: int, backwards: int) -> int:
    """A shared slot whose physical request has failed is given back by its first logical one.

    The second one fails a check of its state.
    """
    for step in range(len(s.group)):
        g = group_at(s, s.named, 0, step, backwards)
        for at in range(count):
            vertex = s.call[at] - 1
            if s.named[g] and s.group_of[vertex] == g:
                if not s.member[vertex]:
                    return Raised.ILLEGAL_ARGUMENT
                if s.dead[g]:
                    return Raised.ILLEGAL_STATE
                allocation.ask(s, vertex)
    return NONE


BUGS = [
    Bug(
        issue="FLINK-19832",
        description="The pool fails a physical request at once. The first vertex of the group fails"
        " with it, which gives the shared slot back, but the call goes on to add the other"
        " vertices of the group to that shared slot, and ends with an exception. What it has"
        " requested for other groups stays, and no bulk has it.",
        model="slot_sharing_allocator",
        property="a_call_that_raises_changes_nothing",
        length=2,
        replace={allocation.ask_all: ask_one_that_is_released},
        generation="1.12",
        scope="pool",
        bounds={"modes": 2, "strangers": 0, "foreigners": 0},
        fixed="1.12.1, 1.13.0",
    )
]
