"""Writes a long trace of the slot pool, as the model does it: input for timing ``conform``.

Usage: ``python benchmarks/long_trace.py FILE [--steps N] [--state-every N] [--seed N]``
"""

from __future__ import annotations

import argparse
from collections import Counter, deque
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

from slotspec.oracle.peers.protocol import Operation
from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.oracle.slot_pool.strategies import Swarm
from slotspec.oracle.slot_pool.view import REQUESTS, Situation
from slotspec.oracle.traces.trace import Expected, TraceStep
from slotspec.oracle.traces.writing import write_trace

ANSWERED_AFTER = 4
"""So many calls to the ResourceManager stay open."""
FORGOTTEN = 3
"""So many callers wait for an answer that nobody will give, before they time out."""


class Duties:
    """What has to be answered sooner or later, or it would pile up for ever."""

    def __init__(self) -> None:
        self.calls: deque[str] = deque()
        self.open: dict[tuple[str, int], None] = {}
        self.attempts: Counter[str] = Counter()

    def follow(self, op: str, arguments: dict[str, Any], expected: Expected) -> None:
        """Take note of one step."""
        if op in REQUESTS:
            self.attempts[arguments["request"]] += 1
            self.open[arguments["request"], self.attempts[arguments["request"]]] = None
        for effect in expected.effects:
            if effect["effect"] == "rm.request_slot":
                self.calls.append(effect["allocation"])
            elif effect["effect"] in ("request.fulfilled", "request.failed"):
                self.open.pop((effect["request"], effect.get("attempt", 1)), None)

    def next(self, situation: Situation) -> Operation | None:
        """An answer that is due."""
        if len(self.calls) > ANSWERED_AFTER:
            return "resource_manager_acknowledges", {"allocation": self.calls.popleft()}
        if len(self.open) > len(situation.queued_requests()) + FORGOTTEN:
            request, attempt = next(iter(self.open))
            del self.open[request, attempt]
            return "request_timeout", {"request": request, "attempt": attempt}
        return None


def steps_of(swarm: Swarm, random: Random, state_every: int) -> Iterator[TraceStep]:
    """Steps without end, of one pool that lives on.

    :param state_every: every so manieth step tells its state; 0: none does.
    """
    oracle = SlotPoolOracle(swarm.generation, swarm.header)
    situation = Situation(list(swarm.header.task_managers))
    duties = Duties()
    for place in count():
        op, arguments = duties.next(situation) or swarm.step(place, situation, random)
        expected = oracle.step(op, **arguments)
        situation.follow(op, arguments, expected.effects, expected.state)
        duties.follow(op, arguments, expected)
        del situation.generated[:-50]
        told = bool(state_every) and place % state_every == 0
        yield expected.as_step(op, arguments, state=told)


def balanced(generation: str, seed: int) -> Swarm:
    """A mixture in which nothing piles up for ever, and every operation comes."""
    swarm = Swarm(generation, Random(seed))
    weights = {"offer_slots": 4.0, "request_new_allocated_slot": 3.0, "release_slot": 3.0}
    rare = {"start": 0.0, "suspend": 0.02, "close": 0.02}
    swarm.operations = [
        "disconnect_resource_manager",
        "connect_to_resource_manager",
        "register_task_manager",
        "release_task_manager",
        "offer_slots",
        "fail_allocation",
        "get_available_slots_information",
        "allocate_available_slot",
        "request_new_allocated_slot",
        "request_new_allocated_batch_slot",
        "create_allocated_slot_report",
        "release_slot",
        "request_timeout",
        "resource_manager_acknowledges",
        "resource_manager_fails",
        "assign_payload",
        "advance_time",
        "close",
    ]
    swarm.weights = [weights.get(op, rare.get(op, 1.0)) for op in swarm.operations]
    swarm.setup = ["start", "connect_to_resource_manager", "register_task_manager"]
    return swarm


def write(path: Path, steps: int, state_every: int = 0, seed: int = 0) -> None:
    """Write the trace."""
    swarm = balanced("1.12", seed)
    write_trace(path, swarm.header, islice(steps_of(swarm, Random(seed), state_every), steps))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--state-every", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    write(given.file, given.steps, given.state_every, given.seed)
