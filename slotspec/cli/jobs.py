"""Run the searches of ``check`` in parallel, each in a fresh process.

A process that dies takes no other run with it, and its memory is free for the next one. Where
the system allows, the processes are forked from a server that has imported what every run
needs; this saves half a second each. A model is code and cannot be sent, so each process gets
a request for its run, and plans the run again. It sends back numbers, and this process makes
traces of them.
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
from slotspec.models import MODELS
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import SlotspecError
from slotspec.statemachine.processes import end_with_parent
from slotspec.statemachine.results import Finding, Limit, Progress, PropertyResult, Result

PATIENCE = 15.0
"""Seconds a stopped process has to report what it knows."""

TICK = 0.2
"""Seconds between two updates of the progress lines."""

SHARE = 0.85
"""The share of free memory that all runs together may use if no limit is given."""


@dataclass(frozen=True)
class Request:
    """A command line: which runs it asks for, and the options of each."""

    names: tuple[str, ...]
    generations: tuple[str, ...]
    scopes: tuple[str, ...]
    settings: tuple[str, ...]
    properties: tuple[str, ...]
    options: Mapping[str, Any]
    """Arguments of :func:`slotspec.statemachine.check.check`."""
    jobs: int = 1
    bugs: tuple[str, ...] = ()
    newest: bool = False
    """Only the newest generation of each model."""
    large: frozenset[int] = frozenset()
    """Runs that are too large to interpret."""
    safety: bool = False
    """Without the properties that only a run that never ends can violate."""

    def plan(self) -> list[Instance]:
        """Every run, in declaration order."""
        asked = (self.names, self.generations, self.scopes, self.settings, self.properties)
        if self.bugs:
            return plan_bugs(self.bugs, *asked)
        return plan(*asked, newest=self.newest, safety=self.safety)

    def narrowed(self, instance: Instance) -> Request | None:
        """A request for `instance` alone; None where only the whole request names it."""
        bug = bug_of(instance)
        if bug is not None:
            return replace(self, bugs=(bug.issue,))
        applicable = tuple(name for name in self.properties if name in instance.properties)
        if set(self.names) - set(MODELS) or (self.properties and not applicable):
            return None
        return replace(
            self,
            names=(instance.model.name,),
            generations=() if instance.generation is None else (instance.generation,),
            scopes=(instance.scope,),
            properties=applicable,
        )

    def options_of(self, instance: Instance) -> dict[str, Any]:
        """The options of one run; the run of a known bug ends when it finds the bug."""
        bug = bug_of(instance)
        if bug is None:
            return dict(self.options)
        known = bug.property in instance.properties or bug.property in ("fault", "deadlock")
        limits = replace(self.options["limits"], until=bug.property if known else None)
        return {**self.options, "limits": limits}


@dataclass
class Running:
    """A run in progress."""

    number: int
    instance: Instance
    process: Any
    started: float = field(default_factory=monotonic)
    progress: Progress | None = None
    alone: bool = False
    """No other run takes memory beside it."""

    @property
    def seconds(self) -> float:
        return monotonic() - self.started


@dataclass
class RunResults:
    """What the runs found, by their number in declaration order."""

    results: dict[int, Result] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    """Why a run has no result because slotspec itself failed."""


Show = Callable[[int, Sequence[Running]], None]
"""Receives the number of finished runs and the runs in progress."""

Finished = Callable[[Result], None]
"""Receives the result of each run as it ends."""


def run_in_processes(
    request: Request,
    instances: Sequence[Instance],
    order: Sequence[int],
    show: Show,
    finished: Finished,
) -> RunResults:
    """Run the `instances` numbered in `order`, in that order, `request.jobs` at a time.

    A run for which its share of the memory was not enough is made again at the end, alone.
    On Ctrl-C every process reports what it has found so far; a run that has not started has
    no result.

    :raises SlotspecError: a run raised it; the other runs are killed.
    """
    pool = _WorkerPool(request, instances, show, finished)
    waiting = list(order)
    try:
        while waiting or pool.running or pool.short_of_memory:
            while waiting and len(pool.running) < request.jobs:
                pool.start(waiting.pop(0))
            if not pool.running:
                pool.start(pool.short_of_memory.pop(0), alone=True)
            pool.receive(TICK)
    except KeyboardInterrupt:
        pool.stop()
        for number in pool.short_of_memory:
            finished(pool.found.results[number])
    finally:
        pool.kill()
    return pool.found


class _WorkerPool:
    """The processes in progress, and what the finished ones found."""

    def __init__(
        self, request: Request, instances: Sequence[Instance], show: Show, finished: Finished
    ) -> None:
        self.request, self.instances = request, instances
        self.show, self.finished = show, finished
        self.context = _context()
        self.running: dict[Connection, Running] = {}
        self.found = RunResults()
        self.short_of_memory: list[int] = []
        """Runs that are to be made again."""
        self.stopping = False

    def start(self, number: int, alone: bool = False) -> None:
        receiver, sender = self.context.Pipe(duplex=False)
        narrowed = self.request.narrowed(self.instances[number])
        request, place = (self.request, number) if narrowed is None else (narrowed, 0)
        if alone:
            request = replace(request, jobs=1)
        work = (sender, request, place, number in request.large, dict(os.environ))
        process = self.context.Process(target=_work, args=work)
        process.daemon = True
        process.start()
        sender.close()
        self.running[receiver] = Running(number, self.instances[number], process, alone=alone)

    def receive(self, seconds: float) -> None:
        """Wait up to `seconds` for messages of the processes, and handle them."""
        for pipe in wait(list(self.running), seconds):
            assert isinstance(pipe, Connection)
            self.handle(pipe)
        done = len(self.found.results) + len(self.found.faults) - len(self.short_of_memory)
        self.show(done, list(self.running.values()))

    def handle(self, pipe: Connection) -> None:
        """Handle the next message of one process."""
        run = self.running[pipe]
        try:
            kind, message = pipe.recv()
        except (EOFError, OSError):
            kind, message = "died", None
        if kind == "progress":
            run.progress = replace(message, instance=run.instance)
            return
        del self.running[pipe]
        run.process.join(PATIENCE)
        pipe.close()
        if kind == "result":
            result = self.found.results[run.number] = unpacked(message, run.instance)
            if self.is_made_again(run, result):
                self.short_of_memory.append(run.number)
            else:
                self.finished(result)
        elif kind == "error":
            error, code, text = message
            raise error(code, text)
        elif kind == "fault":
            self.found.faults[run.number] = message
        elif kind == "died" and not self.stopping:
            self.found.faults[run.number] = _end_of(run.process.exitcode)

    def is_made_again(self, run: Running, result: Result) -> bool:
        """Whether a run ended for lack of memory, and would have more of it alone."""
        shared = self.request.jobs > 1 and self.request.options["limits"].memory is None
        return shared and not run.alone and not self.stopping and result.limit is Limit.MEMORY

    def stop(self) -> None:
        """Make every process report what it knows; a second Ctrl-C stops waiting."""
        self.stopping = True
        try:
            for run in self.running.values():
                run.process.terminate()
            until = monotonic() + PATIENCE
            while self.running and monotonic() < until:
                self.receive(TICK)
        except KeyboardInterrupt:
            pass

    def kill(self) -> None:
        for pipe, run in self.running.items():
            run.process.kill()
            run.process.join()
            pipe.close()
        self.running.clear()


def _context() -> Any:
    """How to start processes; never fork this one, because its threads may hold locks."""
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["slotspec.cli.forkserver_preload"])
    before = dict(os.environ)
    try:
        # the server imports from where this process does, not from the current folder
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
        return f"its process was killed by signal {name}"
    return f"its process ended with exit code {code} and no result"


# ------------------------------------------------------------------------ in the process


def _work(
    pipe: Connection, request: Request, number: int, large: bool, environment: dict[str, str]
) -> None:
    """Make one run and send its result.

    :param large: it is known to be too large to interpret.
    """
    end_with_parent()
    # the environment of the fork server may be older than that of the parent
    os.environ.clear()
    os.environ.update(environment)
    # Ctrl-C reaches every process of a terminal; the parent decides what to do
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    message: tuple[str, Any]
    try:
        result = run_one(request, number, large, lambda at: pipe.send(("progress", at)))
        message = ("result", packed(result))
    except KeyboardInterrupt:
        message = ("interrupted", None)
    except SlotspecError as error:
        message = ("error", (type(error), error.code, error.message))
    except Exception as error:
        message = ("fault", f"{type(error).__name__}: {error}")
    try:
        pipe.send(message)
    except OSError:
        return  # the parent has gone


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_one(
    request: Request, number: int, large: bool, reporter: Callable[[Progress], None]
) -> Result:
    """The result of one run of the request.

    :param large: it is known to be too large to interpret.
    :param reporter: receives progress that can be sent, without the instance.
    """
    from slotspec.statemachine.check import check, compiler_there

    if compiler_there():
        from slotspec.statemachine.compiler.backend.upgrade import expect_repetition

        expect_repetition()  # whoever checks several models checks them again
    instance = request.plan()[number]
    options = request.options_of(instance)
    if large:
        options["engine"] = "compiled"
    if options["limits"].memory is None:
        from slotspec.statemachine.search.store import available_memory

        memory = int(SHARE * available_memory() / request.jobs)
        options["limits"] = replace(options["limits"], memory=memory)
    return check(instance, reporter=lambda at: reporter(_without_instance(at)), **options)


def _without_instance(at: Progress) -> Progress:
    return replace(at, instance=None)  # type: ignore[arg-type]


# ------------------------------------------------------- results as values that can be sent

Trace = tuple[tuple[int, ...], str | None, dict[str, Any]]
"""A finding: the indices of its calls, its fault, and its loop."""


def packed(result: Result) -> dict[str, Any]:
    """`result` as values that can be sent to another process, without its model."""
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
    """The packed result of `instance`, with its traces."""
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
    from slotspec.statemachine.interpreter.replay import Replayed, explain

    if trace is None:
        return None
    indices, fault, loop = trace
    calls = [instance.calls[index] for index in indices]
    if fault is not None:
        return replace(explain(instance, calls, fault), **loop)
    return Finding(Replayed(instance, calls), None, instance, **loop)
