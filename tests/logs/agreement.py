"""Compares what logs tell with the recordings of the same runs.

``python -m tests.logs.agreement LOGS RECORDINGS`` compares all runs of ``LOGS/VERSION/RUN`` with
``RECORDINGS/VERSION/RUN.jsonl.gz`` and prints a table.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from slotspec.logs.facts import FACTS, Answer
from slotspec.logs.findings import Report
from slotspec.logs.line_kinds import Level
from slotspec.logs.questions import answer
from slotspec.logs.reading import Options, read
from slotspec.logs.stories import stories
from slotspec.oracle.cluster.reading import read as read_recording
from slotspec.oracle.cluster.recording import Line, Recording


@dataclass
class Truth:
    """What a recording tells of one allocation.

    :param unknown: facts about whose truth it does not tell: a TaskExecutor was killed while it
        had the slot, or still had it when the recording ended.
    """

    facts: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    asked_of: str | None = None


class _Truths:
    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.found: dict[str, Truth] = {}
        self.slots: dict[str, dict[str, str]] = {}

    def add(self, allocation: str, *facts: str) -> Truth:
        truth = self.found.setdefault(allocation, Truth())
        truth.facts.update(facts)
        return truth

    def read(self) -> dict[str, Truth]:
        for line in self.recording.lines:
            if line.do == "fault" and line.what in ("crash", "kill"):
                for allocation in self.slots.get(line.at or "", {}):
                    self.add(allocation).unknown.add("freed")
            elif line.do == "done" and line.state is not None:
                self.state(line.at or "", line.state)
            elif line.m in self.recording.calls:
                self.call(line)
        for held in self.slots.values():
            for allocation in held:
                self.add(allocation).unknown.add("freed")
        return self.found

    def call(self, line: Line) -> None:
        assert line.m is not None
        call = self.recording.calls[line.m]
        if call.name == "request_slot" and call.sender.startswith("jm"):
            self.add(call.arguments[1], *(["requested"] if line.do == "send" else []))
        elif call.name == "request_slot":
            truth = self.add(call.arguments[2], *(["asked"] if line.do == "hear" else []))
            truth.asked_of = call.receiver.partition(".")[0]
        elif call.name == "offer_slots" and line.do == "hear":
            for _, allocation in call.arguments[1]:
                self.add(allocation, "offered")
        elif call.name == "offer_slots" and line.do == "reply" and isinstance(line.answer, list):
            for _, allocation in line.answer:
                self.add(allocation, "accepted")
        elif call.name == "submit_task":
            allocation = call.arguments[0]["allocation"]
            if line.do == "send":
                self.add(allocation, "deployed")
            elif line.do == "reply" and line.answer == "ok":
                self.add(allocation, "used")

    def state(self, at: str, state: dict[str, object]) -> None:
        if at.startswith("tm"):
            slots = state["slots"]
            assert isinstance(slots, list)
            now = {slot["allocation"]: slot["state"] for slot in slots}
            for allocation, name in now.items():
                self.add(allocation, "confirmed", *(["active"] if name == "ACTIVE" else []))
            for allocation in self.slots.get(at, {}):
                if now.get(allocation, "RELEASING") == "RELEASING":
                    self.add(allocation, "freed")
            self.slots[at] = now
        elif at.startswith("jm"):
            tasks, pool = state["tasks"], state["pool"]
            assert isinstance(tasks, list)
            assert isinstance(pool, dict)
            for task in tasks:
                if task["allocation"] and task["state"] not in ("CREATED", "SCHEDULED"):
                    self.add(task["allocation"], "deployed")
            for part in ("allocated", "available", "slots"):
                for slot in pool.get(part, []):
                    self.add(slot["allocation"], "accepted")


@dataclass
class Agreement:
    """How often log and recording say the same, and where they do not."""

    counts: Counter[str] = field(default_factory=Counter)
    open_facts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def report_of(logs: Path, level: Level, version: str) -> Report:
    """What the logs tell at a level."""
    return answer(stories(read([logs], Options(level=level, version=version))))


def compare(logs: Path, recording: Path, level: Level) -> Agreement:
    """Compare the facts about every allocation. The ids are matched in their order."""
    recorded = read_recording(recording)
    truths = _Truths(recorded).read()
    if recorded.generation == "1.11":
        # 1.11 does not log the allocation id of a request that never reaches the ResourceManager
        truths = {name: truth for name, truth in truths.items() if truth.asked_of}
    report = report_of(logs, level, recorded.header.flink)
    agreement = Agreement()
    found = list(report.cluster.allocations.values())
    if len(found) != len(truths):
        agreement.wrong.append(f"{len(found)} allocations in the log, {len(truths)} recorded")
    for one, (name, truth) in zip(found, truths.items(), strict=False):
        if one.tm and truth.asked_of and one.tm != truth.asked_of:
            agreement.wrong.append(f"{name}: on {one.tm} by the log, on {truth.asked_of}")
        verdict = report.verdicts[one.id]
        agreement.wrong += [f"{name}: {found}" for found in verdict.divergences]
        for fact in FACTS:
            said = verdict.facts[fact].answer
            happened = fact in truth.facts
            if said is Answer.UNDETERMINED:
                agreement.counts["undetermined"] += 1
                agreement.open_facts[fact] += 1
            elif (said is Answer.YES) == happened:
                agreement.counts["agree"] += 1
            elif fact in truth.unknown:
                agreement.counts["not recorded"] += 1
            else:
                agreement.wrong.append(f"{name} {fact}: {said.value} by the log, and {happened}")
    return agreement


def main(logs: Path, recordings: Path) -> None:
    """Compare all runs and print a table."""
    for version in sorted(path for path in logs.iterdir() if path.is_dir()):
        for level in (Level.DEBUG, Level.INFO):
            total = Agreement()
            runs = sorted(version.iterdir())
            for run in runs:
                one = compare(run, recordings / version.name / f"{run.name}.jsonl.gz", level)
                total.counts += one.counts
                total.open_facts += one.open_facts
                total.wrong += [f"{run.name} {text}" for text in one.wrong]
            share = total.counts["undetermined"] / max(1, total.counts.total())
            print(
                f"{version.name} {level.name:5} {len(runs):3} runs {dict(total.counts)}"
                f" undetermined {share:.1%} {dict(total.open_facts)}"
            )
            for text in total.wrong:
                print(f"    {text}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
