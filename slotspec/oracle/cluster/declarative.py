"""Explains recordings of clusters with declared requirements (since 1.14).

Most is as for the older clusters. The ResourceManager makes up allocation ids and decides when to
request slots, so a request has no id of its own, and slots have no numbers that mean anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

from slotspec.models.cluster.messages import TO_JOB_MASTER, Way, way
from slotspec.models.cluster.state import Message
from slotspec.models.declarative_cluster.slot_manager_service import JOB
from slotspec.models.declarative_cluster.slot_pool_service import profile_of
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot, ManagedTaskManager
from slotspec.oracle.cluster.branches import Branch
from slotspec.oracle.cluster.explanation import ClusterExplainer
from slotspec.oracle.cluster.naming import Names, bound, released
from slotspec.oracle.cluster.patterns import (
    Pattern,
    answer_channel,
    channel_of,
    messages_of,
)
from slotspec.oracle.cluster.recording import RESOURCE_MANAGER, Call, Recording, Step
from slotspec.oracle.cluster.shape import MOST_ALLOCATIONS, shape_of
from slotspec.oracle.cluster.shares import (
    offered,
    pool_states,
    shares_asked_for,
    shares_of_slots,
)
from slotspec.oracle.cluster.stepping import NEW_IDS, TASK_SLOT_REQUEST
from slotspec.oracle.cluster.views import Difference, Views, name_of
from slotspec.statemachine.declaration.rules import NONE

SIMPLE = {
    ("free_inactive_slots", "rm", "tm"): Message.FREE_INACTIVE_SLOTS,
    ("notify_not_enough_resources_available", "rm", "jm"): Message.NOT_ENOUGH_RESOURCES,
}
"""Calls that are one message, which is about nothing."""
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States of a job whose JobMaster does not come back."""
CHECKED_AFTER = (
    "declare_required_resources",
    "send_slot_report",
    "notify_slot_available",
    "disconnect_task_manager",
)
"""Calls after which the ResourceManager checks what the job requires."""
MOST_IN_A_RING = 2
"""Connections whose orders are all those of a ring."""
ORDERED = 3
"""Connections of a check whose order is free."""
LATEST_CHECK_US = 75_000
"""Microseconds after which the ResourceManager has checked what the job requires: 50 ms, and some
that it needs."""


def declarative_messages_of(call: Call) -> list[Pattern]:
    """The messages that a call stands for; slots have no numbers."""
    channel = channel_of(call)
    if channel is None:
        return []
    if call.kind == ("disconnect_job_manager", "jm", "rm"):
        ended = int(call.arguments[1] in ENDED)
        return [Pattern(channel, frozenset({Message.DISCONNECT}), number=ended)]
    if call.kind in SIMPLE:
        return [Pattern(channel, frozenset({SIMPLE[call.kind]}))]
    match call.kind:
        case ("declare_required_resources", "jm", "rm"):
            declared = frozenset({Message.DECLARE_REQUIREMENTS})
            return [Pattern(channel, declared, number=sum(call.arguments[1]))]
        case ("request_slot", "rm", "tm"):
            allocation = call.arguments[2]
            return [Pattern(channel, frozenset({Message.REQUEST_TASK_SLOT}), allocation=allocation)]
        case ("notify_slot_available", "tm", "rm"):
            free = frozenset({Message.SLOT_AVAILABLE})
            return [Pattern(channel, free, allocation=call.arguments[2])]
    return [replace(pattern, number=None) for pattern in messages_of(call)]


class DeclarativeViews(Views):
    """Compares states of the model with recorded ones."""

    def job_master(self, names: Names, recorded: dict[str, Any]) -> Iterator[Difference]:
        """What the JobMaster remembers."""
        s, a = self.s, names.allocations
        pool = recorded["pool"]
        yield "rm", s.pool.gateway != NONE, recorded["rm"] is not None
        yield self.registered_at_pool(pool)
        yield "pool.pending", sum(r != NONE for r in s.pool.pending), len(pool["pending"])
        yield (
            "pool.fulfilled",
            {name_of(a, one, "a") for one in s.pool.fulfilled if one != NONE},
            {one["allocation"] for one in pool["fulfilled"]},
        )
        yield (
            "pool.slots",
            {
                (name_of(a, i, "a"), f"tm{s.pool.slot_tm[i] + 1}", slot == AllocatedSlot.RESERVED)
                for i, slot in enumerate(s.pool.slot)
                if slot != AllocatedSlot.ABSENT
            },
            {
                (a, one["slot"].split("_")[0], a not in pool["free"])
                for one in pool["slots"]
                for a in (one["allocation"],)
            },
        )
        yield "pool.required", s.pool.required[profile_of(s.pool)], pool["required"]
        yield "pool.have", sum(s.pool.acquired), pool["have"]
        yield from self.tasks_of_job(names, recorded)

    def resource_manager(self, names: Names, recorded: dict[str, Any]) -> Iterator[Difference]:
        """What the ResourceManager remembers."""
        s, a = self.s, names.allocations
        manager = recorded["manager"]
        yield from self.connected(names, recorded)
        yield (
            "manager.slots",
            {
                (
                    name_of(a, i, "a"),
                    ManagedSlot.states[state].name,
                    name_of(names.instances, s.manager.slot_instance[i], "i"),
                )
                for i, state in enumerate(s.manager.slot)
                if state != ManagedSlot.ABSENT
            },
            {(one["allocation"], one["state"], one["instance"]) for one in manager["slots"]},
        )
        yield (
            "manager.pending",
            {name_of(a, i, "a") for i, waits in enumerate(s.manager.awaited) if waits},
            set(manager["pending"]),
        )
        told = manager["jobs"][0] if manager["jobs"] else {"required": 0, "acquired": 0}
        yield "manager.required", s.manager.required[JOB], told["required"]
        acquired = s.manager.served[JOB] + s.manager.excess[JOB]
        yield "manager.acquired", acquired, told["acquired"]

    def slot_key(self, allocation: str | None, number: int) -> Any:
        """Slots are known by their allocations."""
        return allocation


class DeclarativeExplainer(ClusterExplainer):
    """Explains the steps of one recording of a cluster with declared requirements."""

    model = "declarative_cluster"
    views_type = DeclarativeViews

    def __init__(self, recording: Recording, generation: str) -> None:
        super().__init__(recording, generation)
        self.times = {line.n: line.us for line in recording.lines}
        self.heard_by_manager = [
            step.line
            for step in recording.steps
            if step.process == RESOURCE_MANAGER
            and step.trigger == "message"
            and step.call is not None
            and step.call.name in CHECKED_AFTER
        ]

    def shape_of(self, recording: Recording) -> tuple[dict[str, int], dict[str, int]]:
        """The bounds that a recording asks for, and which task each of its executions is."""
        bounds, tasks = shape_of(recording)
        del bounds["iteration_order"], bounds["registrations"], bounds["queued_steps"]
        bounds["connection_orders"] = 1
        slots = bounds["task_managers"] * bounds["slots_per_task_manager"]
        bounds["allocations"] = max(2 * slots, min(MOST_ALLOCATIONS, bounds["allocations"] + slots))
        return bounds, tasks

    def messages_of(self, call: Call) -> list[Pattern]:
        """The messages that a call stands for, in order."""
        return declarative_messages_of(call)

    def shares_of(self, parallelism: int) -> dict[int, list[int | None]]:
        """The shares that the JobMaster probably requests slots for in a step, by its last line.

        Requests whose names do not tell their order are asked for in the order of their slots.
        """
        offers = offered(self.recording)
        served: dict[str, int] = {}
        for n, state in pool_states(self.recording):
            shares = shares_of_slots(state, self.tasks, parallelism)
            told = {one["allocation"]: one["request"] for one in state["pool"]["fulfilled"]}
            for allocation in (*offers.get(n, ()), *told):
                if allocation in told and allocation in shares:
                    served[told[allocation]] = shares[allocation]
        order = {request: place for place, request in enumerate(served)}

        def requests_of(pool: dict[str, Any]) -> list[str]:
            told = {*pool["pending"], *(one["request"] for one in pool["fulfilled"])}
            return sorted(told, key=lambda one: (number_of(one), order.get(one, len(order)), one))

        return shares_asked_for(self.recording, self.tasks, parallelism, requests_of, served)

    def begin(self, at: Branch, step: Step) -> Iterator[Branch]:
        """What the trigger of a step makes the model do.

        A check of requirements that finds nothing to do shows only in what it makes of a later one.
        """
        if step.line in self.heard_by_manager and self.pause_before(step) > LATEST_CHECK_US:
            at = self.checked(at)
        requests = any(call.kind == TASK_SLOT_REQUEST for call in step.sent)
        if requests and step.trigger == "local" and id(step) not in self.snapshots:
            # perhaps of the dead: then neither a message nor a state tells of it
            yield from self.try_all(
                at, *(("check_is_due", i) for i in range(len(self.world.s.connecting)))
            )
        yield from super().begin(at, step)

    def pause_before(self, step: Step) -> int:
        """Microseconds since the ResourceManager has heard what it checks requirements for."""
        before = [line for line in self.heard_by_manager if line < step.line]
        return self.times[step.line] - self.times[before[-1]] if before else 0

    def checked(self, at: Branch) -> Branch:
        """The ResourceManager has checked what the job requires, if it requests nothing."""
        before = list(self.world.load(at.node.key).manager.slot)
        for instance in range(len(at.node.names.instances)):
            found = self.aside(at, "check_is_due", instance)
            if found is not None:
                asked = list(self.world.load(found.node.key).manager.slot) != before
                return at if asked else found
        return at

    def take(
        self, at: Branch, name: str, *arguments: int, call: Call | None = None
    ) -> Branch | None:
        """One step of the model; ids that are requested of the dead have names, too."""
        found = super().take(at, name, *arguments, call=call)
        if found is None or name not in NEW_IDS:
            return found
        old = list(self.world.load(at.node.key).manager.slot)
        s = self.world.load(found.node.key)
        allocations = found.node.names.allocations
        unnamed = [a for a, slot in enumerate(s.manager.slot) if slot != old[a]]
        for pattern in found.expected:
            if pattern.optional and Message.REQUEST_TASK_SLOT in pattern.messages:
                for a in unnamed:
                    tm = s.manager.slot_instance[a] % self.world.tms
                    asked = way(tm, Way.FROM_RESOURCE_MANAGER) == pattern.channel
                    if asked and s.stale[tm] and pattern.allocation is not None:
                        given = bound(released(allocations, a), a, pattern.allocation)
                        if given is not None:
                            allocations = given
                            unnamed.remove(a)
                            break
        return found.named(found.node.names._replace(allocations=allocations))

    def reactions_to(self, at: Branch, call: Call) -> Iterator[Iterator[Branch]]:
        """What the caller may react to, the likeliest first: an answer in flight, then timers."""
        channel = answer_channel(call)
        failed = call.error is not None
        if call.kind == TASK_SLOT_REQUEST and channel is not None:
            told = Message.CALL_FAILED if failed else Message.CALL_ACKNOWLEDGED
            name = self.patterns[call.number][0].allocation
            pattern = Pattern(channel, frozenset({told}), allocation=name)
            yield self.deliver(at, pattern, sent=self.replied.get(call.number))
            if failed:
                yield self.timer_of_allocation(at, "slot_call_times_out", name)
        elif call.kind == ("declare_required_resources", "jm", "rm") and channel is not None:
            told = Message.REQUEST_REFUSED if failed else Message.REQUEST_ACKNOWLEDGED
            yield self.deliver(at, Pattern(channel, frozenset({told})))
            if failed:
                yield self.try_early(at, ("declaration_times_out",))
        else:
            yield from super().reactions_to(at, call)

    # ------------------------------------------------------------------------ hidden steps

    def of_job_master(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps of the JobMaster."""
        asking = self.asking(at.node, step)
        yield from self.job_master_registered(at)
        for answer in (Message.REQUEST_ACKNOWLEDGED, Message.REQUEST_REFUSED):
            yield from self.deliver(at, Pattern(TO_JOB_MASTER, frozenset({answer})))
        yield from self.try_all(
            at,
            ("job_master_gains_leadership",),
            ("declaration_is_due",),
            *(("scheduler_requests_slot", share) for share in asking),
            *(("scheduler_takes_slot", *pair) for pair in self.assigning(at.node, step)),
            ("job_master_loses_resource_manager",),
            self.end_of_job_master(step),
            *self.losses_of_results(),
        )
        yield from self.try_early(
            at,
            *(("scheduler_restarts_region", region) for region in asking),
            *(("request_times_out", share) for share in asking),
            *self.task_timers(),
            *(("job_master_misses_heartbeat", tm) for tm in range(self.world.tms)),
            ("declaration_times_out",),
            ("job_master_misses_resource_manager",),
        )
        yield from self.leaving(at, step)

    def of_resource_manager(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps of the ResourceManager."""
        names = at.node.names
        yield from self.try_all(
            at,
            ("resource_manager_gains_leadership",),
            ("resource_manager_finds_job_master",),
            ("resource_manager_finds_former_job_master",),
            *(("check_is_due", i) for i in range(len(names.instances))),
            *self.orders_of_check(at),
        )
        yield from self.gateways_found(at)
        yield from self.try_early(
            at,
            ("startup_period_ends",),
            *(("resource_manager_misses_heartbeat", tm) for tm in range(self.world.tms)),
            *(("slot_call_times_out", a) for a in range(len(names.allocations))),
            ("resource_manager_loses_job_master",),
            ("resource_manager_misses_job_master",),
        )
        yield from self.failover(at, step)

    def orders_of_check(self, at: Branch) -> Iterator[tuple[Any, ...]]:
        """The first three connections of a check, where one does not decide which are asked.

        Those that the recording has asked for slots come first, if three are enough.
        """
        s = self.world.load(at.node.key)
        registered = [
            instance
            for instance, state in enumerate(s.manager.registration)
            if state != ManagedTaskManager.UNREGISTERED
        ]
        if len(registered) <= MOST_IN_A_RING:
            return
        asked = {one.channel for one in at.expected if Message.REQUEST_TASK_SLOT in one.messages}
        likely = [
            instance
            for instance in registered
            if way(instance % self.world.tms, Way.FROM_RESOURCE_MANAGER) in asked
        ]
        orders = permutations(registered, ORDERED)
        for order in sorted(
            orders, key=lambda one: sum(one.index(i) if i in one else ORDERED for i in likely)
        ):
            yield "check_is_due_in_order", *order


def number_of(request: str) -> int:
    """The number in a request's name."""
    return int(request[1:].split("{")[0])
