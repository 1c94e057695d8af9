"""What lines tell is compared with the declared lifecycles."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from slotspec.logs.clocks import ORDERS
from slotspec.logs.facts import IMPLIES, Answer
from slotspec.logs.findings import Report
from slotspec.logs.known_lines import LINES
from slotspec.logs.line_kinds import Level
from slotspec.logs.questions import answer
from slotspec.logs.reading import Options, read
from slotspec.logs.stories import stories
from slotspec.logs.tracking import hidden_events
from slotspec.logs.views import VIEWS
from tests.logs.shapes import (
    DATA,
    R1,
    A,
    asked,
    at_debug,
    deploying,
    leading,
    line,
    registered,
    requested,
    starts,
    write,
)


def report(folder: Path, level: Level = Level.TRACE, version: str | None = "1.12.5") -> Report:
    return answer(stories(read([folder], Options(level=level, version=version))))


def healthy(folder: Path, debug: bool = True) -> None:
    """One slot, from its request to its use, in the logs of two processes."""
    noise = at_debug() if debug else []
    pool = f"Fulfilling pending slot request [SlotRequestId{{{R1}}}] with slot [{A}]"
    write(
        folder / "jm.log",
        [
            *noise,
            *leading(),
            registered(0.5, "tm1"),
            *requested(1, R1, A),
            *([line(1.1, "SlotPoolImpl", pool, "DEBUG")] if debug else []),
            deploying(1.2, "tm1", A),
        ],
    )
    write(
        folder / "tm.log",
        [
            *noise,
            starts(0, "tm1"),
            *asked(1.01, A),
            line(1.15, "TaskSlotTableImpl", f"Activate slot {A}."),
            line(
                1.3,
                "TaskExecutor",
                f"Received task map (1/1)#0 ({'e1' * 16}), deploy into slot with allocation id"
                f" {A}.",
            ),
        ],
    )


def test_a_healthy_slot(tmp_path: Path) -> None:
    healthy(tmp_path)
    found = report(tmp_path)
    verdict = found.verdicts[A]
    assert verdict.divergences == []
    answers = {name: fact.answer for name, fact in verdict.facts.items()}
    assert answers.pop("freed") is Answer.NO
    assert set(answers.values()) == {Answer.YES}
    assert found.undetermined == 0


def test_at_info_it_is_not_told_whether_the_slot_was_freed(tmp_path: Path) -> None:
    healthy(tmp_path, debug=False)
    verdict = report(tmp_path).verdicts[A]
    assert verdict.undetermined == ["freed"]
    (deciding,) = verdict.facts["freed"].deciding
    assert str(deciding) == "TaskSlotTableImpl at DEBUG in tm.log"
    # the deployment tells that the offer was accepted, though no line does
    assert verdict.facts["accepted"].answer is Answer.YES
    assert verdict.facts["offered"].why == "since it was accepted"


def test_without_the_log_of_the_taskmanager(tmp_path: Path) -> None:
    write(tmp_path / "jm.log", [*leading(), registered(0, "tm1"), *requested(1, R1, A)])
    verdict = report(tmp_path).verdicts[A]
    confirmed = verdict.facts["confirmed"]
    assert confirmed.answer is Answer.UNDETERMINED
    assert "TaskExecutor at INFO in the log of TaskManager" in str(confirmed.deciding[0])


@pytest.mark.parametrize(
    ("file", "dropped", "view"),
    [
        ("jm.log", "Fulfilling", "slot pool"),
        ("tm.log", "Allocated slot", "slot table"),
        ("tm.log", "Activate slot", "slot table"),
    ],
)
def test_a_missing_line_contradicts_the_model(
    tmp_path: Path, file: str, dropped: str, view: str
) -> None:
    healthy(tmp_path)
    path = tmp_path / file
    kept = [text for text in path.read_text().splitlines(True) if dropped not in text]
    path.write_text("".join(kept))
    found = report(tmp_path)
    assert [one.view for one in found.verdicts[A].divergences] == [view]
    assert len(found.divergences) == 1


def test_dropped_lines_of_real_debug_logs_are_noticed(tmp_path: Path) -> None:
    """Each line that the lifecycles demand, left out of a real log."""
    source = DATA / "1.12.5-proc006" / "taskmanager2.debug.log.gz"
    lines = gzip.decompress(source.read_bytes()).decode().splitlines(True)
    demanded = [n for n, text in enumerate(lines) if " - Allocated slot for" in text]
    assert demanded
    for number in demanded:
        write(tmp_path / "tm.log", lines[:number] + lines[number + 1 :])
        assert report(tmp_path).divergences


def test_a_log_that_begins_in_the_middle_contradicts_nothing(tmp_path: Path) -> None:
    healthy(tmp_path)
    for file in ("jm.log", "tm.log"):
        lines = (tmp_path / file).read_text().splitlines(True)
        (tmp_path / file).write_text("".join([lines[0], *lines[-2:]]))
    found = report(tmp_path)
    assert found.divergences == []
    assert found.verdicts[A].facts["confirmed"].answer is Answer.YES


def test_a_new_leader_begins_with_an_empty_pool(tmp_path: Path) -> None:
    healthy(tmp_path)
    with (tmp_path / "jm.log").open("a") as stream:
        stream.writelines(leading(5))
        stream.write(deploying(6, "tm1", A, "e2" * 16))
    (found,) = report(tmp_path).verdicts[A].divergences
    assert found.event.name == "deploying"
    assert "UNKNOWN" in found.possible


def test_clocks_that_are_apart_are_corrected(tmp_path: Path) -> None:
    healthy(tmp_path)
    path = tmp_path / "tm.log"
    path.write_text(path.read_text().replace(" 10:00:", " 12:00:"))
    found = report(tmp_path)
    assert [str(offset) for offset in found.cluster.offsets.values()] == [
        "about 7,200.0 s ahead (another time zone?): corrected"
    ]
    names = [event.name for event in found.cluster.allocations[A].events]
    assert names.index("request_received") < names.index("slot_asked") < names.index("deploying")


def test_clocks_that_no_offset_explains(tmp_path: Path) -> None:
    healthy(tmp_path)
    path = tmp_path / "tm.log"
    lines = path.read_text().splitlines(True)
    path.write_text("".join(text.replace(" 10:00:01,3", " 09:59:01,3") for text in lines))
    (offset,) = report(tmp_path).cluster.offsets.values()
    assert offset.contradictory


def test_views_and_orders_name_known_lines_events_and_states() -> None:
    for view in VIEWS:
        events = {event.name for event in view.lifecycle.events}
        states = {state.name for state in view.lifecycle.states}
        for line_name, fired in view.fires.items():
            assert line_name in LINES.by_name
            assert set(fired) <= events
        assert set().union(*view.facts.values(), view.quiet) <= events
        assert set().union(*view.requires.values()) <= states
        assert set(view.requires) <= set(LINES.by_name)
    assert {name for first, second, _ in ORDERS for name in (first, second)} <= set(LINES.by_name)
    assert len(IMPLIES) == len(set(IMPLIES))


def test_what_a_level_hides() -> None:
    table = next(view for view in VIEWS if view.name == "slot table")
    assert hidden_events(table, "1.12.5", lambda _: Level.DEBUG) == {"inactivate", "leave"}
    assert hidden_events(table, "1.12.5", lambda _: Level.INFO) == {
        "inactivate",
        "release",
        "leave",
    }
    assert "allocate" in hidden_events(table, "1.12.5", lambda _: Level.WARN)
