"""Logs of several clusters or versions are refused: their stories would mix."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotspec.logs.moments import Moment
from slotspec.logs.reading import Options, read
from slotspec.statemachine.errors import InputError
from tests.logs.shapes import DATA, RUNS, A, B, asked, leading, line, starts, write


def refused(*paths: Path, options: Options | None = None) -> str:
    """What reading says."""
    with pytest.raises(InputError) as caught:
        read(paths, options)
    assert caught.value.code == "LOG004"
    assert "give the logs of one cluster, of one version, per call" in caught.value.message
    return caught.value.message


def test_a_folder_of_several_clusters() -> None:
    said = refused(DATA)
    assert f"the logs are of {len(RUNS)} clusters" in said
    assert "Flink 1.12.5: " in said
    assert str(DATA / "1.12.5-proc006" / "taskmanager2.debug.log.gz") in said


def test_two_clusters_of_one_version() -> None:
    assert "2 clusters" in refused(DATA / "1.12.5-seed0002", DATA / "1.12.5-seed0013")


def test_a_taskmanager_of_another_version() -> None:
    old, new = DATA / "1.12.5-proc006", DATA / "2.3.0-proc002"
    said = refused(old / "jobmanager.debug.log.gz", new / "taskmanager1.debug.log.gz")
    assert "Flink 1.12: " in said
    assert "Flink 1.14 or later: " in said


def upgraded(path: Path) -> Path:
    """A TaskManager that was upgraded in place."""
    says = "Starting TaskManager (Version: {}, Scala: 2.12, Rev:abc, Date:2021)"
    return write(
        path,
        [
            line(0, "TaskManagerRunner", says.format("1.12.5")),
            *asked(1, A),
            line(60, "TaskManagerRunner", says.format("2.3.0")),
            starts(61, "tm1"),
            line(62, "TaskSlotTableImpl", f"Activate slot {B}."),
        ],
    )


def test_an_upgrade_in_place(tmp_path: Path) -> None:
    log = upgraded(tmp_path / "tm.log")
    assert "Flink 1.12: " in refused(log)
    assert read([log], Options(until=Moment.of("--until", "10:00:30"))).version == "1.12.5"
    assert read([log], Options(since=Moment.of("--since", "10:01:01"))).version == "2.3.0"


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_each_run_is_one_cluster(run: Path) -> None:
    assert read([run]).events


def test_processes_that_met_nobody_are_no_cluster(tmp_path: Path) -> None:
    """A standby JobManager, and TaskManagers whose JobManager's log is missing."""
    write(tmp_path / "jm.log", leading())
    write(tmp_path / "standby.log", [line(0, "JobMaster", "Hello.")])
    for name in ("tm1", "tm2"):
        write(tmp_path / f"{name}.log", [starts(0, name)])
    assert len(read([tmp_path]).processes) == 4
