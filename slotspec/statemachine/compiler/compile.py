"""An instance, compiled: its machine code and what the numbers in a result buffer mean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.backend.native import Code, build, deposits_bits
from slotspec.statemachine.compiler.backend.result_buffer import (
    BROKEN,
    EVENT_CELLS,
    EVENTS,
    FOUND,
    SITE,
    STEP,
    ResultBuffer,
)
from slotspec.statemachine.compiler.drivers.expand import Expansion, program_text
from slotspec.statemachine.compiler.drivers.predicates import predicate_name
from slotspec.statemachine.compiler.frontend.program import Site
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.interpreter.liveness import PREMISE, PROMISE, claims
from slotspec.statemachine.layout import Layout


@dataclass(frozen=True)
class Found:
    """Something that a worker noted: its kind, the state's number, and the call from there."""

    kind: int
    state: int
    call: int | None
    site: int
    broken: bool


@dataclass
class Compiled:
    """The compiled form of an instance; `expand` is the address of its batch function (or walk)."""

    instance: Instance
    layout: Layout
    result_buffer: ResultBuffer
    sites: list[Site]
    code: Code
    expand: int
    seconds: float
    text_sum: str
    """Checksum of the translated rules: equal for equal rules, properties and bounds."""
    predicates: dict[tuple[int, int], int] = field(default_factory=dict)
    """Addresses of the functions of :mod:`.predicates`, by number and side."""

    def new_buffer(self) -> Any:
        """A fresh result buffer, with every obligation open."""
        buffer = np.zeros(self.result_buffer.size, dtype=np.int64)
        buffer[STEP] = 1
        buffer[self.result_buffer.opened : self.result_buffer.opened + self.result_buffer.kinds] = 1
        return buffer

    def found(self, buffer: Any) -> list[Found]:
        """What was noted in `buffer`."""
        events = []
        for i in range(int(buffer[FOUND])):
            at = EVENTS + EVENT_CELLS * i
            kind, state, call, site = (int(v) for v in buffer[at : at + EVENT_CELLS])
            broken = call >= BROKEN - 1
            if broken:
                call -= BROKEN
            events.append(Found(kind, state, None if call < 0 else call, site, broken))
        return events

    def fault_in(self, buffer: Any) -> str:
        """The last fault that was noted in `buffer`."""
        return str(self.sites[int(buffer[SITE])])


def compile_instance(
    instance: Instance,
    symmetric: bool = False,
    deposit: bool | None = None,
    writer: type[Expansion] = Expansion,
) -> Compiled:
    """Translate the rules and properties of `instance`, or fetch them from the cache.

    :param symmetric: with what canonical forms under symmetry need.
    :param deposit: let the processor gather and spread bits; by default, if it can.
    :param writer: what writes its function: the expansion of batches, or a walk.
    :raises RuleError: ``RUL001`` to ``RUL014``, with file and line, for what a compiled rule
        cannot use.
    """
    started = perf_counter()
    program, text = program_text(
        instance, deposits_bits() if deposit is None else deposit, symmetric, writer
    )
    code = build(text)
    return Compiled(
        instance,
        program.layout,
        program.result_buffer,
        program.sites,
        code,
        code.address(writer.entry),
        perf_counter() - started,
        hashlib.sha256(text.encode()).hexdigest()[:32],
        {
            (number, side): code.address(predicate_name(number, side))
            for number in range(len(claims(instance)))
            for side in (PREMISE, PROMISE)
            if writer is Expansion  # a walk is finite and asks for nothing of that kind
        },
    )
