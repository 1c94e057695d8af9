"""A limit on time ends Python code, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from slotspec.statemachine.interpreter.time_limit import Interruptible, OutOfTime, time_limit

TRACED_AFTER_A_LIMIT = """
import sys
from slotspec.statemachine.interpreter.time_limit import Interruptible, OutOfTime, time_limit

def traced(frame, event, argument):
    return traced

def step():
    return 1

with time_limit(60):
    step()
try:
    with Interruptible() as code:
        code.interrupt()
        step()
except OutOfTime:
    pass
with Interruptible() as code:
    try:
        code.interrupt()
        step()
    except OutOfTime:
        pass
sys.settrace(traced)
step()
sys.settrace(None)
print("ended")
"""


def test_code_can_be_traced_after_a_limit() -> None:
    """CPython 3.11 looks for ever for an exception that was withdrawn, and hangs when it traces."""
    command = [sys.executable, "-c", TRACED_AFTER_A_LIMIT]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout == "ended\n"


def endless() -> None:
    while True:
        pass


def test_endless_code_ends() -> None:
    with pytest.raises(OutOfTime), time_limit(0.0):
        endless()


def test_nothing_is_interrupted_outside() -> None:
    with Interruptible() as code:
        pass
    code.interrupt()
    time.sleep(0)
