"""The compiled walk: runs of an instance as machine code."""

from __future__ import annotations

import ctypes
from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.backend.result_buffer import FOUND
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
from slotspec.statemachine.interpreter.random_walk import Walker
from slotspec.statemachine.interpreter.rng import REGISTERS
from slotspec.statemachine.interpreter.statistics import Seen, Tally

_WALK = ctypes.CFUNCTYPE(
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_void_p,
)


def compile_walk(instance: Instance) -> Compiled:
    """The walk of `instance` as machine code.

    :raises RuleError: ``RUL001`` to ``RUL014``, for what a compiled rule cannot use.
    """
    return compile_instance(instance, writer=Walk)


class CompiledWalker(Walker):
    """Walks with the rules as machine code; each worker has one of its own."""

    chunk = 50_000

    def __init__(self, compiled: Compiled, steps: int, rate: float, swarm: bool = True) -> None:
        super().__init__(compiled.instance, steps, rate, swarm)
        self.compiled = compiled
        self.cells = Cells(compiled.instance, compiled.layout.room)
        self.function = _WALK(compiled.expand)
        self.book = compiled.book()
        self.fresh_book = compiled.book()
        self.memory = np.zeros(self.cells.size, dtype=np.uint64)
        self.registers = np.zeros(REGISTERS, dtype=np.uint8)
        self.way = np.zeros(max(1, steps), dtype=np.uint32)
        self.start = np.frombuffer(compiled.layout.initial(), dtype=np.uint64)
        self.opened = slice(
            compiled.notebook.opened, compiled.notebook.opened + compiled.notebook.kinds
        )
        self.names = [*(q.name for q in self.questions), "deadlock", "fault"]

    def reset(self) -> None:
        self.book[:] = self.fresh_book
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
        self.book[FOUND] = 0
        self.book[self.opened] = [name not in closed for name in self.names]

    @property
    def at(self) -> int:  # type: ignore[override]
        return int(self.memory[AT])

    @cached_property
    def arguments(self) -> tuple[int, int, int, int]:
        return tuple(  # type: ignore[return-value]
            array.ctypes.data for array in (self.book, self.memory, self.way, self.registers)
        )

    def go(self, until: int) -> int:
        book, memory, way, registers = self.arguments
        return int(self.function(book, memory, until, way, registers))

    def noted(self) -> list[Seen]:
        if not self.book[FOUND]:
            return []
        seen = []
        for found in self.compiled.found(self.book):
            what = self.names[found.kind]
            kind = what if what in ("deadlock", "fault") else "property"
            text = str(self.compiled.sites[found.site]) if kind == "fault" else ""
            seen.append(Seen(what, kind, found.state, found.call, text, found.broken))
        self.book[FOUND] = 0
        return seen

    def calls(self, steps: int) -> list[int]:
        found: list[int] = self.way[:steps].tolist()
        return found

    def harvest(self, tally: Tally) -> None:
        actions = [action.name for action in self.instance.actions]
        book, names = self.compiled.notebook, range(len(actions))
        tally.taken = Counter({actions[i]: int(self.book[book.taken + i]) for i in names})
        tally.moved = Counter({actions[i]: int(self.memory[self.cells.moved + i]) for i in names})
        tally.stutters = int(self.memory[STUTTERS])
        tally.registers = bytearray(self.registers.tobytes())
        for lifecycle in self.instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                tally.fired[key] = int(
                    self.book[book.fired_cell(lifecycle, move.event, int(move.source))]
                )


__all__: list[Any] = ["CompiledWalker", "compile_walk"]
