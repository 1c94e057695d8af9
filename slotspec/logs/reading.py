"""Reads log files into events: one for each line that tells something about slots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from slotspec.logs.clocks import offsets
from slotspec.logs.events import Event, Place, ProcessLog
from slotspec.logs.files import LineReader, LogFile, Process, find
from slotspec.logs.known_lines import LINES
from slotspec.logs.layout import Layout, seconds
from slotspec.logs.levels import RUNTIME
from slotspec.logs.line_kinds import Level, minor
from slotspec.logs.mixture import check_one_cluster, version_of
from slotspec.logs.moments import Moment, check_times
from slotspec.oracle.traces.reading import shown
from slotspec.statemachine.errors import InputError, UsageError

MOST_EVENTS = 400_000
"""Lines about slots that are kept: about 400 MB."""
MOST_FOLLOWING = 400
"""Lines that follow one with a time, such as a stack trace, that are looked at."""
LONGEST_TEXT = 600
MOST_OF_TIME = 40
"""Characters of a time that is none that are shown."""
BACKWARDS = 2.0
"""Seconds that the time of a file may step back between two lines of several threads."""

_CAUSE = re.compile(r"(?:Caused by: )?([\w.$]*(?:Exception|Error|Throwable)\b.*)")
_SLOT = re.compile(r"slotID=(\S+)_(-?\d+), allocationID=(\w+)")
_OFFER = re.compile(r"SlotOffer\{allocationId=(\w+), slotIndex=(\d+)")
_REQUIRED = re.compile(r"numberOfRequiredSlots=(\d+)")
_VERSION = re.compile(
    rb"\(Version: (\d+\.\d+(?:\.\d+)?)|flink-dist(?:_[.\d]+)?-(\d+\.\d+\.\d+)\.jar"
)
_ENDPOINT = re.compile(r"(?:jm|rm|(tm\d+))(?:\.\d+)?")
_STARTS = (b"Preconfiguration", b"----", b"Entrypoint.", b"Starting Flink Mini Cluster")
"""What the first line of a process says."""
_LEVELS = {level.name.encode(): level for level in Level}
_LOGGERS = frozenset(name.encode() for name in LINES.by_logger)


@dataclass
class Logs:
    """Everything that was read."""

    processes: list[ProcessLog]
    left_out: list[str]
    version: str | None
    old: bool = False
    """Whether the JobMaster has the slot pool of 1.11 to 1.13, not the declarative one."""

    @property
    def wording(self) -> str | None:
        """The version whose lines these are: 1.13 can have the slot pool of 1.14."""
        if self.version is None or self.old or minor(self.version) >= (1, 14):
            return self.version
        return "1.14"

    @property
    def lines(self) -> int:
        """Lines of all files."""
        return sum(process.lines for process in self.processes)

    @property
    def events(self) -> int:
        """Lines that tell about slots."""
        return sum(len(process.events) for process in self.processes)


@dataclass(frozen=True)
class Options:
    """How to read: see ``slotspec logs``."""

    layout: Layout = field(default_factory=lambda: Layout.of(None))
    level: Level = Level.TRACE
    version: str | None = None
    since: Moment | None = None
    until: Moment | None = None


def read(paths: Sequence[str | Path], options: Options | None = None) -> Logs:
    """Read log files and folders of them.

    :raises InputError: ``LOG001`` for a file that cannot be read, ``LOG002`` if no line has the
        layout, ``LOG003`` if there are too many lines about slots, ``LOG004`` if the logs are
        of several clusters or versions.
    :raises UsageError: ``SET131`` for a path that cannot be used, ``SET134`` for a version that is
        not that of the logs.
    """
    options = options or Options()
    processes, left_out = find(paths)
    apart = _clocks_apart(processes, options)
    logs = [
        _ProcessReader(process, options, left_out, apart.get(process.name, 0.0)).read()
        for process in processes
    ]
    known = [log for log in logs if log.first is not None]
    left_out += [
        f"{name}: {_why_unread(log)}" for log in logs if log.first is None for name in log.files
    ]
    if not known:
        given = ", ".join(str(path) for path in paths)
        strange = next((log for log in logs if log.no_time is not None), None)
        if strange is not None:
            raise InputError(
                "LOG002",
                f"{given}: {_why_unread(strange)}; let the group time of --layout match all of one"
                " such as 2026-11-21 15:04:00,123",
            )
        raise InputError(
            "LOG002",
            f"{given}: no line has the layout of a Flink log;"
            " name the folder of the logs, or give their --layout",
        )
    if sum(len(log.events) for log in known) > MOST_EVENTS:
        raise too_many()
    check_times(known, options.since, options.until)
    check_one_cluster(known)
    _check_version(options.version, known)
    version = options.version or version_of(known)
    return Logs(known, left_out, version, _is_old(known, version))


def _check_version(given: str | None, logs: Sequence[ProcessLog]) -> None:
    """Refuse a version that is not the one that the logs say: its lines would be misread."""
    said = next((log for log in logs if log.version is not None), None)
    if given is None or said is None or said.version is None:
        return
    if minor(said.version) != minor(given):
        raise UsageError(
            "SET134",
            f"--flink-version {given}: {said.files[0]} says that it is of Flink {said.version};"
            " leave the option out",
        )


def _why_unread(log: ProcessLog) -> str:
    if log.no_time is None:
        return "no line has the layout of a log"
    return f"{shown(log.no_time)} is no date with a time"


def _clocks_apart(processes: Sequence[Process], options: Options) -> dict[str, float]:
    """By process, how far its clock is ahead of that of the JobManager.

    ``since`` and ``until`` are times of the JobManager. How far clocks are apart may be told by
    lines that they leave out, so all are read. If there are too many, no clock is corrected here.
    """
    if len(processes) == 1 or (options.since is None and options.until is None):
        return {}
    whole = replace(options, since=None, until=None)
    try:
        logs = [_ProcessReader(process, whole, []).read() for process in processes]
    except InputError:
        return {}
    if sum(len(log.events) for log in logs) > MOST_EVENTS:
        return {}
    found = offsets(log for log in logs if log.first is not None)
    return {name: one.seconds for name, one in found.items() if not one.contradictory}


def too_many() -> InputError:
    """The error for more lines than are kept."""
    return InputError(
        "LOG003",
        f"more than {MOST_EVENTS:,} lines about slots; name part of the time with --since and"
        " --until",
    )


def _is_old(logs: list[ProcessLog], version: str | None) -> bool:
    """Whether the logs are those of the slot pool of 1.11 to 1.13."""
    if version is None or minor(version) >= (1, 14):
        return False
    return not any(event.kind.versions == ("1.14", None) for log in logs for event in log.events)


class _ProcessReader:
    def __init__(
        self, process: Process, options: Options, left_out: list[str], apart: float = 0.0
    ) -> None:
        self.process = process
        self.options = options
        self.left_out = left_out
        self.log = ProcessLog(process.name, apart=apart)
        self.open: Event | None = None
        self.following = 0
        self.reports: dict[str, Event] = {}

    def read(self) -> ProcessLog:
        for file in self._in_order():
            self.log.files.append(file.shown)
            self._read(file)
        return self.log

    def _in_order(self) -> list[LogFile]:
        """The files of a process by the time of their first line."""
        files = self.process.files
        if len(files) == 1:
            return files
        return sorted(files, key=lambda file: (self._first_time(file), file.shown))

    def _first_time(self, file: LogFile) -> float:
        for number, line in enumerate(LineReader(file)):
            found = self.options.layout.pattern.match(line)
            if found is not None:
                return _time(found) or 0.0
            if number > MOST_FOLLOWING:
                break
        return 0.0

    def _read(self, file: LogFile) -> None:
        reader = LineReader(file)
        match = self.options.layout.pattern.match
        usual = self.options.layout.usual
        log, threshold = self.log, self.options.level
        levels = log.levels
        latest = levels.most
        last = b""
        for line in reader:
            parts = line.split(None, 4) if usual else ()
            if len(parts) == 5 and parts[2] in _LEVELS and parts[3][:1].isalpha():
                # the layout of Flink: most lines are of other classes, and need no more than this
                found = None
                level, logger = _LEVELS[parts[2]], parts[3]
            else:
                found = match(line)
                if found is None:
                    self._follow(line)
                    continue
                level, logger = _LEVELS.get(found["level"].upper(), Level.INFO), found["logger"]
            last = line
            if self.open is not None:
                self._close()
            if level < threshold:
                continue
            name = logger[logger.rfind(b".") + 1 :]
            if level < latest and (name in _LOGGERS or logger.startswith(RUNTIME)):
                if level >= Level.INFO:
                    levels.usual = latest = level
                elif name.decode("utf-8", "replace") not in levels.talks:
                    found = found or match(line)
                    time = None if found is None else _time(found)
                    if time is not None:
                        levels.talk(logger, name in _LOGGERS, time)
                        latest = levels.most
            says = b"(Version: " in line or (log.version is None and b"flink-dist" in line)
            if name in _LOGGERS or log.first is None or says:
                found = found or match(line)
                if found is None:
                    self._follow(line)
                    continue
                if says or log.first is None:
                    self._note(found, line)
                if name in _LOGGERS:
                    self._event(found, name.decode(), file.shown, reader.number)
        self._close()
        ends = match(last)
        if ends is not None:
            log.end = _time(ends) or log.end
        log.lines += reader.number
        log.cut += reader.cut

    def _note(self, found: re.Match[bytes], line: bytes) -> None:
        """The first time of a log, and the version that Flink prints at its start."""
        if self.log.first is None:
            time = _time(found)
            log, options = self.log, self.options
            if time is None:
                log.no_time = found["time"].decode("utf-8", "replace")[:MOST_OF_TIME]
            log.first = log.last = time
            log.from_start = any(words in line for words in _STARTS)
            if time is not None:
                here = time - log.apart
                log.since = options.since.near(here) + log.apart if options.since else None
                log.until = options.until.near(here) + log.apart if options.until else None
        said = _VERSION.search(line)
        if said is not None:
            self._says(said, _time(found))

    def _says(self, said: re.Match[bytes], time: float | None) -> None:
        """A process says its version; of an upgrade, that before ``since`` does not count."""
        log = self.log
        if time is not None and log.until is not None and time > log.until:
            return
        if time is not None and log.since is not None and time < log.since:
            log.versions.clear()
        log.version = (said[1] or said[2]).decode()
        log.versions.add(log.version)

    def _event(self, found: re.Match[bytes], logger: str, file: str, number: int) -> None:
        text = found["text"].decode("utf-8", "replace")
        known = LINES.find(logger, text)
        if known is None:
            return
        kind, fields = known
        time = _time(found)
        if time is None:
            self.log.unread += 1
            return
        log = self.log
        if (log.since is not None and time < log.since) or (
            log.until is not None and time > log.until
        ):
            return
        if log.last is not None and time < log.last:
            log.backwards += time < log.last - BACKWARDS
        log.last = max(time, log.last or time)
        context = found.groupdict().get("context")
        endpoint = _ENDPOINT.fullmatch(context.decode("utf-8", "replace")) if context else None
        event = Event(
            time,
            log.name,
            len(log.events),
            kind,
            {name: value for name, value in fields.items() if name != "items"},
            Place(file, number),
            text[:LONGEST_TEXT],
            endpoint[0] if endpoint else None,
        )
        log.parties.add(kind.party)
        if kind.name == "task_manager_starts":
            log.resource_id = fields["tm"]
        if "items" in fields:
            self._items(event, text)
        self.open = event
        self.following = 0

    def _items(self, event: Event, text: str) -> None:
        if event.name == "slot_report":
            event.items += tuple(_SLOT.findall(text))
        elif event.name == "offers_received":
            event.items += tuple(_OFFER.findall(text))
        elif event.name == "requirements_received":
            event.fields["count"] = str(sum(int(n) for n in _REQUIRED.findall(text)))

    def _follow(self, line: bytes) -> None:
        """A line without a time: more of the last one."""
        if self.log.version is None and b".jar" in line:
            said = _VERSION.search(line)
            if said is not None:
                self._says(said, None)
        event = self.open
        if event is None or self.following >= MOST_FOLLOWING:
            return
        self.following += 1
        text = line.decode("utf-8", "replace")
        if event.name == "slot_report":
            event.items += tuple(_SLOT.findall(text))
        elif event.kind.causes:
            found = _CAUSE.match(text)
            if found is not None and (event.cause is None or text.startswith("Caused by")):
                event.cause = found[1][:LONGEST_TEXT]

    def _close(self) -> None:
        """The event whose lines have ended is kept, unless it repeats the report before."""
        event, self.open = self.open, None
        if event is None:
            return
        if event.name == "slot_report":
            instance = event.fields["instance"]
            before = self.reports.get(instance)
            if before is not None and before.items == event.items:
                before.repeated += 1
                return
            self.reports[instance] = event
        event.order = len(self.log.events)
        self.log.events.append(event)
        if len(self.log.events) > MOST_EVENTS:
            raise too_many()


def _time(found: re.Match[bytes]) -> float | None:
    """The time of a line that has the layout."""
    return seconds(found["time"].decode("utf-8", "replace"))
