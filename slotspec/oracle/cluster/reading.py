"""Reads recordings of clusters, and sorts their lines by call and step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from slotspec.oracle.cluster.recording import (
    CLUSTER_FORMAT_VERSION,
    JOB_MASTER,
    TERMINATE,
    Call,
    Header,
    Line,
    Recording,
    Step,
    kind_of,
    process_of,
)
from slotspec.oracle.traces.opening import first_object
from slotspec.oracle.traces.reading import TraceReader, printable, shown
from slotspec.oracle.traces.trace import CLUSTER_FORMAT, FORMAT, TraceHeader
from slotspec.statemachine.errors import InputError

OTHER_THREADS = ("register_", "update_task_execution_state")
"""What calls of other threads begin with that keep their place among those of the main thread."""
SEEN = 65536
"""Bytes of a file that are read to find out its format."""


def is_cluster_recording(path: str | Path) -> bool:
    """Whether the first line of a file is the header of one; False for an unreadable file."""
    return first_object(path, SEEN).get("format") == CLUSTER_FORMAT


class RecordingReader(TraceReader):
    """Reads the lines of a recording; files, lines and JSON are read as for any trace.

    :raises InputError: as :class:`TraceReader`.
    """

    header_line: Header

    def _header(self) -> TraceHeader:
        try:
            header = msgspec.convert(self._object(self._next_line()), Header)
        except msgspec.ValidationError as error:
            self._fail("TRC012", f"header: {error}; a recorder writes it")
        if header.format_version != CLUSTER_FORMAT_VERSION:
            self._fail(
                "TRC009",
                f"the format is number {header.format_version}; this version reads"
                f" {CLUSTER_FORMAT_VERSION}",
            )
        self.header_line = header
        return TraceHeader(FORMAT, CLUSTER_FORMAT, header.flink, {}, {})

    def recorded(self) -> list[Line]:
        """Every line after the header.

        :raises InputError: ``TRC018`` for a line with an ill-typed field, ``TRC014`` for none.
        """
        found = []
        while text := self._next_line():
            try:
                found.append(msgspec.convert(self._object(text), Line))
            except msgspec.ValidationError as error:
                self._fail("TRC018", f"{error}; record again")
        if not found:
            self._fail("TRC014", "the recording has no line after its header")
        if self.header_line.lines not in (None, len(found)):
            self._fail(
                "TRC004",
                f"the header promises {self.header_line.lines} lines, there are {len(found)};"
                " use the whole recording",
            )
        return found


def read(path: str | Path) -> Recording:
    """Read a recording, and sort its lines by call and step.

    :raises InputError: for a file that is no recording, or contradicts itself (``TRC024``): a
        call that is heard but was not sent, heard twice, or answered before it was heard.
    """
    with RecordingReader(path) as reader:
        lines = reader.recorded()
        return sorted_lines(reader.header_line, lines, printable(path))


def sorted_lines(
    header: Header, lines: list[Line], path: str = "recording", *, whole: bool = True
) -> Recording:
    """The steps and calls of a recording.

    :param whole: whether no line may be missing.
    """
    return _Sorter(header, path).sort(lines, whole)


class _Sorter:
    def __init__(self, header: Header, path: str) -> None:
        self.recording = Recording(header, [], {}, [])
        self.path = path
        self.open: dict[int, Step] = {}
        self.ended: set[int] = set()
        self.dead: set[str] = set()
        self.known: set[str] = set()

    def reject(self, line: Line, why: str) -> None:
        raise InputError("TRC024", f"{self.path}:{line.n + 1}: {why}; record again")

    def sort(self, lines: list[Line], whole: bool) -> Recording:
        previous = 0
        for line in lines:
            if whole and line.n != previous + 1:
                self.reject(line, f"line number {line.n} follows {previous}")
            previous = line.n
            getattr(self, f"_{line.do}", self._unknown)(line)
        self.recording.lines = lines
        self.put_other_threads_first()
        self.recording.steps.sort(key=lambda step: step.line)
        return self.recording

    def put_other_threads_first(self) -> None:
        """Let a step begin where it first calls somebody, if another thread's call comes before.

        Another thread registers, or reports that a task runs, while the step goes on, and the step
        is explained at once.
        """
        others = [
            step.call
            for step in self.recording.steps
            if step.trigger == "send" and step.call and step.call.name.startswith(OTHER_THREADS)
        ]
        for other in others:
            for step in self.recording.steps:
                told = [call.line for call in step.sent if call.receiver == other.receiver]
                if (
                    step.process == process_of(other.sender)
                    and told
                    and step.line < other.line < told[0]
                ):
                    step.line = told[0]

    def _unknown(self, line: Line) -> None:
        self.reject(line, f"{shown(line.do)} is no event")

    def call(self, line: Line) -> Call | None:
        """The call that a line is about; None for one that was sent where nobody listened."""
        if line.m is None or line.m not in self.recording.calls:
            if not line.unmatched and line.m is not None:
                self.reject(line, f"call {line.m} was never sent")
            return None
        return self.recording.calls[line.m]

    def step(self, line: Line, trigger: str, call: Call | None = None) -> Step:
        """The step of a main thread that a line belongs to."""
        assert line.step is not None
        if line.step in self.ended:
            self.reject(line, f"step {line.step} has ended before")
        found = self.open.get(line.step)
        if found is None:
            at = line.at or line.sender or ""
            process = process_of(at)
            found = Step(
                process, process, trigger, line.n, line.n, call, number=line.step, ended=False
            )
            self.open[line.step] = found
            if at not in self.dead:
                self.recording.steps.append(found)
        found.last = line.n
        return found

    def add(self, process: str, lane: str, trigger: str, line: Line, **more: Any) -> None:
        self.recording.steps.append(Step(process, lane, trigger, line.n, line.n, **more))

    def _endpoint(self, line: Line) -> None:
        at = line.at or ""
        if kind_of(at) in ("tm", "rm", "jm"):
            self.known.add(at)
            process = process_of(at)
            self.add(process, process, "endpoint", line, why=at)

    def _send(self, line: Line) -> None:
        if line.m is None or line.sender is None or line.receiver is None or line.call is None:
            self.reject(line, "a send has no number, sender, receiver or call")
            return
        if line.m in self.recording.calls:
            self.reject(line, f"call {line.m} is sent twice")
        call = Call(
            line.m, line.call, line.sender, line.receiver, line.args, line.n, fault=line.fault
        )
        self.recording.calls[line.m] = call
        if line.sender in self.dead:
            return
        process = process_of(line.sender)
        if line.step is not None and line.step not in self.ended:
            step = self.step(line, "local")
            step.sent.append(call)
        else:
            self.add(process, f"{process} calls", "send", line, call=call)

    def _hear(self, line: Line) -> None:
        if line.unmatched and line.m is not None and line.m not in self.recording.calls:
            unsent = Call(line.m, line.call or "", "dispatcher", line.at or "", line.args, line.n)
            self.recording.calls[line.m] = unsent
        call = self.call(line)
        if call is not None:
            if call.heard or call.refused:
                self.reject(line, f"call {call.number} is heard twice")
            if call.receiver != line.at or call.name != line.call:
                self.reject(line, f"call {call.number} was another call, or to somebody else")
            call.heard = True
        step = self.step(line, "message", call)
        step.trigger, step.call, step.line = "message", call, line.n
        step.why = line.call or ""

    def _refuse(self, line: Line) -> None:
        call = self.call(line)
        if call is not None:
            if call.heard:
                self.reject(line, f"call {call.number} is heard and refused")
            call.refused = True
            process = process_of(line.at or call.receiver)
            self.add(process, f"{process} refusals", "refuse", line, call=call)

    def _reply(self, line: Line) -> None:
        call = self.call(line)
        if call is not None:
            if not call.heard:
                self.reject(line, f"call {call.number} is answered before it is heard")
            if call.has_answer:
                self.reject(line, f"call {call.number} is answered twice")
            call.answer, call.has_answer = line.answer, line.error is None
        if line.step is not None:
            self.step(line, "local")

    def _get(self, line: Line) -> None:
        call = self.call(line)
        if call is None:
            return
        if line.error is None and not call.has_answer:
            self.reject(line, f"the answer to call {call.number} comes before it is given")
        if line.error is None and line.answer != call.answer:
            self.reject(line, f"the answer to call {call.number} has changed on its way")
        call.got = True
        if call.error is None:
            call.error = line.error

    def _react(self, line: Line) -> None:
        call = self.call(line)
        if call is not None and not call.got:
            self.reject(line, f"the answer to call {call.number} is reacted to before it is there")
        step = self.step(line, "answer", call)
        step.trigger, step.call = "answer", call

    def _done(self, line: Line) -> None:
        if line.step is None:
            self.reject(line, "a step that ends has no number")
        why = (line.why or "local").split()[0]
        step = self.step(line, "local")
        if step.trigger == "local" and why not in ("message", "answer"):
            step.trigger = why
        step.why = line.why or ""
        if why == TERMINATE and step.process.startswith("tm") and line.at not in self.dead:
            step.trigger = "fault"  # the cluster shuts down: the process ends here
            self.dead.add(line.at or "")
        step.ended = line.at not in self.dead
        if line.at not in self.dead:
            step.state = line.state
        for number in line.sent:
            if number not in self.recording.calls:
                self.reject(line, f"call {number} was never sent")
        if {c.number for c in step.sent} - set(line.sent) and step.sent:
            self.reject(line, "the step has sent calls that it does not list")
        alive = line.at not in self.dead
        if alive and set(line.sent) - {c.number for c in step.sent}:
            self.reject(line, "the step lists calls that it has not sent")
        first = step.why.split()
        if first[:1] == ["message"] and step.trigger != "message":
            self.reject(line, f"call {first[-1]} was handled and not heard")
        if first[:1] == ["answer"] and step.trigger != "answer":
            self.reject(line, f"the answer to call {first[-1]} was not reacted to")
        assert line.step is not None
        self.ended.add(line.step)
        self.open.pop(line.step)

    def _lost(self, line: Line) -> None:
        call = self.call(line)
        if call is not None and line.why == "dead" and call.fault is None and not call.heard:
            call.fault = "dead"

    def _fault(self, line: Line) -> None:
        at = line.at or ""
        process = process_of(at)
        if line.what in ("crash", "kill"):
            known = {one for one in self.known if process_of(one) == process}
            if known and known <= self.dead:
                return  # it has ended before, as the cluster shut down
            self.dead.update(known)
        self.add(process, process, "fault", line, why=line.what or "")

    def _trouble(self, line: Line) -> None:
        """The recorder could not do what its plan asks for: nothing happened."""

    def _user(self, line: Line) -> None:
        if line.what in ("cancel job", "cancel job, since it takes too long", "cancel"):
            self.add(JOB_MASTER, "user", "user", line, why="cancel")
