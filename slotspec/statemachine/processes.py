"""Processes that end with the process that started them, however that ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait

_SET_SIGNAL_AT_DEATH_OF_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""


def end_with_parent() -> None:
    """End this process, which ``multiprocessing`` started, as soon as its parent has gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        _end_after(lambda: wait([parent.sentinel]))


def end_with_input() -> None:
    """End this process when its standard input ends: its parent holds the other end."""
    _end_after(lambda: os.read(0, 1))


def _end_after(event: Callable[[], object]) -> None:
    def watch() -> None:
        with suppress(OSError):
            event()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def killed_with_parent() -> Callable[[], None] | None:
    """What a new process must call first, so that it is killed when this process ends.

    None where the system has nothing of the kind. The signal comes when the thread ends that
    started the process, so only the main thread may.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    control = ctypes.CDLL(None).prctl

    def prepare() -> None:
        control(_SET_SIGNAL_AT_DEATH_OF_PARENT, signal.SIGKILL)

    return prepare
