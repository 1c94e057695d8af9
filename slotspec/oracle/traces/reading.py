"""Reads traces and trusts nothing: every error names file, line and a suggested fix.

==========  =====================================================================
``TRC001``  the file cannot be opened or read
``TRC002``  the file is empty
``TRC003``  the gzip data is truncated or damaged, or is not gzip
``TRC004``  the last line is cut off
``TRC005``  a line is longer than :data:`LINE_LIMIT`
``TRC006``  a line is not UTF-8
``TRC007``  a line is not JSON, nests too deep, or has a number out of range
``TRC008``  a line is JSON but not an object
``TRC009``  the header has another format number
``TRC010``  the header names a class that no model covers
``TRC011``  the header's version is not a version, or no model covers it
``TRC012``  a field of the header is missing, unknown or ill-typed
``TRC013``  a timeout of the configuration is not positive
``TRC014``  the trace has no step
``TRC015``  a step has no operation or an unknown one
``TRC016``  a step lacks an argument
``TRC017``  a step has a field that its operation does not have
``TRC018``  a field of a step is ill-typed
``TRC019``  a step uses a name that the header does not list
``TRC020``  a range of ``unordered`` is out of bounds, empty or overlaps another
``TRC021``  a folder or pattern contains no trace
``TRC022``  an argument exceeds what a replay can do
``TRC023``  the trace cannot be written
``TRC024``  a recording of a cluster contradicts itself
``TRC025``  a recording of a cluster has a job that the model cannot express, or no states
==========  =====================================================================
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Self, cast

import msgspec
from msgspec import UNSET

from slotspec.models.registry import recorded
from slotspec.oracle.traces.hints import explained, lowered
from slotspec.oracle.traces.opening import open_bytes
from slotspec.oracle.traces.schema import RESERVED, Argument, Operation, TraceSchema, schema_of
from slotspec.oracle.traces.trace import (
    CLUSTER_FORMAT,
    FORMAT,
    OWN_MODEL,
    RecordedStep,
    TraceHeader,
)
from slotspec.statemachine.errors import InputError, suggest

LINE_LIMIT = 16 * 1024 * 1024
"""Longest line that the reader accepts, in bytes."""

_read_state = msgspec.json.Decoder(dict[str, Any]).decode
_GZIP = b"\x1f\x8b"
_HOOK = b'{"hook"'
_SHOWN = 60
_LISTED = 12


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Amounts of a resource profile."""

    cpu: float
    task_heap_mb: float
    task_off_heap_mb: float
    managed_mb: float
    network_mb: float
    extended: dict[str, float]


def printable(path: str | Path) -> str:
    """A path that can be printed, even if its name is not UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def shown(value: object) -> str:
    """A value as JSON, cut to fit in a message."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


class TraceReader:
    """Iterates over the steps of one trace. Opening it reads the header.

    Use it as a context manager, or iterate to the end; both close the file.

    :param path: file to read; its first two bytes tell whether it is gzip.
    :raises InputError: when opened and while iterating; see the codes of this module.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.line = 0
        self.steps = 0
        self._text = b""
        self._file = self._open()
        try:
            self.header = self._header()
        except BaseException:
            self._file.close()
            raise
        self.hook: int | None = None
        self._names: dict[str, Mapping[str, Any]] = {
            "profiles": self.header.profiles,
            "causes": self.header.causes,
        }
        if self.header.task_managers:
            self._names["task_managers"] = self.header.task_managers
        if self.header.vertices:
            self._names["vertices"] = self.header.vertices

    @property
    def schema(self) -> TraceSchema:
        """The schema of the class."""
        return schema_of(self.header.implementation)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; does nothing if it is closed already."""
        self._file.close()

    def __iter__(self) -> Iterator[RecordedStep]:
        return self._each(self.schema.decoder)

    def unread(self) -> Iterator[RecordedStep]:
        """The steps with the state as text, a :class:`msgspec.Raw`; :meth:`read` decodes it.

        If the text equals that of the expected state, nobody needs to decode it.
        """
        return self._each(self.schema.unread_decoder)

    def read(self, step: RecordedStep) -> RecordedStep:
        """The last step of :meth:`unread` with its state decoded; raises what iterating raises."""
        if step.state is UNSET:
            return step
        try:
            state = _read_state(cast("msgspec.Raw", step.state))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._explain_step(self._text, self.schema)
        return msgspec.structs.replace(step, state=state)

    def _each(self, decoder: msgspec.json.Decoder[Any]) -> Iterator[RecordedStep]:
        schema, decode = self.schema, decoder.decode
        with self._file:
            while line := self._next_line():
                if self.header.reentrant and line.startswith(_HOOK):
                    self.hook = self.line
                    return
                try:
                    raw = decode(line)
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    self._explain_step(line, schema)
                step = self._step(raw, schema)
                self.steps += 1
                yield step
        if not self.steps:
            self._fail("TRC014", "the trace has a header but no step; record at least one", line=2)

    # -- lines -----------------------------------------------------------------------------

    def _fail(self, code: str, message: str, line: int | None = None) -> NoReturn:
        raise InputError(
            code, f"{printable(self.path)}:{line or self.line or 1}: {message}"
        ) from None

    def _open(self) -> BinaryIO:
        try:
            if self.path.is_dir():
                self._fail("TRC001", "this is a folder; name a trace file")
            file = open_bytes(self.path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._fail("TRC001", f"cannot be opened ({reason}); name a readable trace file")
        try:
            start = cast("io.BufferedReader", file).peek(2)[:2]
            if start == _GZIP:
                return cast("BinaryIO", _GzipOverFile(file))
            if self.path.suffix == ".gz" and start:
                self._fail(
                    "TRC003",
                    "the name ends in .gz but the file is not gzip; compress it or rename it",
                )
        except OSError as error:
            file.close()
            self._fail("TRC001", f"cannot be read ({error.strerror}); check the file")
        except InputError:
            file.close()
            raise
        return file

    def _next_line(self) -> bytes:
        """The next line with its line break; empty at the end of the file."""
        try:
            line = self._text = self._file.readline(LINE_LIMIT + 1)
        except EOFError:
            self.line += 1
            self._fail("TRC003", "the gzip data is truncated; copy or record the file again")
        except (gzip.BadGzipFile, zlib.error) as error:
            self.line += 1
            self._fail("TRC003", f"damaged gzip data ({error}); copy or record the file again")
        except OSError as error:
            self.line += 1
            self._fail("TRC001", f"cannot be read ({error.strerror or error}); check the file")
        if line:
            self.line += 1
            if len(line) > LINE_LIMIT:
                self._fail(
                    "TRC005",
                    f"the line is longer than {LINE_LIMIT // 2**20} MiB; write one step per line",
                )
        return line

    def _object(self, line: bytes) -> dict[str, Any]:
        """The JSON object of a line; raises with the reason if it is none."""
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            self._fail("TRC006", f"byte {error.start + 1} is not UTF-8; save the trace as UTF-8")
        if not text.strip():
            self._fail("TRC007", "the line is blank; remove it")
        if text.startswith("\ufeff"):
            self._fail("TRC007", "the line starts with a byte order mark; save without one")
        try:
            value = msgspec.json.decode(line)
        except RecursionError:
            self._fail("TRC007", "the JSON nests too deep; no part of a trace nests so deep")
        except msgspec.ValidationError as error:
            self._fail("TRC007", f"{lowered(error)}; use a smaller number")
        except (msgspec.MsgspecError, ValueError) as error:
            if not line.endswith(b"\n") and "truncated" in str(error):
                self._fail("TRC004", "the last line is incomplete; remove it or record again")
            reason = str(error).removeprefix("JSON is malformed: ")
            self._fail("TRC007", f"not JSON ({lowered(reason)}); write one JSON object per line")
        if not isinstance(value, dict):
            self._fail("TRC008", f"expected a JSON object, found {shown(value)}; write {{…}}")
        return value

    # -- header ----------------------------------------------------------------------------

    def _header(self) -> TraceHeader:
        line = self._next_line()
        if not line:
            self._fail("TRC002", "the file is empty; start the trace with a header line")
        raw = self._object(line)
        if "format" not in raw and "op" in raw:
            self._fail("TRC012", "the first line is a step; put a header line before it")
        number = raw.get("format", FORMAT)
        if number == CLUSTER_FORMAT:
            self._fail(
                "TRC009",
                "a recording of a cluster is no trace of steps; slotspec conform --run-out FILE"
                " writes the run that explains it, so name that",
            )
        if isinstance(number, bool) or number != FORMAT:
            self._fail("TRC009", f"format {shown(number)} is unknown; write format {FORMAT}")
        name = raw.get("implementation")
        if isinstance(name, str) and name not in recorded():
            own = name.startswith(OWN_MODEL)
            fix = "name its file, with --model FILE.py" if own else suggest(name, recorded())
            self._fail("TRC010", f"unknown implementation {shown(name)}; {fix}")
        fields = TraceHeader.__struct_fields__
        for key in raw:
            if key not in fields:
                self._fail("TRC012", f"unknown header field {shown(key)}; {suggest(key, fields)}")
        if isinstance(name, str):
            for key in sorted(schema_of(name).required - raw.keys()):
                self._fail("TRC012", f"header: the field {key!r} is missing; add it")
            raw.setdefault("profiles", {})
        tms = raw.get("task_managers")
        if isinstance(tms, list) and all(isinstance(tm, str) for tm in tms):
            raw["task_managers"] = {tm: {} for tm in tms}
        try:
            header = msgspec.convert(raw, TraceHeader)
        except msgspec.ValidationError as error:
            self._fail("TRC012", f"header: {explained(TraceHeader, raw, error)}")
        known_versions = schema_of(header.implementation).generations
        if header.generation is None and header.version not in known_versions:
            self._fail(
                "TRC011", f"version {shown(header.version)} is invalid; write one such as 1.12.5"
            )
        self._check_config(header)
        self._check_profiles(header)
        return header

    def _check_config(self, header: TraceHeader) -> None:
        try:
            struct = schema_of(header.implementation).config
            msgspec.convert(header.config, struct)
        except msgspec.ValidationError as error:
            place = re.search(r"\$\.(\w+)", str(error))
            value = header.config.get(place[1]) if place else None
            if isinstance(value, int) and not isinstance(value, bool) and value <= 0:
                self._fail("TRC013", f"config.{place and place[1]} is {value}; write at least 1")
            self._fail("TRC012", f"header: config: {explained(struct, header.config, error)}")

    def _check_profiles(self, header: TraceHeader) -> None:
        for name, profile in header.profiles.items():
            if profile in ("ANY", "UNKNOWN"):
                continue
            try:
                amounts = msgspec.convert(profile, _Profile)
            except msgspec.ValidationError as error:
                if isinstance(profile, dict):
                    what = explained(_Profile, profile, error)
                else:
                    what = f'{lowered(error)}; write "ANY", "UNKNOWN" or the amounts'
                self._fail("TRC012", f"header: profile {shown(name)}: {what}")
            flat = [getattr(amounts, f) for f in _Profile.__struct_fields__[:-1]]
            if min(*flat, *amounts.extended.values()) < 0:
                self._fail("TRC012", f"header: profile {shown(name)} has a negative amount")
        if header.profile_order and sorted(header.profile_order) != sorted(header.profiles):
            self._fail(
                "TRC012",
                f"header: profile_order is {shown(header.profile_order)}; list each of"
                f" {', '.join(header.profiles)} once, or leave it out",
            )

    # -- steps -----------------------------------------------------------------------------

    def _step(self, raw: Any, schema: TraceSchema) -> RecordedStep:
        op: str = type(raw).__struct_config__.tag
        arguments: dict[str, Any] = {}
        for argument in schema.by_name[op].arguments:
            value = getattr(raw, argument.name)
            if value is UNSET:
                continue
            if argument.items is None:
                if argument.refers is not None:
                    self._check_name(argument, value)
            else:
                objects = [
                    {i.name: v for i in argument.items if (v := getattr(item, i.name)) is not UNSET}
                    for item in (value if argument.many else [value])
                ]
                for item in objects:
                    for part in argument.items:
                        self._check_name(part, item.get(part.name))
                value = objects if argument.many else objects[0]
            arguments[argument.name] = value
        effects = raw.effects
        if effects is not UNSET:
            for effect in effects:
                if not isinstance(effect.get("effect"), str):
                    self._fail(
                        "TRC018",
                        f'effect {shown(effect)} has no name; write {{"effect": "…", …}}',
                    )
        unordered: tuple[tuple[int, int], ...] = ()
        if raw.unordered is not UNSET and raw.unordered:
            unordered = self._ranges(raw.unordered, 0 if effects is UNSET else len(effects))
        wrong = schema.refuse(self.header.config, op, arguments)
        if wrong is not None:
            self._fail("TRC022", wrong)
        return RecordedStep(
            op=op,
            arguments=arguments,
            result=raw.result,
            effects=effects,
            raises=raw.raises,
            raises_cause=None if raw.raises_cause is UNSET else raw.raises_cause,
            unordered=unordered,
            state=raw.state,
            line=self.line,
        )

    def _check_name(self, argument: Argument, value: object) -> None:
        if argument.refers is None or value is None:
            return
        if isinstance(value, list):
            for one in value:
                self._check_name(argument, one)
            return
        names = self._names.get(argument.refers)
        if names is not None and value not in names:
            listed = ", ".join(map(shown, list(names)[:_LISTED])) or "none"
            more = ", …" if len(names) > _LISTED else ""
            self._fail(
                "TRC019",
                f"{argument.name} {shown(value)} is not among the header's {argument.refers} "
                f"({listed}{more}); add it there",
            )

    def _ranges(self, ranges: list[tuple[int, int]], size: int) -> tuple[tuple[int, int], ...]:
        end = 0
        for first, last in sorted(ranges):
            text = f"unordered range [{first}, {last})"
            if first < 0 or last > size:
                self._fail("TRC020", f"{text} is out of bounds; the step has {size} effects")
            if first >= last:
                self._fail("TRC020", f"{text} is empty; leave it out")
            if first < end:
                self._fail("TRC020", f"{text} overlaps another; merge them")
            end = last
        return tuple(sorted(ranges))

    def _explain_step(self, line: bytes, schema: TraceSchema) -> NoReturn:
        """Explain why a line was rejected. This is slow, but reading ends here."""
        raw = self._object(line)
        op = raw.get("op")
        if "op" not in raw:
            self._fail("TRC015", 'the step has no operation; write "op": "…"')
        if not isinstance(op, str) or op not in schema.by_name:
            fix = suggest(op if isinstance(op, str) else "", schema.by_name)
            self._fail("TRC015", f"unknown operation {shown(op)}; {fix}")
        operation = schema.by_name[op]
        self._explain_fields(raw, operation.arguments, op)
        self._explain_items(raw, operation)
        try:
            msgspec.convert(raw, operation.struct)
        except msgspec.ValidationError as error:
            self._fail("TRC018", f"{op}: {lowered(error)}{_value_at(raw, str(error))}")
        self._fail("TRC018", f"{op}: a field appears twice; keep only one")

    def _explain_fields(
        self, raw: dict[str, Any], arguments: tuple[Argument, ...], what: str, top: bool = True
    ) -> None:
        known = [a.name for a in arguments] + (list(RESERVED) if top else [])
        for argument in arguments:
            if not argument.optional and argument.name not in raw:
                self._fail("TRC016", f"{what}: the field {argument.name!r} is missing; add it")
        for key in raw:
            if key not in known:
                self._fail("TRC017", f"{what}: unknown field {shown(key)}; {suggest(key, known)}")

    def _explain_items(self, raw: dict[str, Any], operation: Operation) -> None:
        for argument in operation.arguments:
            given = raw.get(argument.name)
            if argument.items is None or not isinstance(given, list if argument.many else dict):
                continue
            for i, item in enumerate(given if argument.many else [given]):
                if isinstance(item, dict):
                    place = f"[{i}]" if argument.many else ""
                    what = f"{operation.name}: {argument.name}{place}"
                    self._explain_fields(item, argument.items, what, top=False)


class _GzipOverFile(gzip.GzipFile):
    """A gzip reader that also closes the file that it reads from."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._below = file

    def close(self) -> None:
        super().close()
        self._below.close()


def _value_at(raw: Any, message: str) -> str:
    """The value that a message of msgspec refers to; none inside a list."""
    found = re.search(r"`\$\.(\w+)`", message)
    return f" (it is {shown(raw[found[1]])})" if found and found[1] in raw else ""
