"""A compiled instance: its machine code, and the meaning of the numbers in a result buffer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from slotspec.statemachine.compiler.backend import cache
from slotspec.statemachine.compiler.backend.native import (
    QUICK,
    Code,
    build,
    deposits_bits,
    host,
    load,
    name_of,
)
from slotspec.statemachine.compiler.backend.result_buffer import (
    BROKEN,
    EVENT_CELLS,
    EVENTS,
    FOUND,
    SITE,
    STEP,
    ResultBuffer,
)
from slotspec.statemachine.compiler.backend.upgrade import Upgrade
from slotspec.statemachine.compiler.drivers.expand import EXPAND, Expansion, program_text
from slotspec.statemachine.compiler.fingerprint import fingerprint
from slotspec.statemachine.compiler.frontend.program import Site
from slotspec.statemachine.declaration.guards import Checks
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.layout import Layout


@dataclass(frozen=True)
class Found:
    """A finding of a worker: its kind, the state's number, and the call from there."""

    kind: int
    state: int
    call: int | None
    site: int
    broken: bool


@dataclass
class Compiled:
    """The compiled form of an instance."""

    instance: Instance
    layout: Layout
    result_buffer: ResultBuffer
    sites: list[Site]
    code: Code
    seconds: float
    text_sum: str
    """Checksum of the translated rules: equal for equal rules, properties and bounds."""
    upgrade: Upgrade
    names: list[str]
    """The names of the functions that the driver wrote for others to call."""
    lasting: bool
    """Whether some rule may take long. It then looks at the cell ``STOP`` of its buffer."""
    functions: dict[str, int] = field(default_factory=dict)
    """The current addresses of these functions."""
    former: list[Code] = field(default_factory=list)
    """Code that was in use before; kept because a thread may still be running it."""

    def use(self, code: Code) -> None:
        """Use these functions from now on."""
        self.former.append(self.code)
        self.code = code
        self.functions = {name: code.address(name) for name in self.names}

    @property
    def expand(self) -> int:
        """The address of the function that expands batches."""
        return self.functions[EXPAND]

    def improve(self) -> bool:
        """Switch to better code once it is ready; returns whether it did. Call it regularly."""
        code = self.upgrade.ready()
        if code is not None:
            self.use(code)
        return code is not None

    def new_buffer(self) -> Any:
        """A new result buffer, with every obligation open."""
        buffer = np.zeros(self.result_buffer.size, dtype=np.int64)
        buffer[STEP] = 1
        buffer[self.result_buffer.opened : self.result_buffer.opened + self.result_buffer.kinds] = 1
        return buffer

    def found(self, buffer: Any) -> list[Found]:
        """The findings in `buffer`.

        :raises RuleError: ``RUL100`` if a rule calls itself too deep.
        """
        events = []
        for i in range(int(buffer[FOUND])):
            at = EVENTS + EVENT_CELLS * i
            kind, state, call, site = (int(v) for v in buffer[at : at + EVENT_CELLS])
            broken = call >= BROKEN - 1
            if (broken or kind == self.result_buffer.fault) and self.sites[site].code == "RUL100":
                raise RuleError("RUL100", f"{self.sites[site].place}: {self.sites[site].message}")
            if broken:
                call -= BROKEN
            events.append(Found(kind, state, None if call < 0 else call, site, broken))
        return events

    def fault_in(self, buffer: Any) -> str:
        """The last fault in `buffer`."""
        return str(self.sites[int(buffer[SITE])])


def compile_instance(
    instance: Instance,
    symmetric: bool = False,
    deposit: bool | None = None,
    writer: type[Expansion] = Expansion,
    level: int = QUICK,
) -> Compiled:
    """Translate the rules and properties of `instance`, or fetch them from the cache.

    :param symmetric: add the functions that canonical forms under symmetry need.
    :param deposit: use the processor's instructions that gather and spread bits; by default,
        if it has them.
    :param writer: the driver to write: the expansion of batches, or single steps.
    :param level: the least optimization level.
    :raises RuleError: ``RUL001`` to ``RUL014``, with file and line, for what a compiled rule
        cannot use.
    """
    started = perf_counter()
    deposit = deposits_bits() if deposit is None else deposit
    known = fingerprint(instance, host(), f"{writer.__qualname__} {symmetric} {deposit}")
    note = None if known is None else _noted(known)
    code = None if note is None else load(note.name, *([] if level == QUICK else [level]))
    if note is None or code is None:
        program, text = program_text(instance, deposit, symmetric, writer)
        code = build(text, level)
        text_sum = hashlib.sha256(text.encode()).hexdigest()[:32]
        note = Note(
            name_of(text),
            text_sum,
            len(text),
            program.sites,
            instance.checks,
            program.lasting,
        )
        if known is not None:
            cache.save(f"{known}.json", msgspec.json.encode(note))
    instance.checks = note.checks
    compiled = Compiled(
        instance,
        Layout(instance),
        ResultBuffer(instance),
        note.sites,
        code,
        perf_counter() - started,
        note.text_sum,
        Upgrade(code, note.name, note.characters),
        writer.entries(instance),
        note.lasting,
    )
    compiled.use(code)
    return compiled


class Note(msgspec.Struct, frozen=True):
    """The cached data about a translation, besides its code."""

    name: str
    text_sum: str
    characters: int
    sites: list[Site]
    checks: Checks
    lasting: bool


def _noted(fingerprint: str) -> Note | None:
    """The cached data about the translation with this fingerprint, if any."""
    kept = cache.load(f"{fingerprint}.json")
    try:
        return None if kept is None else msgspec.json.decode(kept, type=Note)
    except msgspec.MsgspecError:
        return None
