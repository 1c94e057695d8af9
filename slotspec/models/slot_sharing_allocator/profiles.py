"""Who shares a slot with whom, and the resource profiles of groups and slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from slotspec.models.common.resource_profile import (
    ANY,
    LARGE,
    SMALL,
    UNKNOWN,
    Answer,
    Matching,
    ResourceProfile,
    exactly,
    matches,
)
from slotspec.models.slot_sharing_allocator.versions import GroupProfile

ZERO = ResourceProfile()
SLOT_PROFILES: Sequence[ResourceProfile] = (SMALL, LARGE, ANY)
"""The profiles of slots in a check, in the order in which the bound ``profiles`` takes them."""


@dataclass(frozen=True)
class Vertex:
    """A vertex of the job.

    :param group: the number of its slot sharing group, or None.
    :param member: whether the group contains it, as it should.
    """

    group: int | None
    profile: ResourceProfile = UNKNOWN
    member: bool = True


@dataclass(frozen=True)
class Sharing:
    """The slot sharing groups of a job. Flink: SlotSharingStrategy, ExecutionSlotSharingGroup.

    :param groups: the profile that each group has of its own.
    """

    groups: tuple[ResourceProfile, ...]
    vertices: tuple[Vertex, ...]

    def load(self, group: int) -> int:
        """How many vertices a group has."""
        return sum(vertex.group == group and vertex.member for vertex in self.vertices)

    def wanted(self, group_profile: GroupProfile) -> list[ResourceProfile]:
        """The profile of each group's physical slot."""
        return [self._wanted(number, group_profile) for number in range(len(self.groups))]

    def _wanted(self, group: int, group_profile: GroupProfile) -> ResourceProfile:
        own = self.groups[group]
        if group_profile == GroupProfile.OWN and not own.unknown:
            return own
        members = (v.profile for v in self.vertices if v.group == group and v.member)
        return reduce(plus, members, ZERO)


def plus(left: ResourceProfile, right: ResourceProfile) -> ResourceProfile:
    """The sum; ANY if either is, else UNKNOWN if either is. Flink: ResourceProfile.merge."""
    if left.any_ or right.any_:
        return ANY
    if left.unknown or right.unknown:
        return UNKNOWN
    cpu = float(exactly(left.cpu) + exactly(right.cpu))
    return ResourceProfile(
        cpu,
        left.task_heap_mb + right.task_heap_mb,
        left.task_off_heap_mb + right.task_off_heap_mb,
        left.managed_mb + right.managed_mb,
        left.network_mb + right.network_mb,
    )


def fits(slot: ResourceProfile, wanted: Sequence[ResourceProfile], matching: Matching) -> list[int]:
    """For each group, whether a slot of this profile will do."""
    return [int(matches(slot, one, matching) == Answer.YES) for one in wanted]


def even_sharing(groups: int, vertices: int, strangers: int, profiles: int) -> Sharing:
    """The groups of a check: vertices by turns.

    With one profile of slots, vertices want any slot. With more, those of odd groups want a
    large one.

    :param strangers: 1: the last vertex is no member of its group; 2: it has no group.
    """
    made = []
    for number in range(vertices):
        last = number == vertices - 1
        group = None if last and strangers == 2 else number % groups
        profile = LARGE if profiles > 1 and number % groups % 2 else UNKNOWN
        made.append(Vertex(group, profile, not (last and strangers)))
    return Sharing((UNKNOWN,) * groups, tuple(made))
