"""The test of the plugin: Hypothesis draws sequences, and a failure prints a reproducer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from slotspec.models.registry import MODELS
from slotspec.oracle.fuzzing.lockstep import MODEL_ONLY, Diverged, Found, Lockstep
from slotspec.oracle.fuzzing.run import absent_operations, narrowed
from slotspec.oracle.fuzzing.shrinking import shortened, shrink
from slotspec.oracle.fuzzing.sources import source
from slotspec.oracle.fuzzing.targets import FuzzTarget, fuzz_target, target_of_header
from slotspec.oracle.own.entry import class_of
from slotspec.oracle.peer_target import implementing, named
from slotspec.oracle.peers.partial import PartialPeer
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.oracle.peers.python import PythonPeer
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import InputError

BUILT_IN = frozenset(MODELS)
_SMALL = st.integers(0, 127)
_NUMBER = st.tuples(_SMALL, _SMALL).map(lambda pair: pair[0] << 7 | pair[1])


def run(
    factory: Callable[[Mapping[str, Any]], Any],
    generation: str | None,
    steps: int,
    model: str | Model | None = None,
    operations: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Run the test.

    :raises AssertionError: the object diverges from the model; with the shortest sequence.
    :raises PeerError: the object itself fails; with a short sequence.
    :raises UsageError: ``SET117`` for an unknown operation, ``SET101`` for a generation,
        ``SET112`` for a model that has no class, ``SET119`` for an unknown entry of `config`.
    """
    subject = fuzz_target(class_of(model), generation)
    generation = subject.generation(generation or subject.schema.generations[-1])
    peer = implementing(PythonPeer(factory, name_of(factory)), operations, subject, config)
    absent = absent_operations(peer, subject)
    subject = narrowed(subject, peer)

    # the first sequence of a process loads the model; of several failures, one is shrunk below,
    # faster than by Hypothesis, and what that would explain of it, nobody would see
    left_out = (Phase.shrink, Phase.explain)
    phases = [phase for phase in settings().phases if phase not in left_out]

    @settings(deadline=None, report_multiple_bugs=False, phases=phases)
    @given(st.data())
    def conforms(data: st.DataObject) -> None:
        mixture = Random(data.draw(_NUMBER))
        length = 1 + data.draw(_SMALL) * steps // 128
        numbers = [data.draw(_NUMBER) for _ in range(length)]
        drawn = source(subject, generation, mixture, length, absent)
        lockstep = Lockstep(generation, drawn.header, peer)
        for place, number in enumerate(numbers):
            with suppress(InputError):
                lockstep.step(*drawn.step(place, lockstep.view, Random(number)))

    try:
        conforms()
    except Diverged as diverged:
        shrunk = shrink(diverged.found, generation, peer)
        message = failure_message(shrunk, factory, generation, model, operations)
        raise AssertionError(message) from None
    except PeerError as error:
        failure = shortened(error, generation, peer)
        if failure.header is None:
            raise
        sequence = tuple(RecordedStep(op=op, arguments=given) for op, given in failure.sequence)
        found = Found(failure.header, sequence, (), (), None, failure, peer_operations(peer))
        message = f"{failure.message}\n\n{program(found, factory, generation, model, operations)}"
        raise PeerError(
            failure.code, message, failure.sequence, failure.header, failure.original
        ) from root_of(error)


def peer_operations(peer: Peer) -> frozenset[str] | None:
    """The operations that a peer gets; None for all."""
    return peer.operations if isinstance(peer, PartialPeer) else None


def root_of(error: PeerError) -> BaseException | None:
    """The exception of the adapter's own code; None if it raised none."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return None if isinstance(cause, PeerError) else cause


def name_of(factory: Any) -> str:
    return str(getattr(factory, "__qualname__", type(factory).__qualname__))


def failure_message(
    found: Found,
    factory: Any,
    generation: str,
    model: str | Model | None = None,
    operations: Sequence[str] | None = None,
) -> str:
    """The differences, and a program that reproduces them."""
    what = found.fault or "\n".join(map(str, found.differences[:5]))
    return (
        f"the {target_of_header(found.header).receiver} diverges from generation {generation}"
        f" at step {len(found.steps)}\n{what}\n\n"
        f"{program(found, factory, generation, model, operations)}"
    )


def program(
    found: Found,
    factory: Any,
    generation: str,
    model: str | Model | None = None,
    operations: Sequence[str] | None = None,
) -> str:
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
    ]
    if isinstance(model, Model) and model.name not in BUILT_IN:
        module, attribute = _found_at(model)
        lines.append(f"from {module} import {attribute}")
        config += f", model={attribute}"
    elif isinstance(model, str) and ".py" in model:
        config += f", model={model!r}"
    if operations is not None:
        config += f", operations={named(operations)!r}"
    lines += [
        "",
        f'{subject.receiver} = checked({name}, generation="{generation}", {config})',
    ]
    for op, arguments in found.operations:
        given_arguments = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        mark = f"  # {MODEL_ONLY}" if found.model_only(op) else ""
        lines.append(f"{subject.receiver}.{op}({given_arguments}){mark}")
    return "\n".join(lines) + "\n"


def _found_at(model: Model) -> tuple[str, str]:
    """Module and name of a model of one's own."""
    for name, module in list(sys.modules.items()):
        for attribute, value in list(vars(module).items()) if module is not None else ():
            if value is model and name != "__main__":
                return name, attribute
    return "__main__", "model"


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
        model: str | Model | None = None,
        operations: Sequence[str] | None = None,
    ) -> None:
        class_of(model)
        if header is None:
            pool = fuzz_target("slot_pool")
            own = source(pool, pool.generation(generation), Random(0), 0).header
        else:
            own = msgspec.convert(header, TraceHeader)
        self._target: FuzzTarget = target_of_header(own)
        self._target.generation(generation)
        own = msgspec.structs.replace(own, config={**own.config, **config})
        peer = implementing(PythonPeer(factory, name_of(factory)), operations, self._target)
        self._lockstep = Lockstep(generation, own, peer)

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
