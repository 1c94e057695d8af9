"""The compiled random walk: makes runs of an instance in machine code."""

from __future__ import annotations

import ctypes
from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.backend.result_buffer import FOUND, STOP
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.compiler.drivers.random_walk import (
    AT,
    PREFERRED,
    RNG,
    STUTTERS,
    THRESHOLD,
    Cells,
    Walk,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.interpreter.random_walk import RandomWalk
from slotspec.statemachine.interpreter.rng import MASK, REGISTERS
from slotspec.statemachine.interpreter.statistics import Seen, Statistics
from slotspec.statemachine.interpreter.time_limit import OutOfTime

_WALK = ctypes.CFUNCTYPE(
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_void_p,
)


def compile_walk(instance: Instance) -> Compiled:
    """Compile the walk of `instance`.

    :raises RuleError: ``RUL001`` to ``RUL014``, for what a compiled rule cannot use.
    """
    return compile_instance(instance, writer=Walk)


class CompiledWalk(RandomWalk):
    """A random walk that runs the rules as machine code; each worker has its own."""

    chunk = 50_000

    def __init__(self, compiled: Compiled, steps: int, rate: float, swarm: bool = True) -> None:
        super().__init__(compiled.instance, steps, rate, swarm)
        self.compiled = compiled
        self.cells = Cells(compiled.instance, compiled.layout.capacity)
        self.entry = compiled.expand
        self.function = _WALK(self.entry)
        self.buffer = compiled.new_buffer()
        self.fresh_book = compiled.new_buffer()
        self.memory = np.zeros(self.cells.size, dtype=np.uint64)
        self.registers = np.zeros(REGISTERS, dtype=np.uint8)
        self.way = np.zeros(max(1, steps), dtype=np.uint32)
        self.start = np.frombuffer(compiled.layout.initial(), dtype=np.uint64)
        self.opened = slice(
            compiled.result_buffer.opened,
            compiled.result_buffer.opened + compiled.result_buffer.kinds,
        )
        self.names = [*(q.name for q in self.obligations), "deadlock", "fault"]

    def reset(self) -> None:
        self.buffer[:] = self.fresh_book
        self.registers[:] = 0
        self.memory[:] = 0
        self.memory[THRESHOLD] = self.threshold

    def begin(self, state: int, order: list[int], preferred: int, closed: set[str]) -> None:
        memory, cells = self.memory, self.cells
        memory[RNG] = state
        memory[AT] = 0
        memory[PREFERRED] = preferred
        memory[cells.order : cells.order + len(order)] = order
        memory[cells.record : cells.record + len(self.start)] = self.start
        memory[cells.changed :] = MASK
        self.buffer[FOUND] = 0
        self.buffer[self.opened] = [name not in closed for name in self.names]

    @property
    def at(self) -> int:  # type: ignore[override]
        return int(self.memory[AT])

    @cached_property
    def arguments(self) -> tuple[int, int, int, int]:
        return tuple(  # type: ignore[return-value]
            array.ctypes.data for array in (self.buffer, self.memory, self.way, self.registers)
        )

    def go(self, until: int) -> int:
        if self.entry != self.compiled.expand:
            self.entry = self.compiled.expand
            self.function = _WALK(self.entry)
        buffer, memory, way, registers = self.arguments
        status = int(self.function(buffer, memory, until, way, registers))
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
        found: list[int] = self.way[:steps].tolist()
        return found

    def harvest(self, statistics: Statistics) -> None:
        actions = [action.name for action in self.instance.actions]
        buffer, names = self.compiled.result_buffer, range(len(actions))
        statistics.taken = Counter({actions[i]: int(self.buffer[buffer.taken + i]) for i in names})
        statistics.moved = Counter(
            {actions[i]: int(self.memory[self.cells.moved + i]) for i in names}
        )
        statistics.stutters = int(self.memory[STUTTERS])
        statistics.registers = bytearray(self.registers.tobytes())
        for lifecycle in self.instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                statistics.fired[key] = int(
                    self.buffer[buffer.fired_cell(lifecycle, move.event, int(move.source))]
                )


__all__: list[Any] = ["CompiledWalk", "compile_walk"]
