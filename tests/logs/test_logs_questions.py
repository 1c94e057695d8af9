"""Each question that operators ask, answered from logs that show its case."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from slotspec.logs.facts import Answer
from slotspec.logs.findings import Finding, Report
from slotspec.logs.line_kinds import Level
from slotspec.logs.moments import Moment
from slotspec.logs.questions import answer
from slotspec.logs.reading import Options, read
from slotspec.logs.stories import stories
from tests.logs.shapes import (
    DATA,
    JOB,
    R1,
    RUNS,
    A,
    B,
    asked,
    deploying,
    leading,
    line,
    registered,
    requested,
    starts,
    write,
)

OTHER = "0c" * 16


def report(*paths: Path, **options: object) -> Report:
    return answer(stories(read(list(paths), Options(**options))))  # type: ignore[arg-type]


def of(found: Report, question: str) -> list[Finding]:
    every = [*found.findings, *(f for job in found.jobs for f in job.findings)]
    return [finding for finding in every if finding.question == question]


def test_no_slot_since_no_resource_manager_is_connected(tmp_path: Path) -> None:
    waits = (
        "Cannot serve slot request, no ResourceManager connected. Adding as pending request"
        f" [SlotRequestId{{{R1}}}]"
    )
    write(tmp_path / "jm.log", [*leading(), line(1, "SlotPoolImpl", waits)])
    (finding,) = of(report(tmp_path), "no slot")
    assert finding.text == "it waits in the slot pool: no ResourceManager is connected"
    assert finding.lines[0].place.line == 4


def test_no_slot_since_nobody_is_registered_or_somebody_else_holds_them(tmp_path: Path) -> None:
    path = write(tmp_path / "jm.log", [*leading(), *requested(1, R1, A)])
    write(tmp_path / "tm.log", [starts(0, "tm1")])
    (finding,) = of(report(tmp_path, version="1.12.5"), "no slot")
    assert "not asked: no TaskManager is registered" in finding.text
    write(path, [*leading(), registered(0, "tm1"), *requested(1, R1, A)])
    (finding,) = of(report(tmp_path, version="1.12.5"), "no slot")
    assert "not asked: 1 TaskManager is registered, and 0 slots are held by nobody" in finding.text


def test_no_slot_since_the_task_manager_found_no_job_master(tmp_path: Path) -> None:
    debug = line(0, "JobMaster", "Trigger heartbeat request.", "DEBUG")
    write(tmp_path / "jm.log", [debug, *leading(), registered(0, "tm1"), *requested(1, R1, A)])
    write(tmp_path / "tm.log", [starts(0, "tm1"), *asked(1.1, A)])
    (finding,) = of(report(tmp_path, version="1.12.5"), "no slot")
    assert finding.text.startswith("allocation a1a1a1a1 was confirmed (TaskManager tm1)")
    assert "offered" in finding.text
    # whether it was offered is told by no line of 1.12
    assert finding.answer is Answer.UNDETERMINED


def test_no_slot_in_todays_cluster(tmp_path: Path) -> None:
    required = (
        f"Received resource requirements from job {JOB}: [ResourceRequirement{{resourceProfile="
        "ResourceProfile{UNKNOWN}, numberOfRequiredSlots=2}]"
    )
    start = (
        f"Starting allocation of slot {A} from tm1 for job {JOB} with resource profile"
        " ResourceProfile{cpuCores=1}."
    )
    refused = f"Slot allocation for allocation {A} for job {JOB} failed."
    write(
        tmp_path / "jm.log",
        [
            *leading(),
            registered(0, "tm1"),
            line(1, "FineGrainedSlotManager", required),
            line(2, "DefaultSlotStatusSyncer", start),
            line(3, "DefaultSlotStatusSyncer", refused, "WARN"),
            "java.util.concurrent.TimeoutException: no answer in time\n",
        ],
    )
    write(tmp_path / "tm.log", [starts(0, "tm1")])
    found = report(tmp_path)
    assert found.cluster.logs.version == "2.3"
    assert found.jobs[0].job.required == 2
    texts = [finding.text for finding in of(found, "no slot")]
    assert texts == [
        "2 required slots are not allocated: 1 TaskManager is registered, and 0 slots are held"
        " by nobody"
    ]


def test_who_holds_the_slots(tmp_path: Path) -> None:
    lines = [*leading(), registered(0, "tm1"), *requested(1, R1, A), deploying(2, "tm1", A)]
    switched = f"map (1/1) ({'e1' * 16}) switched from DEPLOYING to RUNNING."
    write(tmp_path / "jm.log", [*lines, line(3, "ExecutionGraph", switched)])
    write(tmp_path / "tm.log", [starts(0, "tm1"), *asked(1.1, A)])
    found = report(tmp_path)
    held = found.holdings[A]
    assert (held.answer, held.why) == (Answer.YES, "a task in it is RUNNING")
    assert held.since is not None
    assert held.since.name == "slot_allocated"
    (kept,) = of(found, "not released")
    assert kept.text.startswith("TaskManager tm1 is held by a1a1a1a1 of job 0b0b0b0b")


def test_a_slot_that_leaks(tmp_path: Path) -> None:
    """The job has ended, and the last report of the TaskManager still has its slot."""
    slots = (
        f"Received slot report from instance {B}: SlotReport{{SlotStatus{{slotID=tm1_0,"
        f" allocationID={A}, jobID={JOB}, resourceProfile=P}}}}."
    )
    write(
        tmp_path / "jm.log",
        [
            *leading(),
            registered(0, "tm1"),
            *requested(1, R1, A),
            deploying(2, "tm1", A),
            line(3, "ExecutionGraph", f"Job w ({JOB}) switched from state RUNNING to FINISHED."),
            line(90, "SlotManagerImpl", slots, "DEBUG"),
        ],
    )
    write(tmp_path / "tm.log", [starts(0, "tm1"), *asked(1.1, A)])
    texts = [finding.text for finding in of(report(tmp_path), "not released")]
    assert any("a1a1a1a1 is leaked: the job is FINISHED" in text for text in texts)


def test_several_processes_with_one_resource_id(tmp_path: Path) -> None:
    lines = [registered(n, "tm1").replace("flink@tm1", f"flink@host{n % 2}") for n in range(1, 5)]
    write(tmp_path / "jm.log", [*leading(), *lines])
    (finding,) = of(report(tmp_path), "registered in turn")
    assert finding.text.startswith("2 processes register as tm1 in turn (4 times)")


def test_a_slot_that_timed_out_before_it_was_accepted(tmp_path: Path) -> None:
    write(tmp_path / "jm.log", [*leading(), registered(0, "tm1"), *requested(1, R1, A)])
    timed_out = f"Free slot with allocation id {A} because: The slot {A} has timed out."
    write(
        tmp_path / "tm.log",
        [starts(0, "tm1"), *asked(1.1, A), line(12, "TaskExecutor", timed_out, "DEBUG")],
    )
    (finding,) = of(report(tmp_path), "no more slots")
    assert finding.text == "a1a1a1a1 timed out at TaskManager tm1: it was never offered"


def test_a_slot_that_was_freed_after_a_heartbeat_timed_out_did_not_time_out() -> None:
    """Its JobMaster freed it: "because: Heartbeat of TaskManager with id tm1 timed out."."""
    assert of(report(DATA / "2.3.0-proc002"), "no more slots") == []


def test_a_task_that_does_not_stop(tmp_path: Path) -> None:
    switched = f"map (1/1) ({'e1' * 16}) switched from RUNNING to CANCELING."
    late = f"Job w ({OTHER}) switched from state CREATED to RUNNING."
    write(
        tmp_path / "jm.log",
        [
            *leading(),
            deploying(1, "tm1", A),
            line(2, "ExecutionGraph", switched),
            line(100, "ExecutionGraph", late),
        ],
    )
    (finding,) = of(report(tmp_path), "cancelling")
    assert finding.text.startswith("map (1/1) on tm1 has been CANCELING since 10:00:02.000")


def test_why_a_real_job_restarted() -> None:
    """A TaskManager was stopped: first its heartbeat, then no resources, until it came back."""
    found = report(DATA / "2.3.0-proc002", level=Level.INFO)
    restarts = of(found, "restarts")
    assert len(restarts) == 5
    assert "failed on tm1: java.util.concurrent.TimeoutException: Heartbeat" in restarts[0].text
    assert all("Could not acquire the minimum required" in one.text for one in restarts[1:])
    names = [event.name for event in restarts[0].lines]
    # its heartbeat, and not that it had started
    assert names == ["task_manager_lost", "task_switched", "job_switched"]


def two_jobs(run: Path, folder: Path) -> None:
    """The JobManager's log of a run, with each line again for another job, all ids changed."""
    ids = re.compile(rb"(?!0{32})[0-9a-f]{32}")
    other = bytes.maketrans(b"0123456789abcdef", b"123456789abcdef0")
    (log,) = run.glob("jobmanager*")
    text = gzip.decompress(log.read_bytes())
    lines = re.split(rb"^(?=\d{4}-\d\d-\d\d )", text, flags=re.M)
    twice = []
    for one in lines:
        twice.append(one)
        if re.search(rb"ExecutionGraph |JobMaster |Request slot with profile", one):
            twice.append(ids.sub(lambda found: found[0].translate(other), one))
    (folder / log.stem).write_bytes(b"".join(twice))


@pytest.mark.parametrize("run", ["1.12.5-proc006", "2.3.0-proc002"])
def test_why_each_of_two_jobs_restarted(tmp_path: Path, run: str) -> None:
    """Lines about tasks do not name their job; their ids lead to it."""
    two_jobs(DATA / run, tmp_path)
    found = report(tmp_path, level=Level.INFO)
    assert len(found.jobs) == 2
    alone = [one.text for one in of(report(DATA / run, level=Level.INFO), "restarts")]
    for job in found.jobs:
        texts = [one.text for one in job.findings if one.question == "restarts"]
        assert texts == alone
        assert "failed" in texts[0]


def test_a_task_that_failed_may_be_of_either_job(tmp_path: Path) -> None:
    failed = (
        f"map (1/1) ({'e1' * 16}) switched from SCHEDULED to FAILED on [unassigned resource].\n"
        "java.lang.Exception: no resources"
    )
    restarts = [
        line(2.1, "ExecutionGraph", f"Job w ({job}) switched from state RUNNING to RESTARTING.")
        for job in (JOB, OTHER)
    ]
    other = [one.replace(JOB, OTHER) for one in leading()]
    write(
        tmp_path / "jm.log",
        [*leading(), *other, line(2, "ExecutionGraph", failed), *restarts],
    )
    for finding in of(report(tmp_path), "restarts"):
        assert finding.answer is Answer.UNDETERMINED
        assert finding.text.endswith("failed before: java.lang.Exception: no resources")
        assert [event.name for event in finding.lines] == ["task_switched", "job_switched"]


def test_a_task_manager_that_a_job_master_has_lost_is_not_gone(tmp_path: Path) -> None:
    """The ResourceManager still hears its heartbeats."""
    lost = "Heartbeat of TaskManager with id tm1 timed out."
    lines = [*leading(), registered(0, "tm1"), *requested(1, R1, A), deploying(2, "tm1", A)]
    write(tmp_path / "jm.log", [*lines, line(3, "JobMaster", lost)])
    write(tmp_path / "tm.log", [starts(0, "tm1"), *asked(1.1, A)])
    found = report(tmp_path)
    assert found.cluster.task_managers["tm1"].losses[-1].name == "task_manager_lost"
    assert found.holdings[A].why != "its TaskManager is gone"


def test_a_real_job_that_waits_for_a_slot() -> None:
    """The same logs, as an operator sees them while the TaskManager is gone."""
    found = report(
        DATA / "2.3.0-proc002", level=Level.INFO, until=Moment.of("--until", "15:21:50.5")
    )
    (job,) = found.jobs
    assert job.job.state in ("RUNNING", "RESTARTING")
    assert of(found, "restarts")
    assert of(found, "holders")


def test_every_finding_of_real_logs_has_a_known_question() -> None:
    from slotspec.logs.findings import QUESTIONS

    for run in RUNS:
        found = report(run)
        every = [*found.findings, *(f for job in found.jobs for f in job.findings)]
        assert {finding.question for finding in every} <= set(QUESTIONS)
        assert {"holders", "spread"} <= {finding.question for finding in every}


def test_an_answer_shows_each_line_once(tmp_path: Path) -> None:
    write(tmp_path / "jm.log", [*leading(), *requested(1, R1, A)])
    first, second = report(tmp_path, version="1.12.5").cluster.allocations[A].events
    found = Finding("not released", Answer.YES, "", None, [first, second, first])
    assert found.lines == [first, second]
