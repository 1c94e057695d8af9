"""Layouts end: by a time limit, by Ctrl-C, and without harm to slotspec if Graphviz fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from slotspec.diagrams import layout, pictures
from slotspec.statemachine.errors import UsageError

ENDLESS = "digraph {" + "".join(
    f"n{i} -> n{i * 7919 % 400};n{i} -> n{i * 104729 % 400};n{i}->n{i * 31 % 400};"
    for i in range(400)
)
ENDLESS += " " * layout.LARGE + "}"
"""A graph whose layout takes minutes."""


def test_a_layout_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(UsageError, match=r"SET067.*narrow it \(--max-states"):
        pictures.svg(ENDLESS)
    assert time.monotonic() - started < 10


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_a_layout_can_be_interrupted() -> None:
    script = f"from slotspec.diagrams.pictures import svg\nprint(1, flush=True)\nsvg({ENDLESS!r})"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        started = time.monotonic()
        child.wait(20)
    assert time.monotonic() - started < 5


def test_a_failure_of_graphviz_is_an_error_with_advice() -> None:
    with pytest.raises(UsageError, match=r"SET068: Graphviz fails on this picture .*no-such"):
        layout.laid_out("digraph { a -> b }" + " " * layout.LARGE, "svg", "no-such", ())


def test_large_and_small_pictures_are_laid_out_alike() -> None:
    small = 'digraph { a -> b [label="x"]; }'
    large = small + " " * layout.LARGE
    drawn = layout.laid_out(small, "svg", "dot", ())
    assert drawn == layout.laid_out(large, "svg", "dot", ())
