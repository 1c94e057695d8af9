"""Log files: layouts, rotation, compression, and files that are no logs."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from slotspec.logs import reading
from slotspec.logs.known_lines import LINES
from slotspec.logs.layout import Layout, clock, seconds
from slotspec.logs.line_kinds import Level
from slotspec.logs.moments import Moment
from slotspec.logs.reading import Options, read
from slotspec.statemachine.errors import InputError, UsageError
from tests.logs.shapes import JOB, R1, R2, A, B, asked, leading, line, requested, starts, write

TEXT = f"Activate slot {A}."
LOGGER = "org.apache.flink.runtime.taskexecutor.slot.TaskSlotTableImpl"


@pytest.mark.parametrize(
    "written",
    [
        f"2026-11-21 10:00:00,123 INFO  {LOGGER}  [] - {TEXT}",
        f"2026-11-21 10:00:00,123 INFO  {LOGGER}                       - {TEXT}",
        f"2026-11-21 10:00:00.123 [flink-akka.actor.default-dispatcher-3] INFO  {LOGGER}  - {TEXT}",
        f"2026-11-21T10:00:00.123Z INFO {LOGGER} [flink-job-id=7] - {TEXT}",
        f"2026-11-21 12:00:00,123+02:00 INFO  {LOGGER} [] - {TEXT}",
        f"2026-11-21 10:00:00,123 INFO  [main] {LOGGER} [] - {TEXT}",
    ],
)
def test_layouts_of_flink(tmp_path: Path, written: str) -> None:
    logs = read([write(tmp_path / "taskmanager.log", [written + "\n"])])
    (event,) = logs.processes[0].events
    assert (event.name, event.fields) == ("slot_activated", {"allocation": A})
    assert clock(event.time) == "10:00:00.123"


def test_a_layout_of_ones_own(tmp_path: Path) -> None:
    path = write(tmp_path / "tm.log", [f"INFO|2026-11-21 10:00:00|{LOGGER}|{TEXT}\n"])
    own = r"(?P<level>\w+)\|(?P<time>[^|]+)\|(?P<logger>[^|]+)\|(?P<text>.*)"
    logs = read([path], Options(Layout.of(own)))
    assert logs.events == 1
    with pytest.raises(InputError, match="LOG002"):
        read([path])


def test_a_layout_whose_times_are_none(tmp_path: Path) -> None:
    """The message says what is wrong with the layout that was given, not that one is missing."""
    path = write(tmp_path / "tm.log", [f"INFO|10:00:00|{LOGGER}|{TEXT}\n"])
    own = r"(?P<level>\w+)\|(?P<time>[^|]+)\|(?P<logger>[^|]+)\|(?P<text>.*)"
    with pytest.raises(InputError, match='"10:00:00" is no date with a time; let the group time'):
        read([path], Options(Layout.of(own)))
    lines = [f"{level}|2026-11-21 10:00:00|{LOGGER}|{TEXT}\n" for level in ("info", "debug")]
    good = write(tmp_path / "jm.log", lines)
    logs = read([path, good], Options(Layout.of(own)))
    assert logs.left_out == [f'{path}: "10:00:00" is no date with a time']
    assert read([good], Options(Layout.of(own), level=Level.INFO)).events == 1


@pytest.mark.parametrize("own", ["(", "(?P<time>.*)"])
def test_a_layout_that_is_none(own: str) -> None:
    with pytest.raises(UsageError, match="SET130"):
        Layout.of(own)


def test_times() -> None:
    assert seconds("2026-11-21 10:00:00,5") == seconds("2026-11-21T12:00:00.500+02:00")
    assert seconds("2026-02-30 10:00:00") is None
    assert seconds("today") is None


def test_rotated_and_compressed_files_of_one_process(tmp_path: Path) -> None:
    banner = line(0, "TaskManagerRunner", "-" * 80)
    lines = [banner, starts(0, "tm1"), *asked(1, A), *asked(5, B)]
    write(tmp_path / "flink-1-taskexecutor-0-host.log", lines[4:])
    write(tmp_path / "flink-1-taskexecutor-0-host.log.1", lines[2:4])
    with gzip.open(tmp_path / "flink-1-taskexecutor-0-host.log.2.gz", "wt") as stream:
        stream.writelines(lines[:2])
    logs = read([tmp_path])
    (process,) = logs.processes
    assert [event.name for event in process.events] == [
        "task_manager_starts",
        *["slot_asked", "slot_allocated"] * 2,
    ]
    assert [Path(name).name[-5:] for name in process.files] == [".2.gz", "log.1", "t.log"]
    assert process.from_start
    assert process.resource_id == "tm1"


def test_stack_traces_belong_to_the_line_before(tmp_path: Path) -> None:
    path = write(
        tmp_path / "jm.log",
        [
            *leading(),
            line(1, "ExecutionGraph", f"map (1/2) ({A}) switched from RUNNING to FAILED on tm1."),
            "java.lang.IllegalStateException: the sink is closed\n",
            "\tat org.example.Sink.invoke(Sink.java:1)\n",
            "Caused by: java.io.IOException: disk is full\n",
            line(2, "ExecutionGraph", f"Job w ({JOB}) switched from state RUNNING to RESTARTING."),
        ],
    )
    events = read([path]).processes[0].events
    assert events[-2].cause == "java.io.IOException: disk is full"
    assert events[-1].cause is None


def test_slot_reports_on_several_lines_and_repeated_ones(tmp_path: Path) -> None:
    report = (
        f"Received slot report from instance {B}: SlotReport{{\n"
        f"\tSlotStatus{{slotID=tm1_0, allocationID={A}, jobID={JOB}, resourceProfile=P}}\n"
        "\tSlotStatus{slotID=tm1_1, allocationID=null, jobID=null, resourceProfile=P}}."
    )
    path = write(
        tmp_path / "jm.log", [line(n, "SlotManagerImpl", report, "DEBUG") for n in range(5)]
    )
    log = read([path]).processes[0]
    (event,) = log.events
    assert event.items == (("tm1", "0", A), ("tm1", "1", "null"))
    assert event.repeated == 4
    assert log.levels.of("SlotManagerImpl", log.first or 0) is Level.DEBUG


def test_files_that_are_no_logs_are_named(tmp_path: Path) -> None:
    write(tmp_path / "jm.log", leading())
    write(tmp_path / "notes.txt", ["nothing to see\n"])
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere")
    logs = read([tmp_path])
    assert len(logs.processes) == 1
    assert sorted(text.split(": ", 1)[1] for text in logs.left_out) == [
        "No such file or directory",
        "no line has the layout of a log",
        "no regular file",
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x7fELF\0\0\0\0", "LOG001"),
        (b"\x1f\x8bbroken", "LOG001"),
        (gzip.compress(b"2026-11-21 10:00:00,000 INFO a.B [] - x\n" * 99)[:-9], "LOG001"),
        (b"", "LOG002"),
        (b"no log\n", "LOG002"),
    ],
    ids=["a program", "broken gzip", "half a gzip", "empty", "text"],
)
def test_bad_files(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "jm.log").write_bytes(content)
    with pytest.raises(InputError, match=code):
        read([tmp_path])


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path / "pipe", "a\0b"):
        with pytest.raises(UsageError, match="SET131"):
            read([path])


@pytest.mark.slow
def test_endless_and_hostile_lines_take_linear_time(tmp_path: Path) -> None:
    """A line without an end is cut; a line that nearly fits a template costs no more."""
    nearly = f"Deploying {'a (attempt #1) with attempt id ' + A + ' to b @ ' * 400}"
    lines = [*leading(), "x" * 20_000_000 + "\n", *requested(1, R1, A)]
    lines += [line(2, "ExecutionGraph", nearly) for _ in range(200)]
    began = time.process_time()
    logs = read([write(tmp_path / "jm.log", lines)])
    assert time.process_time() - began < 5
    assert logs.processes[0].cut == 1
    assert logs.events == len(leading()) + 2


def test_lines_out_of_order_are_counted(tmp_path: Path) -> None:
    lines = [*leading(100), *requested(50, R1, A), *requested(101, R2, B)]
    assert read([write(tmp_path / "jm.log", lines)]).processes[0].backwards == 2


def test_too_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 4)
    path = write(tmp_path / "jm.log", [*leading(), *requested(1, R1, A), *requested(2, R2, B)])
    with pytest.raises(InputError, match="LOG003"):
        read([path])
    assert read([path], Options(until=Moment.of("--until", "10:00:00.5"))).events == 3


def test_every_kind_of_line_is_matched_by_its_own_template() -> None:
    """No wording is hidden by an earlier one of its logger."""
    samples = {"*": "x", "{slot}": "3", "{before}": "RUNNING", "{after}": "FAILED"}
    numbers = {"{attempt}": "1", "{count}": "2"}
    for kind in LINES.kinds:
        text = kind.text
        for name, value in (samples | numbers).items():
            text = text.replace(name, value)
        for name in ("allocation", "request", "job", "instance", "leader", "execution", "graph"):
            text = text.replace(f"{{{name}}}", A)
        for name in ("tm", "task", "name", "items", "reason", "version"):
            text = text.replace(f"{{{name}}}", "tm1")
        found = LINES.find(kind.logger, text)
        assert found is not None, kind
        assert found[0].name == kind.name, (kind, found)
