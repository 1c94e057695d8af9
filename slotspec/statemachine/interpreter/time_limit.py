"""Ends Python code from outside when time is up, whatever its rules do."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread, get_ident

from slotspec.statemachine.errors import UsageError

GRACE = 0.3
"""Seconds that code has to end by itself, before it is interrupted."""

AGAIN = 1.0
"""Seconds between two interruptions of code that catches them."""


class OutOfTime(BaseException):
    """The time is up. Like ``KeyboardInterrupt``, it passes through ``except Exception``."""


class Interruptible:
    """A context in which another thread can end what this one does.

    The exception ``OutOfTime`` then leaves the context, at the next instruction that Python runs.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: int | None = None
        self._interrupted = False

    def __enter__(self) -> Interruptible:
        self._thread = get_ident()
        return self

    def __exit__(self, *_: object) -> None:
        last = False
        while not last:
            with suppress(OutOfTime):
                with self._lock:
                    self._thread = None
                if not self._interrupted:
                    return
                # One that is not raised yet must not be raised behind this context. To withdraw it
                # would make CPython look for it for ever, so the last one replaces it, here.
                last = True
                raise_in(get_ident())
                while True:
                    pass

    def interrupt(self) -> None:
        """End what the thread does, if it is in the context."""
        with self._lock:
            if self._thread is not None:
                self._interrupted = True
                raise_in(self._thread)


def raise_in(thread: int) -> None:
    """Raise ``OutOfTime`` in a thread, at its next instruction, in place of one not raised yet."""
    error = ctypes.py_object(OutOfTime)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)


LONGEST = 10**9
"""Seconds that a limit may have: clocks count no further than this by much."""


def check_seconds(seconds: float | None) -> None:
    """Check a limit in time.

    :raises UsageError: ``SET024`` for a limit that is no number of seconds.
    """
    if seconds is not None and not 0 < seconds <= LONGEST:
        raise UsageError(
            "SET024", f"limit on seconds {seconds}: give a number above 0, at most {LONGEST:,}"
        )


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise ``OutOfTime`` if this context takes clearly longer than these seconds.

    Code that looks at the clock itself has a moment to end in its own way.
    """
    if seconds is None:
        yield
        return
    over = Event()

    def watch() -> None:
        pause = min(max(0.0, seconds), LONGEST) + GRACE
        while not over.wait(pause):
            code.interrupt()
            pause = AGAIN

    with Interruptible() as code:
        Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            over.set()
