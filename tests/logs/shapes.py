"""Log lines in the shape of Flink's, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DATA = Path(__file__).parents[1] / "data" / "logs"
RUNS = sorted(path for path in DATA.iterdir() if path.name != "recordings")
CLUSTERS = Path(__file__).parents[1] / "data" / "clusters"

PACKAGES = {
    "SlotPoolImpl": "jobmaster.slotpool",
    "JobMaster": "jobmaster",
    "ExecutionGraph": "executiongraph",
    "StandaloneResourceManager": "resourcemanager",
    "SlotManagerImpl": "resourcemanager.slotmanager",
    "FineGrainedSlotManager": "resourcemanager.slotmanager",
    "DefaultSlotStatusSyncer": "resourcemanager.slotmanager",
    "DefaultDeclarativeSlotPool": "jobmaster.slotpool",
    "DeclarativeSlotPoolBridge": "jobmaster.slotpool",
    "TaskExecutor": "taskexecutor",
    "TaskSlotTableImpl": "taskexecutor.slot",
    "TaskManagerRunner": "taskexecutor",
    "DefaultJobLeaderService": "taskexecutor",
    "Task": "taskmanager",
    "MemoryManager": "memory",
    "RestClient": "rest",
}

JOB, A, B = "0b" * 16, "a1" * 16, "b2" * 16
R1, R2 = "c1" * 16, "c2" * 16
LEADER = "0" * 32
ANY = "ResourceProfile{UNKNOWN}"


def line(second: float, logger: str, text: str, level: str = "INFO", day: str = "21") -> str:
    """A line in Flink's own layout, `second` seconds after ten o'clock."""
    whole = int(second)
    time = f"10:{whole // 60:02}:{whole % 60:02},{round(second % 1 * 1000):03}"
    name = f"org.apache.flink.runtime.{PACKAGES[logger]}.{logger}"
    return f"2026-11-{day} {time} {level:5} {name:60} [] - {text}\n"


def write(path: Path, lines: Iterable[str]) -> Path:
    """Write a log file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def at_debug(second: float = 0) -> list[str]:
    """What a process writes all of whose loggers are at DEBUG."""
    loggers = ("Task", "MemoryManager", "RestClient")
    return [line(second, logger, "Nothing about slots.", "DEBUG") for logger in loggers]


def leading(second: float = 0) -> list[str]:
    """A JobManager of 1.12 that leads, with a running job."""
    return [
        line(
            second,
            "StandaloneResourceManager",
            f"ResourceManager akka://flink/user/rpc/rm was granted leadership with fencing token"
            f" {LEADER}",
        ),
        line(
            second,
            "JobMaster",
            f"Starting execution of job wordcount ({JOB}) under job master id {LEADER}.",
        ),
        line(
            second,
            "ExecutionGraph",
            f"Job wordcount ({JOB}) switched from state CREATED to RUNNING.",
        ),
    ]


def requested(second: float, request: str, allocation: str) -> list[str]:
    """A slot is requested, and the ResourceManager hears of it."""
    return [
        line(
            second,
            "SlotPoolImpl",
            f"Requesting new slot [SlotRequestId{{{request}}}] and profile {ANY} with allocation"
            f" id {allocation} from resource manager.",
        ),
        line(
            second + 0.002,
            "StandaloneResourceManager",
            f"Request slot with profile {ANY} for job {JOB} with allocation id {allocation}.",
        ),
    ]


def registered(second: float, tm: str) -> str:
    """A TaskManager is registered."""
    return line(
        second,
        "StandaloneResourceManager",
        f"Registering TaskManager with ResourceID {tm} (akka.tcp://flink@{tm}:6122/user/rpc/tm) at"
        " ResourceManager",
    )


def deploying(second: float, tm: str, allocation: str, execution: str = "e1" * 16) -> str:
    """A task is deployed."""
    return line(
        second,
        "ExecutionGraph",
        f"Deploying map (1/1) (attempt #0) with attempt id {execution} to {tm} @ {tm}"
        f" (dataPort=1) with allocation id {allocation}",
    )


def starts(second: float, tm: str) -> str:
    """A TaskManager starts."""
    return line(second, "TaskManagerRunner", f"Starting TaskManager with ResourceID: {tm}")


def asked(second: float, allocation: str) -> list[str]:
    """A TaskManager of 1.12 is asked for a slot, and allocates it."""
    return [
        line(
            second,
            "TaskExecutor",
            f"Receive slot request {allocation} for job {JOB} from resource manager with leader"
            f" id {LEADER}.",
        ),
        line(second + 0.003, "TaskExecutor", f"Allocated slot for {allocation}."),
    ]
