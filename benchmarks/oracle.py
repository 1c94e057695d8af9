"""Times the oracle: fuzzing against each kind of peer, and replaying traces.

Usage: ``python benchmarks/oracle.py [NAME …] [--flink-jars DIR] [--seconds S] [--long N]``

Each line has the name, sequences, steps, seconds of the clock and of processors, and steps
a second. ``long`` writes a trace of N steps and replays it in a process of its own, so that
its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from slotspec.oracle.conformance.batch import conform_all
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fuzzing.run import fuzz
from slotspec.oracle.peer_target import open_peer
from slotspec.oracle.peers.protocol import PeerError

ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "tests" / "data" / "traces" / "slot_pool"
PEERS = {
    "model": "model:1.12",
    "python": "examples.pool_adapter:PoolAdapter",
    "stdio": f"{shlex.quote(sys.executable)} {ROOT / 'examples' / 'peers' / 'pool_peer.py'}",
    "java": f"java {ROOT / 'examples' / 'peers' / 'PoolPeer.java'}",
    "flink:1.12": "flink:1.12",
}
NAMES = (*PEERS, "conform", "conform --jobs 2", "long")


def line(name: str, sequences: int, steps: int, wall: float, cpu: float, more: str = "") -> None:
    """One comparable line."""
    rate, of_cpu = steps / wall, steps / max(cpu, 1e-9)
    print(
        f"{name:18} {sequences:8,} seq {steps:11,} steps {wall:7.1f} s {cpu:7.1f} s cpu"
        f" {rate:9,.0f} steps/s {of_cpu:9,.0f} steps/cpu-s {more}",
        flush=True,
    )


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


def timed(work: Callable[[], tuple[int, int]], name: str) -> None:
    """Run and print."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    sequences, steps = work()
    line(name, sequences, steps, time.perf_counter() - wall, cpu_seconds() - cpu)


def peer(name: str, seconds: float, jars: Path | None) -> None:
    """Fuzz one kind of peer for some time."""
    flink = name.startswith("flink")
    try:
        opened = open_peer(PEERS[name], flink_jars=jars if flink else None, timeout=60.0)
    except PeerError as error:
        print(f"{name:18} left out: {error}")
        return

    def work() -> tuple[int, int]:
        outcome = fuzz(opened, "1.12", sequences=10**6, seconds=seconds)
        assert outcome.found is None, outcome.found
        return outcome.coverage.sequences, outcome.coverage.steps

    try:
        timed(work, name)
    finally:
        opened.close()


def recorded(jobs: int) -> None:
    """Replay the recordings of the real class."""

    def work() -> tuple[int, int]:
        summary = conform_all([RECORDED], jobs=jobs)
        assert summary.exit_code == 0
        return summary.files, summary.steps

    timed(work, "conform" if jobs == 1 else f"conform --jobs {jobs}")


def long(steps: int) -> None:
    """Write a long trace, and replay it in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "long.jsonl"
        writer = str(ROOT / "benchmarks" / "long_trace.py")
        given = [writer, str(trace), "--steps", str(steps)]
        subprocess.run([sys.executable, *given], check=True, env=_environment())
        subprocess.run(
            [sys.executable, __file__, "--replay", str(trace)], check=True, env=_environment()
        )


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def replay(trace: Path) -> None:
    """Replay one trace; the memory is that of the whole process."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    report = conform(trace)
    assert report.error is None, report.error
    assert report.divergence is None, report.divergence
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = trace.stat().st_size / 2**20
    line(
        "long",
        1,
        report.matched,
        time.perf_counter() - wall,
        cpu_seconds() - cpu,
        f"peak {peak:,.0f} MiB for a file of {size:,.0f} MiB",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--flink-jars", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--replay", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.replay:
        replay(given.replay)
        return
    for name in given.names or NAMES:
        if name in PEERS:
            peer(name, given.seconds, given.flink_jars)
        elif name.startswith("conform"):
            recorded(2 if name.endswith("2") else 1)
        elif name == "long":
            long(given.long)
        else:
            parser.error(f"no benchmark {name!r}; there are {', '.join(NAMES)}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
