"""Which shares a whole recording says that the JobMaster requests slots for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle.cluster.declarative import DeclarativeExplainer
from slotspec.oracle.cluster.reading import read
from slotspec.oracle.cluster.recording import Header, Line, Recording
from slotspec.oracle.cluster.shape import is_evenly_spread
from slotspec.oracle.cluster.shares import shares_asked_for, waiting_requests

DATA = Path(__file__).parents[2] / "data" / "clusters"
TASKS = {"e1": 0, "e2": 1, "e3": 0, "e4": 1}


def recording_of(*states: tuple[list[str], dict[str, str]]) -> Recording:
    """The states of a JobMaster: the requests that wait, and the state of each execution."""
    lines = [
        Line(
            n=number,
            do="done",
            state={
                "pool": {"waiting": waiting, "pending": []},
                "tasks": [{"execution": one, "state": what} for one, what in tasks.items()],
            },
        )
        for number, (waiting, tasks) in enumerate(states, 1)
    ]
    return Recording(Header("", 1, "1.11.4", {}), lines, {}, [])


@pytest.mark.parametrize(
    ("states", "served", "found"),
    [
        # nobody asks before a task is scheduled
        ([([], {}), (["r1"], {"e2": "SCHEDULED"})], {}, {2: [1]}),
        # a task is scheduled anew
        ([(["r1"], {"e2": "CREATED"}), (["r1", "r2"], {"e2": "SCHEDULED"})], {}, {1: [1], 2: [1]}),
        # what became of a request tells more
        ([(["r1", "r2"], {"e1": "SCHEDULED", "e2": "SCHEDULED"})], {"r1": 1}, {1: [1, 0]}),
        # a request that comes and goes within a step has no name in any state
        (
            [(["r1"], {"e1": "SCHEDULED"}), ([], {"e3": "FAILED"}), (["r2"], {"e4": "SCHEDULED"})],
            {"r2": 1},
            {1: [0], 2: [0], 3: [1]},
        ),
        # nothing tells
        ([([], {"e1": "RUNNING"}), (["r1"], {"e1": "RUNNING"})], {}, {1: [0], 2: [None]}),
    ],
)
def test_shares_are_those_of_the_tasks_that_begin(
    states: Any, served: dict[str, int], found: Any
) -> None:
    recording = recording_of(*states)
    assert shares_asked_for(recording, TASKS, 2, waiting_requests, served) == found


def test_requests_whose_names_tell_no_order_come_in_that_of_their_slots() -> None:
    path = DATA / "2.3.0-seed0032.jsonl.gz"
    told, renamed = read(path), read(path)
    for line in renamed.lines:
        pool = (line.state or {}).get("pool")
        if pool is not None:
            pool["pending"] = [anonymous(one) for one in pool["pending"]]
            pool["fulfilled"] = [
                {**one, "request": anonymous(one["request"])} for one in pool["fulfilled"]
            ]
    asked = DeclarativeExplainer(told, "2.3").asked_for
    assert [1, 0] in asked.values()
    assert DeclarativeExplainer(renamed, "2.3").asked_for == asked


def anonymous(request: str) -> str:
    """A name whose order is another."""
    return f"r1{{{99 - int(request[1:]):02}}}"


def test_slots_go_first_to_the_shares_that_have_them_after_the_step() -> None:
    explainer = DeclarativeExplainer(read(DATA / "2.3.0-seed0032.jsonl.gz"), "2.3")
    step = next(
        one
        for one in explainer.recording.steps
        if one.process == "jm"
        and one.state is not None
        and {task["allocation"] for task in one.state["tasks"]} == {"a1", "a2"}
    )
    assert step.state is not None
    told = [(task["allocation"], task["execution"]) for task in step.state["tasks"]]
    assert told == [("a1", "e1"), ("a2", "e2")]
    for names, pairs in ((("a1", "a2"), {(0, 0), (1, 1)}), (("a2", "a1"), {(0, 1), (1, 0)})):
        start = explainer.initial()
        table = (*names, *start.names.allocations[2:])
        node = start._replace(names=start.names._replace(allocations=table))
        assert set(explainer.assigning(node, step)[:2]) == pairs


@pytest.mark.parametrize(
    ("configuration", "generation", "spread"),
    [
        ({}, "1.20", False),
        ({"cluster.evenly-spread-out-slots": "true"}, "1.12", True),
        ({"cluster.evenly-spread-out-slots": True}, "1.20", True),
        ({"cluster.evenly-spread-out-slots": "true"}, "2.3", False),
        ({"taskmanager.load-balance.mode": "SLOTS"}, "2.3", True),
        ({"taskmanager.load-balance.mode": "TASKS"}, "2.3", False),
    ],
)
def test_a_configuration_may_spread_slots(
    configuration: dict[str, Any], generation: str, spread: bool
) -> None:
    assert is_evenly_spread(configuration, generation) is spread
