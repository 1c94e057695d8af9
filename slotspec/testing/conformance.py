"""The test of the plugin: Hypothesis draws sequences, and a failure prints a reproducer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from slotspec.oracle.fuzzing.lockstep import Diverged, Found, Lockstep
from slotspec.oracle.fuzzing.shrinking import shrink
from slotspec.oracle.fuzzing.sources import source
from slotspec.oracle.fuzzing.targets import FuzzTarget, fuzz_target, target_of_header
from slotspec.oracle.peers.python import PythonPeer
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.errors import InputError

_SMALL = st.integers(0, 127)
_NUMBER = st.tuples(_SMALL, _SMALL).map(lambda pair: pair[0] << 7 | pair[1])


def run(
    factory: Callable[[Mapping[str, Any]], Any],
    generation: str,
    steps: int,
    model: str = "slot_pool",
) -> None:
    """Run the test.

    :raises AssertionError: the object diverges from the model; with the shortest sequence.
    :raises UsageError: ``SET101`` for an unknown generation, ``SET112`` for a model that has
        no class.
    """
    subject = fuzz_target(model)
    subject.generation(generation)
    peer = PythonPeer(factory, name_of(factory))
    found: list[Found] = []

    @settings(deadline=None)  # the first sequence of a process loads the model
    @given(st.data())
    def conforms(data: st.DataObject) -> None:
        mixture = Random(data.draw(_NUMBER))
        length = 1 + data.draw(_SMALL) * steps // 128
        numbers = [data.draw(_NUMBER) for _ in range(length)]
        operations = source(subject, generation, mixture, length)
        lockstep = Lockstep(generation, operations.header, peer)
        try:
            for place, number in enumerate(numbers):
                with suppress(InputError):
                    lockstep.step(*operations.step(place, lockstep.view, Random(number)))
        except Diverged as diverged:
            found.append(diverged.found)
            raise

    try:
        conforms()
    except Diverged as diverged:
        best = min([diverged.found, *found], key=lambda f: len(f.steps))
        message = failure_message(shrink(best, generation, peer), factory, generation)
        raise AssertionError(message) from None


def name_of(factory: Any) -> str:
    return str(getattr(factory, "__qualname__", type(factory).__qualname__))


def failure_message(found: Found, factory: Any, generation: str) -> str:
    """The differences, and a program that reproduces them."""
    what = found.fault or "\n".join(map(str, found.differences[:5]))
    return (
        f"the {target_of_header(found.header).receiver} diverges from generation {generation}"
        f" at step {len(found.steps)}\n{what}\n\n"
        f"{program(found, factory, generation)}"
    )


def program(found: Found, factory: Any, generation: str) -> str:
    """A program that runs the sequence again and fails at the same step."""
    name = name_of(factory)
    subject = target_of_header(found.header)
    if subject.model == "slot_pool":
        config = ", ".join(f"{key}={value}" for key, value in found.header.config.items())
    else:
        config = f"header={msgspec.to_builtins(found.header)!r}"
    lines = [
        "from slotspec.testing import checked",
        f"from {factory.__module__} import {name.split('.')[0]}",
        "",
        f'{subject.receiver} = checked({name}, generation="{generation}", {config})',
    ]
    for op, arguments in found.operations:
        given_arguments = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        lines.append(f"{subject.receiver}.{op}({given_arguments})")
    return "\n".join(lines) + "\n"


class CheckedObject:
    """Runs each operation on an adapter and in the model; see :func:`slotspec.testing.checked`.

    A call returns the result of the operation, or the name of the exception that it raised.
    """

    def __init__(
        self,
        factory: Callable[[Mapping[str, Any]], Any],
        generation: str,
        header: Mapping[str, Any] | None,
        config: Mapping[str, int],
    ) -> None:
        if header is None:
            pool = fuzz_target("slot_pool")
            own = source(pool, pool.generation(generation), Random(0), 0).header
        else:
            own = msgspec.convert(header, TraceHeader)
        self._target: FuzzTarget = target_of_header(own)
        self._target.generation(generation)
        own = msgspec.structs.replace(own, config={**own.config, **config})
        self._lockstep = Lockstep(generation, own, PythonPeer(factory, name_of(factory)))

    def __getattr__(self, op: str) -> Callable[..., Any]:
        if op not in self._target.schema.by_name:
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
