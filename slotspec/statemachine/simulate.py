"""Seeded random runs of an instance, beyond what an exhaustive search can reach.

A simulation proves nothing. It reports what it saw, and in how many steps.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from dataclasses import dataclass, field, fields
from queue import SimpleQueue
from time import perf_counter
from typing import Any, Literal

from slotspec.statemachine.check import ENGINES, Engine, compiler_there
from slotspec.statemachine.declaration.arguments import wants
from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.random_walk import InterpretedWalk, RandomWalk
from slotspec.statemachine.interpreter.replay import explain, name_elements
from slotspec.statemachine.interpreter.rng import estimate
from slotspec.statemachine.interpreter.shrinking import shrink
from slotspec.statemachine.interpreter.statistics import CUT, Statistics, Violation
from slotspec.statemachine.interpreter.time_limit import GRACE, check_seconds
from slotspec.statemachine.obligations import obligations
from slotspec.statemachine.results import Finding, Limit
from slotspec.statemachine.workers import count_workers

SEED = 1
RUNS = 2_000
STEPS = 500
FAULT_RATE = 0.05
MOST_STEPS = 100_000_000
"""Limit on the length of a run: each worker stores its run's calls, four bytes each."""

WORTH_COMPILING = 20_000
"""``auto`` compiles from this many steps on; fewer are interpreted before compiling is done."""

BLOCK_STEPS = 50_000
"""The most steps that a worker makes before it reports."""

TICK = 0.1


@dataclass(frozen=True)
class SimulationProgress:
    """The progress of a simulation; sent a few times a second."""

    instance: Instance
    runs: int
    steps: int
    seconds: float
    doing: str = ""


SimulationReporter = Callable[[SimulationProgress], None]


def silent(_: SimulationProgress) -> None:
    """A reporter that ignores all progress."""


@dataclass(repr=False)
class Simulation:
    """All that a simulation of one instance saw; pickled and compared like a :class:`Result`.

    The same seed gives the same result (but for the times) with either engine and any number
    of workers, unless time or Ctrl-C cut the simulation short.

    :ivar runs: number of runs. `steps` is the number of their steps (calls that changed the
        state), `longest` the number of steps of the longest run.
    :ivar stutters: calls that were possible and changed nothing. They are checked, but are
        no steps.
    :ivar states: estimated number of distinct states seen (standard error 1.6 percent).
    :ivar ends: reason that ended a run -> number of runs.
    :ivar taken: action -> its calls, with or without effect. `moved` counts its steps.
    :ivar fired: lifecycle transition -> how often it fired.
    :ivar witnessed: ``sometimes`` property (``name[job=job0]`` if it has elements) ->
        (run, steps) where it was first seen.
    :ivar deviations: known deviation -> number of runs that showed it.
    :ivar violation: the violation as the run met it. `finding` is its shortened and replayed
        trace; `minimal` tells that no single call of that can be left out.
    :ivar limit: what cut the simulation short.
    """

    instance: Instance = field(compare=False)
    engine: str
    seed: int
    fault_rate: float
    swarm: bool
    wanted_runs: int | None
    wanted_steps: int
    workers: int = 1
    runs: int = 0
    steps: int = 0
    longest: int = 0
    stutters: int = 0
    states: int = 0
    seconds: float = field(default=0.0, compare=False)
    compile_seconds: float | None = field(default=None, compare=False)
    shrink_seconds: float | None = field(default=None, compare=False)
    ends: Counter[str] = field(default_factory=Counter)
    taken: dict[str, int] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    fired: dict[tuple[str, str, str], int] = field(default_factory=dict)
    witnessed: dict[str, tuple[int, int]] = field(default_factory=dict)
    deviations: dict[str, int] = field(default_factory=dict)
    violation: Violation | None = None
    finding: Finding | None = None
    minimal: bool = False
    limit: Limit | None = None

    def __repr__(self) -> str:
        met = self.violation
        found = "no violation" if met is None else f"{met.name or met.kind} violated"
        amount = f"{self.steps:,} steps of {self.runs:,} runs"
        return f"<Simulation {self.instance.title}: {found}, {amount}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Simulation):
            return NotImplemented
        names = [f.name for f in fields(self) if f.compare]
        return self.instance.is_as(other.instance) and all(
            getattr(self, name) == getattr(other, name) for name in names
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def rate(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds if self.seconds > 0 else 0.0

    @property
    def unchecked(self) -> list[str]:
        """Properties that no finite run can violate."""
        return [n for n, p in self.instance.properties.items() if p.kind is Kind.LEADS_TO]

    @property
    def unwitnessed(self) -> list[str]:
        """``sometimes`` properties that no run satisfied."""
        return [
            q.name
            for q in obligations(self.instance)
            if q.declared.kind is Kind.SOMETIMES and q.name not in self.witnessed
        ]

    @property
    def never(self) -> list[str]:
        """Actions that were not taken."""
        return [name for name, count in self.taken.items() if not count]

    @property
    def faults(self) -> dict[str, int]:
        """Fault that the model declares -> number of its steps."""
        return {a.name: self.moved[a.name] for a in self.instance.actions if a.fault}


def simulate(
    instance: Instance,
    engine: Engine = "auto",
    *,
    seed: int = SEED,
    runs: int | None = RUNS,
    steps: int = STEPS,
    seconds: float | None = None,
    fault_rate: float = FAULT_RATE,
    swarm: bool = True,
    workers: int | Literal["auto"] = 1,
    on: str | None = None,
    reporter: SimulationReporter = silent,
) -> Simulation:
    """Make seeded random runs of `instance` and check its properties at each step.

    :mod:`slotspec.statemachine.interpreter.random_walk` chooses the calls. The simulation ends
    with the first run that violates a property, and shrinks that run.

    :param runs: number of runs; None to go on until the time is up.
    :param steps: maximal length of a run.
    :param seconds: time after which no step begins.
    :param fault_rate: probability of a fault at each step at which one is possible.
    :param swarm: in half of the runs, avoid some actions while others can be taken.
    :param workers: threads of the compiled engine, or processes with `on`; ``auto`` means one
        for each processor.
    :param on: make the runs on several machines, with Ray: ``ray`` for processes on this one, or
        for the cluster that this program is connected to, or ``ray://HOST:PORT``. A limit on time
        leaves out runs that have not ended.
    :raises UsageError: ``SET020`` to ``SET024``, ``SET030``, ``SET042``, ``SET044``, ``SET045``,
        ``SET080`` to ``SET084`` for arguments that cannot be honoured.
    :raises InputError: ``RAY001``, ``RAY002``, ``RAY006``, ``RAY007`` if the cluster fails.
    """
    wants("simulate", "an instance, as model.instance() makes it", instance, Instance)
    if engine not in ENGINES:
        raise UsageError("SET020", f"engine {engine!r}: choose from {', '.join(ENGINES)}")
    if workers != "auto" and workers < 1:
        raise UsageError("SET021", f"workers {workers}: give a number from 1, or auto")
    if engine == "interpreted" and workers not in (1, "auto") and on is None:
        raise UsageError(
            "SET022",
            "the interpreted engine does not support more than one worker; use the compiled engine",
        )
    check_seconds(seconds)
    if not 0 <= fault_rate <= 1:
        raise UsageError("SET080", f"fault rate {fault_rate}: give a number from 0 to 1")
    if runs is not None and runs < 1:
        raise UsageError("SET081", f"runs {runs}: give a number from 1")
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError("SET082", f"steps {steps}: give a number from 1 to {MOST_STEPS}")
    if not 0 <= seed < 1 << 64:
        raise UsageError("SET083", f"seed {seed}: give a number from 0 that has at most 64 bits")
    if runs is None and seconds is None:
        raise UsageError("SET084", "a simulation needs an end; give runs or seconds")
    few = runs is not None and runs * steps < WORTH_COMPILING and workers in (1, "auto")
    compiled = engine == "compiled" or (engine == "auto" and not few)
    if compiled and not compiler_there():
        if engine == "compiled" or workers not in (1, "auto"):
            raise UsageError(
                "SET022", "the compiled engine needs Numba, which is not installed; install numba"
            )
        compiled = False
    threads = count_workers(workers) if compiled and on is None else 1
    result = Simulation(
        instance,
        "compiled" if compiled else "interpreted",
        seed,
        fault_rate,
        swarm,
        runs,
        steps,
        threads,
    )
    reporter(SimulationProgress(instance, 0, 0, 0.0, "compiling" if compiled else "starting"))
    if on is None:
        _Threads(result, seconds, reporter).run()
    else:
        _Cluster(result, seconds, reporter, on, workers).run()
    _explain(result, reporter)
    return result


def _explain(result: Simulation, reporter: SimulationReporter) -> None:
    """Shorten the violation that was found, and replay it."""
    violation = result.violation
    if violation is None:
        return
    started = perf_counter()
    reporter(
        SimulationProgress(
            result.instance,
            result.runs,
            result.steps,
            result.seconds,
            f"shortening {len(violation.calls)} calls",
        )
    )
    shrunk = shrink(result.instance, violation)
    result.finding = explain(result.instance, shrunk.calls, shrunk.fault)
    if violation.kind == "property" and violation.name is not None:
        declared = result.instance.properties[violation.name]
        result.finding = name_elements(result.instance, declared, result.finding)
    result.minimal = shrunk.minimal
    result.shrink_seconds = perf_counter() - started


class _Blocks:
    """Blocks of runs, whose statistics are merged in the order of the runs."""

    def __init__(
        self, result: Simulation, seconds: float | None, reporter: SimulationReporter
    ) -> None:
        self.result, self.reporter = result, reporter
        self.total = Statistics()
        self.stopping = False
        self.start_clock(seconds)

    def start_clock(self, seconds: float | None) -> None:
        """Begin to count time: what compiles or connects is no time of the runs."""
        self.started = perf_counter()
        self.until = None if seconds is None else self.started + seconds

    def stop(self) -> bool:
        """Whether to cut runs short."""
        return self.stopping or (self.until is not None and perf_counter() > self.until)

    def blocks(self) -> Iterator[range]:
        """The numbers of the runs, in blocks."""
        size = max(1, BLOCK_STEPS // self.result.wanted_steps)
        first, runs = 0, self.result.wanted_runs
        while runs is None or first < runs:
            yield range(first, first + size if runs is None else min(runs, first + size))
            first += size

    def report(self) -> None:
        """Tell the reporter how far it is."""
        self.reporter(
            SimulationProgress(
                self.result.instance,
                self.total.runs,
                self.total.steps,
                perf_counter() - self.started,
            )
        )

    def conclude(self) -> None:
        result, total = self.result, self.total
        result.seconds = perf_counter() - self.started
        for name in ("runs", "steps", "longest", "stutters", "ends", "witnessed", "violation"):
            setattr(result, name, getattr(total, name))
        short = result.wanted_runs is None or total.runs < result.wanted_runs
        if result.limit is None and total.violation is None and (short or total.ends[CUT]):
            result.limit = Limit.SECONDS
        result.states = estimate(total.registers) if total.runs else 0
        actions = [action.name for action in result.instance.actions]
        result.taken = {name: total.taken[name] for name in actions}
        result.moved = {name: total.moved[name] for name in actions}
        result.deviations = dict(total.deviations)
        for lifecycle in result.instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                result.fired[key] = total.fired[key]


class _Threads(_Blocks):
    """Threads that make blocks of runs."""

    def __init__(
        self, result: Simulation, seconds: float | None, reporter: SimulationReporter
    ) -> None:
        super().__init__(result, seconds, reporter)
        instance, steps, rate = result.instance, result.wanted_steps, result.fault_rate
        self.free: SimpleQueue[RandomWalk] = SimpleQueue()
        self.code: Any = None
        self.walks: list[RandomWalk] = []
        if result.engine == "compiled":
            from slotspec.statemachine.search.random_walk import CompiledWalk, compile_walk

            self.code = compile_walk(instance)
            result.compile_seconds = self.code.seconds
            if seconds is not None and result.wanted_runs is None:
                self.code.upgrade.expect(seconds)
            for _ in range(result.workers):
                self.walks.append(CompiledWalk(self.code, steps, rate, result.swarm))
        else:
            self.walks.append(InterpretedWalk(instance, steps, rate, result.swarm))
        for walk in self.walks:
            self.free.put(walk)
        self.start_clock(seconds)

    def make(self, block: range) -> Statistics:
        """Make a block's runs; called in a thread."""
        walk = self.free.get()
        try:
            return walk.block(block, self.result.seed, self.stop)
        finally:
            self.free.put(walk)

    def run(self) -> None:
        """Make the runs; a partial result if time, Ctrl-C or a violation ends them early.

        :raises RuleError: a rule cannot be run at all.
        """
        pool = ThreadPoolExecutor(self.result.workers)
        waiting: deque[Future[Statistics]] = deque()
        try:
            try:
                self.make_all(pool, waiting)
            except KeyboardInterrupt:
                self.result.limit = Limit.INTERRUPTED
            self.stop_walks(waiting)
            while waiting and self.total.violation is None and not waiting[0].cancel():
                self.total.merge(waiting.popleft().result())
        finally:
            self.stop_walks(waiting)
            pool.shutdown(wait=True, cancel_futures=True)
            if self.code is not None:
                self.code.upgrade.close()
        self.conclude()

    def stop_walks(self, waiting: Collection[Future[Statistics]]) -> None:
        """Cut all runs short."""
        self.stopping = True
        if wait([block for block in waiting if block.running()], GRACE).not_done:
            for walk in self.walks:
                walk.end_now()

    def make_all(self, pool: ThreadPoolExecutor, waiting: deque[Future[Statistics]]) -> None:
        """Hand out blocks and merge their statistics, in order."""
        blocks = self.blocks()
        while not self.stop() and self.total.violation is None:
            while len(waiting) < 2 * self.result.workers:
                block = next(blocks, None)
                if block is None:
                    break
                waiting.append(pool.submit(self.make, block))
            if not waiting:
                break
            self.listen(waiting)

    def listen(self, waiting: deque[Future[Statistics]]) -> None:
        """Merge the next block's statistics, if they arrive soon."""
        if self.code is not None:
            self.code.improve()
        try:
            statistics = waiting[0].result(TICK)
        except NotYet:
            pass
        else:
            waiting.popleft()
            self.total.merge(statistics)
        self.report()


class _Cluster(_Blocks):
    """Processes of a cluster of Ray that make blocks of runs."""

    def __init__(
        self,
        result: Simulation,
        seconds: float | None,
        reporter: SimulationReporter,
        on: str,
        workers: int | Literal["auto"],
    ) -> None:
        super().__init__(result, seconds, reporter)
        self.on, self.workers, self.seconds = on, None if workers == "auto" else workers, seconds

    def run(self) -> None:
        """Make the runs; a partial result if time, Ctrl-C or a violation ends them early."""
        from slotspec.statemachine.search.ray_cluster import cluster
        from slotspec.statemachine.search.ray_walks import Walking, walk_on_cluster

        result = self.result
        walking = Walking(
            result.engine == "compiled",
            result.seed,
            result.wanted_steps,
            result.fault_rate,
            result.swarm,
        )
        with cluster(self.on, self.workers) as (ray, result.workers):
            self.start_clock(self.seconds)
            made = walk_on_cluster(
                ray, result.workers, result.instance, walking, self.blocks(), self.stop
            )
            with closing(made):
                try:
                    for statistics in made:
                        self.total.merge(statistics)
                        self.report()
                        if self.total.violation is not None:
                            break
                except KeyboardInterrupt:
                    result.limit = Limit.INTERRUPTED
        self.conclude()
