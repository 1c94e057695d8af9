"""Corrupts recordings of clusters, one event each, to see whether `conform` notices.

``python -m tests.oracle.cluster.corruptions FILES --count 200`` prints the share that is noticed,
by kind, and every corruption that is not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform

Lines = list[dict[str, Any]]
PROTOCOL = {
    "request_slot",
    "cancel_slot_request",
    "notify_allocation_failure",
    "register_task_executor",
    "send_slot_report",
    "notify_slot_available",
    "register_task_manager",
    "offer_slots",
    "free_slot",
    "submit_task",
    "cancel_task",
    "update_task_execution_state",
    "declare_required_resources",
    "register_job_master",
    "free_inactive_slots",
    "notify_not_enough_resources_available",
}
"""Calls that a model has; an event of another call does not break its protocol."""


@dataclass(frozen=True)
class Corruption:
    """One changed event."""

    kind: str
    what: str
    lines: Lines


def read(path: Path) -> tuple[dict[str, Any], Lines]:
    """The header and the lines of a recording."""
    with gzip.open(path, "rt") as file:
        header, *lines = (json.loads(line) for line in file)
    return header, lines


def write(path: Path, header: dict[str, Any], lines: Lines) -> None:
    """Write a recording whose lines are numbered anew, so that their numbers tell nothing."""
    with gzip.open(path, "wt") as file:
        file.write(json.dumps({**header, "lines": len(lines)}) + "\n")
        for number, line in enumerate(lines, 1):
            file.write(json.dumps({**line, "n": number}) + "\n")


def dropped(lines: Lines, dice: random.Random) -> Corruption:
    """One event of the protocol is missing."""
    calls = {line["m"]: line["call"] for line in lines if line["do"] == "send"}
    places = [
        i
        for i, line in enumerate(lines)
        if line["do"] in ("send", "hear", "reply", "react")
        and calls.get(line.get("m")) in PROTOCOL
        and "fault" not in line
    ]
    place = dice.choice(places)
    return Corruption("dropped", describe(lines[place]), lines[:place] + lines[place + 1 :])


def swapped(lines: Lines, dice: random.Random) -> Corruption:
    """A call is heard, or its answer given or got, before what it follows from."""
    calls = {line["m"]: line["call"] for line in lines if line["do"] == "send"}
    first: dict[tuple[int, str], int] = {}
    for i, line in enumerate(lines):
        if "m" in line:
            first.setdefault((line["m"], line["do"]), i)
    pairs = [
        (first[number, early], first[number, late])
        for number, call in calls.items()
        if call in PROTOCOL
        for early, late in (("send", "hear"), ("hear", "reply"), ("reply", "get"))
        if (number, early) in first and (number, late) in first
    ]
    one, other = dice.choice(pairs)
    changed = list(lines)
    changed[one], changed[other] = changed[other], changed[one]
    return Corruption("swapped", f"{describe(lines[one])} and {describe(lines[other])}", changed)


def changed(lines: Lines, dice: random.Random) -> Corruption:
    """One value of an event is another."""
    ways = list(changes(lines))
    if not ways:  # a run that ends before anything of that happens
        return dropped(lines, dice)
    place, line, what = dice.choice(ways)
    return Corruption("changed", what, [*lines[:place], line, *lines[place + 1 :]])


def changes(lines: Lines) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Every way to change a value: a name, an answer, or part of a state."""
    calls = {line["m"]: line["call"] for line in lines if line["do"] == "send"}
    for i, line in enumerate(lines):
        if line["do"] == "send" and line["call"] in PROTOCOL and "fault" not in line:
            text = json.dumps(line["args"])
            for old, new in (('"a1"', '"a9"'), ('"e1"', '"e9"'), ("FINISHED", "FAILED")):
                if old in text and line["call"] != "register_task_executor":
                    args = json.loads(text.replace(old, new))
                    yield i, {**line, "args": args}, f"{describe(line)}: {old} is {new}"
        offered = line["do"] == "reply" and calls.get(line.get("m")) == "offer_slots"
        if offered and line.get("answer"):
            yield i, {**line, "answer": []}, f"{describe(line)}: nothing accepted"
        state = line.get("state")
        if line["do"] != "done" or not state:
            continue
        text = json.dumps(state)
        for old, new in (
            ('"state": "ALLOCATED"', '"state": "FREE"'),
            ('"state": "ACTIVE"', '"state": "ALLOCATED"'),
            ('"state": "PENDING"', '"state": "ALLOCATED"'),
            ('"state": "RUNNING"', '"state": "DEPLOYING"'),
            ('"pending": ["a', '"pending": ["b'),
        ):
            if old in text and not ("tasks" in text and old == '"state": "ALLOCATED"'):
                after = json.loads(text.replace(old, new, 1))
                yield i, {**line, "state": after}, f"{describe(line)}: {old} is {new}"


def describe(line: dict[str, Any]) -> str:
    """A line in a few words."""
    parts = [line["do"], line.get("call"), line.get("at") or line.get("from"), line.get("m")]
    return f"line {line['n']}: {' '.join(str(part) for part in parts if part is not None)}"


KINDS = (dropped, swapped, changed)


def is_noticed(header: dict[str, Any], lines: Lines, folder: Path) -> bool:
    """Whether `conform` does not accept a recording."""
    path = folder / "corrupted.jsonl.gz"
    write(path, header, lines)
    report = conform(path)
    assert report.fault is None, report.fault
    return report.outcome is not Conformance.CONFORMS


def main() -> None:
    """Corrupt recordings, and print what is noticed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    seen: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            path = options.files[number % len(options.files)]
            header, lines = read(path)
            one = KINDS[number % len(KINDS)](lines, dice)
            seen[one.kind] += 1
            if is_noticed(header, one.lines, Path(folder)):
                noticed[one.kind] += 1
            else:
                print(f"unnoticed: {path.name}: {one.kind} {one.what}", flush=True)
    for kind, total in seen.items():
        print(f"{kind}: {noticed[kind]} of {total}")
    print(f"noticed: {sum(noticed.values())} of {sum(seen.values())}")


if __name__ == "__main__":
    main()
