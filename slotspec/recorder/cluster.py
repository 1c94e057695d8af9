"""Runs a small real cluster, a Java process for each JobManager and TaskManager, and records it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_jars import is_complete, jars_folder
from slotspec.recorder.building import SOURCES, build_agent, build_cluster
from slotspec.recorder.merging import (
    NO_PROCESS,
    PROCESS_FORMAT,
    PROCESS_FORMAT_VERSION,
    Cost,
    cost,
    merge_parts,
    read_part,
)
from slotspec.statemachine.errors import InputError, UsageError

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "continue": signal.SIGCONT}
STARTS_WITHIN = 180.0
ENDS_WITHIN = 90.0
LINGERS = 1.5
"""Seconds that are recorded after the job's end."""

_EVENT = re.compile(r"(?:(kill|stop|continue|start):(tm\d{1,2})|(cancel))@(\d{1,3}(?:\.\d{1,3})?)")
_OPENED = (
    "java.lang",
    "java.lang.reflect",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.net",
    "java.nio",
    "java.io",
    "java.time",
    "java.text",
    "sun.nio.ch",
    "sun.net.util",
)
"""Packages of Java that Flink reads by reflection."""


@dataclass(frozen=True)
class Event:
    """What is done to a cluster `at` seconds after the job was submitted."""

    what: str
    tm: str | None
    at: float

    @staticmethod
    def of(text: str) -> Event:
        """``kill:tm1@0.5``, ``stop:…``, ``continue:…``, ``start:…`` or ``cancel@2``.

        :raises UsageError: ``SET140`` for anything else.
        """
        found = _EVENT.fullmatch(text)
        if found is None:
            raise UsageError(
                "SET140",
                f"--event {text!r}: write kill:tm1@0.5 (or stop, continue, start), or cancel@2",
            )
        return Event(found[1] or found[3], found[2], float(found[4]))


@dataclass(frozen=True)
class Plan:
    """The cluster, its job and what is done to them.

    :param records: numbers that the job passes on, `ms` milliseconds each.
    :param apart: whether the vertices of the job may not share slots.
    :param agent: whether to record; the overhead is measured without.
    """

    version: str
    task_managers: int = 2
    slots: int = 1
    parallelism: int = 1
    records: int = 25
    ms: int = 20
    apart: bool = False
    events: tuple[Event, ...] = ()
    states: bool = True
    tasks: bool = False
    agent: bool = True

    def configuration(self, ports: dict[str, int]) -> dict[str, Any]:
        """Flink's configuration: small memory, and short timeouts so that a run takes seconds."""
        akka = "pekko" if self.version.startswith("2") else "akka"
        strategy = "restart-strategy.type" if self.version.startswith("2") else "restart-strategy"
        old = {"cluster.declarative-resource-management.enabled": "false"}
        return {
            "jobmanager.rpc.address": "localhost",
            "jobmanager.rpc.port": ports["jm"],
            "rest.address": "localhost",
            "rest.port": ports["rest"],
            "rest.bind-port": ports["rest"],
            "taskmanager.host": "localhost",
            f"{akka}.ask.timeout": "1500 ms",
            "heartbeat.interval": 500,
            "heartbeat.timeout": 2500,
            "slot.request.timeout": 5000,
            "taskmanager.slot.timeout": "2500 ms",
            "cluster.registration.error-delay": 500,
            "resourcemanager.standalone.start-up-time": 4000,
            "taskmanager.numberOfTaskSlots": self.slots,
            "taskmanager.cpu.cores": "1.0",
            "taskmanager.memory.task.heap.size": "64mb",
            "taskmanager.memory.task.off-heap.size": "0b",
            "taskmanager.memory.network.min": "8mb",
            "taskmanager.memory.network.max": "8mb",
            "taskmanager.memory.managed.size": "8mb",
            "taskmanager.memory.framework.heap.size": "64mb",
            "taskmanager.memory.framework.off-heap.size": "64mb",
            "taskmanager.memory.jvm-metaspace.size": "128mb",
            "taskmanager.memory.jvm-overhead.min": "64mb",
            "taskmanager.memory.jvm-overhead.max": "64mb",
            "jobmanager.memory.process.size": "900mb",
            strategy: "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 20,
            "restart-strategy.fixed-delay.delay": "300 ms",
            **(old if self.version.startswith("1.13") else {}),
        }


@dataclass
class Run:
    """A run that has ended: the job's result, its seconds, and where its files are."""

    result: str
    seconds: float
    folder: Path
    recording: Path | None = None
    lines: int = 0
    cost: Cost | None = None


def record(plan: Plan, folder: Path, jars: Path | None = None) -> Run:
    """Run a cluster and write ``recording.jsonl.gz``, ``logs`` and ``raw`` into a folder.

    :raises InputError: ``PEE008`` without the jars, ``REC001`` or ``REC002`` if Java sources cannot
        be compiled, ``REC004`` if the cluster does not start.
    :raises UsageError: ``SET141`` for a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("SET141", f"{folder} is not empty; name a new folder")
    release = jars_folder(jars) / plan.version
    if not is_complete(release):
        raise InputError(
            "PEE008",
            f"the jars of Flink {plan.version} are not in {release};"
            f" run: slotspec flink fetch {plan.version}",
        )
    if shutil.which("java") is None:
        raise InputError("PEE008", "java is not there; install a JDK (openjdk-17-jdk-headless)")
    for name in ("raw", "logs", "build"):
        (folder / name).mkdir(parents=True)
    cluster = _Cluster(plan, folder.resolve(), sorted(release.glob("*.jar")))
    try:
        result, seconds = cluster.run()
    finally:
        cluster.end()
    shutil.rmtree(folder / "build")
    run = Run(result, seconds, folder)
    if plan.agent:
        parts = [read_part(path) for path in sorted((folder / "raw").glob("*.jsonl"))]
        lines = merge_parts(parts, cluster.described())
        run.cost = cost(parts)
        run.recording = folder / "recording.jsonl.gz"
        run.lines = len(lines) - 1
        with gzip.open(run.recording, "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    return run


@dataclass
class _Cluster:
    plan: Plan
    folder: Path
    jars: list[Path]
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    agent: Path | None = None
    job: Path | None = None

    def described(self) -> dict[str, Any]:
        """The plan, as the header of the recording has it."""
        plan = self.plan
        return {
            "kind": "crash" if any(e.what == "kill" for e in plan.events) else "quiet",
            "tms": plan.task_managers,
            "slots": plan.slots,
            "job": {
                "kind": "apart" if plan.apart else "two",
                "par": plan.parallelism,
                "records": plan.records,
                "ms": plan.ms,
                "sources": plan.parallelism,
            },
            "jitter": 0,
            "rules": [],
            "events": [
                {"at": e.at, "what": e.what, **({"tm": e.tm} if e.tm else {})} for e in plan.events
            ],
            "ask_ms": 1500,
            "configuration": self.configuration(),
        }

    def configuration(self) -> dict[str, Any]:
        return self.plan.configuration(self.ports)

    def run(self) -> tuple[str, float]:
        names = ["jm", "rest", *(f"tm{i}" for i in range(1, 20))]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.job = build_cluster(self.folder / "build" / "cluster.jar", self.jars)
        if self.plan.agent:
            self.agent = build_agent(self.folder / "build" / "recorder.jar")
            self.note("process", "", format=PROCESS_FORMAT, format_version=PROCESS_FORMAT_VERSION)
        self.master()
        for number in range(1, self.plan.task_managers + 1):
            self.task_manager(f"tm{number}")
        self.wait(self.all_registered, STARTS_WITHIN, "the TaskManagers do not register")
        self.say("submit")
        self.wait(lambda: "submitted" in self.told, STARTS_WITHIN, "the job is not submitted")
        began = time.monotonic()
        self.note("user", "submit job")
        events = sorted(self.plan.events, key=lambda event: event.at)
        while not self.results() and time.monotonic() - began < ENDS_WITHIN:
            while events and time.monotonic() - began >= events[0].at:
                self.act(events.pop(0))
            if self.running["jm"].poll() is not None:
                break
            time.sleep(0.01)
        seconds = time.monotonic() - began
        result = (self.results() or ["does not end"])[0]
        time.sleep(LINGERS)
        self.note("user", "job result", value=result)
        return result, seconds

    def results(self) -> list[str]:
        return [text.removeprefix("ended ") for text in self.told if text.startswith("ended ")]

    def wait(self, ready: Callable[[], bool], seconds: float, why: str) -> None:
        """Wait until something is true.

        :raises InputError: ``REC004`` if it takes too long, or a process ends.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            dead = [name for name, process in self.running.items() if process.poll() is not None]
            if dead or "broken" in self.told or time.monotonic() > deadline:
                what = f"process {dead[0]} has ended" if dead else why
                raise InputError(
                    "REC004",
                    f"Flink {self.plan.version}: {what}; see {self.folder / 'logs'}",
                )
            time.sleep(0.05)

    def all_registered(self) -> bool:
        log = self.folder / "logs" / "jobmanager.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        # the slot manager registers a TaskManager with its first slot report, by an id that 1.11
        # makes up
        found = set(re.findall(r"Registering (?:TaskManager|task executor) (\w+) under", text))
        return len(found) >= self.plan.task_managers

    # -- processes -----------------------------------------------------------------------------

    def master(self) -> None:
        plan = self.plan
        job = [plan.parallelism, plan.records, plan.ms, str(plan.apart).lower()]
        self.spawn("jm", "jobmanager", "slotspec.cluster.Master", list(map(str, job)), {})
        out = self.running["jm"].stdout
        assert out is not None

        def listen() -> None:
            for line in out:
                if line.startswith("slotspec: "):
                    self.told.append(line.removeprefix("slotspec: ").strip())

        threading.Thread(target=listen, daemon=True).start()

    def task_manager(self, name: str) -> None:
        extra = {"taskmanager.resource-id": name, "taskmanager.rpc.port": self.ports[name]}
        main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        self.spawn(name, f"taskmanager{name[2:]}", main, [], extra)

    def spawn(
        self, name: str, log: str, main: str, arguments: Sequence[str], extra: dict[str, Any]
    ) -> None:
        life = self.lives[name] = self.lives.get(name, 0) + 1
        suffix = "" if life == 1 else f".{life}"
        conf = self.folder / "build" / f"conf-{name}"
        conf.mkdir(exist_ok=True)
        temporary = self.folder / "build" / f"tmp-{name}{suffix}"
        temporary.mkdir()
        settings = {**self.configuration(), **extra, "io.tmp.dirs": str(temporary)}
        text = "".join(f"{key}: {value}\n" for key, value in settings.items())
        for file in ("flink-conf.yaml", "config.yaml"):
            (conf / file).write_text(text, encoding="utf-8")
        command = ["java", "-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        command += [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED]
        command.append(f"-Dlog4j.configurationFile={SOURCES.parent / 'log4j2.xml'}")
        command.append(f"-Dlog.file={self.folder / 'logs' / f'{log}{suffix}.log'}")
        if self.agent is not None:
            flags = f"states={str(self.plan.states).lower()},tasks={str(self.plan.tasks).lower()}"
            command.append(f"-javaagent:{self.agent}=out={self.folder / 'raw'},{flags}")
        assert self.job is not None
        command += ["-cp", ":".join(map(str, [self.job, *self.jars])), main]
        given = [str(conf), *arguments] if name == "jm" else ["--configDir", str(conf)]
        with (self.folder / "logs" / f"{log}{suffix}.out").open("w") as errors:
            self.running[name] = subprocess.Popen(
                [*command, *given],
                stdin=subprocess.PIPE if name == "jm" else subprocess.DEVNULL,
                stdout=subprocess.PIPE if name == "jm" else errors,
                stderr=errors,
                cwd=self.folder,
                text=True,
                start_new_session=True,
            )
        self.note("user", "start", at=f"{name}{suffix}", pid=self.running[name].pid)

    def say(self, text: str) -> None:
        stdin = self.running["jm"].stdin
        assert stdin is not None
        stdin.write(f"{text}\n")
        stdin.flush()

    def act(self, event: Event) -> None:
        """Do what the plan says; a signal to a process that has ended does nothing."""
        if event.what == "cancel":
            self.note("user", "cancel job")
            self.say("cancel")
            return
        assert event.tm is not None
        if event.what == "start":
            self.task_manager(event.tm)
            return
        process = self.running.get(event.tm)
        if process is None or process.poll() is not None:
            return
        life = self.lives[event.tm]
        self.note("fault", event.what, at=event.tm if life == 1 else f"{event.tm}.{life}")
        process.send_signal(SIGNALS[event.what])
        if event.what == "kill":
            process.wait()

    def note(self, does: str, what: str, **more: Any) -> None:
        """A line of whoever runs the cluster, by the machine's monotonic clock."""
        if self.agent is None:
            return
        line = {"n": 0, "us": time.monotonic_ns() // 1000, "do": does, "what": what, **more}
        path = self.folder / "raw" / f"{NO_PROCESS}.jsonl"
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def end(self) -> None:
        """End all processes."""
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
