"""Graphviz as a program: DOT on standard input, the picture on standard output.

Graphviz knows no time limit and ignores Ctrl-C, so large graphs are laid out in a process of their
own, which can be ended.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Sequence

from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.processes import killed_with_parent

SECONDS = 30.0
"""The time limit of one layout."""
LARGE = 24_000
"""Characters of DOT from which a layout may take long."""


def laid_out(source: str, form: str, program: str, arguments: Sequence[str]) -> bytes:
    """The picture of DOT `source`.

    :raises UsageError: ``SET067`` if that takes longer than :data:`SECONDS`, ``SET068`` if
        Graphviz fails on a large graph.
    """
    if len(source) < LARGE:
        return draw(source, form, program, arguments)
    command = [sys.executable, "-m", __name__, form, program, *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=killed_with_parent(),
    ) as child:
        try:
            picture, complaint = child.communicate(source.encode(), SECONDS)
        except subprocess.TimeoutExpired:
            raise UsageError(
                "SET067",
                f"Graphviz has not laid out this picture of {source.count(' -> '):,} edges within"
                f" {SECONDS:.0f} s; narrow it (--max-states, --set, one lifecycle by name), or"
                " choose --format dot, mermaid or table",
            ) from None
        finally:
            if child.poll() is None:
                child.kill()
    if child.returncode != 0:
        text = complaint.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        raise UsageError(
            "SET068",
            f"Graphviz fails on this picture ({text[0]}); narrow it, or choose --format dot,"
            " mermaid or table",
        )
    return picture


def draw(source: str, form: str, program: str, arguments: Sequence[str]) -> bytes:
    """The picture, laid out in this process."""
    import pygraphviz

    graph = pygraphviz.AGraph(string=source)
    try:
        # it warns about large graphs, which have a time limit here
        with contextlib.redirect_stderr(io.StringIO()):
            drawn = graph.draw(format=form, prog=program, args=" ".join(arguments))
    finally:
        graph.close()
    assert isinstance(drawn, bytes)
    return drawn


if __name__ == "__main__":
    read = sys.stdin.buffer.read().decode()
    sys.stdout.buffer.write(draw(read, sys.argv[1], sys.argv[2], sys.argv[3:]))
