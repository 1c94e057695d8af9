"""What is reserved in a tree: what its tasks need, and no more than there is."""

from __future__ import annotations

from slotspec.models.slot_sharing.environment import list_resolved_roots, resolve_context
from slotspec.models.slot_sharing.lifecycles import RootListing, SlotContextFuture
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.resources import amount, is_oversubscribed
from slotspec.models.slot_sharing.state import Effect, SlotSharingState
from slotspec.models.slot_sharing.tree import is_below, is_multi_registered, resolved_root
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_sharing.deviations import (
    EVICTED,
    LATE,
    OVERSUBSCRIBED,
    REPLACED,
    TWICE,
    UNCHECKED,
    known,
    sticky,
)
from slotspec.statemachine.declaration.rules import NONE


def needed(s: SlotSharingState, multi: int, resource: int) -> int:
    """How much the single-task slots below a slot ask for."""
    total = 0
    for slot in range(len(s.single)):
        if s.single_held[slot] and is_below(s, s.single_parent[slot], multi):
            total += amount(s, s.single_profile[slot], resource)
    return total


def needs_unknown(s: SlotSharingState, multi: int) -> bool:
    """Whether a single-task slot below a slot asks for an unknown profile."""
    for slot in range(len(s.single)):
        below = s.single_held[slot] and is_below(s, s.single_parent[slot], multi)
        if below and s.specials[s.single_profile[slot]] == Special.UNKNOWN:
            return True
    return False


@slot_sharing.always("MultiTaskSlot.releaseResource", deviation=known(REPLACED, LATE))
def what_is_reserved_is_needed(s: SlotSharingState) -> bool:
    """A registered slot has no more reserved than those below it ask for."""
    for multi in range(len(s.multi)):
        if is_multi_registered(s, multi) and s.special[multi] == Special.AMOUNTS:
            for resource in range(s.resource_count):
                reserved = s.reserved[multi * s.resource_count + resource]
                if reserved > needed(s, multi, resource):
                    return False
    return True


@slot_sharing.always("MultiTaskSlot.reserveResource", deviation=known(EVICTED))
def what_is_needed_is_reserved(s: SlotSharingState) -> bool:
    """A registered slot has as much reserved as those below it ask for."""
    for multi in range(len(s.multi)):
        if is_multi_registered(s, multi) and s.special[multi] == Special.AMOUNTS:
            if needs_unknown(s, multi):
                return False
            for resource in range(s.resource_count):
                reserved = s.reserved[multi * s.resource_count + resource]
                if reserved < needed(s, multi, resource):
                    return False
    return True


@slot_sharing.always("ResourceProfile.subtract", deviation=sticky)
def what_is_reserved_is_known_again(s: SlotSharingState) -> bool:
    """A reservation is unknown only while somebody below asks for an unknown profile."""
    for multi in range(len(s.multi)):
        unknown = is_multi_registered(s, multi) and s.special[multi] == Special.UNKNOWN
        if unknown and not needs_unknown(s, multi):
            return False
    return True


@slot_sharing.always("MultiTaskSlot.allocateSingleTaskSlot", deviation=known(UNCHECKED, REPLACED))
def no_registered_root_is_oversubscribed(s: SlotSharingState) -> bool:
    """The physical slot of a registered root has all that is reserved."""
    for root in range(len(s.multi)):
        known_root = s.parent[root] == NONE and s.context[root] == SlotContextFuture.KNOWN
        if known_root and is_multi_registered(s, root) and is_oversubscribed(s, root):
            return False
    return True


@slot_sharing.step(
    "SlotSharingManager.listResolvedRootSlotInfo",
    on=list_resolved_roots,
    deviation=known(UNCHECKED, OVERSUBSCRIBED, TWICE),
)
def a_list_of_roots_never_fails(
    before: SlotSharingState, after: SlotSharingState, result: int, group: int
) -> bool:
    """The scheduler always learns which roots there are."""
    return result != NONE


@slot_sharing.step("MultiTaskSlot: the check for oversubscription", on=resolve_context)
def a_slot_that_is_too_small_goes_back(
    before: SlotSharingState,
    after: SlotSharingState,
    result: int,
    root: int,
    tm: int,
    allocation: int,
    profile: int,
) -> bool:
    """A root keeps a slot exactly if it has all that is reserved and nobody else has it."""
    if before.listing[root] != RootListing.UNRESOLVED:
        return True
    taken = resolved_root(before, tm, allocation) != NONE
    keeps = not taken and fits(before, root, profile)
    given_back = count_effects(after, int(Effect.RELEASE_POOL_SLOT), root) > 0
    return keeps == is_multi_registered(after, root) and keeps != given_back


def fits(s: SlotSharingState, root: int, profile: int) -> bool:
    """Whether a slot of the profile has what the root has reserved: said once more, apart."""
    if s.specials[profile] == Special.ANY or s.special[root] == Special.UNKNOWN:
        return True
    if s.specials[profile] == Special.UNKNOWN:
        return False
    for resource in range(s.resource_count):
        if amount(s, profile, resource) < s.reserved[root * s.resource_count + resource]:
            return False
    return True
