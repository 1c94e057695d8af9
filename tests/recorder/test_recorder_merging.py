"""One recording of what several processes wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle.cluster.reading import sorted_lines
from slotspec.oracle.cluster.recording import Header, Line
from slotspec.recorder.merging import cost, merge, read_part
from slotspec.statemachine.errors import InputError

RM = "akka.tcp://flink@host:6123/user/rpc/resourcemanager"
TM = "akka.tcp://flink@host:6201/user/rpc/taskmanager_0"
RESOURCE = "x:host:6201-3fe0a1"
ALLOCATION = "a:" + "ab" * 16

Written = dict[str, Any]


def part(
    folder: Path, name: str, *lines: Written, boot: str = "b", wall: int = 0, pid: int = 0
) -> Path:
    """The file of a process, whose lines have a time and what they are about."""
    head = {"n": 1, "us": 0, "do": "process", "format": "slotspec.process-recording"}
    head |= {"format_version": 1, "boot": boot, "wall_us": wall, "pid": pid}
    path = folder / f"{name}.jsonl"
    texts = [json.dumps(head), *(json.dumps({"n": n, **x}) for n, x in enumerate(lines, 2))]
    path.write_text("\n".join(texts) + "\n")
    return path


def endpoint(us: int, at: str, kind: str, address: str, resource: str) -> Written:
    return {
        "us": us,
        "do": "endpoint",
        "at": at,
        "kind": kind,
        "class": kind,
        "address": address,
        "resource": resource,
        "flink": "1.13.6",
    }


def manager(folder: Path, heard: int = 30) -> Path:
    """A ResourceManager that hears a registration, and asks for a slot."""
    return part(
        folder,
        "process-1",
        endpoint(10, "rm", "rm", f"{RM}_0", "x:rm-id"),
        {
            "us": heard,
            "do": "hear",
            "m": 1,
            "at": "rm",
            "call": "register_task_executor",
            "step": 1,
            "incoming": True,
            "args": [RESOURCE],
        },
        {"us": heard + 1, "do": "done", "at": "rm", "step": 1, "why": "message 1", "state": {}},
        {
            "us": heard + 2,
            "do": "send",
            "m": 2,
            "from": "rm",
            "to": f"@{TM}",
            "call": "request_slot",
            "step": 2,
            "args": [f"slot:0:{RESOURCE}", "job:77", ALLOCATION],
        },
        {"us": heard + 3, "do": "done", "at": "rm", "step": 2, "why": "local", "sent": [2]},
    )


def worker(folder: Path, name: str = "process-2", start: int = 5, heard: int = 40) -> Path:
    """A TaskExecutor that registers, and hears that it is asked for a slot."""
    return part(
        folder,
        name,
        endpoint(start, RESOURCE, "tm", TM, RESOURCE),
        {
            "us": start + 15,
            "do": "send",
            "m": 1,
            "from": RESOURCE,
            "to": f"@{RM}_*",
            "call": "register_task_executor",
            "thread": "dispatcher",
            "args": [RESOURCE],
        },
        {
            "us": heard,
            "do": "hear",
            "m": 2,
            "at": RESOURCE,
            "call": "request_slot",
            "step": 1,
            "incoming": True,
            "args": [f"slot:0:{RESOURCE}", "job:77", ALLOCATION],
        },
        {"us": heard + 1, "do": "done", "at": RESOURCE, "step": 1, "why": "message 2"},
    )


def sound(lines: list[Written]) -> None:
    """The reader of recordings accepts them: nothing is heard that was not sent."""
    import msgspec

    header = msgspec.convert(lines[0], Header)
    sorted_lines(header, [msgspec.convert(line, Line) for line in lines[1:]])
    assert [line["n"] for line in lines[1:]] == list(range(1, len(lines)))
    assert lines[0]["lines"] == len(lines) - 1


def test_ids_get_names_and_messages_are_matched(tmp_path: Path) -> None:
    lines = merge([manager(tmp_path), worker(tmp_path)])
    sound(lines)
    assert lines[0]["flink"] == "1.13.6"
    told = [(x["do"], x.get("m"), x.get("from"), x.get("to") or x.get("at")) for x in lines[1:]]
    assert told == [
        ("endpoint", None, None, "tm1"),
        ("endpoint", None, None, "rm"),
        ("send", 1, "tm1", "rm"),
        ("hear", 1, "tm1", "rm"),
        ("done", None, None, "rm"),
        ("send", 2, "rm", "tm1"),
        ("done", None, None, "rm"),
        ("hear", 2, "rm", "tm1"),
        ("done", None, None, "tm1"),
    ]
    (request,) = (x for x in lines if x.get("do") == "send" and x["m"] == 2)
    assert request["args"] == ["tm1_0", "job", "a1"]
    assert [x["step"] for x in lines if x.get("do") == "done"] == [1, 2, 3]


def test_clocks_of_several_machines_do_not_break_the_order(tmp_path: Path) -> None:
    """The TaskManager's clock is a second ahead: it seems to send after others have heard."""
    first, second = manager(tmp_path), worker(tmp_path)
    text = second.read_text().replace(
        '"boot": "b", "wall_us": 0', '"boot": "c", "wall_us": 1000000'
    )
    second.write_text(text)
    lines = merge([first, second])
    sound(lines)
    assert not any(line.get("unmatched") for line in lines)
    times = [line["us"] for line in lines[1:]]
    assert times == sorted(times)


def test_a_process_that_comes_back_has_another_name(tmp_path: Path) -> None:
    again = worker(tmp_path, "process-3", start=100, heard=140)
    lines = merge([manager(tmp_path), worker(tmp_path), again])
    sound(lines)
    assert [x["at"] for x in lines if x.get("do") == "endpoint"] == ["tm1", "rm", "tm1.2"]
    # nobody asked the second one for a slot
    assert [x.get("unmatched") for x in lines if x.get("call") == "request_slot"] == [
        None,
        None,
        True,
    ]


def test_resource_ids_that_are_names_stay(tmp_path: Path) -> None:
    """Whoever runs a cluster calls its TaskManagers tm1, tm2; starting out of turn changes none."""
    path = worker(tmp_path)
    path.write_text(path.read_text().replace(RESOURCE, "x:tm2"))
    other = endpoint(50, "x:tm1", "tm", TM.replace("6201", "6202"), "x:tm1")
    third = endpoint(60, RESOURCE, "tm", TM.replace("6201", "6203"), RESOURCE)
    parts = [part(tmp_path, "process-4", other), part(tmp_path, "process-5", third)]
    lines = merge([path, *parts])
    sound(lines)
    assert [x["at"] for x in lines if x.get("do") == "endpoint"] == ["tm2", "tm1", "tm3"]


def test_a_line_that_a_kill_has_cut_off_is_left_out(tmp_path: Path) -> None:
    path = worker(tmp_path)
    path.write_text(path.read_text() + '{"n":9,"us":')
    assert merge([manager(tmp_path), path])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no recording\n",
        '{"us": 1, "do": "process"}\n',
        '{"us": 1, "do": "process", "format": "slotspec.process-recording", "format_version": 9}\n',
        '{"us": 1, "do": "process", "format": "slotspec.process-recording", "format_version": 1}\n'
        "broken\n"
        '{"us": 2, "do": "x"}\n',
        '{"us": 1, "do": "process", "format": "slotspec.process-recording", "format_version": 1}\n',
    ],
)
def test_files_that_the_recorder_did_not_write(tmp_path: Path, text: str) -> None:
    path = tmp_path / "process-1.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="REC003"):
        merge([path])


def test_what_recording_costs(tmp_path: Path) -> None:
    told = {"us": 9, "do": "cost", "lines": 100, "steps": 50, "writing_us": 2000, "states_us": 500}
    path = part(tmp_path, "process-9", endpoint(1, "rm", "rm", f"{RM}_0", "x:rm-id"), told)
    assert str(cost([read_part(path)])) == "20 µs a line, 10 µs a state"
    assert cost([read_part(manager(tmp_path))]) is None
    assert [line["do"] for line in merge([path])[1:]] == ["endpoint"]


def test_a_task_manager_has_the_name_of_its_process(tmp_path: Path) -> None:
    """Flink 1.11 makes ResourceIDs up, and the one that was started last may be there first."""
    files = [
        part(
            tmp_path,
            "driver",
            {"us": 0, "do": "user", "what": "start", "at": "tm1", "pid": 11},
            {"us": 1, "do": "user", "what": "start", "at": "tm2", "pid": 12},
        ),
        part(tmp_path, "process-12", endpoint(10, "x:0c", "tm", TM, "x:0c"), pid=12),
        part(tmp_path, "process-11", endpoint(20, "x:0b", "tm", TM, "x:0b"), pid=11),
    ]
    _, *lines = merge(files)
    assert [(line["do"], line["at"]) for line in lines] == [
        ("user", "tm1"),
        ("user", "tm2"),
        ("endpoint", "tm2"),
        ("endpoint", "tm1"),
    ]
    assert not any("pid" in line for line in lines)
