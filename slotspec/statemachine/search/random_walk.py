"""The compiled random walk: makes runs of an instance in machine code."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.backend.result_buffer import BASE, FOUND, STOP
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.compiler.drivers.single_steps import (
    CELL_BITS,
    STUTTERS,
    TRIES,
    SingleSteps,
    most_arguments,
    tries_of,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.interpreter.random_walk import RandomWalk
from slotspec.statemachine.interpreter.rng import GOLDEN, MASK, REGISTERS
from slotspec.statemachine.interpreter.statistics import Seen, Statistics
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.search.walk_kernels import (
    ADVANCE,
    ATTEMPT,
    CALLS,
    CELLS,
    FUNCTIONS,
    PREFERRED,
    PRIME,
    REGULAR,
    RNG,
    THRESHOLD,
    WORDS,
    Walk,
    walk,
)


def compile_walk(instance: Instance) -> Compiled:
    """Compile the steps of `instance`, for walks.

    :raises RuleError: ``RUL001`` to ``RUL014``, for what a compiled rule cannot use.
    """
    return compile_instance(instance, writer=SingleSteps)


class CompiledWalk(RandomWalk):
    """A random walk that runs the rules as machine code; each worker has its own."""

    chunk = 50_000

    def __init__(self, compiled: Compiled, steps: int, rate: float, swarm: bool = True) -> None:
        super().__init__(compiled.instance, steps, rate, swarm)
        self.compiled = compiled
        self.addresses: dict[str, int] = {}
        self.buffer = compiled.new_buffer()
        self.fresh_buffer = compiled.new_buffer()
        layout, actions = compiled.layout, compiled.instance.actions
        self.start = np.frombuffer(layout.initial(), dtype=np.uint64)
        record = np.zeros_like(self.start)
        self.w = Walk(
            functions=np.zeros(FUNCTIONS, dtype=np.uint64),
            actions=np.zeros((len(actions), 4), dtype=np.uint64),
            tries=np.zeros(TRIES, dtype=np.int64),
            cells=np.zeros(CELLS, dtype=np.uint64),
            order=np.zeros(len(actions), dtype=np.uint64),
            moved=np.zeros(len(actions), dtype=np.int64),
            now=record,
            next=record.copy(),
            changed=np.zeros(-(-layout.capacity // CELL_BITS), dtype=np.uint64),
            buffer=self.buffer,
            way=np.zeros(max(1, steps), dtype=np.uint32),
            registers=np.zeros(REGISTERS, dtype=np.uint8),
        )
        self.calls_of = rows_of_calls(compiled.instance)
        counts = Counter(call.action.name for call in compiled.instance.calls)
        at = self.calls_of.ctypes.data
        for row, action in zip(self.w.actions, actions, strict=True):
            count = counts[action.name]
            row[CALLS], row[PRIME] = at, tries_of(count)
            row[ADVANCE] = GOLDEN if count > 1 else 0
            at += count * self.calls_of.strides[0]
        self.opened = slice(
            compiled.result_buffer.opened,
            compiled.result_buffer.opened + compiled.result_buffer.kinds,
        )
        walk(-1, *self.w)  # it takes a moment to load, which is no time of the runs
        self.names = [*(q.name for q in self.obligations), "deadlock", "fault"]

    def reset(self) -> None:
        w, layout = self.w, self.compiled.layout
        self.buffer[:] = self.fresh_buffer
        w.registers[:] = 0
        w.moved[:] = 0
        w.cells[:] = w.tries[:] = 0
        w.cells[THRESHOLD] = self.threshold
        w.cells[REGULAR] = len(self.regular)
        w.cells[WORDS] = layout.words

    def begin(self, state: int, order: list[int], preferred: int, closed: set[str]) -> None:
        w = self.w
        w.cells[RNG] = state
        self.buffer[BASE] = 0
        w.cells[PREFERRED] = preferred
        w.order[:] = order
        w.now[:] = w.next[:] = self.start
        w.changed[:] = MASK
        self.buffer[FOUND] = 0
        self.buffer[self.opened] = [name not in closed for name in self.names]

    @property
    def at(self) -> int:  # type: ignore[override]
        return int(self.buffer[BASE])

    def go(self, until: int) -> int:
        if self.addresses is not self.compiled.functions:
            self.addresses = self.compiled.functions
            addresses = list(self.addresses.values())
            self.w.functions[:] = addresses[:FUNCTIONS]
            self.w.actions[:, ATTEMPT] = addresses[FUNCTIONS:]
        status = int(walk(until, *self.w))
        if self.buffer[STOP]:
            raise OutOfTime
        return status

    def end_now(self) -> None:
        self.buffer[STOP] = 1

    def noted(self) -> list[Seen]:
        if not self.buffer[FOUND]:
            return []
        seen = []
        for found in self.compiled.found(self.buffer):
            what = self.names[found.kind]
            kind = what if what in ("deadlock", "fault") else "property"
            text = str(self.compiled.sites[found.site]) if kind == "fault" else ""
            seen.append(Seen(what, kind, found.state, found.call, text, found.broken))
        self.buffer[FOUND] = 0
        return seen

    def calls(self, steps: int) -> list[int]:
        found: list[int] = self.w.way[:steps].tolist()
        return found

    def harvest(self, statistics: Statistics) -> None:
        actions = [action.name for action in self.instance.actions]
        buffer, names = self.compiled.result_buffer, range(len(actions))
        statistics.taken = Counter({actions[i]: int(self.buffer[buffer.taken + i]) for i in names})
        statistics.moved = Counter({actions[i]: int(self.w.moved[i]) for i in names})
        statistics.stutters = int(self.w.tries[STUTTERS])
        statistics.registers = bytearray(self.w.registers.tobytes())
        for lifecycle in self.instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                statistics.fired[key] = int(
                    self.buffer[buffer.fired_cell(lifecycle, move.event, int(move.source))]
                )


def rows_of_calls(instance: Instance) -> Any:
    """The number and the arguments of each call, in rows of the same length."""
    width = 1 + most_arguments(instance)
    found = np.zeros((len(instance.calls), width), dtype=np.int64)
    for row, call in zip(found, instance.calls, strict=True):
        row[: 1 + len(call.arguments)] = [call.index, *call.arguments]
    return found


__all__ = ["CompiledWalk", "compile_walk"]
