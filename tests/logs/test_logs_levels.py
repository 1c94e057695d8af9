"""Single loggers at DEBUG, as operators set them: the silence of the others tells nothing."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from slotspec.logs.facts import Answer
from slotspec.logs.findings import Report
from slotspec.logs.known_lines import LINES
from slotspec.logs.layout import seconds
from slotspec.logs.levels import Levels
from slotspec.logs.line_kinds import Level
from slotspec.logs.questions import answer
from slotspec.logs.reading import read
from slotspec.logs.stories import stories
from tests.logs.shapes import DATA, RUNS
from tests.logs.test_logs_cut import report, wrong
from tests.variants import fast_first

LINE = re.compile(rb"(\S+ \S+) (\w+) +(\S+)")
TALKATIVE = sorted({kind.logger for kind in LINES.kinds if kind.level < Level.INFO})


def written_by(run: Path, folder: Path, writes: Callable[[bytes, float], bool]) -> Report:
    """The report of a run whose lines below INFO are left out, unless a logger writes them."""
    for file in run.iterdir():
        text = gzip.decompress(file.read_bytes())
        starts = [found.start() for found in re.finditer(rb"^(?=\d{4}-\d\d-\d\d )", text, re.M)]
        kept = []
        for begin, end in pairwise([*starts, len(text)]):
            found = LINE.match(text, begin)
            assert found is not None
            time = seconds(found[1].decode())
            assert time is not None
            if found[2] not in (b"DEBUG", b"TRACE") or writes(found[3], time):
                kept.append(text[begin:end])
        (folder / file.stem).write_bytes(b"".join(kept))
    return answer(stories(read([folder])))


@pytest.mark.parametrize("logger", fast_first(TALKATIVE, 3))
def test_one_logger_at_debug_says_nothing_of_the_others(tmp_path: Path, logger: str) -> None:
    for run in RUNS:
        (tmp_path / run.name).mkdir()
        part = written_by(
            run, tmp_path / run.name, lambda name, _: name.endswith(b"." + logger.encode())
        )
        assert wrong(report(run, Level.DEBUG), part) == [], run.name


def test_a_level_that_was_set_in_a_running_process_says_nothing_of_before(tmp_path: Path) -> None:
    run = DATA / "2.3.0-proc002"
    whole = report(run, Level.DEBUG)
    left = {
        name: min(event.time for event in one.events if event.name == "slot_left")
        for name, one in whole.cluster.allocations.items()
    }
    first, *_, last = sorted(left.values())
    part = written_by(run, tmp_path, lambda _, time: first < time - 0.5)
    assert wrong(whole, part) == []
    freed = {name: part.verdicts[name].facts["freed"].answer for name in left}
    assert freed[min(left, key=lambda name: left[name])] is Answer.UNDETERMINED
    assert freed[max(left, key=lambda name: left[name])] is Answer.YES
    assert first < last


def test_which_level_a_logger_has() -> None:
    levels = Levels(Level.INFO)
    levels.talk(b"org.apache.flink.runtime.taskexecutor.TaskExecutor", True, 5)
    assert levels.of("TaskExecutor", 5) is Level.DEBUG
    assert levels.of("TaskExecutor", 4) is Level.INFO
    for time, name in enumerate((b"rpc.A", b"rpc.B", b"memory.C"), 6):
        levels.talk(b"org.apache.flink.runtime." + name, False, time)
    assert levels.of("TaskSlotTableImpl", 100) is levels.most is Level.INFO
    levels.talk(b"o.a.f.runtime.state.D", False, 9)
    assert levels.of("TaskSlotTableImpl", 6) is levels.most is Level.DEBUG
    assert levels.of("TaskSlotTableImpl", 5) is Level.INFO
    assert levels.of("TaskExecutor", 5) is Level.DEBUG
