"""Runs independent pieces of work on a cluster of Ray, and yields their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from slotspec.statemachine.errors import InputError, SlotspecError
from slotspec.version import __version__

TICK = 0.2
"""Seconds between two looks at what the caller wants."""

AHEAD = 2
"""Pieces for each processor that are under way; the next one is there when one ends."""


@dataclass(frozen=True)
class Lost:
    """The result of a piece whose process died, again and again, or failed.

    :ivar why: what Ray says.
    """

    why: str


def in_order(
    ray: Any,
    processors: int,
    task: Callable[..., Any],
    pieces: Iterable[tuple[Any, ...]],
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Any, None, None]:
    """Yield what `task` returns for each piece, or :class:`Lost`; Ray repeats a lost one thrice.

    What is still under way when the iterator is closed is cancelled.

    :param ray: the library, connected to a cluster.
    :param task: a function at the top level of a module that every node has.
    :param pieces: its arguments; taken only as processors get free.
    :param stop: asked a few times a second whether to wait no longer.
    :raises SlotspecError: the task raised it; ``RAY006`` if a node has another slotspec.
    """
    remote = ray.remote(_checked).options(num_cpus=1, scheduling_strategy="SPREAD", max_retries=3)
    waiting = iter(pieces)
    under_way: deque[Any] = deque()
    try:
        while not stop():
            for piece in islice(waiting, AHEAD * processors - len(under_way)):
                under_way.append(remote.remote(__version__, task, *piece))
            if not under_way:
                return
            if ray.wait([under_way[0]], timeout=TICK)[0]:
                yield _result(ray, under_way.popleft())
    finally:
        for ref in under_way:
            ray.cancel(ref, force=True)


def _result(ray: Any, ref: Any) -> Any:
    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SlotspecError):
            raise error.cause from None
        return Lost(f"{type(error.cause).__name__}: {error.cause}")
    except ray.exceptions.RayError as error:
        return Lost(str(error))


def _checked(version: str, task: Callable[..., Any], *piece: Any) -> Any:
    """Do a piece of work, in a process of the cluster."""
    if version != __version__:
        raise InputError(
            "RAY006",
            f"a node has slotspec {__version__}, and this machine {version}; install the same"
            " version on each node",
        )
    return task(*piece)
