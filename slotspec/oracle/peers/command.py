"""Any process as a peer: one JSON object per line on standard input and output.

On ``{"reset": HEADER}`` the process makes a new object and answers ``{"ready": true}``. On
``{"op": NAME, …arguments}`` it answers ``{"result": …, "effects": […], …}``, the fields of a step.
It must write nothing else to standard output; it may write to standard error.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import selectors
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import IO, Any, NoReturn

import msgspec

from slotspec.oracle.peers.answers import step_of
from slotspec.oracle.peers.naming import Translation
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.hints import lowered
from slotspec.oracle.traces.reading import LINE_LIMIT, shown
from slotspec.oracle.traces.trace import OperationCall, RecordedStep, TraceHeader
from slotspec.statemachine.processes import killed_with_parent

TIMEOUT_SECONDS = 10.0
"""Default time limit for one answer."""
_TAIL = 300
_TICK_SECONDS = 0.2
_POSIX = os.name == "posix"
_GRACE_SECONDS = 2.0


class Process:
    """A child process. Threads write to it and read from it, so that nothing here blocks."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                process_group=0 if _POSIX else None,
                preexec_fn=killed_with_parent(),
            )
        except (OSError, ValueError) as error:
            self._errors.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise PeerError(
                "PEE002",
                f"the command {shlex.join(command)!r} cannot be started ({reason}); for a class in"
                " Python write module:Class",
            ) from None
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._buffer = bytearray()
        self.ended = False
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        # read1 returns what is available; an empty chunk is the end
        with contextlib.suppress(OSError, ValueError):
            while self._has_output():
                chunk = self._child.stdout.read1(65536)  # type: ignore[attr-defined]
                if not chunk:
                    break
                self._chunks.put(chunk)
        self._chunks.put(b"")

    def _has_output(self) -> bool:
        """Wait for output; False if the process has ended and left its output to another one."""
        if not _POSIX:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            while True:
                running = self._child.poll() is None
                if selector.select(_TICK_SECONDS):
                    return True
                if not running:
                    return False

    def _write(self) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            while (line := self._lines.get()) is not None:
                self._child.stdin.write(line)
                self._child.stdin.flush()

    def send(self, line: bytes) -> None:
        self._lines.put(line)

    @property
    def pending(self) -> bytes:
        """The output that was not read as a line yet."""
        while not self.ended and not self._chunks.empty():
            self._take(self._chunks.get())
        return bytes(self._buffer)

    def _take(self, chunk: bytes) -> None:
        if chunk:
            self._buffer += chunk
        else:
            self.ended = True

    def line(self, seconds: float) -> bytes | None:
        """The next line without its line break; None at the end or after the time limit."""
        deadline = time.monotonic() + seconds
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            left = deadline - time.monotonic()
            if self.ended or left <= 0 or searched > LINE_LIMIT:
                return None
            try:
                self._take(self._chunks.get(timeout=left))
            except queue.Empty:
                return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def exit_code(self) -> int | None:
        """Its exit code; None if it still runs although it closed its output."""
        try:
            return self._child.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def complaint(self) -> str:
        """The last part of its standard error."""
        self._errors.seek(0, 2)
        self._errors.seek(max(0, self._errors.tell() - _TAIL))
        return self._errors.read().decode("utf-8", "backslashreplace").strip()

    def close(self) -> None:
        """Close its input and kill it."""
        self._lines.put(None)
        if _POSIX:
            # the group also has the processes that the child has started
            with contextlib.suppress(OSError):
                os.killpg(self._child.pid, signal.SIGKILL)
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for thread in self._threads:
            thread.join(_GRACE_SECONDS)
        for stream in (self._child.stdin, self._child.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()


class CommandPeer:
    """Runs a process as the peer; starts a new one after a failure.

    :param command: command line, split as in a shell but run without one.
    :param timeout: time limit for one answer, in seconds.
    """

    def __init__(self, command: str, timeout: float = TIMEOUT_SECONDS) -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise PeerError(
                "PEE001", f"the command {command!r} cannot be split ({error}); correct its quotes"
            ) from None
        if not self._command:
            raise PeerError("PEE001", "the command is empty; name a program")
        self.name = command
        self.version = "0.0"
        self._timeout = timeout
        self._process: Process | None = None
        self._sequence: list[OperationCall] = []
        self._header: TraceHeader | None = None

    def reset(self, header: TraceHeader) -> None:
        if self._process is None:
            self._process = Process(self._command)
        # what comes too much belongs to the sequence before
        self._refuse_surplus(self._process)
        self._sequence, self._header = [], header
        self._names = Translation(header)
        answer = self._ask({"reset": msgspec.to_builtins(header)}, "reset")
        if isinstance(answer, dict) and "error" in answer:
            fix = "name the class and the configuration that it has with --model and --config"
            self._fail("PEE007", f"says of reset: {_reason(answer)}; {fix}")
        if not isinstance(answer, dict) or answer.get("ready") is not True:
            self._fail("PEE005", f'answered reset with {shown(answer)}; answer {{"ready": true}}')

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        self._sequence.append((op, arguments))
        answer = self._ask({"op": op, **self._names.to_peer(arguments)}, op)
        if isinstance(answer, dict) and "error" in answer:
            fix = "if it lacks the operation, name those that it has with --operations"
            self._fail("PEE007", f"says of {op}: {_reason(answer)}; {fix}")
        try:
            seen = step_of(op, arguments, answer, "the peer")
        except PeerError as error:
            self._end()
            raise PeerError(error.code, error.message, self._sequence, self._header) from None
        return self._names.from_peer(seen, arguments)

    def _ask(self, question: dict[str, Any], what: str) -> Any:
        process = self._process
        if process is None:
            raise PeerError("PEE004", "the peer is not running; reset it first", self._sequence)
        self._refuse_surplus(process)
        process.send(msgspec.json.encode(question) + b"\n")
        line = process.line(self._timeout)
        if line is None:
            self._explain_silence(process, what)
        try:
            return msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._fail(
                "PEE005",
                f"answered {what} with {_cut(line)}, which is not JSON ({_why(line, error)}); write"
                " one JSON object per line, and anything else to standard error",
            )

    def _refuse_surplus(self, process: Process) -> None:
        if process.pending and not process.ended:
            last = self._sequence[-1][0] if self._sequence else "reset"
            asked = last if self._header is not None else "nothing"
            self._fail(
                "PEE005",
                f"wrote {_cut(process.pending)} after its answer to {asked}; write one line for"
                " each request, and anything else to standard error",
            )

    def _explain_silence(self, process: Process, what: str) -> NoReturn:
        part = process.pending
        if len(part) > LINE_LIMIT:
            self._fail("PEE005", f"answered {what} with a line of more than {LINE_LIMIT} bytes")
        if process.ended:
            code = process.exit_code()
            how = _end_of(code)
            if part:
                self._fail("PEE006", f"{how} in the middle of its answer to {what}: {_cut(part)}")
            self._fail("PEE004", f"{how} on the request for {what}")
        after = f"within {self._timeout:g} s"
        if part:
            self._fail("PEE006", f"did not finish its answer to {what} {after}: {_cut(part)}")
        fix = "flush standard output after each line, or give it more time with --timeout"
        self._fail("PEE003", f"did not answer {what} {after}; {fix}")

    def _fail(self, code: str, message: str) -> NoReturn:
        complaint = self._process.complaint() if self._process else ""
        self._end()
        suffix = f"; its standard error ends with: {complaint}" if complaint else ""
        raise PeerError(code, f"the peer {message}{suffix}", self._sequence, self._header)

    def _end(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def close(self) -> None:
        self._end()


def _cut(data: bytes, limit: int = 80) -> str:
    text = data[:limit].decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return f"'{text}'…" if len(data) > limit else f"'{text}'"


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def _reason(answer: dict[str, Any]) -> str:
    """What a peer gives as the reason why it cannot answer."""
    why = answer["error"]
    return why if isinstance(why, str) and len(why) <= _TAIL else shown(why)


def _why(line: bytes, error: Exception) -> str:
    """Why a line is not JSON."""
    if not line.strip():
        return "the line is empty"
    if line.startswith(b"\xef\xbb\xbf"):
        return "it begins with a byte order mark"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return f"byte {wrong.start + 1} is not UTF-8"
    if isinstance(error, RecursionError):
        return "it nests too deep"
    if re.search(rb"[:\[,]\s*-?(NaN|Infinity)\b", line):
        return "JSON has no NaN and no Infinity"
    if re.search(rb"\\u[dD][89abAB]..(?!\\u)", line):
        return "it has half of a surrogate pair"
    return lowered(str(error).removeprefix("JSON is malformed: ").partition(" - at ")[0])


def _end_of(code: int | None) -> str:
    """How a process ended, or that it did not."""
    if code is None:
        return "closed its output"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    if code == 0:
        return "ended by itself, with exit code 0,"
    return f"ended with exit code {code}"
