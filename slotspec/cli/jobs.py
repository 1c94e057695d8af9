"""Runs of ``check`` side by side, each in a fresh process.

A process for each run gives much: one that dies takes nothing with it, and its memory is
free for the next. Where the system can, it is forked from a process that has imported what
every run needs and does nothing else, which saves half a second each. It is told the command
line and which of its runs to make, for a model is code and cannot be sent; it sends back
numbers, from which the trace is replayed here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from slotspec.cli.bugs import bug_of, plan_bugs
from slotspec.cli.plan import plan
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import SlotspecError
from slotspec.statemachine.results import Finding, Progress, PropertyResult, Result

PATIENCE = 15.0
"""Seconds in which a process that is told to stop has to say what it knows."""

TICK = 0.2
"""Seconds between two looks at the clock."""

SHARE = 0.85
"""Part of the machine's free memory that all runs together may use without a limit."""


@dataclass(frozen=True)
class Request:
    """A command line: what every process plans for itself, and how each run is made."""

    names: tuple[str, ...]
    generations: tuple[str, ...]
    scopes: tuple[str, ...]
    settings: tuple[str, ...]
    properties: tuple[str, ...]
    options: Mapping[str, Any]
    """Arguments of :func:`slotspec.statemachine.check.check`."""
    jobs: int = 1
    bugs: tuple[str, ...] = ()
    large: frozenset[int] = frozenset()
    """Runs of which it is known that they are too large to be interpreted."""

    def plan(self) -> list[Instance]:
        """Every run, in the declared order."""
        asked = (self.names, self.generations, self.scopes, self.settings, self.properties)
        return plan_bugs(self.bugs, *asked) if self.bugs else plan(*asked)

    def options_of(self, instance: Instance) -> dict[str, Any]:
        """The options of one run: that of a known bug ends when it is found."""
        bug = bug_of(instance)
        if bug is None:
            return dict(self.options)
        sought = bug.property
        known = sought in instance.properties or sought in ("fault", "deadlock")
        limits = replace(self.options["limits"], until=sought if known else None)
        return {**self.options, "limits": limits}


@dataclass
class Running:
    """A run that goes on."""

    number: int
    instance: Instance
    process: Any
    started: float = field(default_factory=monotonic)
    progress: Progress | None = None

    @property
    def seconds(self) -> float:
        return monotonic() - self.started


@dataclass
class Outcome:
    """What came of the runs, each under its number in the declared order."""

    results: dict[int, Result] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    """Why a run has no result, where slotspec itself is to blame."""


Show = Callable[[int, Sequence[Running]], None]
"""Receives how many runs are done and those that go on."""


def run_side_by_side(
    request: Request, instances: Sequence[Instance], order: Sequence[int], show: Show
) -> Outcome:
    """Make the runs of `instances` that `order` numbers, in that order, `request.jobs` at once.

    Ctrl-C makes every process say what it has seen so far; what was not begun has no result.

    :raises SlotspecError: what a run raises; the others are given up.
    """
    crew = _Crew(request, instances, show)
    waiting = list(order)
    try:
        while waiting or crew.running:
            while waiting and len(crew.running) < request.jobs:
                crew.start(waiting.pop(0))
            crew.listen(TICK)
    except KeyboardInterrupt:
        crew.stop()
    finally:
        crew.kill()
    return crew.outcome


class _Crew:
    def __init__(self, request: Request, instances: Sequence[Instance], show: Show) -> None:
        self.request, self.instances, self.show = request, instances, show
        self.context = _context()
        self.running: dict[Connection, Running] = {}
        self.outcome = Outcome()
        self.stopping = False

    def start(self, number: int) -> None:
        here, there = self.context.Pipe(duplex=False)
        work = (there, self.request, number, dict(os.environ))
        process = self.context.Process(target=_work, args=work)
        process.daemon = True
        process.start()
        there.close()
        self.running[here] = Running(number, self.instances[number], process)

    def listen(self, seconds: float) -> None:
        """Take in what the processes say within so many seconds."""
        for pipe in wait(list(self.running), seconds):
            assert isinstance(pipe, Connection)
            self.hear(pipe)
        done = len(self.outcome.results) + len(self.outcome.faults)
        self.show(done, list(self.running.values()))

    def hear(self, pipe: Connection) -> None:
        run = self.running[pipe]
        try:
            what, said = pipe.recv()
        except (EOFError, OSError):
            what, said = "died", None
        if what == "progress":
            run.progress = replace(said, instance=run.instance)
            return
        del self.running[pipe]
        run.process.join(PATIENCE)
        pipe.close()
        if what == "result":
            self.outcome.results[run.number] = unpacked(said, run.instance)
        elif what == "error":
            kind, code, message = said
            raise kind(code, message)
        elif what == "fault":
            self.outcome.faults[run.number] = said
        elif what == "died" and not self.stopping:
            self.outcome.faults[run.number] = _end_of(run.process.exitcode)

    def stop(self) -> None:
        """Ask every process for what it knows; a second Ctrl-C does not wait for it."""
        self.stopping = True
        try:
            for run in self.running.values():
                run.process.terminate()
            until = monotonic() + PATIENCE
            while self.running and monotonic() < until:
                self.listen(TICK)
        except KeyboardInterrupt:
            pass

    def kill(self) -> None:
        for pipe, run in self.running.items():
            run.process.kill()
            run.process.join()
            pipe.close()
        self.running.clear()


def _context() -> Any:
    """How processes are started: never by a fork of this one, whose threads may hold locks."""
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["slotspec.cli.forkserver_preload"])
    before = dict(os.environ)
    try:
        # it is to import from where this process does, not from the present folder
        os.environ.update(PYTHONSAFEPATH="1", PYTHONPATH=os.pathsep.join(sys.path))
        ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return context


def _end_of(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return f"its process was ended by signal {name}"
    return f"its process ended with code {code} and without a result"


# ------------------------------------------------------------------------ in the process


def _work(pipe: Connection, request: Request, number: int, environment: dict[str, str]) -> None:
    """Make one run and tell what came of it."""
    # what this process was forked from may be older than that of its parent
    os.environ.clear()
    os.environ.update(environment)
    # Ctrl-C reaches every process of a terminal; the first one decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    said: tuple[str, Any]
    try:
        said = ("result", packed(_run(pipe, request, number)))
    except KeyboardInterrupt:
        said = ("interrupted", None)
    except SlotspecError as error:
        said = ("error", (type(error), error.code, error.message))
    except Exception as error:
        said = ("fault", f"{type(error).__name__}: {error}")
    try:
        pipe.send(said)
    except OSError:
        return  # nobody is there any more to be told


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(pipe: Connection, request: Request, number: int) -> Result:
    from slotspec.statemachine.check import check

    instance = request.plan()[number]
    options = request.options_of(instance)
    if number in request.large:
        options["engine"] = "compiled"
    if options["limits"].memory is None:
        from slotspec.statemachine.search.store import available_memory

        memory = int(SHARE * available_memory() / request.jobs)
        options["limits"] = replace(options["limits"], memory=memory)
    return check(
        instance, reporter=lambda at: pipe.send(("progress", _without_instance(at))), **options
    )


def _without_instance(at: Progress) -> Progress:
    return replace(at, instance=None)  # type: ignore[arg-type]


# ----------------------------------------------------------------- results without a model

Trace = tuple[tuple[int, ...], str | None, dict[str, Any]]
"""A finding: the places of its calls among all calls of the instance, its fault, its loop."""


def packed(result: Result) -> dict[str, Any]:
    """`result` as values that can be sent to another process."""
    made = {f.name: getattr(result, f.name) for f in fields(result)}
    del made["instance"]
    for name in ("deadlock", "fault"):
        made[name] = _trace(made[name])
    made["properties"] = [
        (p.property.name, p.verdict, _trace(p.finding), p.reason, p.missing)
        for p in result.properties
    ]
    return made


def unpacked(made: Mapping[str, Any], instance: Instance) -> Result:
    """The result that was packed, about `instance`; its traces are replayed."""
    result = Result(instance, **{n: v for n, v in made.items() if n != "properties"})
    result.deadlock = _finding(made["deadlock"], instance)
    result.fault = _finding(made["fault"], instance)
    result.properties = [
        PropertyResult(
            instance.properties[name], verdict, _finding(trace, instance), reason, missing
        )
        for name, verdict, trace, reason, missing in made["properties"]
    ]
    return result


def _trace(finding: Finding | None) -> Trace | None:
    if finding is None:
        return None
    loop = {name: getattr(finding, name) for name in ("loop", "since", "elements")}
    return tuple(call.index for call in finding.calls), finding.fault, loop


def _finding(trace: Trace | None, instance: Instance) -> Finding | None:
    from slotspec.statemachine.interpreter.replay import explain

    if trace is None:
        return None
    calls, fault, loop = trace
    return replace(explain(instance, [instance.calls[index] for index in calls], fault), **loop)
