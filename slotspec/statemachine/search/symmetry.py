"""Checks that a model is as symmetric as declared, by renaming states and comparing successors.

A rule or property that picks "the first free slot", compares references by order or names an
element by a literal treats equal things differently. Under symmetry such a model would be
checked wrongly, so it is refused.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.backend.result_buffer import BASE
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.obligations import choices
from slotspec.statemachine.results import Limit, Limits, Result, silent
from slotspec.statemachine.search.canonicalizer import EXACT, IMAGE, PREPARE, Canonicalizer
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.invoke import expand_one, image_of, prepare_of
from slotspec.statemachine.search.stopping import run_apart
from slotspec.statemachine.search.worker_pool import Worker

SAMPLES = 256
STATES = 20_000
"""The samples are drawn from this many states, the first ones of a plain search."""

MEMORY = 64 << 20


def check_symmetry(
    instance: Instance,
    samples: int = SAMPLES,
    *,
    seed: int = 1,
    compiled: Compiled | None = None,
    seconds: float | None = None,
) -> int:
    """Check that `instance` treats the elements of its symmetric sorts alike.

    It renames reachable states at random. A state and its renamed form must have the same
    successors by every action, up to names, and the same answer to every property.

    :param samples: how many states to rename.
    :param seconds: limit on the time of the check.
    :return: how many comparisons were made.
    :raises UsageError: ``SET033`` if nothing is symmetric, or if something breaks the symmetry
        (the message names it).
    :raises CutShort: the time was up first, or Ctrl-C.
    """
    symmetry = Symmetry(instance)
    if symmetry.order == 1:
        raise UsageError(
            "SET033",
            f"model {instance.model.name} has no symmetric sort of more than one element at"
            " these bounds; leave symmetry out",
        )
    compiled = compiled or compile_instance(instance, symmetric=True)
    return _Comparison(compiled, symmetry, random.Random(seed), seconds).run(samples)


class CutShort(Exception):
    """The comparison did not end.

    :ivar result: what the search for states to compare has found.
    """

    def __init__(self, result: Result, limit: Limit) -> None:
        super().__init__(limit.value)
        self.result = result
        result.limit = limit


class _Comparison:
    def __init__(
        self,
        compiled: Compiled,
        symmetry: Symmetry,
        rng: random.Random,
        seconds: float | None,
    ) -> None:
        self.seconds = seconds
        self.until = None if seconds is None else perf_counter() + seconds
        self.compiled, self.symmetry, self.rng = compiled, symmetry, rng
        self.instance = compiled.instance
        self.width = compiled.layout.packed
        self.worker = Worker(compiled, 1, EXACT)
        self.canonicalizer = Canonicalizer(compiled, EXACT)

    def run(self, samples: int) -> int:
        limits = Limits(states=STATES, memory=MEMORY, seconds=self.seconds)
        plain = Explorer(self.compiled, limits, silent, 1, False)
        result = plain.run()
        if result.limit in (Limit.SECONDS, Limit.INTERRUPTED):
            raise CutShort(result, result.limit)
        count = plain.visited.count
        states = plain.visited.states.array[: count * self.width].reshape(count, self.width)
        made = 0
        for _ in range(samples):
            words = np.array(states[self.rng.randrange(count)])
            other = self.renamed(words)
            if not np.array_equal(words, other):
                try:
                    self.compare(words, other)
                except (OutOfTime, KeyboardInterrupt) as stop:
                    late = isinstance(stop, OutOfTime)
                    raise CutShort(result, Limit.SECONDS if late else Limit.INTERRUPTED) from None
                made += 1
        return made

    def renamed(self, words: Any) -> Any:
        """A state with its elements renamed at random."""
        canonicalizer = self.canonicalizer
        starts = self.symmetry.starts
        for first, stop in pairwise(starts):
            order = list(range(stop - first))
            self.rng.shuffle(order)
            canonicalizer.renaming[first:stop] = order
        out = np.zeros_like(words)
        prepare_of(canonicalizer.plan[PREPARE], words, canonicalizer.record, canonicalizer.colours)
        image_of(canonicalizer.plan[IMAGE], canonicalizer.record, canonicalizer.renaming, out)
        return out

    def outcome(self, words: Any) -> tuple[dict[str, Counter[bytes]], set[int]]:
        """Successors by action, up to names, and the kinds of findings in this state."""
        worker, compiled = self.worker, self.compiled
        worker.buffer = compiled.new_buffer()
        worker.buffer[BASE] = 0
        expand = partial(
            expand_one,
            *(compiled.expand, worker.buffer, words, worker.words, worker.source, worker.call),
        )
        rows = run_apart(expand, worker.buffer, self.until) if compiled.lasting else expand()
        keys = self.canonicalizer.of(worker.words[: rows * self.width])
        found: dict[str, Counter[bytes]] = {}
        for row in range(rows):
            name = self.instance.calls[int(worker.call[row])].action.name
            key = keys[row * self.width : (row + 1) * self.width].tobytes()
            found.setdefault(name, Counter())[key] += 1
        buffer = compiled.result_buffer
        for number, action in enumerate(self.instance.actions):
            # calls that change nothing have no successor to compare, but are counted
            taken = int(worker.buffer[buffer.taken + number])
            found.setdefault(action.name, Counter())[b""] = taken
        return found, {event.kind for event in compiled.found(worker.buffer)}

    def renamed_kind(self, kind: int, renaming: Any) -> int:
        """The kind of the same obligation for the renamed elements."""
        buffer = self.compiled.result_buffer
        obligation = buffer.obligations[kind] if kind < len(buffer.obligations) else None
        if obligation is None or obligation.elements is None:
            return kind
        declared = obligation.declared
        elements = tuple(
            int(self.symmetry.renamed(domain, value, renaming))
            for domain, value in zip(declared.parameters.values(), obligation.elements, strict=True)
        )
        return buffer.numbers[declared.name] + choices(self.instance, declared).index(elements)

    def compare(self, words: Any, other: Any) -> None:
        # next, turn the successors into their canonical forms
        renaming = self.canonicalizer.renaming.copy()
        one, answers = self.outcome(words)
        two, others = self.outcome(other)
        buffer = self.compiled.result_buffer
        answers = {self.renamed_kind(kind, renaming) for kind in answers}
        names = [
            *(q.declared.name for q in buffer.obligations),
            "the answer to whether a state is final",
            "a fault",
        ]
        wrong = [f"action {name}" for name in one if one[name] != two[name]]
        wrong += [names[kind] for kind in sorted(answers ^ others)]
        if wrong:
            raise UsageError(
                "SET033",
                f"model {self.instance.model.name} is not as symmetric as its sorts are declared:"
                f" {', '.join(wrong)} can tell elements apart (by a literal, an order, or the"
                " first match); check without symmetry, or fix the rule",
            )
