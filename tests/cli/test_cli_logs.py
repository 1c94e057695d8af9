"""``slotspec logs``: its report, its files and the input that it rejects."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.counter import Run
from tests.logs.shapes import DATA, JOB, A, at_debug, deploying, leading, line, write

PROC = str(DATA / "1.12.5-proc006")


def test_one_screen_for_each_job(run: Run) -> None:
    ran = run("logs", PROC, "--level", "info")
    assert ran.code == 0
    assert "Job Flink Streaming Job f6617d3db76f70476e47d6398f9dcf68: FINISHED" in ran.out
    assert "requested 3, asked 3, confirmed 3, offered 3, accepted 3" in ran.out
    assert "Why did the job restart? 15:12:24.624 RESTARTING" in ran.out
    assert "UNDETERMINED: no slot is held for certain" in ran.out
    assert "TaskSlotTableImpl at DEBUG in taskmanager2.debug.log" in ran.out
    assert "0 lines contradict the model; 11% of 27 facts are undetermined" in ran.out


def test_the_story_of_an_allocation(run: Run, tmp_path: Path) -> None:
    svg = tmp_path / "story.svg"
    ran = run("logs", PROC, "--allocation", "921e", "--draw", str(svg))
    assert ran.code == 0
    assert "request received" in ran.out
    assert "Held: no: its TaskManager has freed it" in ran.out
    assert "submit_task" in svg.read_text()
    mermaid = tmp_path / "story.mmd"
    assert run("logs", PROC, "--allocation", "921e", "--draw", str(mermaid), "-q").out == ""
    assert mermaid.read_text().startswith("sequenceDiagram")


class Page(HTMLParser):
    """Collects the tags that a browser would load something for."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.items = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [value for name in ("src", "href") if (value := given.get(name))]
        self.items += "item" in (given.get("class") or "").split()


def test_the_page_is_self_contained(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "logs.html"
    assert run("logs", PROC, "--html", str(target)).code == 0
    text = target.read_text()
    page = Page()
    page.feed(text)
    assert page.loads == []
    assert page.items > 8
    assert "<script>alert" not in text


def test_the_page_on_stdout(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("logs", PROC, "--html", "-")
    assert ran.code == 0
    assert ran.out.startswith("<!")
    assert ran.out.rstrip().endswith("</html>")
    assert list(tmp_path.iterdir()) == []


def test_the_wording_of_small_numbers(run: Run) -> None:
    ran = run("logs", str(DATA / "2.3.0-proc002" / "taskmanager1.debug.log.gz"))
    assert "Job a29ecd12bfc28ee15159dafb3375f9f8: state unknown" in ran.out
    assert "699 lines of 1 process, " in ran.out
    ran = run("logs", str(DATA / "2.3.0-proc002"), "--until", "15:21:50")
    assert "1 slot is held" in ran.out


def test_what_no_logger_tells(run: Run) -> None:
    ran = run("logs", str(DATA / "1.11.4-seed0023"))
    assert "No logger of Flink 1.11 tells them, at any level." in ran.out
    assert "no logger at TRACE" not in ran.out


def test_what_logs_say_is_escaped(run: Run, tmp_path: Path) -> None:
    bad = f"Job <script>alert(1)</script> ({JOB}) switched from state CREATED to RUNNING."
    write(tmp_path / "jm.log", [*leading(), line(1, "ExecutionGraph", bad)])
    target = tmp_path / "logs.html"
    assert run("logs", str(tmp_path), "--html", str(target)).code == 0
    assert "<script>alert" not in target.read_text()


def test_json(run: Run) -> None:
    ran = run("logs", PROC, "--json", "-")
    found = json.loads(ran.out)
    assert found["format"] == "slotspec.logs"
    assert found["divergences"] == []
    (job,) = found["jobs"]
    assert job["legs"]["used"] == {"yes": 3, "undetermined": 0}
    assert {one["held"] for one in found["allocations"]} == {"no"}


def test_a_contradiction_ends_with_1(run: Run, tmp_path: Path) -> None:
    request = f"Request slot with profile P for job {JOB} with allocation id {A}."
    lines = [*at_debug(), *leading(), line(1, "StandaloneResourceManager", request)]
    write(tmp_path / "jm.log", [*lines, deploying(2, "tm1", A)])
    ran = run("logs", str(tmp_path), "--flink-version", "1.12.5")
    assert ran.code == 1
    assert "Contradicts the model" in ran.out


def test_logs_without_a_line_about_slots(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "jm.log", [line(0, "JobMaster", "Trigger heartbeat request.", "DEBUG")])
    assert run("logs", str(tmp_path)).code == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere"], "SET131"),
        ([PROC, "--layout", "("], "SET130"),
        ([PROC, "--since", "yesterday"], "SET134"),
        ([PROC, "--flink-version", "new"], "SET134"),
        (
            [PROC, "--flink-version", "1.10"],
            "SET134: --flink-version 1.10: the lines of 1.11 to 2.3",
        ),
        ([PROC, "--flink-version", "9.9"], "SET134: --flink-version 9.9: the lines of 1.11 to 2.3"),
        ([PROC, "--layout", r"(?P<a>\d"], r"SET130: --layout '(?P<a>\d' is no regular"),
        ([PROC, "--level", "loud"], "Invalid value for '--level': 'loud' is not one of"),
        ([PROC, "--flink-version", "2.3"], "says that it is of Flink 1.12.5; leave the option out"),
        ([PROC, "--html", "-", "--json", "-"], "SET133"),
        ([PROC, "--html", "x.html", "--json", "./x.html"], "SET026: x.html is named twice"),
        ([PROC, "--job", "abc"], "SET132"),
        ([PROC, "--allocation", "zzz"], "SET132"),
        ([PROC, "--allocation", ""], "SET132"),
        ([PROC, "--draw", "x.svg"], "SET133"),
        ([PROC, "--allocation", "921e", "--draw", "x.gif"], "SET133"),
        ([str(Path(__file__))], "LOG002"),
        ([str(DATA)], "LOG004"),
    ],
)
def test_bad_input_ends_with_2(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("logs", *arguments)
    assert ran.code == 2
    assert code in ran.err


def test_a_time_of_day_is_enough_in_logs_of_one_day(run: Run) -> None:
    whole = run("logs", PROC, "--until", "2026-11-21T15:12:24").out
    assert run("logs", PROC, "--until", "15:12:24").out == whole
    assert run("logs", PROC).out != whole
    assert run("logs", PROC, "--since", "15:12").out == run("logs", PROC).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "2025-11-21T15:00:00"], "is before the first line; the logs go from 2026-11"),
        (["--since", "16:00"], "is after the last line; the logs go from 2026-11-21T15:12:16.713"),
        (["--since", "15:12:26", "--until", "15:12:24"], "is after --until 15:12:24"),
        (["--since", "15:12:61"], "write a time such as 15:04:00"),
        (["--since", "25:00"], "write a time such as 15:04:00"),
    ],
)
def test_times_that_leave_nothing_are_refused(run: Run, arguments: list[str], message: str) -> None:
    ran = run("logs", PROC, *arguments)
    assert ran.code == 2
    assert message in ran.err.replace("\n", " ")


def test_a_time_of_day_in_logs_of_two_days_is_refused(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "jm.log", [*leading(), line(0, "JobMaster", "Hello.", day="22")])
    ran = run("logs", str(tmp_path), "--since", "10:00")
    assert ran.code == 2
    assert "name the day too; the logs go from 2026-11-21T10:00" in ran.err.replace("\n", " ")


def test_a_pipe_is_refused_and_not_waited_for(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jm.log")
    assert run("logs", str(tmp_path)).code == 2
    assert run("logs", str(tmp_path / "jm.log")).code == 2


def test_lines_whose_time_is_none_are_counted(run: Run, tmp_path: Path) -> None:
    lines = [one.replace("2026-11-21 10", "2026-02-30 10") for one in leading(1)]
    write(tmp_path / "jm.log", [*leading(), *lines])
    assert (
        "Not read: jm.log: 3 lines about slots have no valid time" in run("logs", str(tmp_path)).out
    )
