"""Slot sharing: counts, verdicts, both engines, symmetry, nested lifecycles, mutants."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.logical_slot import operations as logical
from slotspec.models.logical_slot.state import Reaction
from slotspec.models.slot_sharing import operations as rules
from slotspec.models.slot_sharing import release, resources, shares, tree
from slotspec.models.slot_sharing.lifecycles import MultiTaskSlot, RootListing, SingleTaskSlot
from slotspec.models.slot_sharing.state import Cause, Effect, SlotSharingState
from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.slot_sharing.adapter import SlotSharingOracle
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.nesting import (
    SEPARATOR,
    Active,
    active_of,
    lifecycles,
    nested_machine,
)
from slotspec.statemachine.declaration.rules import DISABLED, NONE, emit
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.mutation import Mutant, Rules, assert_noticed, read, recordings
from tests.models.searches import searched
from tests.variants import fast_only

model = load_model("slot_sharing")
LIMITS = Limits(states=3_000_000, seconds=60)

SMALL = {"multis": 2, "slots": 2, "groups": 1, "profiles": 1, "payloads": 1, "physical_slots": 0}
RECKLESS = {"repeated_groups": 1, "taken_allocations": 1, "small_slots": 1}
SMALL_COUNTS = {
    "careful": ({"groups": 2, "profiles": 2, "deployments": 0}, (900, 18_967, 8)),
    "deployed": ({}, (274, 4_789, 10)),
    "reckless": ({"deployments": 0, **RECKLESS}, (2_450, 33_770, 16)),
    "late": ({"deployments": 0, "slots": 1, "late_calls": 1}, (1_500, 22_673, 20)),
    "calling back": ({"deployments": 0, "groups": 2, "callbacks": 1}, (234, 4_761, 8)),
}
SCOPE_COUNTS = {
    "sharing": (387_218, 11_368_073, 15),
    "colocation": (110_048, 2_996_711, 15),
    "payloads": (10_990, 255_759, 13),
    "resources": (339_656, 10_709_985, 11),
    "profiles": (52_856, 1_546_455, 10),
    "callbacks": (16_908, 480_449, 12),
    "places": (5_288, 142_792, 17),
    "replaced": (493_592, 6_705_930, 42),
    "surprises": (106_444, 1_932_622, 22),
    "late": (43_604, 654_051, 35),
}
NULL_GROUP = {"a_new_root_contains_no_group"}
DEVIATING = {
    "sharing": NULL_GROUP,
    "colocation": NULL_GROUP,
    "payloads": NULL_GROUP,
    "resources": NULL_GROUP | {"what_is_reserved_is_known_again"},
    "profiles": NULL_GROUP | {"what_is_reserved_is_known_again"},
    "callbacks": NULL_GROUP,
    "places": NULL_GROUP
    | {
        "a_root_that_leaves_gives_its_slot_back",
        "no_release_ends_with_an_exception",
        "a_list_of_roots_never_fails",
        "registered_roots_are_listed",
        "resolved_roots_are_registered",
        "resolved_roots_have_a_physical_slot",
        "task_managers_with_a_map_have_roots",
    },
}


@pytest.mark.parametrize("name", fast_only(SMALL_COUNTS, "reckless"))
def test_both_engines_agree(name: str) -> None:
    bounds, counts = SMALL_COUNTS[name]
    instance = model.instance({**SMALL, **bounds}, generation="1.12")
    results = [explore_interpreted(instance, LIMITS), explore_compiled(instance, LIMITS)]
    for result in results:
        assert (result.states, result.transitions, result.depth) == counts
        assert result.limit is None
    left, right = results
    assert left.fired == right.fired
    assert left.taken == right.taken
    for mine, other in zip(left.properties, right.properties, strict=True):
        assert (mine.property.name, mine.verdict) == (other.property.name, other.verdict)
        if mine.finding and other.finding:
            assert len(mine.finding.steps) == len(other.finding.steps)


@pytest.mark.parametrize("scope", fast_only(SCOPE_COUNTS, "places"))
def test_scopes(scope: str) -> None:
    instance = model.instance(generation="1.12", scope=scope)
    result = searched(instance, SCOPE_COUNTS[scope][1])
    assert (result.states, result.transitions, result.depth) == SCOPE_COUNTS[scope]
    assert result.verdict is Verdict.HOLDS
    deviating = {p.property.name for p in result.properties if p.verdict is Verdict.DEVIATES}
    assert deviating == DEVIATING.get(scope, deviating)


def test_both_releases_do_the_same() -> None:
    old, new = (model.instance(SMALL, generation=g) for g in ("1.11", "1.12"))
    assert dict(old.setting.choices, generation="") == dict(new.setting.choices, generation="")


def test_every_scope_is_pinned() -> None:
    assert list(SCOPE_COUNTS) == list(model.scopes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bounds",
    [RECKLESS, {"late_calls": 1, "deployments": 0}, {"callbacks": 1, "slots": 3, "groups": 2}],
)
def test_names_make_no_difference(bounds: dict[str, int]) -> None:
    instance = model.instance({**SMALL, "deployments": 1, **bounds})
    plain = explore_compiled(instance, LIMITS)
    reduced = explore_compiled(instance, LIMITS, symmetry="exact")
    assert 3 * reduced.states < plain.states
    verdicts = [
        [(p.property.name, p.verdict) for p in result.properties] for result in (plain, reduced)
    ]
    assert verdicts[0] == verdicts[1]


# ---------------------------------------------------------------------- nested lifecycles


class Hierarchies:
    """A hierarchical machine for each task slot, driven by what the rules fire."""

    def __init__(self) -> None:
        self.machines: dict[tuple[type[Lifecycle], int], Any] = {}
        self.fired: set[str] = set()
        self.of = {
            field: outer
            for outer in (MultiTaskSlot, SingleTaskSlot)
            for field in FIELDS[outer].values()
        }

    def machine(self, outer: type[Lifecycle], index: int) -> Any:
        if (outer, index) not in self.machines:
            self.machines[outer, index] = nested_machine(outer)
        return self.machines[outer, index]

    def __call__(self, field: str, index: int, event: Any, source: int) -> None:
        # that a record is given to another needs no event: what is inside ends with it
        if field in self.of and event is not None:
            assert self.machine(self.of[field], index).trigger(event.name)
            self.fired.add(f"{event.lifecycle}.{event.name}")


FIELDS: Mapping[type[Lifecycle], Mapping[str, str]] = {
    MultiTaskSlot: {
        "MultiTaskSlot": "multi",
        "TaskSlotRegistration": "multi_registration",
        "SlotContextFuture": "context",
        "RootListing": "listing",
    },
    SingleTaskSlot: {
        "SingleTaskSlot": "single",
        "TaskSlotRegistration": "single_registration",
        "LogicalSlotFuture": "future",
        "LogicalSlot": "slot",
        "Occupant": "occupant",
        "ReleaseFuture": "released",
    },
}
"""The field of each lifecycle of a task slot."""


def active(s: SlotSharingState, outer: type[Lifecycle], index: int) -> Active:
    """What is active of a task slot, by the fields of the record."""

    def paths(lifecycle: type[Lifecycle], prefix: str) -> list[str]:
        state = lifecycle.states[getattr(s, FIELDS[outer][lifecycle.__name__])[index]]
        here = prefix + state.name
        below = [
            path
            for child in state.inside
            for path in paths(child, f"{here}{SEPARATOR}{child.__name__}{SEPARATOR}")
        ]
        return below or [here]

    return tuple(sorted(paths(outer, "")))


def test_the_rules_keep_to_the_nesting() -> None:
    instance = model.instance({**SMALL, "groups": 2, "deployments": 1, **RECKLESS})
    random, settle = Random(11), instance.model.settle
    assert settle is not None
    fired: set[str] = set()
    for _ in range(25):
        referee = Hierarchies()
        s = instance.fresh(referee)
        for call in random.choices(instance.calls, k=250):
            s.effects.clear()
            if call.action.function(s, *call.arguments) == DISABLED:
                continue
            settle(s)
            for outer, field in ((MultiTaskSlot, "multi"), (SingleTaskSlot, "single")):
                for index in range(len(getattr(s, field))):
                    machine = referee.machine(outer, index)
                    assert active_of(machine.state) == active(s, outer, index), call
        fired |= referee.fired
    possible = {
        f"{part.__name__}.{event.name}"
        for outer in FIELDS
        for part in lifecycles(outer)
        for event in part.events
    }
    # payloads here never end badly
    assert possible - fired == {"ReleaseFuture.fail"}


# -------------------------------------------------------------------------------- traces


def test_traces_as_text() -> None:
    instance = model.instance(scope="surprises")
    result = searched(instance, SCOPE_COUNTS["surprises"][1])
    found = {p.property.name: p.finding for p in result.properties}
    trace = found["a_root_that_leaves_gives_its_slot_back"]
    assert trace is not None
    formatter = formatter_of(instance)
    assert [formatter.call(step.call) for step in trace.steps][:2] == [
        "create_root_slot()",
        "create_root_slot()",
    ]
    assert formatter.effects(trace.steps[-1]) == ["raises IllegalStateException"]
    # the older root is forgotten with the younger one that had taken its place
    changes = formatter.changes(trace.steps[-1])
    assert sorted(changes) == ["m1: REGISTERED -> -", "m2: LEFT -> -"]
    texts = [
        text for finding in found.values() if finding for text in all_texts(formatter, finding)
    ]
    assert any("becomes a logical slot in m" in text for text in texts)
    assert not any("effect" in text or "None" in text for text in texts)


def all_texts(formatter: Any, finding: Any) -> list[str]:
    return [
        text for step in finding.steps for text in formatter.effects(step) + formatter.changes(step)
    ]


# -------------------------------------------------------------------------------- mutants


def reserves_only_below(s: SlotSharingState, multi: int, profile: int) -> None:
    s.special[multi] = resources.merged(s.special[multi], s.specials[profile])
    for resource in range(s.resource_count):
        place = multi * s.resource_count + resource
        s.reserved[place] += resources.amount(s, profile, resource)


def keeps_reservations(s: SlotSharingState, multi: int, profile: int, child: int) -> bool:
    return True


def never_goes_up(s: SlotSharingState, parent: int, group: int) -> int:
    release.take_child(s, parent, group)
    return NONE


def keeps_the_pool_slot(s: SlotSharingState, root: int, cause: int) -> int:
    if not tree.is_multi_registered(s, root):
        return NONE
    tree.unregister_multi(s, root)
    if s.listing[root] == RootListing.UNRESOLVED:
        tree.unlist(s, root)
        emit(s, Effect.RELEASE_POOL_SLOT, root, cause)
    elif s.listing[root] == RootListing.RESOLVED:
        tree.unlist(s, root)
        tree.drop_map(s, s.tm[root])
    return NONE


def keeps_the_root_listed(s: SlotSharingState, root: int, cause: int) -> int:
    if tree.is_multi_registered(s, root):
        tree.unregister_multi(s, root)
        if s.listing[root] == RootListing.UNRESOLVED:
            tree.unlist(s, root)
        emit(s, Effect.RELEASE_POOL_SLOT, root, cause)
    return NONE


def takes_any_slot(s: SlotSharingState, profile: int, root: int, extra: int) -> bool:
    return True


def wants_the_very_amount(s: SlotSharingState, profile: int, root: int, extra: int) -> bool:
    return resources.is_enough(s, profile, root, extra) and all(
        resources.amount(s, profile, r)
        <= resources.reserved_of(s, root, r) + resources.amount(s, extra, r)
        for r in range(s.resource_count)
    )


def tells_only_the_next(s: SlotSharingState, slot: int, root: int) -> bool:
    return rules.is_undecided_below(s, slot, root) and s.single_parent[slot] == root


def forgets_owners(s: SlotSharingState) -> None:
    return


def returns_to_the_owner(s: SlotSharingState, slot: int, cause: int) -> None:
    if s.future[slot] == 0:
        shares.fail_single(s, slot, cause)
    elif s.future[slot] == 1:
        s.on_return[slot] = Reaction.NOTHING
        logical.release_slot(s, slot, cause)


def looks_only_at_children(s: SlotSharingState, multi: int, group: int) -> bool:
    return (
        s.group[multi] == group
        or tree.multi_child(s, multi, group) != NONE
        or tree.single_child(s, multi, group) != NONE
    )


def releases_without_the_cause(s: SlotSharingState, multi: int, cause: int) -> int:
    release.release_children(s, multi, Cause.FLINK)
    return release.leave_parent(s, multi, cause)


def leaves_the_older_root(s: SlotSharingState, root: int) -> int:
    there = tree.resolved_root(s, s.tm[root], s.allocation[root])
    if there == NONE:
        tree.move(s, root)
    else:
        tree.unlist(s, root)
    return there


MUTANTS: Mapping[str, tuple[Rules, tuple[str, set[str]] | None]] = {
    "reservations stay below": (
        {resources.reserve: reserves_only_below},
        ("colocation", {"what_is_needed_is_reserved"}),
    ),
    "reservations stay for ever": (
        {resources.unreserve: keeps_reservations},
        ("colocation", {"what_is_reserved_is_needed"}),
    ),
    "releases do not go up": (
        {release.child_released: never_goes_up},
        ("colocation", {"who_loses_the_last_child_goes"}),
    ),
    "a resolved root's slot is kept": (
        {release.release_root: keeps_the_pool_slot},
        ("colocation", {"a_root_that_leaves_gives_its_slot_back"}),
    ),
    "a released root stays listed": (
        {release.release_root: keeps_the_root_listed},
        ("colocation", {"resolved_roots_are_registered"}),
    ),
    "any slot is large enough": (
        {resources.is_enough: takes_any_slot},
        ("surprises", {"a_slot_that_is_too_small_goes_back"}),
    ),
    "a larger slot is not enough": (
        {resources.is_enough: wants_the_very_amount},
        ("surprises", {"a_slot_that_is_too_small_goes_back"}),
    ),
    "only the root's own children learn of its slot": (
        {rules.is_undecided_below: tells_only_the_next},
        ("colocation", {"undecided_slots_wait_for_the_pool"}),
    ),
    "the owner does not release": (
        {release.let_owner_release: forgets_owners},
        ("payloads", {"a_returned_slot_leaves_its_tree"}),
    ),
    "released slots are returned": (
        {release.end_single: returns_to_the_owner},
        ("payloads", {"a_released_slot_is_not_returned"}),
    ),
    "groups further down are not seen": ({tree.multi_contains: looks_only_at_children}, None),
    "children are released for another cause": (
        {release.release_multi_slot: releases_without_the_cause},
        None,
    ),
    "the older root keeps its place": (
        {tree.move: leaves_the_older_root},
        None,
    ),
}
"""By name: the mutant, and the scope and the properties that notice it, if a search does."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice_a_mutant(name: str) -> None:
    # recordings of both releases agree, so one of them is enough
    assert is_noticed(MUTANTS[name][0])


def is_noticed(broken: Any) -> bool:
    """Whether some recording of 1.12.5 diverges from the mutant; stops at the first one."""
    for path in recordings("sharing", "1.12.5"):
        header, steps = read(path)
        oracle = SlotSharingOracle("1.12", header, replace=broken)
        for seen in steps:
            if (
                compare(oracle.step(seen.op, **seen.arguments), seen).outcome
                is Conformance.DIVERGES
            ):
                return True
    return False


@pytest.mark.slow
def test_recordings_accept_the_rules_as_they_are() -> None:
    assert not is_noticed({})


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (_, found) in MUTANTS.items() if found])
def test_a_search_notices_a_mutant(name: str) -> None:
    broken, found = MUTANTS[name]
    assert found is not None
    scope, expected = found
    for name in expected:
        ((rule, replacement),) = broken.items()
        assert_noticed(model, "1.12", Mutant(rule, replacement, scope, name))
