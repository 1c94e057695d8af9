"""How long a newcomer waits: cold and warm, wall and CPU time, beside another state of slotspec.

    python benchmarks/first_minute.py --before ../slotspec-before

Each command runs with an empty compile cache (cold), then again (warm). `--before` names a
checkout of another state, such as a worktree of an older commit; both use this interpreter.
A command that the other state does not know is left out there.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parents[1]
TRACE = HERE / "tests" / "data" / "traces" / "slot_pool" / "1.12.5" / "seed0003.jsonl.gz"
PR_SET_CHILD_SUBREAPER = 36
ROW = re.compile(
    rb"^[a-z_]+ +\d\.\d+ .*(HOLDS|VIOLATED|UNKNOWN)|^slotspec explore: http", re.MULTILINE
)
"""A row of a run in the report of a check, or what the explorer says when it serves."""

COMMANDS: dict[str, list[str]] = {
    "check": ["check"],
    "check --all": ["check", "--all"],
    "simulate one step": ["simulate", "cluster", "--scope", "storm", "--runs", "1", "--steps", "1"],
    "fuzz one sequence": ["fuzz", "--bug", "FLINK-8934", "--examples", "1"],
    "draw states": ["draw", "slot_pool", "--kind", "states", "--format", "mermaid"],
    "explore": ["explore", "--port", "0"],
    "help": ["--help"],
    "list": ["list"],
    "draw a lifecycle": ["draw", "PhysicalSlot", "--format", "mermaid"],
    "conform one trace": ["conform", str(TRACE)],
}


@dataclass(frozen=True)
class Measured:
    """Seconds of one run: until its end, until its first row, and of all its processes' work."""

    wall: float
    first_row: float | None
    cpu: float
    code: int


def measure(tree: Path, arguments: list[str], cache: Path) -> Measured:
    """Run one command of the slotspec in `tree`."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a newcomer's Python keeps bytecode
    used, started, first = of_children(), perf_counter(), None
    process = subprocess.Popen(
        [sys.executable, "-m", "slotspec", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=tree,
    )
    assert process.stdout is not None
    text = b""
    while part := os.read(process.stdout.fileno(), 1 << 16):
        text += part
        if first is None and ROW.search(text):
            first = perf_counter() - started
            if arguments[0] == "explore":
                process.send_signal(signal.SIGINT)
    code = process.wait()
    wall = perf_counter() - started
    return Measured(wall, first, of_children() - used, code)


def adopt_orphans() -> None:
    """Let the server that forks the runs of a check become a child of this process at its end.

    Otherwise the work of the runs would count for nobody (Linux only; see prctl(2)).
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def of_children() -> float:
    """CPU seconds of all processes that have ended below this one; waits for orphans."""
    with suppress(ChildProcessError):
        while True:
            os.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def known(tree: Path, arguments: list[str]) -> list[str]:
    """`arguments` as the slotspec in `tree` knows them: an older one always checks everything."""
    has_all = "--all" in (tree / "slotspec" / "cli" / "check.py").read_text(encoding="utf-8")
    return arguments if has_all else [a for a in arguments if a != "--all"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of the state to compare with")
    parser.add_argument("--only", action="append", choices=list(COMMANDS), help="repeatable")
    given = parser.parse_args()
    adopt_orphans()
    trees = {"now": HERE} | ({"before": given.before.resolve()} if given.before else {})
    print("| command | state | cache | wall s | first row s | CPU s |")
    print("|---|---|---|--:|--:|--:|")
    for name in given.only or COMMANDS:
        for state, tree in trees.items():
            with tempfile.TemporaryDirectory() as cache:
                for warmth in ("cold", "warm"):
                    seen = measure(tree, known(tree, COMMANDS[name]), Path(cache))
                    row = "-" if seen.first_row is None else f"{seen.first_row:.1f}"
                    ended = seen.code if name != "explore" else 0  # Ctrl-C stops it
                    failed = f" (exit code {ended})" if ended else ""
                    print(
                        f"| {name}{failed} | {state} | {warmth} | {seen.wall:.1f} | {row} |"
                        f" {seen.cpu:.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
