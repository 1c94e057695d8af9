"""The reservations in a tree: what its tasks need, and no more than there is."""

from __future__ import annotations

from slotspec.models.slot_sharing.environment import list_resolved_roots, resolve_context
from slotspec.models.slot_sharing.lifecycles import RootListing, SlotContextFuture
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.resources import amount, is_oversubscribed, reserved_of
from slotspec.models.slot_sharing.state import Effect, SlotSharingState, multis
from slotspec.models.slot_sharing.tree import is_below, is_multi_registered, resolved_root
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

MULTI = {"multi": multis}


def is_share_below(s: SlotSharingState, slot: int, multi: int) -> bool:
    """Whether a single-task slot is below a multi-task slot."""
    return s.single_held[slot] == 1 and is_below(s, s.single_parent[slot], multi)


def needed(s: SlotSharingState, multi: int, resource: int) -> int:
    """The amount that the single-task slots below a slot need."""
    return sum(
        amount(s, profile, resource)
        for slot, profile in enumerate(s.single_profile)
        if is_share_below(s, slot, multi)
    )


def needs_unknown(s: SlotSharingState, multi: int) -> bool:
    """Whether a single-task slot below a slot has an unknown profile."""
    return any(
        is_share_below(s, slot, multi) and s.specials[profile] == Special.UNKNOWN
        for slot, profile in enumerate(s.single_profile)
    )


def has_vector(s: SlotSharingState, multi: int) -> bool:
    """Whether the slot is registered and its reservation is a vector of amounts."""
    return s.special[multi] == Special.AMOUNTS and is_multi_registered(s, multi)


@slot_sharing.always("MultiTaskSlot.releaseResource", each=MULTI, deviation=known(REPLACED, LATE))
def what_is_reserved_is_needed(s: SlotSharingState, multi: int) -> bool:
    """A registered slot has no more reserved than the shares below it need."""
    return not has_vector(s, multi) or all(
        reserved_of(s, multi, r) <= needed(s, multi, r) for r in range(s.resource_count)
    )


@slot_sharing.always("MultiTaskSlot.reserveResource", each=MULTI, deviation=known(EVICTED))
def what_is_needed_is_reserved(s: SlotSharingState, multi: int) -> bool:
    """A registered slot has as much reserved as the shares below it need."""
    return not has_vector(s, multi) or (
        not needs_unknown(s, multi)
        and all(reserved_of(s, multi, r) >= needed(s, multi, r) for r in range(s.resource_count))
    )


@slot_sharing.always("ResourceProfile.subtract", each=MULTI, deviation=sticky)
def what_is_reserved_is_known_again(s: SlotSharingState, multi: int) -> bool:
    """A reservation is unknown only while a share below has an unknown profile."""
    return (
        s.special[multi] != Special.UNKNOWN
        or not is_multi_registered(s, multi)
        or needs_unknown(s, multi)
    )


@slot_sharing.always(
    "MultiTaskSlot.allocateSingleTaskSlot",
    each={"root": multis},
    deviation=known(UNCHECKED, REPLACED),
)
def no_registered_root_is_oversubscribed(s: SlotSharingState, root: int) -> bool:
    """The physical slot of a registered root has all that is reserved."""
    return (
        s.parent[root] != NONE
        or s.context[root] != SlotContextFuture.KNOWN
        or not is_multi_registered(s, root)
        or not is_oversubscribed(s, root)
    )


@slot_sharing.step(
    "SlotSharingManager.listResolvedRootSlotInfo",
    on=list_resolved_roots,
    deviation=known(UNCHECKED, OVERSUBSCRIBED, TWICE),
)
def a_list_of_roots_never_fails(result: int) -> bool:
    """The scheduler always learns which roots there are."""
    return result != NONE


@slot_sharing.step("MultiTaskSlot: the check for oversubscription", on=resolve_context)
def a_slot_that_is_too_small_goes_back(
    before: SlotSharingState,
    after: SlotSharingState,
    root: int,
    tm: int,
    allocation: int,
    profile: int,
) -> bool:
    """A root keeps a slot exactly if it has all that is reserved and no other root has it."""
    if before.listing[root] != RootListing.UNRESOLVED:
        return True
    keeps = resolved_root(before, tm, allocation) == NONE and fits(before, root, profile)
    given_back = any(e.kind == Effect.RELEASE_POOL_SLOT and e.root == root for e in after.effects)
    return keeps == is_multi_registered(after, root) and keeps != given_back


def fits(s: SlotSharingState, root: int, profile: int) -> bool:
    """Whether a slot of the profile has what the root has reserved; independent of the rules."""
    if s.specials[profile] == Special.ANY or s.special[root] == Special.UNKNOWN:
        return True
    return s.specials[profile] != Special.UNKNOWN and all(
        amount(s, profile, r) >= reserved_of(s, root, r) for r in range(s.resource_count)
    )
