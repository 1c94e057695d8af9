"""Logs whose first lines were rotated away contradict neither the model nor the whole logs."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from slotspec.logs.facts import Answer
from slotspec.logs.findings import Report
from slotspec.logs.line_kinds import Level
from slotspec.logs.moments import DAY, Moment
from slotspec.logs.questions import answer
from slotspec.logs.reading import Options, read
from slotspec.logs.stories import stories, time_of
from tests.logs.shapes import DATA, RUNS
from tests.variants import fast_first

CUTS = 25
UNDER_WAY = 1.0
"""Seconds that a message may take, so that no line tells that it was sent before a log ended."""
FILES = fast_first(file for run in RUNS for file in sorted(run.iterdir()))


def report(folder: Path, level: Level) -> Report:
    return answer(stories(read([folder], Options(level=level))))


def wrong(whole: Report, part: Report) -> list[str]:
    """What a part of the logs says and the whole does not."""
    found = [text for _, text, _ in part.divergences]
    for name, verdict in part.verdicts.items():
        for fact, said in verdict.facts.items():
            happened = whole.verdicts[name].facts[fact].answer
            if Answer.UNDETERMINED not in (said.answer, happened) and said.answer is not happened:
                found.append(f"{name} {fact}: {said.answer.value}, and was {happened.value}")
    return found


@pytest.mark.parametrize("level", [Level.DEBUG, Level.INFO])
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_a_log_without_its_first_lines(tmp_path: Path, file: Path, level: Level) -> None:
    lines: list[bytes] = []
    for other in file.parent.iterdir():
        text = gzip.decompress(other.read_bytes())
        (tmp_path / other.stem).write_bytes(text)
        if other == file:
            lines = text.splitlines(keepends=True)
    whole = report(tmp_path, level)
    step = max(1, len(lines) // (CUTS if level is Level.DEBUG else CUTS // 3))
    for cut in range(step // 2, len(lines) - 1, step):
        (tmp_path / file.stem).write_bytes(b"".join(lines[cut:]))
        assert wrong(whole, report(tmp_path, level)) == [], f"without {cut} lines"


@pytest.mark.parametrize("run", fast_first(RUNS), ids=lambda run: run.name)
def test_what_is_left_out_by_time_is_not_told(run: Path) -> None:
    whole = report(run, Level.DEBUG)
    first = min(log.first or 0.0 for log in whole.cluster.logs.processes)
    for part in range(1, 10):
        at = first + (whole.cluster.end - first) * part / 10
        options = Options(since=Moment("--since", "", at, of_day=False))
        assert wrong(whole, answer(stories(read([run], options)))) == []


@pytest.mark.parametrize("hours", fast_first([-2, 2]))
@pytest.mark.parametrize("run", fast_first(["1.12.5-proc006", "2.3.0-proc002"]))
def test_times_are_those_of_the_job_manager(tmp_path: Path, run: str, hours: int) -> None:
    """TaskManagers in another time zone: the same lines are read."""
    for file in (DATA / run).iterdir():
        text = gzip.decompress(file.read_bytes())
        if file.name.startswith("taskmanager"):
            here, there = b" %02d:" % 15, b" %02d:" % (15 + hours)
            text = re.sub(rb"^([-\d]{10})" + here, rb"\1" + there, text, flags=re.M)
        (tmp_path / file.stem).write_bytes(text)
    whole = report(DATA / run, Level.DEBUG)
    logs = whole.cluster.logs.processes
    first = max(log.first or 0.0 for log in logs if "2.debug" not in log.name)
    for part in range(1, 6):
        at = first + (whole.cluster.end - first) * part / 6
        for options in (
            Options(since=Moment("--since", "", at, of_day=False)),
            Options(until=Moment("--until", "", at % DAY, of_day=True)),
        ):
            here_, there_ = (
                answer(stories(read([folder], options))) for folder in (DATA / run, tmp_path)
            )
            assert answers(here_) == answers(there_)
            assert len(here_.cluster.events) == len(there_.cluster.events)


def answers(found: Report) -> dict[str, list[Answer]]:
    """What is said of each allocation."""
    return {
        name: [*(fact.answer for fact in verdict.facts.values()), found.holdings[name].answer]
        for name, verdict in found.verdicts.items()
    }


@pytest.mark.parametrize("run", ["1.12.5-proc006", "2.3.0-proc002"])
def test_what_a_missing_process_did_is_not_told(run: str) -> None:
    files = sorted((DATA / run).iterdir())
    whole = report(DATA / run, Level.DEBUG)
    for missing in files:
        part = answer(stories(read([file for file in files if file != missing])))
        assert wrong(whole, part) == [], f"without {missing.name}"


@pytest.mark.parametrize("level", [Level.DEBUG, Level.INFO])
@pytest.mark.parametrize(
    "file",
    fast_first(
        file
        for run in ("1.12.5-proc006", "2.3.0-proc002")
        for file in sorted((DATA / run).iterdir())
    ),
    ids=lambda file: f"{file.parent.name}-{file.name}",
)
def test_a_log_that_was_copied_before_the_others(tmp_path: Path, file: Path, level: Level) -> None:
    """It denies nothing of which the others tell that it began later."""
    lines: list[bytes] = []
    for other in file.parent.iterdir():
        text = gzip.decompress(other.read_bytes())
        (tmp_path / other.stem).write_bytes(text)
        if other == file:
            lines = text.splitlines(keepends=True)
    whole = report(tmp_path, level)
    step = len(lines) // CUTS
    for cut in range(step, len(lines), step):
        (tmp_path / file.stem).write_bytes(b"".join(lines[:cut]))
        part = report(tmp_path, level)
        end = part.cluster.by_name[file.stem].end or 0.0
        for name, verdict in part.verdicts.items():
            for fact, said in verdict.facts.items():
                was = whole.verdicts[name].facts[fact]
                if said.answer is Answer.NO and was.answer is Answer.YES and was.event is not None:
                    late = time_of(whole.cluster, was.event) - end
                    assert late < UNDER_WAY, f"{name} {fact} with {cut} lines"
                    assert not part.verdicts[name].divergences
