"""Chooses the next operation of a slot pool, with meaningful or hostile arguments.

Meaningful arguments name what exists: an offer for a pending request, a release of a held slot.
Hostile arguments are repeated, late, conflicting, stale or invented, and reuse ids. Each sequence
draws anew which operations it has and how often (*swarm testing*), and so reaches long interplays
that a fixed mixture would hardly ever reach.
"""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fuzzing.targets import PROFILES
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.slot_pool.view import PoolView
from slotspec.oracle.traces.trace import FORMAT, OperationCall, TraceHeader

CAUSES = {
    "other": "RuntimeException",
    "timeout": "TimeoutException",
    "unfulfillable": "UnfulfillableSlotRequestException",
    "wrapped_unfulfillable": "FlinkException<-UnfulfillableSlotRequestException",
}
TASK_MANAGERS = {"tm1": {"host": "host1"}, "tm2": {"host": "host2"}, "tm3": {"host": "host1"}}

SETUP = ("start", "connect_to_resource_manager", "register_task_manager")
_RARE = frozenset({"start", "suspend", "close", "disable_batch_slot_request_timeout_check"})
_QUERIES = frozenset(
    {
        "get_available_slots_information",
        "get_allocated_slots_information",
        "create_allocated_slot_report",
    }
)
_OFTEN = frozenset({"offer_slots", "request_new_allocated_slot"})
_IDLE_CHOICES = (20, 50, 100)
_BATCH_CHOICES = (30, 50, 80)


class Swarm:
    """The mixture of one sequence.

    :param random: draws the mixture; the same random numbers give the same mixture.
    :param absent: operations that must not occur.
    """

    def __init__(
        self, generation: str, random: Random, absent: frozenset[str] = frozenset()
    ) -> None:
        self.generation = generation
        self.header = TraceHeader(
            format=FORMAT,
            implementation=SCHEMA.implementation,
            version=f"{generation}.0",
            config={
                "idle_slot_timeout_ms": random.choice(_IDLE_CHOICES),
                "batch_slot_timeout_ms": random.choice(_BATCH_CHOICES),
            },
            profiles=dict(PROFILES),
            causes=CAUSES,
            task_managers=TASK_MANAGERS,
        )
        # with a slot of unknown size, Java's hash order decides whether 1.13 throws
        forbidden = {"unknown"} if generation == "1.13" else set()
        names = sorted(PROFILES)
        self.wanted = random.sample(names, random.randint(1, 4))
        self.offered = [n for n in self.wanted if n not in forbidden] + random.sample(
            sorted(set(PROFILES) - forbidden), 2
        )
        self.requests = [f"r{n}" for n in range(1, random.choice((2, 4, 8)) + 1)]
        self.gateways = [f"rm{n}" for n in range(1, random.choice((1, 2)) + 1)]
        self.task_managers = sorted(TASK_MANAGERS)[: random.choice((1, 2, 3))]
        self.hostile = random.choice((0.05, 0.2, 0.5))
        self.operations: list[str] = []
        self.weights: list[float] = []
        for op in SCHEMA.operations_of(generation):
            if op in _RARE:
                weight = random.choice((0.0, 0.1, 0.1, 0.4))
            elif op in _QUERIES:
                weight = random.choice((0.0, 0.2, 0.5))
            else:
                weight = random.choice((0.0, 0.5, 1.0, 3.0))
                if op in _OFTEN:
                    weight = max(weight, 1.0) * 1.5
            if weight and op not in absent:
                self.operations.append(op)
                self.weights.append(weight)
        if not self.operations:
            self.operations = [op for op in SCHEMA.operations_of(generation) if op not in absent]
            self.weights = [1.0] * len(self.operations)
        self.setup = [op for op in SETUP if random.random() < 0.9 and op not in absent]

    def operation(self, place: int, random: Random) -> str:
        """The operation at a place of the sequence. The first ones set up the pool."""
        if place < len(self.setup):
            return self.setup[place]
        return random.choices(self.operations, self.weights)[0]

    def step(self, place: int, view: PoolView, random: Random) -> OperationCall:
        """The operation at a place of the sequence, with its arguments."""
        op = self.operation(place, random)
        return op, self.arguments(op, view, random)

    # ------------------------------------------------------------------------ arguments

    def arguments(self, op: str, at: PoolView, random: Random) -> dict[str, Any]:
        """Arguments for `op`."""
        match op:
            case "connect_to_resource_manager":
                return {"rm": random.choice(self.gateways)}
            case "register_task_manager" | "release_task_manager" | "create_allocated_slot_report":
                return {"tm": random.choice(self.task_managers)}
            case "offer_slots":
                return self._offers(at, random)
            case "fail_allocation" | "resource_manager_fails":
                return {"allocation": self._allocation(at, random), "cause": self._cause(random)}
            case "resource_manager_acknowledges" | "assign_payload":
                return {"allocation": self._allocation(at, random)}
            case "allocate_available_slot":
                free = list(at.state["available"])
                known = free and random.random() >= self.hostile
                given = {
                    "request": self._request(at, random),
                    "allocation": random.choice(free) if known else self._allocation(at, random),
                }
                if self.generation == "1.13":
                    given["profile"] = random.choice(self.wanted)
                return given
            case "request_new_allocated_slot" | "request_new_allocated_batch_slot":
                return {
                    "request": self._new_request(at, random),
                    "profile": random.choice(self.wanted),
                }
            case "release_slot":
                cause = None if random.random() < 0.4 else self._cause(random)
                return {"request": self._request(at, random), "cause": cause}
            case "request_timeout":
                request = self._request(at, random)
                last = max(1, at.attempts[request])
                attempt = last if random.random() < 0.7 else random.randint(1, last)
                return (
                    {"request": request}
                    if attempt == 1
                    else {
                        "request": request,
                        "attempt": attempt,
                    }
                )
            case "advance_time":
                return {"ms": self._delay(random)}
        return {}

    def _cause(self, random: Random) -> str:
        return random.choices(list(CAUSES), (6, 2, 2, 1))[0]

    def _delay(self, random: Random) -> int:
        idle: int = self.header.config["idle_slot_timeout_ms"]
        batch: int = self.header.config["batch_slot_timeout_ms"]
        near = [idle, idle, batch, batch, idle + 1, batch + 1, idle - 1, batch - 1]
        return random.choice([0, 1, 7, *near, idle + batch, abs(idle - batch), 10 * idle])

    def _new_request(self, at: PoolView, random: Random) -> str:
        """Mostly an id that nothing uses; sometimes any id."""
        used = {*at.queued_requests(), *at.serving_requests()}
        free = [name for name in self.requests if name not in used]
        if free and random.random() >= self.hostile:
            return random.choice(free)
        return random.choice(self.requests)

    def _request(self, at: PoolView, random: Random) -> str:
        queued, serving = at.queued_requests(), at.serving_requests()
        kind = random.random()
        if queued and kind < 0.45:
            return random.choice(queued)
        if serving and kind < 0.9:
            return random.choice(serving)
        return random.choice(self.requests)

    def _allocation(self, at: PoolView, random: Random) -> str:
        """An allocation that is queued, held, recent, long gone, or unknown to the pool."""
        groups: list[tuple[float, list[str]]] = [
            (4, [entry["allocation"] for entry in at.pending]),
            (2, list(at.state["allocated"])),
            (2, list(at.state["available"])),
            (1, at.generated[-4:]),
            (1, at.generated),
            (1, ["x1", "x2", "x3", "x4"]),
        ]
        there = [(weight, names) for weight, names in groups if names]
        names = random.choices([n for _, n in there], [w for w, _ in there])[0]
        return random.choice(names)

    def _offers(self, at: PoolView, random: Random) -> dict[str, Any]:
        registered = at.state["task_managers"]
        tm = random.choice(self.task_managers)
        if registered and random.random() >= self.hostile:
            tm = random.choice(registered)
        count = random.choices((1, 2, 3, 0), (10, 3, 1, 0.3))[0]
        return {"tm": tm, "offers": [self._offer(at, random) for _ in range(count)]}

    def _offer(self, at: PoolView, random: Random) -> dict[str, Any]:
        allocation = self._allocation(at, random)
        profile = random.choice(self.offered)
        index = random.randint(0, 3)
        held = at.held.get(allocation)
        if held is not None and random.random() >= self.hostile:
            profile, index = held["profile"], held["index"]
        for entry in at.pending:
            if entry["allocation"] == allocation and random.random() < 0.6:
                profile = entry["profile"] if entry["profile"] in self.offered else profile
        return {"allocation": allocation, "index": index, "profile": profile}
