"""A Python object as a peer: its methods are the operations."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import msgspec

from slotspec.models.registry import recorded
from slotspec.oracle.peers.answers import step_of
from slotspec.oracle.peers.naming import Translation
from slotspec.oracle.peers.plain import NotPlain, plain
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.schema import schema_of
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


@runtime_checkable
class Adapter(Protocol):
    """What a Python peer has besides a method for each operation.

    A method has the name and the keyword arguments of its operation (``slotspec list
    operations``) and returns what the operation returns. An exception that it raises is the
    exception of the operation, if its class has a name that the model knows.
    """

    def effects(self) -> list[dict[str, Any]]:
        """The effects since the last call, in order, in the form of a trace."""
        ...


AdapterFactory = Callable[[Mapping[str, Any]], Any]
"""Takes the header of a trace as a mapping (config, profiles, causes, task_managers) and returns a
new adapter. The adapter may also have ``state()``, which returns the state in the form of a trace;
without it states are not compared."""


@lru_cache(maxsize=1)
def protocol_exceptions() -> tuple[frozenset[str], frozenset[str]]:
    """Class names of the exceptions that the models know, and of their causes (``raise … from``).

    Any other exception is a fault of the peer; any other cause is left out.
    """
    oracles = [entry.oracle() for entry in recorded().values()]
    return (
        frozenset(name for oracle in oracles for name in oracle.raised.values()),
        frozenset(name for oracle in oracles for name in oracle.raised_causes.values()),
    )


class PythonPeer:
    """Runs the adapters that a factory makes.

    :param factory: makes an adapter for each sequence.
    """

    def __init__(self, factory: AdapterFactory, name: str = "python", version: str = "0.0") -> None:
        self.name = name
        self.version = version
        self._factory = factory

    def reset(self, header: TraceHeader) -> None:
        try:
            self._object = self._factory(msgspec.to_builtins(header))
        except (Exception, SystemExit) as error:
            raise self._failed("cannot be created", error) from error
        self._names = Translation(header)
        self._operations = schema_of(header.implementation).by_name

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        method = getattr(self._object, op, None)
        if method is None or op not in self._operations:
            kind = type(self._object).__name__
            raise PeerError(
                "PEE007",
                f"{self.name}: {kind} has no method {op}; add it, or name the operations that"
                " there are with --operations or operations=",
            )
        answer: dict[str, Any] = {}
        try:
            answer["result"] = method(**plain(self._names.to_peer(arguments), op))
        except (Exception, SystemExit) as error:
            exceptions, causes = protocol_exceptions()
            if type(error).__name__ not in exceptions:
                raise self._failed(f"fails in {op}", error) from error
            answer["raises"] = type(error).__name__
            if type(error.__cause__).__name__ in causes:
                answer["raises_cause"] = type(error.__cause__).__name__
            answer["result"] = None
        try:
            answer["effects"] = self._object.effects()
            state = getattr(self._object, "state", None)
            if state is not None:
                answer["state"] = state()
        except (Exception, SystemExit) as error:
            raise self._failed(f"fails after {op}", error) from error
        try:
            # the adapter may go on with its own objects
            answer = {field: plain(value, field) for field, value in answer.items()}
        except NotPlain as error:
            raise PeerError(
                "PEE005", f"{self.name} answered {op} with a value that is not JSON: {error}"
            ) from None
        return self._names.from_peer(step_of(op, arguments, answer, self.name), arguments)

    def close(self) -> None:
        """Nothing to do."""

    def _failed(self, what: str, error: BaseException) -> PeerError:
        place = traceback.extract_tb(error.__traceback__)[-1]
        # a call that the adapter does not take fails here, and not in its own code
        own = place.filename != __file__
        where = f" ({os.path.basename(place.filename)}:{place.lineno})" if own else ""
        return PeerError("PEE007", f"{self.name} {what}: {type(error).__name__}: {error}{where}")


def load(target: str) -> PythonPeer:
    """The peer of ``module:attribute``; modules in the working folder are found, too.

    :raises PeerError: ``PEE002`` if it cannot be imported.
    """
    module_name, _, attribute = target.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise PeerError(
            "PEE002", f"module {module_name!r} cannot be imported ({type(error).__name__}: {error})"
        ) from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise PeerError(
                "PEE002",
                f"{module_name} has no {attribute!r}; name the function that makes the peer",
            )
        found = getattr(found, part)
    if not callable(found):
        raise PeerError(
            "PEE002",
            f"{target} is not callable; name a function that takes a header and returns an adapter",
        )
    return PythonPeer(found, target, str(getattr(found, "version", "0.0")))
