"""What may happen to a declarative slot pool: everything that its callers can do.

The scheduler asks, takes free slots, gives up and returns; TaskExecutors register, offer and are
lost; the ResourceManager comes, goes, answers and fails; time passes. The environment is as free
as the bounds allow: offers may be repeated, late or from unregistered TaskExecutors, and one
allocation may come from two of them. Several bounds allow what callers should not do, or do only
in some configuration.
"""

from __future__ import annotations

from slotspec.models.common.orders import MOST, ORDERS, number_of_orders
from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool import operations as bridge
from slotspec.models.declarative_slot_pool import pool_operations as pool
from slotspec.models.declarative_slot_pool.bridge import is_open
from slotspec.models.declarative_slot_pool.lifecycles import (
    AllocatedSlot,
    Bridge,
    DeclarationCall,
)
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.recycling import is_id_unused, is_unused
from slotspec.models.declarative_slot_pool.requirements import answer
from slotspec.models.declarative_slot_pool.state import (
    Cause,
    DeclarativePoolState,
    allocations,
    calls,
    effective_strategy,
    gateways,
    interval_of,
    loads,
    profiles,
    request_ids,
    requests,
    slot_indices,
    task_managers,
)
from slotspec.models.declarative_slot_pool.versions import IterationOrder, Strategy
from slotspec.statemachine.declaration.conditions import Condition, equals, exceeds, is_set
from slotspec.statemachine.declaration.model import Fairness
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import DISABLED, NONE

# ------------------------------------------------------------- what the setting makes possible


is_bridge = is_set("bridge")
is_pool = ~is_bridge
has_repetitions = is_bridge & is_set("longest_backoff")
has_losses = is_bridge & is_set("losses")
can_release_free_slots = has_losses & is_set("has_wildcard")
can_restart = is_bridge & is_set("restarts", "has_wildcard")
offers_two = exceeds("offer_entries", 1)
registers_slots = is_pool & is_set("has_wildcard")
has_preferences = is_bridge & is_set("preferences", "has_wildcard")
has_batch = is_bridge & is_set("batch_requests")
has_batch_check = has_batch & is_set("batch_timeout")
gives_up = is_bridge & is_set("gives_up")
has_payloads = is_set("payloads")


@Condition
def has_time(setting: Setting) -> bool:
    timers = bool(setting.bounds["timers"])
    names = ("idle_timeout", "batch_timeout", "longest_backoff")
    return timers and (any(setting[name] for name in names) or interval_of(setting) > 0)


@Condition
def is_delayed(setting: Setting) -> bool:
    return interval_of(setting) > 0


has_any_order = equals("iteration_order", IterationOrder.ANY)


def uses(strategy: Strategy) -> Condition:
    """Whether offers are matched by this strategy."""
    return Condition(lambda setting: effective_strategy(setting) == strategy)


# ------------------------------------------------------------------- what is possible now


def is_callable(s: DeclarativePoolState) -> bool:
    """Whether callers call now."""
    return not s.bridge or s.bridge_state[0] == Bridge.STARTED or s.late_calls == 1


def has_room(s: DeclarativePoolState) -> bool:
    """Whether the counters have room for what one more step can add: one for each request."""
    return all(count + len(s.request) <= s.most_required for count in s.required) and all(
        count + len(s.request) <= s.most_required for count in s.acquired
    )


def may_require(s: DeclarativePoolState, profile: int) -> bool:
    """Whether the job requires slots of this profile."""
    return profile != s.wildcard or s.any_requests == 1


def may_offer(s: DeclarativePoolState, allocation: int, profile: int) -> bool:
    """Whether a slot of this profile is offered. A slot keeps its profile."""
    if (profile == s.wildcard and not s.any_slots) or (
        profile == s.unknown and not s.unknown_slots
    ):
        return False
    return s.slot_profile[allocation] in (NONE, profile)


def next_record(s: DeclarativePoolState) -> int:
    """A record for one more request, or NONE."""
    return next((r for r in range(len(s.request)) if is_unused(s, r)), NONE)


def may_use_id(s: DeclarativePoolState, request_id: int) -> bool:
    """Whether the job asks under this id: an unused one, or one in use again."""
    return s.reused_ids == 1 or is_id_unused(s, request_id)


def may_ask(s: DeclarativePoolState, request_id: int, profile: int, load: int) -> bool:
    """Whether the job can make one more such request."""
    return (
        is_callable(s)
        and next_record(s) != NONE
        and may_use_id(s, request_id)
        and may_require(s, profile)
        and (load == 0 or s.can_delay == 1)
        and has_room(s)
    )


# --------------------------------------------------------------------------------- the end


@declarative_slot_pool.final_states
def is_over(s: DeclarativePoolState) -> bool:
    """The bridge is closed."""
    return bool(s.bridge == 1 and s.bridge_state[0] == Bridge.CLOSED)


@declarative_slot_pool.action(when=is_bridge)
def start(s: DeclarativePoolState) -> int:
    """The JobMaster starts."""
    return bridge.start(s) if s.bridge_state[0] == Bridge.CREATED else DISABLED


@declarative_slot_pool.action(when=is_bridge)
def close(s: DeclarativePoolState) -> int:
    """The job ends."""
    return bridge.close(s) if may_close(s) else DISABLED


def may_close(s: DeclarativePoolState) -> bool:
    """Whether the bridge can be closed."""
    return s.bridge_state[0] != Bridge.CLOSED and is_callable(s)


# ------------------------------------------------------------------------ resource manager


@declarative_slot_pool.action(when=is_bridge, gateway=gateways)
def connect_to_resource_manager(s: DeclarativePoolState, gateway: int) -> int:
    """A ResourceManager leader is found, also while one is connected."""
    if s.bridge_state[0] != Bridge.STARTED:
        return DISABLED
    return bridge.connect_to_resource_manager(s, gateway)


@declarative_slot_pool.action(when=is_bridge)
def disconnect_resource_manager(s: DeclarativePoolState) -> int:
    """The ResourceManager is lost."""
    return bridge.disconnect_resource_manager(s) if s.gateway != NONE else DISABLED


@declarative_slot_pool.action(when=has_repetitions, call=calls)
def rm_acknowledges(s: DeclarativePoolState, call: int) -> int:
    """The ResourceManager acknowledges a declaration."""
    return bridge.rm_acknowledges(s, call) if s.call[call] == DeclarationCall.OPEN else DISABLED


@declarative_slot_pool.action(when=has_repetitions, call=calls, cancelled=2)
def rm_fails(s: DeclarativePoolState, call: int, cancelled: int) -> int:
    """A declaration does not arrive, or is refused, or cancelled."""
    if s.call[call] != DeclarationCall.OPEN or not has_room(s):
        return DISABLED
    return bridge.rm_fails(s, call, cancelled)


@declarative_slot_pool.action(when=gives_up)
def not_enough_resources(s: DeclarativePoolState) -> int:
    """The ResourceManager says that it cannot serve what is required."""
    return bridge.not_enough_resources(s) if is_callable(s) else DISABLED


# -------------------------------------------------------------------------- task managers


@declarative_slot_pool.action(when=is_bridge, tm=task_managers)
def register_task_manager(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor registers, for the first time or again."""
    if s.bridge_state[0] != Bridge.STARTED:
        return DISABLED
    return bridge.register_task_manager(s, tm)


@declarative_slot_pool.action(when=has_losses, tm=task_managers)
def release_task_manager(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor is lost."""
    return bridge.release_task_manager(s, tm, Cause.GIVEN) if may_lose(s) else DISABLED


def may_lose(s: DeclarativePoolState) -> bool:
    """Whether slots of a TaskExecutor may go."""
    return s.bridge_state[0] == Bridge.STARTED and has_room(s)


@declarative_slot_pool.action(when=can_release_free_slots, tm=task_managers)
def release_free_slots_on_task_manager(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor is blocked: its free slots are not wanted any more."""
    if not may_lose(s):
        return DISABLED
    return bridge.release_free_slots_on_task_manager(s, tm, Cause.GIVEN)


def offer(s: DeclarativePoolState, tm: int) -> int:
    """Offer what the offer fields say."""
    return bridge.offer_slots(s, tm) if s.bridge else pool.offer_slots(s, tm)


def can_offer(s: DeclarativePoolState, allocation: int, profile: int) -> bool:
    """Whether a TaskExecutor can offer a slot now."""
    if not is_callable(s) or (s.bridge and s.bridge_state[0] != Bridge.STARTED):
        return False
    return has_room(s) and may_offer(s, allocation, profile)


def can_offer_two(s: DeclarativePoolState, allocation: int, other: int, profile: int) -> bool:
    """Whether a TaskExecutor can offer two slots now."""
    if allocation == other and not s.mistakes:
        return False
    return can_offer(s, allocation, profile) and may_offer(s, other, profile)


def put_offer(
    s: DeclarativePoolState, place: int, allocation: int, index: int, profile: int
) -> None:
    """Put one slot into the offer."""
    s.offer_allocation[place] = allocation
    s.offer_index[place] = index
    s.offer_profile[place] = profile


@declarative_slot_pool.action(
    tm=task_managers, index=slot_indices, allocation=allocations, profile=profiles
)
def offer_slot(s: DeclarativePoolState, tm: int, index: int, allocation: int, profile: int) -> int:
    """A TaskExecutor, registered or not, offers a slot: required or not, new or again."""
    if not can_offer(s, allocation, profile):
        return DISABLED
    put_offer(s, 0, allocation, index, profile)
    return offer(s, tm)


@declarative_slot_pool.action(
    when=offers_two, tm=task_managers, allocation=allocations, other=allocations, profile=profiles
)
def offer_two_slots(
    s: DeclarativePoolState, tm: int, allocation: int, other: int, profile: int
) -> int:
    """A TaskExecutor offers two slots of one profile in one message."""
    if not can_offer_two(s, allocation, other, profile):
        return DISABLED
    put_offer(s, 0, allocation, 0, profile)
    put_offer(s, 1, other, 0, profile)
    return offer(s, tm)


@declarative_slot_pool.action(when=has_losses, allocation=allocations)
def fail_allocation(s: DeclarativePoolState, allocation: int) -> int:
    """A TaskExecutor reports that the allocation of a slot failed."""
    if s.bridge_state[0] != Bridge.STARTED or not is_held(s, allocation) or not has_room(s):
        return DISABLED
    return bridge.fail_allocation(s, s.slot_tm[allocation], allocation, Cause.GIVEN)


# -------------------------------------------------------------------------------- the job


@declarative_slot_pool.action(when=is_bridge, request_id=request_ids, profile=profiles, load=loads)
def request_new_allocated_slot(
    s: DeclarativePoolState, request_id: int, profile: int, load: int
) -> int:
    """The job asks for a slot, with a timeout."""
    if not may_ask(s, request_id, profile, load):
        return DISABLED
    request = next_record(s)
    s.can_time_out[request] = 1
    return bridge.request_new_allocated_slot(s, request, request_id, profile, load)


@declarative_slot_pool.action(
    when=has_preferences, request_id=request_ids, profile=profiles, allocation=allocations
)
def request_preferred_slot(
    s: DeclarativePoolState, request_id: int, profile: int, allocation: int
) -> int:
    """The job asks for a slot, and names the allocation that it would like to have again."""
    if not may_ask(s, request_id, profile, 0):
        return DISABLED
    request = next_record(s)
    s.can_time_out[request] = 1
    s.picky[request] = 1
    s.prefers[request * len(s.slot) + allocation] = 1
    return bridge.request_new_allocated_slot(s, request, request_id, profile, 0)


@declarative_slot_pool.action(when=has_batch, request_id=request_ids, profile=profiles)
def request_new_allocated_batch_slot(s: DeclarativePoolState, request_id: int, profile: int) -> int:
    """The job asks for a slot for a batch task, without a timeout of its own."""
    if not may_ask(s, request_id, profile, 0):
        return DISABLED
    return bridge.request_new_allocated_batch_slot(s, next_record(s), request_id, profile, 0)


def may_take(s: DeclarativePoolState, allocation: int, profile: int) -> bool:
    """Whether the scheduler takes this slot: it sees it among the free ones, and it matches."""
    if s.mistakes:
        return True
    return (
        s.slot[allocation] == AllocatedSlot.FREE
        and answer(s, s.slot_profile[allocation], profile) == Answer.YES
    )


@declarative_slot_pool.action(
    when=is_bridge, request_id=request_ids, allocation=allocations, profile=profiles
)
def allocate_available_slot(
    s: DeclarativePoolState, request_id: int, allocation: int, profile: int
) -> int:
    """The job takes a free slot."""
    if not is_callable(s) or not may_use_id(s, request_id) or not has_room(s):
        return DISABLED
    if not may_require(s, profile) or not may_take(s, allocation, profile):
        return DISABLED
    return bridge.allocate_available_slot(s, request_id, allocation, profile, 0)


@declarative_slot_pool.action(when=gives_up, request_id=request_ids)
def release_slot(s: DeclarativePoolState, request_id: int) -> int:
    """The job gives up what it asked for, or returns what it got."""
    return bridge.release_slot(s, request_id, Cause.GIVEN) if may_end(s, request_id) else DISABLED


def may_end(s: DeclarativePoolState, request_id: int) -> bool:
    """Whether the job can give up a request."""
    return is_callable(s) and not is_id_unused(s, request_id) and has_room(s)


@declarative_slot_pool.action(when=gives_up, request=requests)
def request_timeout(s: DeclarativePoolState, request: int) -> int:
    """The timeout of a request fires."""
    if not s.can_time_out[request] or not is_open(s, request) or not has_room(s):
        return DISABLED
    return bridge.request_timeout(s, request)


@declarative_slot_pool.action(when=has_payloads, allocation=allocations)
def assign_payload(s: DeclarativePoolState, allocation: int) -> int:
    """The job puts a payload into a slot, or tries a second one."""
    if s.slot[allocation] == AllocatedSlot.FREE and not s.mistakes:
        return DISABLED
    return bridge.assign_payload(s, allocation) if is_held(s, allocation) else DISABLED


@declarative_slot_pool.action(when=has_batch_check)
def disable_batch_slot_request_timeout_check(s: DeclarativePoolState) -> int:
    """The scheduler checks bulks by itself, and switches the batch check off."""
    return bridge.disable_batch_slot_request_timeout_check(s) if s.batch_check else DISABLED


@declarative_slot_pool.action(when=can_restart, restarting=2)
def set_is_job_restarting(s: DeclarativePoolState, restarting: int) -> int:
    """The job restarts, or has restarted."""
    if s.job_restarting == restarting or s.bridge_state[0] != Bridge.STARTED:
        return DISABLED
    return bridge.set_is_job_restarting(s, restarting)


@declarative_slot_pool.action()
def get_available_slots_information(s: DeclarativePoolState) -> int:
    """The job looks at the free slots."""
    return bridge.get_available_slots_information(s) if is_callable(s) else DISABLED


@declarative_slot_pool.action(when=is_bridge)
def get_allocated_slots_information(s: DeclarativePoolState) -> int:
    """The job looks at the slots in use."""
    return bridge.get_allocated_slots_information(s) if is_callable(s) else DISABLED


@declarative_slot_pool.action(when=is_bridge, tm=task_managers)
def create_allocated_slot_report(s: DeclarativePoolState, tm: int) -> int:
    """The JobMaster reports to a TaskExecutor in a heartbeat."""
    started = s.bridge_state[0] == Bridge.STARTED
    return bridge.create_allocated_slot_report(s, tm) if started else DISABLED


# ------------------------------------------------------------- the owner of the pool alone


def count_one(s: DeclarativePoolState, profile: int) -> bool:
    """Put a counter of one into ``counted``; whether the owner can require that."""
    if not may_require(s, profile) or not has_room(s):
        return False
    s.counted[profile] = 1
    return True


@declarative_slot_pool.action(when=is_pool, profile=profiles)
def increase_resource_requirements_by(s: DeclarativePoolState, profile: int) -> int:
    """The owner requires one slot more."""
    return pool.increase_resource_requirements_by(s) if count_one(s, profile) else DISABLED


@declarative_slot_pool.action(when=is_pool, profile=profiles)
def decrease_resource_requirements_by(s: DeclarativePoolState, profile: int) -> int:
    """The owner requires one slot less, perhaps of a profile that it does not require."""
    return pool.decrease_resource_requirements_by(s) if count_one(s, profile) else DISABLED


@declarative_slot_pool.action(when=is_pool, profile=profiles)
def set_resource_requirements(s: DeclarativePoolState, profile: int) -> int:
    """The owner requires just one slot of this profile."""
    return pool.set_resource_requirements(s) if count_one(s, profile) else DISABLED


@declarative_slot_pool.action(when=is_pool)
def set_no_resource_requirements(s: DeclarativePoolState) -> int:
    """The owner requires nothing any more."""
    return pool.set_resource_requirements(s)


@declarative_slot_pool.action(
    when=registers_slots, tm=task_managers, allocation=allocations, profile=profiles
)
def register_slot(s: DeclarativePoolState, tm: int, allocation: int, profile: int) -> int:
    """A slot is taken, required or not."""
    if not can_offer(s, allocation, profile):
        return DISABLED
    put_offer(s, 0, allocation, 0, profile)
    return pool.register_slots(s, tm)


@declarative_slot_pool.action(when=is_pool, allocation=allocations, profile=profiles)
def reserve_free_slot(s: DeclarativePoolState, allocation: int, profile: int) -> int:
    """The owner takes a free slot."""
    if not may_require(s, profile) or not has_room(s) or not may_take(s, allocation, profile):
        return DISABLED
    return pool.reserve_free_slot(s, allocation, profile)


@declarative_slot_pool.action(when=is_pool, allocation=allocations)
def free_reserved_slot(s: DeclarativePoolState, allocation: int) -> int:
    """The owner gives a slot up."""
    if s.slot[allocation] != AllocatedSlot.RESERVED and not s.mistakes:
        return DISABLED
    return pool.free_reserved_slot(s, allocation, Cause.GIVEN)


@declarative_slot_pool.action(when=is_pool, allocation=allocations)
def release_allocation(s: DeclarativePoolState, allocation: int) -> int:
    """A slot of the pool alone is lost."""
    return pool.release_slot(s, allocation, Cause.GIVEN) if is_held(s, allocation) else DISABLED


@declarative_slot_pool.action(when=is_pool, tm=task_managers)
def release_slots(s: DeclarativePoolState, tm: int) -> int:
    """All slots of a TaskExecutor are lost to the pool alone."""
    return pool.release_slots(s, tm, Cause.GIVEN)


@declarative_slot_pool.action(when=is_pool)
def release_idle_slots(s: DeclarativePoolState) -> int:
    """The owner lets idle slots go."""
    return pool.release_idle_slots(s)


@declarative_slot_pool.action(when=is_pool)
def register_new_slots_listener(s: DeclarativePoolState) -> int:
    """Somebody listens for new slots."""
    return pool.register_new_slots_listener(s) if not s.slots_listener else DISABLED


@declarative_slot_pool.action(when=is_delayed)
def register_stable_listener(s: DeclarativePoolState) -> int:
    """Somebody listens for stable requirements of the pool alone."""
    return pool.register_stable_listener(s) if not s.bridge and not s.stable_listener else DISABLED


@declarative_slot_pool.action(when=is_pool)
def get_resource_requirements(s: DeclarativePoolState) -> int:
    """The owner asks what is required."""
    return pool.get_resource_requirements(s)


@declarative_slot_pool.action(when=is_pool)
def get_all_slots_information(s: DeclarativePoolState) -> int:
    """The owner looks at all slots."""
    return pool.get_all_slots_information(s)


@declarative_slot_pool.action(when=is_pool, tm=task_managers)
def contains_slots(s: DeclarativePoolState, tm: int) -> int:
    """The owner asks whether there are slots of a TaskExecutor."""
    return pool.contains_slots(s, tm)


@declarative_slot_pool.action(when=is_pool, allocation=allocations)
def contains_free_slot(s: DeclarativePoolState, allocation: int) -> int:
    """The owner asks whether a slot is free."""
    return pool.contains_free_slot(s, allocation)


# ------------------------------------------------------------------------------------ time


@declarative_slot_pool.action(when=has_time, fair=Fairness.WEAK)
def advance_time(s: DeclarativePoolState) -> int:
    """One tick passes."""
    return bridge.advance_time(s, 1)


# -------------------------------------------------------------- steps in the other orders


def may_choose(
    s: DeclarativePoolState, profile_order: int, slot_order: int, other_order: int
) -> bool:
    """Whether a step may walk hash tables in these orders.

    Not if it would go as recorded, or if another choice has the same outcome.
    """
    return (
        profile_order + slot_order + other_order > 0
        and profile_order < profile_orders(s)
        and slot_order < number_of_orders(len(s.slot))
        and other_order < other_orders(s)
    )


def choose(s: DeclarativePoolState, profile_order: int, slot_order: int, other_order: int) -> None:
    """This step walks hash tables in these orders."""
    s.profile_order = profile_order
    s.slot_order = slot_order
    s.other_order = other_order


def profile_orders(s: DeclarativePoolState) -> int:
    """Orders of profiles that matter.

    A slot of a fixed profile counts for that profile, or for UNKNOWN. So the order decides about
    slots of ANY, about when an UNKNOWN slot is met, and about plans of the balanced strategy.
    """
    matters = s.any_slots or s.unknown_slots or s.strategy == Strategy.BALANCED
    return number_of_orders(s.profile_count) if matters else 1


def other_orders(s: DeclarativePoolState) -> int:
    """Orders of picky requests, or of three slots of one TaskExecutor, that matter."""
    if s.strategy == Strategy.PREFERRED:
        return number_of_orders(length(s.pending))
    return ORDERS if s.strategy == Strategy.BALANCED and len(s.slot) >= MOST else 1


slots_matter_to_offers = uses(Strategy.PREFERRED) | is_set("defer", "can_delay")
"""Whether the order of slots decides which request gets which."""
has_matching_by_order = has_any_order & (slots_matter_to_offers | uses(Strategy.BALANCED))
"""Whether some order decides which requests get which slots."""
orders_matter_to_offers = has_matching_by_order | (has_any_order & is_set("any_slots"))
"""Whether some order decides what becomes of an offer, or of a slot that is free again."""
orders_matter_to_requests = gives_up & has_matching_by_order
"""Whether some order decides which request gets a slot that is free again."""
has_time_by_order = has_any_order & has_time
"""Whether some order decides what becomes of slots or requests in time."""
returns_may_fail = has_any_order & has_payloads & is_set("mistakes")
"""Whether slots that go together may fail half-way: one is free and has a payload."""
losses_may_fail = has_losses & returns_may_fail
"""Whether that may happen when a TaskExecutor is lost."""
releases_may_fail = can_release_free_slots & returns_may_fail
"""Whether that may happen when free slots are given up."""
closing_may_fail = is_bridge & returns_may_fail
"""Whether that may happen when the job ends."""
pool_may_fail = is_pool & returns_may_fail
"""Whether that may happen to the pool alone."""
has_idle_order = is_pool & has_any_order
"""Whether the order of slots decides which one the pool alone returns as idle."""
registers_by_order = registers_slots & has_any_order & is_set("any_slots")
"""Whether the order of profiles decides what a registered slot counts for."""
two_by_order = offers_two & orders_matter_to_offers


@declarative_slot_pool.action(
    when=orders_matter_to_offers,
    profile_order=ORDERS,
    slot_order=ORDERS,
    other_order=ORDERS,
    tm=task_managers,
    index=slot_indices,
    allocation=allocations,
    profile=profiles,
)
def offer_slot_in_order(
    s: DeclarativePoolState,
    profile_order: int,
    slot_order: int,
    other_order: int,
    tm: int,
    index: int,
    allocation: int,
    profile: int,
) -> int:
    """A slot is offered, and hash tables are walked in other orders than recorded."""
    if not may_choose(s, profile_order, slot_order, other_order) or not can_offer(
        s, allocation, profile
    ):
        return DISABLED
    if slot_order and not s.defer:
        return DISABLED
    choose(s, profile_order, slot_order, other_order)
    return offer_slot(s, tm, index, allocation, profile)


@declarative_slot_pool.action(
    when=two_by_order,
    profile_order=ORDERS,
    slot_order=ORDERS,
    other_order=ORDERS,
    tm=task_managers,
    allocation=allocations,
    other=allocations,
    profile=profiles,
)
def offer_two_slots_in_order(
    s: DeclarativePoolState,
    profile_order: int,
    slot_order: int,
    other_order: int,
    tm: int,
    allocation: int,
    other: int,
    profile: int,
) -> int:
    """Two slots are offered, and hash tables are walked in other orders than recorded."""
    if not may_choose(s, profile_order, slot_order, other_order) or not can_offer_two(
        s, allocation, other, profile
    ):
        return DISABLED
    if slot_order and s.strategy == Strategy.BALANCED and not s.defer:
        return DISABLED
    choose(s, profile_order, slot_order, other_order)
    return offer_two_slots(s, tm, allocation, other, profile)


@declarative_slot_pool.action(
    when=orders_matter_to_requests,
    profile_order=ORDERS,
    slot_order=ORDERS,
    other_order=ORDERS,
    request_id=request_ids,
)
def release_slot_in_order(
    s: DeclarativePoolState, profile_order: int, slot_order: int, other_order: int, request_id: int
) -> int:
    """A request is given up, and who gets its slot follows other orders than recorded."""
    if not may_choose(s, profile_order, slot_order, other_order) or not may_end(s, request_id):
        return DISABLED
    if slot_order and not s.defer:
        return DISABLED
    choose(s, profile_order, slot_order, other_order)
    return release_slot(s, request_id)


@declarative_slot_pool.action(
    when=has_time_by_order, profile_order=ORDERS, slot_order=ORDERS, other_order=ORDERS
)
def advance_time_in_order(
    s: DeclarativePoolState, profile_order: int, slot_order: int, other_order: int
) -> int:
    """One tick passes, and hash tables are walked in other orders than recorded."""
    if not may_choose(s, profile_order, slot_order, other_order):
        return DISABLED
    if slot_order >= number_of_orders(length(s.free)):
        return DISABLED
    choose(s, profile_order, slot_order, other_order)
    return advance_time(s)


@declarative_slot_pool.action(when=losses_may_fail, slot_order=ORDERS, tm=task_managers)
def release_task_manager_in_order(s: DeclarativePoolState, slot_order: int, tm: int) -> int:
    """A TaskExecutor is lost, and its slots go in another order than recorded."""
    if not may_choose(s, 0, slot_order, 0) or not may_lose(s):
        return DISABLED
    choose(s, 0, slot_order, 0)
    return release_task_manager(s, tm)


@declarative_slot_pool.action(when=releases_may_fail, slot_order=ORDERS, tm=task_managers)
def release_free_slots_in_order(s: DeclarativePoolState, slot_order: int, tm: int) -> int:
    """The free slots of a TaskExecutor go in another order than recorded."""
    if not may_choose(s, 0, slot_order, 0) or not may_lose(s):
        return DISABLED
    choose(s, 0, slot_order, 0)
    return release_free_slots_on_task_manager(s, tm)


@declarative_slot_pool.action(when=closing_may_fail, slot_order=ORDERS)
def close_in_order(s: DeclarativePoolState, slot_order: int) -> int:
    """The job ends, and slots go in another order than recorded."""
    if not may_choose(s, 0, slot_order, 0) or not may_close(s):
        return DISABLED
    choose(s, 0, slot_order, 0)
    return close(s)


@declarative_slot_pool.action(
    when=registers_by_order,
    profile_order=ORDERS,
    tm=task_managers,
    allocation=allocations,
    profile=profiles,
)
def register_slot_in_order(
    s: DeclarativePoolState, profile_order: int, tm: int, allocation: int, profile: int
) -> int:
    """A slot is taken, and counts for another requirement than recorded."""
    if not may_choose(s, profile_order, 0, 0) or not can_offer(s, allocation, profile):
        return DISABLED
    choose(s, profile_order, 0, 0)
    return register_slot(s, tm, allocation, profile)


@declarative_slot_pool.action(when=pool_may_fail, slot_order=ORDERS, tm=task_managers)
def release_slots_in_order(s: DeclarativePoolState, slot_order: int, tm: int) -> int:
    """All slots of a TaskExecutor go in another order than recorded."""
    if not may_choose(s, 0, slot_order, 0):
        return DISABLED
    choose(s, 0, slot_order, 0)
    return release_slots(s, tm)


@declarative_slot_pool.action(when=has_idle_order, slot_order=ORDERS)
def release_idle_slots_in_order(s: DeclarativePoolState, slot_order: int) -> int:
    """Idle slots go in another order than recorded."""
    if slot_order >= number_of_orders(length(s.free)) or not may_choose(s, 0, slot_order, 0):
        return DISABLED
    choose(s, 0, slot_order, 0)
    return release_idle_slots(s)
