"""The state of a declarative slot pool and its bridge, as a record of small integers.

Allocation ids come from outside, so a slot is kept under its allocation. A request is one record
for each call; the map of fulfilled requests is keyed by request id, as in Flink. Times are *ages*,
so that nothing grows. One record serves both objects: with ``bridge`` 0 it is the
DefaultDeclarativeSlotPool alone, and the fields of the bridge stay as they are initially.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.orders import MOST, ORDERS
from slotspec.models.common.resource_profile import (
    CATALOGUE,
    Matching,
    ResourceProfile,
    matching_table,
)
from slotspec.models.common.settings import choice, following_clock, longest, switch
from slotspec.models.declarative_slot_pool.lifecycles import (
    AllocatedSlot,
    Bridge,
    DeclarationCall,
    DelayedDeclaration,
    Payload,
    Requirements,
    ResourceManagerConnection,
    SlotRequest,
    TaskManagerRegistration,
)
from slotspec.models.declarative_slot_pool.versions import IterationOrder, Strategy
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Record,
    Setting,
    Sort,
    constant,
    number,
    per,
    ref,
    scalar,
    single,
)
from slotspec.statemachine.declaration.rules import Array
from slotspec.statemachine.errors import UsageError


class Effect(Effects):
    """What an operation tells the world, in order."""

    DECLARE = effect("rm", "call")
    """ResourceManagerGateway.declareRequiredResources; the DECLARED that follow are its content"""
    REQUIREMENTS = effect()
    """the pool alone tells its owner what it requires; the DECLARED that follow say what"""
    DECLARED = effect("profile", "count")
    """so many slots of this profile are required"""
    NEW_SLOTS = effect()
    """the pool alone tells its listener of the slots of the NEW_SLOT that follow"""
    NEW_SLOT = effect("allocation")
    """a slot that is new, or free again"""
    STABLE = effect()
    """the pool alone tells its listener that requirements are stable"""
    FREE_SLOT = effect("tm", "allocation", "cause")
    """TaskManagerGateway.freeSlot, with a :class:`Cause`"""
    PAYLOAD_RELEASED = effect("allocation", "cause")
    """PhysicalSlot.Payload.release"""
    REQUEST_FULFILLED = effect("request", "allocation")
    """the caller's future gets a slot"""
    REQUEST_FAILED = effect("request", "error", "cause")
    """the caller's future gets an :class:`Error`, whose deepest cause is a :class:`Cause`"""
    TIMER_RAISED = effect("raised")
    """a timer's run ends with an exception (:class:`Raised`)"""
    RAISES = effect("raised")
    """the operation ends with an exception; it is always the last effect"""
    LISTED = effect("allocation", "slots", "free")
    """an element of a query's answer, with the numbers of slots of its TaskExecutor"""
    COUNTED = effect("profile", "count")
    """one profile of a counter that an operation returns"""
    ACCEPTED = effect("allocation")
    """the operation accepts this offer"""
    ANY_ORDER = effect("begins")
    """the effects from here (1) to the next one (0) come in an arbitrary order"""


class Error(JavaExceptions):
    """What a caller's future fails with."""

    RELEASED = 0, "FlinkException"
    """The job released the request, its batch timeout did, or the pool was closed."""
    NO_RESOURCE = 1, "NoResourceAvailableException"
    """The ResourceManager has not enough resources."""
    TIMEOUT = 2, "TimeoutException"
    """The request timed out."""


class Raised(JavaExceptions):
    """Exceptions with which operations, and rules inside them, end."""

    NOTHING = 0, ""
    """It went well."""
    NULL_POINTER = 1, "NullPointerException"
    ILLEGAL_STATE = 2, "IllegalStateException"
    UNSUPPORTED = 3, "UnsupportedOperationException"
    """An UNKNOWN slot was compared."""


class Cause(IntEnum):
    """Why something is given up, as far as it makes a difference."""

    GIVEN = 0
    """The very cause that the operation was called with."""
    ABSENT = 1
    """null"""
    FLINK = 2
    """A FlinkException of the pool's own."""
    TIMEOUT = 3
    """A TimeoutException of the pool's own."""
    ITSELF = 4
    """The error has no other cause than itself."""


class Timer(IntEnum):
    """What the pool has scheduled for later."""

    UNUSED = 0
    IDLE_CHECK = 1
    BATCH_CHECK = 2
    DECLARATION = 3
    REPETITION = 4
    """A failed declaration is sent again."""
    MATCHING = 5
    """Deferred requests are matched with the free slots."""


OK = 0
"""A rule went well; any other status is a :class:`Raised`."""
LONGEST_BACKOFF_MS = 10_000
"""Longest time between two repetitions of a failed declaration."""


task_managers = Sort(
    "task_managers", "TaskExecutors, by ResourceID.", default=1, symmetric=True, prefix="tm"
)
slot_indices = Sort("slot_indices", "Slot numbers at one TaskExecutor.", default=1, symmetric=True)
allocations = Sort("allocations", "Allocation ids.", default=2, prefix="a")
requests = Sort("requests", "Records of request calls alive at a time.", default=2)
request_ids = Sort("request_ids", "SlotRequestIds in use at a time.", default=2, prefix="r")
profiles = Sort(
    "profiles",
    "Resource profiles: any (also the wildcard), small, unknown, large.",
    default=2,
    minimum=2,
)
gateways = Sort(
    "gateways", "ResourceManager leaders, by gateway.", default=1, symmetric=True, prefix="rm"
)
calls = Sort("calls", "Declarations that the ResourceManager has not answered.", default=1)
timers = Sort("timers", "Timers at a time.", default=0, minimum=0)
loads = Sort("loads", "Loads of requests, from 0 (2.3).", default=1)
offer_entries = Sort("offer_entries", "Slots in one offer.", default=1, ordered=True)
request_places = Sort("request_places", "Positions of requests.", parts=(requests,), ordered=True)
slot_places = Sort("slot_places", "Positions of slots.", parts=(allocations,), ordered=True)
wishes = Sort("wishes", "A request and an allocation.", factors=(requests, allocations))
heap_places = Sort("heap_places", "A heap of slots a profile.", factors=(profiles, slot_places))
plans = Sort("plans", "A wanted and an existing profile.", factors=(profiles, profiles))

BOUNDS = (
    switch("bridge", "1: the bridge on top of the pool; 0: the pool alone.", on=True),
    Bound("idle_timeout", "Idle slot timeout in ticks; 0: no idle check.", 0, 0, 20),
    Bound("batch_timeout", "Batch request timeout in ticks; 0: no batch check.", 0, 0, 20),
    Bound("interval", "Delay of declarations in ticks (2.3); 0: none.", 0, 0, 20),
    Bound("longest_backoff", "Longest time between repetitions; 0: none are made.", 0, 0, 20),
    Bound(
        "strategy", "Who gets which slot (a Strategy); as far as the generation has it.", 0, 0, 3
    ),
    switch("defer", "Whether requests wait until all can be served (2.3)."),
    Bound("most_required", "Requirements and slots that are counted for one profile.", 4, 1, 250),
    Bound("loads", loads.description, 1, 1, 20),
    switch("preferences", "Whether requests may name an allocation (1.20)."),
    switch("batch_requests", "Whether the job makes batch requests."),
    switch("payloads", "Whether the job puts payloads into slots."),
    switch("restarts", "Whether the job may say that it is restarting (1.20)."),
    switch("losses", "Whether slots and TaskExecutors may be lost.", on=True),
    switch("any_slots", "Whether slots of profile ANY are offered."),
    switch("any_requests", "Whether slots of profile ANY are required."),
    switch("unknown_slots", "Whether slots of profile UNKNOWN are offered."),
    switch(
        "mistakes",
        "Whether callers make mistakes: an allocation twice in one offer, slots that are taken"
        " though they are gone or do not match, payloads in free slots.",
    ),
    switch("reused_ids", "Whether the job uses a request id again while it is in use."),
    switch("late_calls", "Whether the job calls before the start and after the end."),
    switch("gives_up", "Whether requests are released, fail and time out.", on=True),
    switch("iteration_order", "0: oldest first; 1: any order (an IterationOrder)."),
)

CHECKED_PROFILES: Mapping[str, ResourceProfile] = {
    name: CATALOGUE[name] for name in ("any", "small", "unknown", "large")
}
"""Profiles of a check, in the order in which the bound ``profiles`` takes them."""
ITERATED = ("any", "unknown", "small", "large")
"""The order in which hash tables iterate them: Java has ANY and UNKNOWN in front."""


def listed_profiles(setting: Setting) -> Mapping[str, ResourceProfile]:
    """The profiles of an instance, in the order in which counters are iterated."""
    chosen: Mapping[str, ResourceProfile] | None = setting.choices.get("profiles")
    if chosen is not None:
        return chosen
    taken = list(CHECKED_PROFILES)[: setting.bounds["profiles"]]
    return {name: CHECKED_PROFILES[name] for name in ITERATED if name in taken}


def _fits(setting: Setting) -> int:
    """1 if there is room for what the other bounds allow.

    :raises UsageError: ``SET002`` if a check would miss something for lack of room.
    """
    if setting.choices.get("follow_clock"):
        return 1
    _tries_all_orders(setting)
    bounds = setting.bounds
    if bounds["profiles"] > len(CHECKED_PROFILES):
        raise UsageError(
            "SET002",
            f"bound profiles={bounds['profiles']}: choose from 2 to {len(CHECKED_PROFILES)}"
            f" ({', '.join(CHECKED_PROFILES)})",
        )
    delayed = interval_of(setting) > 0
    wanted = sum(
        (
            bounds["idle_timeout"] > 0,
            bounds["batch_timeout"] > 0,
            delayed,
            bounds["longest_backoff"] > 0,
            delayed and bounds["defer"] > 0,
        )
    )
    if setting["bridge"] and bounds["timers"] < wanted:
        raise UsageError(
            "SET002",
            f"bound timers={bounds['timers']} is too small (checks, declarations and repetitions"
            f" are scheduled side by side); set timers={wanted}",
        )
    return 1


def _tries_all_orders(setting: Setting) -> None:
    """Whether a check that tries any order tries all of them.

    :raises UsageError: ``SET002`` if there are more than it tries.
    """
    if setting["iteration_order"] != IterationOrder.ANY:
        return
    for name in ("profiles", "allocations", "requests"):
        if setting.bounds[name] > MOST:
            raise UsageError(
                "SET002",
                f"bound {name}={setting.bounds[name]}: a check tries all orders of at most {MOST};"
                f" set {name}={MOST} or iteration_order=0",
            )
    if effective_strategy(setting) == Strategy.PREFERRED_BALANCED:
        raise UsageError(
            "SET002",
            "bound strategy=3: a check tries all orders of one strategy at a time; set strategy=1,"
            " strategy=2 or iteration_order=0",
        )


def _profiles(setting: Setting) -> list[ResourceProfile]:
    return list(listed_profiles(setting).values())


def _is_zero(profile: ResourceProfile) -> bool:
    special = profile.any_ or profile.unknown
    return not special and not any(profile.amounts) and not any(profile.extended.values())


def effective_strategy(setting: Setting) -> int:
    """The strategy of the setting, as far as its generation has it."""
    wanted, newest = int(setting["strategy"]), int(setting["newest_strategy"])
    if wanted <= newest:
        return wanted
    if wanted == Strategy.PREFERRED_BALANCED and newest >= Strategy.PREFERRED:
        return int(Strategy.PREFERRED)
    return int(Strategy.SIMPLE)


def interval_of(setting: Setting) -> int:
    """The delay of declarations; 0 in a generation that does not delay them."""
    return int(setting["interval"]) if setting["can_delay"] else 0


def longest_delay(setting: Setting) -> int:
    """The longest time for which anything is scheduled."""
    names = ("idle_timeout", "batch_timeout", "interval", "longest_backoff")
    return max(int(setting[name]) for name in names)


def _last_order(setting: Setting) -> int:
    return ORDERS - 1 if setting["iteration_order"] == IterationOrder.ANY else 0


def _heaviest(setting: Setting) -> int:
    return int(setting["loads"]) - 1


def _heaviest_sum(setting: Setting) -> int:
    return _heaviest(setting) * (setting.bounds["requests"] + setting.bounds["request_ids"])


class DeclarativePoolState(Record):
    """The state of one pool, of its bridge, and of the futures and calls that they have made."""

    # the bridge and its connections
    bridge_state: Array = single(Bridge, "The bridge itself.", label="bridge")
    main_thread: int = scalar(FLAG, "It has a main thread: it was started once.")
    registration: Array = per(
        task_managers, TaskManagerRegistration, "Each TaskExecutor.", label="{}"
    )
    connection: Array = single(ResourceManagerConnection, "The ResourceManager.")
    gateway: int = scalar(ref(gateways), "Its gateway.", label="connected to")
    connection_closed: int = scalar(FLAG, "The connection manager is closed.")
    job_restarting: int = scalar(FLAG, "The job is restarting.", label="job restarting")
    batch_check: int = scalar(
        FLAG, "The batch timeout check is enabled.", initial=1, label="batch timeout check"
    )

    # requests: one record for each call
    request: Array = per(requests, SlotRequest, "The future that the call returned.")
    request_id: Array = per(requests, ref(request_ids), "Its SlotRequestId.")
    request_profile: Array = per(requests, ref(profiles), "The profile it asks for.")
    batch: Array = per(requests, FLAG, "It is a batch request.")
    can_time_out: Array = per(requests, FLAG, "It has a timeout of its own.")
    picky: Array = per(requests, FLAG, "It names allocations that it prefers.")
    prefers: Array = per(wishes, FLAG, "It prefers this allocation.")
    request_load: Array = per(requests, number(_heaviest), "Its load.")
    unfulfillable: Array = per(
        requests, FLAG, "The batch check found no matching slot.", label="{} found unfulfillable"
    )
    unfulfillable_for: Array = per(
        requests,
        number(lambda g: g["batch_timeout"]),
        "How long ago the check marked it.",
        label="{} unfulfillable for",
    )
    pending: Array = per(request_places, ref(requests), "Pending requests, in order.")
    fulfilled: Array = per(request_ids, ref(allocations), "The slot of a fulfilled request.")
    fulfilled_tm: Array = per(request_ids, ref(task_managers), "The TaskExecutor of that slot.")
    fulfilled_load: Array = per(request_ids, number(_heaviest), "The load of that request.")

    # what is required
    requirements: Array = single(Requirements, "Whether requirements are stable.")
    required: Array = per(
        profiles, number(lambda g: g["most_required"]), "Slots required.", label="required {}"
    )
    acquired: Array = per(
        profiles,
        number(lambda g: g["most_required"]),
        "Slots that count for the requirement.",
        label="acquired {}",
    )
    delayed: Array = single(DelayedDeclaration, "The declaration that waits.")
    declared: Array = per(
        profiles,
        number(lambda g: g["most_required"]),
        "The content of the current declaration.",
        label="declared {}",
    )
    call: Array = per(calls, DeclarationCall, "A declaration to the ResourceManager.")
    call_backoff: Array = per(
        calls, number(lambda g: g["longest_backoff"]), "Its delay if it is sent again."
    )
    current: int = scalar(ref(calls), "The call with the current declaration, while it is open.")

    # slots: one record for each allocation id
    slot: Array = per(allocations, AllocatedSlot, "The slot under this allocation.")
    slot_tm: Array = per(allocations, ref(task_managers), "The TaskExecutor that offered it.")
    slot_index: Array = per(allocations, ref(slot_indices), "Its number there.")
    slot_profile: Array = per(allocations, ref(profiles), "Its profile.")
    matched: Array = per(allocations, ref(profiles), "The requirement that it counts for.")
    payload: Array = per(allocations, Payload, "What runs in it.", label="payload of {}")
    free: Array = per(slot_places, ref(allocations), "Free slots, oldest first.")
    idle_for: Array = per(
        allocations, number(lambda g: g["idle_timeout"]), "How long it has been free."
    )
    slot_serial: Array = per(
        allocations, number(0), "A serial number for when it came; only with a clock."
    )

    # listeners of the pool alone
    slots_listener: int = scalar(FLAG, "Somebody listens for new slots.")
    stable_listener: int = scalar(FLAG, "Somebody listens for stable requirements.")

    # time
    timer: Array = per(timers, number(5), "What is scheduled (a Timer), oldest first.")
    due_in: Array = per(timers, number(longest_delay), "When it runs.")
    repeats: Array = per(timers, FLAG, "A repetition of the current declaration.")
    timer_backoff: Array = per(
        timers, number(lambda g: g["longest_backoff"]), "The next delay of a repetition."
    )
    clock: int = scalar(number(0), "Time since the beginning; only where a clock is followed.")
    serial: int = scalar(number(0), "Last serial number given; likewise.")

    # in which order a step walks hash tables: 0 as recorded
    profile_order: int = scalar(number(_last_order), "The order of profiles.")
    slot_order: int = scalar(number(_last_order), "The order of slots.")
    other_order: int = scalar(
        number(_last_order),
        "The order of picky requests, and of slots while the balanced strategy sorts them anew.",
    )

    # what an operation receives
    offer_allocation: Array = per(
        offer_entries, ref(allocations), "Allocations offered.", scratch=True
    )
    offer_index: Array = per(offer_entries, ref(slot_indices), "Their numbers.", scratch=True)
    offer_profile: Array = per(offer_entries, ref(profiles), "Their profiles.", scratch=True)
    accepted: Array = per(
        offer_entries, number(2), "What becomes of each: an Acceptance.", scratch=True
    )
    counted: Array = per(profiles, number(lambda g: g["most_required"]), "A counter.", scratch=True)

    # what rules note while they run
    new: Array = per(slot_places, ref(allocations), "Slots to be matched.", scratch=True)
    going: Array = per(slot_places, ref(allocations), "Slots to be returned.", scratch=True)
    kept_payload: Array = per(allocations, FLAG, "A payload in a slot that goes.", scratch=True)
    excess: Array = per(
        profiles, number(lambda g: g["most_required"]), "Acquired, not required.", scratch=True
    )
    wanting: Array = per(request_places, ref(requests), "Requests to be matched.", scratch=True)
    match_request: Array = per(request_places, ref(requests), "Requests matched.", scratch=True)
    match_slot: Array = per(request_places, ref(allocations), "Their slots.", scratch=True)
    tm_load: Array = per(
        task_managers, number(_heaviest_sum), "Loads of TaskExecutors.", scratch=True
    )
    want: Array = per(profiles, number(lambda g: g["requests"]), "Requests left.", scratch=True)
    have: Array = per(profiles, number(lambda g: g["allocations"]), "Slots left.", scratch=True)
    base: Array = per(plans, number(lambda g: g["allocations"]), "Slots set aside.", scratch=True)
    heap: Array = per(heap_places, ref(allocations), "Slots by load.", scratch=True)
    heap_size: Array = per(
        profiles, number(lambda g: g["allocations"]), "Sizes of heaps.", scratch=True
    )

    # constants
    fits: int = constant("There is room for everything.", _fits)
    satisfies: Array = constant(
        "Answer of comparing slot profile (row) and wanted profile (column).",
        lambda g: matching_table(_profiles(g), Matching.EQUAL),
    )
    profile_count: int = constant("Number of profiles.", lambda g: len(_profiles(g)))
    wildcard: int = constant(
        "The profile ANY.", lambda g: next(i for i, p in enumerate(_profiles(g)) if p.any_)
    )
    unknown: int = constant(
        "The profile UNKNOWN; -1 if there is none.",
        lambda g: next((i for i, p in enumerate(_profiles(g)) if p.unknown), -1),
    )
    is_zero: Array = constant(
        "Profiles without any resource.", lambda g: [int(_is_zero(p)) for p in _profiles(g)]
    )
    bridge: int = choice("bridge", "1: the bridge; 0: the pool alone.")
    idle_timeout: int = choice("idle_timeout", "Idle slot timeout.")
    batch_timeout: int = choice("batch_timeout", "Batch request timeout.")
    longest_idle: int = constant("Ages of slots stop here.", longest("idle_timeout"))
    longest_unfulfillable: int = constant("Ages of marks stop here.", longest("batch_timeout"))
    longest_backoff: int = choice("longest_backoff", "Longest time between two repetitions.")
    interval: int = constant("Delay of declarations.", interval_of)
    strategy: int = constant("Who gets which slot.", effective_strategy)
    defer: int = constant("Requests wait for each other.", lambda g: g["defer"] * g["can_delay"])
    can_delay: int = choice("can_delay", "Declarations can be delayed, matching deferred.")
    follow_clock: int = following_clock("Clock and map order are kept (to follow a recording).")
    most_required: int = choice("most_required", "Largest counter.")
    batch_mark: int = choice("batch_mark", "When a batch request is marked.")
    adjustment: int = choice("adjustment", "How requirements are adjusted.")
    new_slots: int = choice("new_slots", "How new slots find requests.")
    batch_spared: int = choice("batch_spared", "Whether batch requests are spared.")
    has_wildcard: int = choice("has_wildcard", "Slots may be taken without a requirement.")
    unknown_allocation_is_null: int = choice(
        "unknown_allocation_is_null", "Reserving an unknown slot raises NullPointerException."
    )
    checks_started: int = choice("checks_started", "Calls before the start raise at once.")
    any_requests: int = choice("any_requests", "ANY may be required.")
    any_slots: int = choice("any_slots", "Slots of ANY are offered.")
    unknown_slots: int = choice("unknown_slots", "Slots of UNKNOWN are offered.")
    reused_ids: int = choice("reused_ids", "Request ids are reused.")
    mistakes: int = choice("mistakes", "Callers make mistakes.")
    late_calls: int = choice("late_calls", "Calls come before the start and after the end.")
