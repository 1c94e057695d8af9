"""Recordings of clusters (format ``slotspec.cluster-recording``).

A recording says what JobMaster, ResourceManager and TaskExecutors told each other about slots,
and what each remembered at the end of each step of its main thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

CLUSTER_FORMAT_VERSION = 1

JOB_MASTER, RESOURCE_MANAGER = "jm", "rm"
TERMINATE = "terminate"
"""Why an endpoint ends by itself; a TaskExecutor does so if the whole cluster shuts down."""
DEATHS = ("crash", "kill", TERMINATE)
"""Faults after which a TaskExecutor is gone."""
REPEAT = "repeat of "
"""What the fault of a call begins with that repeats another; that one's number follows."""


class Header(msgspec.Struct, frozen=True):
    """The first line of a recording; the rest of it is for people."""

    format: str
    format_version: int
    flink: str
    plan: dict[str, Any]
    lines: int | None = None


class Line(msgspec.Struct, frozen=True):
    """Every other line: what happened, where, and what it is about."""

    n: int
    do: str
    us: int = 0
    at: str | None = None
    m: int | None = None
    sender: str | None = msgspec.field(default=None, name="from")
    receiver: str | None = msgspec.field(default=None, name="to")
    call: str | None = None
    args: list[Any] = msgspec.field(default_factory=list)
    step: int | None = None
    thread: str | None = None
    after: int | None = None
    fault: str | None = None
    ms: float | None = None
    answer: Any = None
    error: list[str] | None = None
    late: bool = False
    why: str | None = None
    sent: list[int] = msgspec.field(default_factory=list)
    state: dict[str, Any] | None = None
    what: str | None = None
    value: Any = None
    unmatched: bool = False


@dataclass
class Call:
    """A recorded call: who made it, what became of it.

    :param fault: what the plan did to it.
    :param answer: the callee's answer; None if it never answered.
    :param error: the exception that the caller saw, with its causes.
    """

    number: int
    name: str
    sender: str
    receiver: str
    arguments: list[Any]
    line: int
    fault: str | None = None
    answer: Any = None
    has_answer: bool = False
    refused: bool = False
    error: list[str] | None = None
    heard: bool = False
    got: bool = False

    @property
    def arrives(self) -> bool:
        """Whether the callee got it."""
        return self.heard or self.refused

    @property
    def timed_out(self) -> bool:
        """Whether the caller had no answer in time."""
        return self.error is not None and "TimeoutException" in self.error

    @property
    def repeats(self) -> int | None:
        """The number of the call that it repeats, right behind it; None if it repeats none."""
        if self.fault is None or not self.fault.startswith(REPEAT):
            return None
        return int(self.fault.removeprefix(REPEAT))

    @property
    def kind(self) -> tuple[str, str, str]:
        """Its name, and the kinds of its ends."""
        return self.name, kind_of(self.sender), kind_of(self.receiver)


@dataclass
class Step:
    """What one thread of a process did at a time: a step of its main thread, or one call.

    :param process: such as ``jm`` or ``tm1``, whichever endpoint of this name it is.
    :param lane: the process, or one that counts the calls of its other threads.
    :param trigger: ``message``, ``answer``, ``local``, ``send``, ``fault``, ``user`` …
    :param call: the call that it handles, reacts to, or makes.
    :param sent: calls that it makes.
    :param state: the endpoint's state afterwards, if it has changed.
    :param ended: whether it has ended; not if its process has died in it.
    """

    process: str
    lane: str
    trigger: str
    line: int
    last: int
    call: Call | None = None
    why: str = ""
    number: int | None = None
    sent: list[Call] = field(default_factory=list)
    state: dict[str, Any] | None = None
    ended: bool = True

    @property
    def made(self) -> list[Call]:
        """The calls that are made in it, by whichever thread."""
        if self.trigger == "send" and self.call is not None:
            return [*self.sent, self.call]
        return self.sent

    @property
    def queued_by(self) -> int | None:
        """The number of the step that queued it; None if none did."""
        words = self.why.split()
        return int(words[1]) if words[:1] == ["step"] else None

    def __str__(self) -> str:
        what = f" {self.call.name} #{self.call.number}" if self.call else ""
        return f"{self.process}: {self.trigger}{what} {self.why}".rstrip()


@dataclass
class Recording:
    """A recording, sorted by process.

    :param unknown: lines whose state was removed, so nothing is known until the next one.
    """

    header: Header
    lines: list[Line]
    calls: dict[int, Call]
    steps: list[Step]
    unknown: frozenset[int] = frozenset()

    @property
    def generation(self) -> str:
        """The minor version of Flink."""
        return ".".join(self.header.flink.split(".")[:2])

    @cached_property
    def _numbered(self) -> dict[int, Step]:
        return {step.number: step for step in self.steps if step.number is not None}

    def sent_before(self, step: Step) -> list[Call]:
        """The calls of the step that queued this one."""
        queued_by = step.queued_by
        begun = None if queued_by is None else self._numbered.get(queued_by)
        return [] if begun is None else begun.sent


def kind_of(endpoint: str) -> str:
    """``jm``, ``rm`` or ``tm``, whichever the endpoint's number; other names as they are."""
    return "tm" if endpoint.startswith("tm") else process_of(endpoint)


def process_of(endpoint: str) -> str:
    """The name that an endpoint shares with its successors: ``tm1.2`` is another ``tm1``."""
    return endpoint.split(".")[0]
