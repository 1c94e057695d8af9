"""No process outlives the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

ENDLESS = '''
from slotspec.statemachine import Model, Record, Scope, number, scalar


class Count(Record):
    """A number."""

    n = scalar(number(9), "The number.")


model = Model("count", "Counts.", Count, scopes=[Scope("a", "One.", {}), Scope("b", "Two.", {})])


@model.action()
def turn(s):
    """Turn for ever."""
    n = 0
    while n < 9:
        n = 1 - n
    return n
'''


def marked(mark: str) -> list[int]:
    """The processes with this text in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_for(count: int, mark: str, seconds: float) -> list[int]:
    until = time.monotonic() + seconds
    found = marked(mark)
    while (len(found) < count if count else found) and time.monotonic() < until:
        time.sleep(0.2)
        found = marked(mark)
    return found


def killed(arguments: list[str], at_least: int) -> list[int]:
    """What is left some time after a command with some processes is killed."""
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, "-m", "slotspec", *arguments],
        env={**os.environ, "MARK": mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert len(wait_for(at_least, mark, 30)) >= at_least
            time.sleep(1)
        finally:
            process.kill()
    left = wait_for(0, mark, 15)
    for number in left:
        os.kill(number, signal.SIGKILL)
    return left


def test_a_killed_check_takes_its_processes_along(tmp_path: Path) -> None:
    file = tmp_path / "count.py"
    file.write_text(ENDLESS)
    # the command, the fork server, the resource tracker, and a process for each scope
    assert not killed(["check", str(file), "--engine", "compiled", "--jobs", "2"], 5)


def test_a_killed_fuzz_takes_its_peer_along(tmp_path: Path) -> None:
    peer = tmp_path / "peer.py"
    peer.write_text("while True:\n    pass\n")
    target = f"{sys.executable} {peer}"
    assert not killed(
        ["fuzz", "--target", target, "--generation", "1.12", "--timeout", "60"], at_least=2
    )
