"""The test behind the plugin: sequences by Hypothesis, a failure told as a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from slotspec.oracle.fuzzing.choosing import Swarm
from slotspec.oracle.fuzzing.lockstep import Diverged, Found, Lockstep
from slotspec.oracle.fuzzing.shrinking import shrink
from slotspec.oracle.peers.python import PythonPeer
from slotspec.oracle.vocabulary import SLOT_POOL
from slotspec.statemachine.errors import UsageError

_SMALL = st.integers(0, 127)
_NUMBER = st.tuples(_SMALL, _SMALL).map(lambda pair: pair[0] << 7 | pair[1])


def run(factory: Callable[[Mapping[str, Any]], Any], generation: str, steps: int) -> None:
    """Run the test.

    :raises AssertionError: where the pool leaves the model; with the shortest sequence.
    :raises UsageError: ``SET101`` for an unknown generation.
    """
    check_generation(generation)
    peer = PythonPeer(factory, name_of(factory))
    found: list[Found] = []

    @given(st.data())
    def conforms(data: st.DataObject) -> None:
        swarm = Swarm(generation, Random(data.draw(_NUMBER)))
        length = 1 + data.draw(_SMALL) * steps // 128
        numbers = [data.draw(_NUMBER) for _ in range(length)]
        lockstep = Lockstep(generation, swarm.header, peer)
        try:
            for place, number in enumerate(numbers):
                lockstep.step(*swarm.step(place, lockstep.situation, Random(number)))
        except Diverged as diverged:
            found.append(diverged.found)
            raise

    try:
        conforms()
    except Diverged as diverged:
        best = min([diverged.found, *found], key=lambda f: len(f.steps))
        message = told(shrink(best, generation, peer), factory, generation)
        raise AssertionError(message) from None


def check_generation(generation: str) -> None:
    if generation not in SLOT_POOL.generations:
        known = ", ".join(SLOT_POOL.generations)
        raise UsageError("SET101", f"there is no generation {generation!r}; use one of {known}")


def name_of(factory: Any) -> str:
    return str(getattr(factory, "__qualname__", type(factory).__qualname__))


def told(found: Found, factory: Any, generation: str) -> str:
    """What differs, and a program that shows it."""
    differences = [str(difference) for difference in found.differences[:5]]
    what = found.fault or "\n".join(differences)
    return (
        f"the pool diverges from generation {generation} at step {len(found.steps)}\n{what}\n\n"
        f"{program(found, factory, generation)}"
    )


def program(found: Found, factory: Any, generation: str) -> str:
    """A program that runs the sequence again and fails where it fails."""
    name = name_of(factory)
    config = ", ".join(f"{key}={value}" for key, value in found.header.config.items())
    lines = [
        "from slotspec.testing import checked",
        f"from {factory.__module__} import {name.split('.')[0]}",
        "",
        f'pool = checked({name}, generation="{generation}", {config})',
    ]
    for op, arguments in found.operations:
        given_ = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        lines.append(f"pool.{op}({given_})")
    return "\n".join(lines) + "\n"


class CheckedPool:
    """Runs each operation on an adapter and in the model; see :func:`slotspec.testing.checked`.

    A call returns what the operation returned, or the name of the exception that it raised.
    """

    def __init__(
        self,
        factory: Callable[[Mapping[str, Any]], Any],
        generation: str,
        config: Mapping[str, int],
    ) -> None:
        check_generation(generation)
        header = Swarm(generation, Random(0)).header
        header = msgspec.structs.replace(header, config={**header.config, **config})
        self._lockstep = Lockstep(generation, header, PythonPeer(factory, name_of(factory)))

    def __getattr__(self, op: str) -> Callable[..., Any]:
        if op not in SLOT_POOL.by_name:
            raise AttributeError(op)

        def operation(**arguments: Any) -> Any:
            try:
                self._lockstep.step(op, arguments)
            except Diverged as diverged:
                differences = "\n".join(map(str, diverged.found.differences))
                raise AssertionError(diverged.found.fault or differences) from None
            seen = self._lockstep.steps[-1]
            return seen.raises or seen.result

        return operation
