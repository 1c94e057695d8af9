"""Lines a second of ``slotspec logs``: ``python benchmarks/logs.py [MEGABYTES]``.

Writes the logs of a cluster whose jobs run one after another, reads them, and prints lines a
second and the memory used. One line in ten is about slots, as in a busy cluster at DEBUG; without
``--busy`` it is one in a hundred.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from slotspec.logs.questions import answer
from slotspec.logs.reading import read
from slotspec.logs.stories import stories

RUNTIME = "org.apache.flink.runtime"
LEADER = "0" * 32


def stamp(second: float) -> str:
    """A time of day."""
    whole = int(second)
    clock = f"{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"2026-11-{21 + whole // 86400:02} {clock},{int(second * 1000) % 1000:03}"


def story(number: int, second: float) -> list[tuple[str, str, str]]:
    """The lines of one allocation: process, logger, text."""
    job, allocation, request = f"{number // 4:032x}", f"{number + 1:032x}", f"{number + 7:032x}"
    execution = f"{number + 9:032x}"
    pool, manager = "jobmaster.slotpool.SlotPoolImpl", "resourcemanager.StandaloneResourceManager"
    executor = "taskexecutor.TaskExecutor"
    return [
        ("jm", pool, f"Requesting new slot [SlotRequestId{{{request}}}] and profile P with"
         f" allocation id {allocation} from resource manager."),
        ("jm", manager, f"Request slot with profile P for job {job} with allocation id"
         f" {allocation}."),
        ("tm", executor, f"Receive slot request {allocation} for job {job} from resource manager"
         f" with leader id {LEADER}."),
        ("tm", executor, f"Allocated slot for {allocation}."),
        ("jm", "executiongraph.ExecutionGraph", f"Deploying map (1/1) (attempt #0) with attempt id"
         f" {execution} to tm1 @ host (dataPort=1) with allocation id {allocation}"),
        ("tm", "taskexecutor.slot.TaskSlotTableImpl", f"Activate slot {allocation}."),
        ("tm", executor, f"Received task map (1/1)#0 ({execution}), deploy into slot with"
         f" allocation id {allocation}."),
    ]  # fmt: skip


def write(folder: Path, megabytes: int, others: int) -> int:
    """Write logs of this size; returns how many lines they have."""
    noise = f"INFO  {RUNTIME}.checkpoint.CheckpointCoordinator [] - Completed checkpoint 17 for job"
    noise += " 1f2e3d (81920 bytes, checkpointDuration=31 ms, finalizationTime=2 ms)."
    lines = size = number = 0
    with (folder / "jm.log").open("w") as jm, (folder / "tm.log").open("w") as tm:
        files = {"jm": jm, "tm": tm}
        start = f"{RUNTIME}.taskexecutor.TaskManagerRunner [] - Starting TaskManager with"
        tm.write(f"{stamp(0)} INFO  {start} ResourceID: tm1\n")
        while size < megabytes << 20:
            second = number * 0.05
            for step, (process, logger, text) in enumerate(story(number, second)):
                at = stamp(second + step * 0.002)
                written = f"{at} INFO  {RUNTIME}.{logger} [] - {text}\n"
                written += f"{at} {noise}\n" * others
                files[process].write(written)
                size += len(written)
                lines += 1 + others
            number += 1
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("megabytes", type=int, nargs="?", default=100)
    parser.add_argument("--busy", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = write(folder, given.megabytes, 9 if given.busy else 99)
        began = time.perf_counter()
        logs = read([folder])
        reading = time.perf_counter() - began
        began = time.perf_counter()
        report = answer(stories(logs))
        answering = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{lines:,} lines, {logs.events:,} about slots, {len(report.verdicts):,} allocations:"
        f" read {lines / reading:,.0f} lines/s, answered in {answering:.1f} s,"
        f" {lines / (reading + answering):,.0f} lines/s in all, {memory:,.0f} MB"
    )


if __name__ == "__main__":
    main()
