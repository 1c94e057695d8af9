"""Makes one recording of the files that the processes of a cluster wrote.

The agent of each process writes its own lines, with raw ids and with addresses for endpoints of
other processes. Here ids get names in the order of their first sight, messages are matched by
callee, call and arguments, first in first out, and lines are put into one order: each process's
own, and no message heard before it is sent.
"""

from __future__ import annotations

import heapq
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from slotspec.oracle.cluster.recording import CLUSTER_FORMAT_VERSION
from slotspec.oracle.traces.trace import CLUSTER_FORMAT
from slotspec.statemachine.errors import InputError

PROCESS_FORMAT = "slotspec.process-recording"
PROCESS_FORMAT_VERSION = 1
NO_PROCESS = "driver"
"""Lines of whoever kills, stops and starts processes."""

_KINDS = re.compile(r"(a|i|e|r|jl|rl|job|x):(.+)", re.DOTALL)
_SLOT = re.compile(r"slot:(-?\d+):(x:.+)", re.DOTALL)
_ADDRESS = re.compile(r"@\w+(?:\.tcp)?://[\w-]+@([^/]+)/user/(?:rpc/)?([a-z]+)")
_NAMED = re.compile(r"x:tm\d+")
_ORDINAL = re.compile(r"(message|answer|step) (\d+)")


@dataclass
class Part:
    """The lines of one process."""

    tag: str
    boot: str | None
    shift: int
    lines: list[dict[str, Any]]
    pid: int | None = None
    next: int = 0

    def time(self) -> int:
        """When its next line was written, in microseconds."""
        return int(self.lines[self.next]["us"]) + self.shift


def read_part(path: Path) -> Part:
    """Read the file of one process. A last line that was cut off by a kill is left out.

    :raises InputError: ``REC003`` if it is no such file.
    """
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("REC003", f"{path}: {error}; use what the recorder wrote") from None
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(texts, 1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("us"), int) or "do" not in line:
            if number == len(texts):
                break
            raise InputError(
                "REC003", f"{path}:{number} is no line of the recorder; copy the file again"
            )
        lines.append(line)
    if not lines or lines[0].get("format") != PROCESS_FORMAT:
        raise InputError(
            "REC003", f"{path} does not begin as the recorder's files do; leave it out"
        )
    if lines[0].get("format_version") != PROCESS_FORMAT_VERSION:
        raise InputError(
            "REC003", f"{path} has another format version; merge with the slotspec that recorded"
        )
    head = lines.pop(0)
    shift = int(head.get("wall_us", 0)) - int(head["us"])
    return Part(path.stem, head.get("boot"), shift, lines, head.get("pid"))


@dataclass(frozen=True)
class Cost:
    """What recording cost the processes: microseconds a line, and a state after each step."""

    lines: int
    line_us: float
    state_us: float

    def __str__(self) -> str:
        return f"{self.line_us:.0f} µs a line, {self.state_us:.0f} µs a state"


def cost(parts: list[Part]) -> Cost | None:
    """The cost of all processes, as their last lines about it say; None for short recordings."""
    lasts = [
        next((line for line in reversed(part.lines) if line["do"] == "cost"), None)
        for part in parts
    ]
    known = [line for line in lasts if line is not None]
    if not known:
        return None
    lines = sum(line["lines"] for line in known)
    steps = sum(line["steps"] for line in known)
    return Cost(
        lines,
        sum(line["writing_us"] for line in known) / max(1, lines),
        sum(line["states_us"] for line in known) / max(1, steps),
    )


def merge(paths: list[Path], plan: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The header and the lines of the recording.

    :raises InputError: ``REC003`` for a file that the recorder did not write, or for none.
    """
    return merge_parts([read_part(path) for path in sorted(paths)], plan)


def merge_parts(parts: list[Part], plan: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The header and the lines of the recording of processes that were read."""
    if not any(line["do"] == "endpoint" for part in parts for line in part.lines):
        raise InputError(
            "REC003", "no file has an endpoint of Flink; name what all processes wrote"
        )
    boots = {part.boot for part in parts if part.tag != NO_PROCESS}
    if len(boots) == 1 and None not in boots:
        # processes of one machine share its monotonic clock
        for part in parts:
            part.shift = 0
    merger = _Merger(parts)
    lines = merger.merge()
    flink = next((v for v in merger.versions if v), "?")
    head = {
        "format": CLUSTER_FORMAT,
        "format_version": CLUSTER_FORMAT_VERSION,
        "flink": flink,
        "lines": len(lines),
        "plan": {"processes": True, **(plan or {})},
    }
    return [head, *lines]


@dataclass
class _Merger:
    parts: list[Part]
    versions: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    lives: Counter[str] = field(default_factory=Counter)
    at: dict[tuple[str, str], str] = field(default_factory=dict)
    """Process and its own name of an endpoint -> its present name."""
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)
    waiting: dict[str, deque[tuple[int, dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    coming: Counter[str] = field(default_factory=Counter)
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)
    steps: dict[tuple[str, int], int] = field(default_factory=dict)
    sends: int = 0

    def merge(self) -> list[dict[str, Any]]:
        self._name_resources()
        for part in self.parts:
            for line in part.lines:
                if line["do"] == "send" and str(line["to"]).startswith("@"):
                    self.coming[self._key(line["to"], line)] += 1
        result: list[dict[str, Any]] = []
        begin: int | None = None
        latest = 0
        for part, line in self._in_order():
            begin = part_time(part, line) if begin is None else begin
            latest = max(latest, part_time(part, line) - begin)
            made = self._line(part, line)
            if made is not None:
                result.append({"n": len(result) + 1, "us": latest, **made})
        return result

    def _name_resources(self) -> None:
        """TaskManagers are numbered by their start, unless their ResourceIDs are such names.

        Up to 1.11, Flink makes ResourceIDs up; whoever started the process knows its name.
        """
        unnamed: list[str] = []
        processes = {
            line["pid"]: line["at"]
            for part in self.parts
            for line in part.lines
            if line["do"] == "user" and "pid" in line and "." not in line["at"]
        }
        started = sorted(
            (
                (part_time(part, line), number, line, processes.get(part.pid))
                for part in self.parts
                for number, line in enumerate(part.lines)
                if line["do"] == "endpoint"
            ),
            key=lambda found: found[:2],
        )
        for _, _, line, process in started:
            resource = line.get("resource")
            if line.get("flink"):
                self.versions.append(line["flink"])
            if resource is None or resource in self.names or resource in unnamed:
                continue
            if line["kind"] != "tm":
                self.names[resource] = line["kind"]
            elif _NAMED.fullmatch(resource):
                self.names[resource] = resource.removeprefix("x:")
            elif process is not None:
                self.names[resource] = process
            else:
                unnamed.append(resource)
        taken = set(self.names.values())
        free = (name for number in count(1) if (name := f"tm{number}") not in taken)
        self.names.update(zip(unnamed, free, strict=False))

    def _in_order(self) -> Iterator[tuple[Part, dict[str, Any]]]:
        """Lines by time, each process's in its own order; a message waits until it is sent."""
        heads = [(part.time(), number) for number, part in enumerate(self.parts) if part.lines]
        heapq.heapify(heads)
        blocked: list[tuple[int, int]] = []
        while heads or blocked:
            forced = not heads
            time, number = blocked.pop(0) if forced else heapq.heappop(heads)
            part = self.parts[number]
            line = part.lines[part.next]
            if not forced and self._is_early(part, line):
                heapq.heappush(blocked, (time, number))
                continue
            yield part, line
            part.next += 1
            if part.next < len(part.lines):
                heapq.heappush(heads, (part.time(), number))
            if line["do"] == "send":
                heads += blocked
                heapq.heapify(heads)
                blocked = []

    def _is_early(self, part: Part, line: dict[str, Any]) -> bool:
        """Whether a line hears what another process sends in a line that is still to come."""
        if line["do"] != "hear" or not line.get("incoming"):
            return False
        key = self._key_at(part, line)
        return not self.waiting[key] and self.coming[key] > 0

    # -- messages ------------------------------------------------------------------------------

    def _key(self, to: str, line: dict[str, Any]) -> str:
        """Callee, call and arguments of a call to another process."""
        found = _ADDRESS.match(to)
        where = f"{found[1]} {found[2]}" if found else to
        return json.dumps([where, line["call"], line["args"]])

    def _key_at(self, part: Part, line: dict[str, Any]) -> str:
        for endpoint in reversed(part.lines[: part.next]):
            if endpoint["do"] == "endpoint" and endpoint["at"] == line["at"]:
                return self._key(f"@{endpoint['address']}", line)
        return json.dumps([line["at"], line["call"], line["args"]])

    def _number(self, part: Part, own: int) -> int | str:
        return self.numbers.get((part.tag, own), f"{part.tag}:{own}")

    # -- lines ---------------------------------------------------------------------------------

    def _line(self, part: Part, line: dict[str, Any]) -> dict[str, Any] | None:
        made = {key: value for key, value in line.items() if key not in ("n", "us", "pid")}
        if part.tag == NO_PROCESS:
            return made
        do = made["do"]
        if do == "cost":
            return None
        if do == "endpoint":
            return self._endpoint(part, made)
        for key in ("at", "from"):
            if key in made:
                made[key] = self._name_of(part, made[key])
        if do == "send":
            self.sends += 1
            self.numbers[part.tag, made["m"]] = self.sends
            if str(made["to"]).startswith("@"):
                key = self._key(made["to"], line)
                self.coming[key] -= 1
                self.waiting[key].append((self.sends, made))
            made["to"] = self._name_of(part, made["to"])
        elif do == "hear" and made.pop("incoming", False):
            self._incoming(part, line, made)
        if "m" in made:
            made["m"] = self._number(part, made["m"])
        if "step" in made:
            made["step"] = self._step(part, made["step"])
        if "sent" in made:
            made["sent"] = [self._number(part, own) for own in made["sent"]]
        if "after" in made:
            made["after"] = self._number(part, made["after"])
        if "why" in made:
            made["why"] = self._why(part, made["why"])
        for key in ("args", "answer", "state"):
            if key in made:
                made[key] = self._renamed(made[key])
        return made

    def _endpoint(self, part: Part, line: dict[str, Any]) -> dict[str, Any]:
        base = self.names.get(line.get("resource") or "", line["kind"])
        self.lives[base] += 1
        life = self.lives[base]
        name = base if life == 1 else f"{base}.{life}"
        self.at[part.tag, line["at"]] = name
        found = _ADDRESS.match(f"@{line['address']}")
        if found is not None:
            where = (found[1], found[2])
            before = self.addresses.get(where)
            self.addresses[where] = name
            if before is not None:
                # what the endpoint before it was sent and never heard is lost
                prefix = json.dumps([f"{found[1]} {found[2]}"])[:-1]
                for key, queue in self.waiting.items():
                    if key.startswith(prefix):
                        queue.clear()
        return {"do": "endpoint", "at": name, "class": line["class"]}

    def _incoming(self, part: Part, line: dict[str, Any], made: dict[str, Any]) -> None:
        queue = self.waiting[self._key_at(part, line)]
        if queue:
            number, sent = queue.popleft()
            self.numbers[part.tag, made["m"]] = number
            made["from"], sent["to"] = sent["from"], made["at"]
            del made["args"]
            return
        self.sends += 1
        self.numbers[part.tag, made["m"]] = self.sends
        made["unmatched"] = True

    def _name_of(self, part: Part, own: str) -> str:
        """The present name of an endpoint, of this process or behind an address."""
        if not own.startswith("@"):
            return self.at.get((part.tag, own), own)
        found = _ADDRESS.match(own)
        if found is None:
            return own
        where = (found[1], found[2])
        kinds = {"jobmanager": "jm", "resourcemanager": "rm", "taskmanager": "tm"}
        return self.addresses.get(where, kinds.get(found[2], own))

    def _step(self, part: Part, own: int) -> int:
        key = (part.tag, own)
        if key not in self.steps:
            self.steps[key] = len(self.steps) + 1
        return self.steps[key]

    def _why(self, part: Part, why: str) -> str:
        found = _ORDINAL.fullmatch(why)
        if found is None:
            return why
        own = int(found[2])
        number = self._step(part, own) if found[1] == "step" else self._number(part, own)
        return f"{found[1]} {number}"

    # -- ids -----------------------------------------------------------------------------------

    def _renamed(self, value: Any) -> Any:
        """A value with names for its ids."""
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        if isinstance(value, dict):
            return {self._id(key): self._renamed(item) for key, item in value.items()}
        return self._id(value) if isinstance(value, str) else value

    def _id(self, text: str) -> str:
        slot = _SLOT.fullmatch(text)
        if slot is not None:
            return f"{self._id(slot[2])}_{slot[1]}"
        found = _KINDS.fullmatch(text)
        if found is None:
            return text
        known = self.names.get(text)
        if known is None:
            self.counts[found[1]] += 1
            number = self.counts[found[1]]
            known = "job" if found[1] == "job" and number == 1 else f"{found[1]}{number}"
            self.names[text] = known
        return known


def part_time(part: Part, line: dict[str, Any]) -> int:
    """When a line of a process was written."""
    return int(line["us"]) + part.shift
