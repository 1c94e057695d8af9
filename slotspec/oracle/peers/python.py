"""A Python object as a peer: its methods are the operations."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec

from slotspec.oracle.peers.answers import step_of
from slotspec.oracle.peers.naming import Translation
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.schema import schema_of
from slotspec.oracle.traces.trace import TraceHeader, TraceStep


@runtime_checkable
class Adapter(Protocol):
    """What a Python peer offers besides a method for each operation.

    A method has the name and the keyword arguments of its operation (``slotspec list
    operations``) and returns what the operation returns. An exception that it raises is the
    operation's exception, if its class has a name that the model knows.
    """

    def effects(self) -> list[dict[str, Any]]:
        """The effects since the last call, in order, in the shapes of a trace."""
        ...


AdapterFactory = Callable[[Mapping[str, Any]], Any]
"""Is given the header of a trace as a mapping (config, profiles, causes, task_managers) and
makes a fresh adapter. It may also have ``state()``, which returns the state in the shape of a
trace; without it states are not compared."""

PROTOCOL_EXCEPTIONS = (
    "CompletionException",
    "IllegalArgumentException",
    "IllegalStateException",
    "NullPointerException",
    "ResourceManagerException",
    "RuntimeException",
    "SlotNotActiveException",
    "SlotNotFoundException",
    "UnsupportedOperationException",
)
"""Class names of exceptions that belong to the protocol; any other is a fault of the peer."""
PROTOCOL_CAUSES = ("CompletionException", "UnfulfillableSlotRequestException")
"""Class names of their causes (``raise … from cause``) that do; others are not told."""


class PythonPeer:
    """Drives adapters made by a factory.

    :param factory: makes an adapter for each sequence.
    """

    def __init__(self, factory: AdapterFactory, name: str = "python", version: str = "0.0") -> None:
        self.name = name
        self.version = version
        self._factory = factory

    def reset(self, header: TraceHeader) -> None:
        try:
            self._object = self._factory(msgspec.to_builtins(header))
        except Exception as error:
            raise self._failed("cannot be made", error) from error
        self._names = Translation(header)
        self._operations = schema_of(header.implementation).by_name

    def step(self, op: str, arguments: dict[str, Any]) -> TraceStep:
        method = getattr(self._object, op, None)
        if method is None or op not in self._operations:
            kind = type(self._object).__name__
            raise PeerError("PEE007", f"{self.name}: {kind} has no method {op}; add it")
        answer: dict[str, Any] = {}
        try:
            answer["result"] = method(**self._names.to_peer(arguments))
        except Exception as error:
            if type(error).__name__ not in PROTOCOL_EXCEPTIONS:
                raise self._failed(f"fails in {op}", error) from error
            answer["raises"] = type(error).__name__
            if type(error.__cause__).__name__ in PROTOCOL_CAUSES:
                answer["raises_cause"] = type(error.__cause__).__name__
            answer["result"] = None
        try:
            answer["effects"] = self._object.effects()
            state = getattr(self._object, "state", None)
            if state is not None:
                answer["state"] = state()
        except Exception as error:
            raise self._failed(f"fails after {op}", error) from error
        return self._names.from_peer(step_of(op, arguments, answer, self.name), arguments)

    def close(self) -> None:
        """Nothing to do."""

    def _failed(self, what: str, error: Exception) -> PeerError:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        return PeerError("PEE007", f"{self.name} {what}: {type(error).__name__}: {error} ({where})")


def load(target: str) -> PythonPeer:
    """The peer of ``module:attribute``; the working folder is searched, too.

    :raises PeerError: ``PEE002`` where there is no such thing.
    """
    module_name, _, attribute = target.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise PeerError(
            "PEE002", f"module {module_name!r} cannot be imported ({type(error).__name__}: {error})"
        ) from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise PeerError(
                "PEE002", f"{module_name} has no {attribute!r}; name what makes the peer"
            )
        found = getattr(found, part)
    if not callable(found):
        raise PeerError(
            "PEE002", f"{target} is not callable; it has to make an adapter from a header"
        )
    return PythonPeer(found, target, str(getattr(found, "version", "0.0")))
