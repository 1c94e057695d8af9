"""Breadth-first search of every reachable state, through the compiled model."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np

from slotspec.statemachine.compiler.backend.result_buffer import FOUND
from slotspec.statemachine.compiler.compile import Compiled, Found
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.declaration.model import Kind, Property
from slotspec.statemachine.interpreter.exploring import judge_all, judge_claim
from slotspec.statemachine.interpreter.liveness import (
    Claimed,
    Claims,
    Stopped,
    claims,
    examine,
)
from slotspec.statemachine.interpreter.replay import Replayed, explain
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.obligations import Elements
from slotspec.statemachine.results import (
    Finding,
    Limit,
    Limits,
    NodeProgress,
    Progress,
    PropertyResult,
    Reporter,
    Result,
    Verdict,
)
from slotspec.statemachine.search import checkpoint as checkpoints
from slotspec.statemachine.search.canonicalizer import PLAIN
from slotspec.statemachine.search.checkpoint import Checkpoint
from slotspec.statemachine.search.checkpoint_io import found_by, restore, save
from slotspec.statemachine.search.kernels import NEXT, NO_ROOM, ROOM, STOPPED, WORKER_CELLS
from slotspec.statemachine.search.step_log import StepLog
from slotspec.statemachine.search.visited import VERY_FULL, Visited
from slotspec.statemachine.search.worker_pool import WorkerPool

PROGRESS_SECONDS = 0.2
CHECKED_AFTER = (Limit.STATES, Limit.DEPTH, Limit.MEMORY)
"""Limits after which the search still checks properties in states that it did not expand."""


class _Stop(Exception):
    def __init__(self, limit: Limit) -> None:
        self.limit = limit


class Explorer:
    """One search; :meth:`run` returns its result."""

    def __init__(
        self,
        compiled: Compiled,
        limits: Limits,
        reporter: Reporter,
        workers: int,
        fingerprints: bool,
        mode: int = PLAIN,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.compiled, self.limits, self.reporter = compiled, limits, reporter
        self.instance = compiled.instance
        self.result = Result(self.instance, "compiled", workers=workers)
        self.mode = mode
        self.symmetry = None if mode == PLAIN else Symmetry(self.instance)
        self.result.symmetry = (None, "fast", "exact")[mode]
        self.checkpoint = checkpoint
        going_on = None if checkpoint is None else checkpoint.state
        self.visited = Visited(
            compiled.layout.packed,
            len(self.instance.calls),
            workers,
            limits.memory,
            exact=not fingerprints,
            separate=mode != PLAIN,
            found=0 if going_on is None else max(found_by(going_on)),
        )
        self.pool = self.new_pool(mode)
        self.steps: StepLog | None = None
        if claims(self.instance) and not fingerprints and mode == PLAIN and going_on is None:
            self.steps = self.log_steps()
        self.level: list[tuple[int, int]] = [(0, 1)]
        self.depth = 0
        self.starts = [w * self.visited.region for w in range(workers)]
        self.found: dict[int, Found] = {}
        self.solo = False
        before = perf_counter()
        visited = self.visited
        first = np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
        canonicalizer = self.pool.workers[0].canonicalizer
        visited.enter_first(first, canonicalizer.of(first) if mode else first)
        self.roomy = visited.make_table(self.pool.margin, 1)
        self.earlier = 0.0
        self.pool.begin([])
        self.pool.burst()
        self.pool.begin(self.level)
        self.starts[0] = 1
        if checkpoint is not None and checkpoint.state is not None:
            self.earlier = restore(self, checkpoint)
        self.started = self.reported = self.saved = perf_counter()
        if limits.seconds is not None:
            self.pool.until = self.started + limits.seconds
        self.result.compile_seconds = compiled.seconds + self.started - before

    def new_pool(self, mode: int) -> WorkerPool:
        """The workers of this search."""
        return WorkerPool(self.compiled, self.visited, mode)

    def log_steps(self) -> StepLog | None:
        """Have the workers log the steps they take; None if the address space is too small."""
        pool, visited = self.pool, self.visited
        try:
            log = StepLog(visited, pool.margin, len(pool.workers[0].recent) // visited.width)
        except MemoryError:
            return None
        for worker, its in zip(pool.workers, log.workers, strict=True):
            worker.steps = its.steps
        return log

    def drop_steps(self) -> None:
        """Go on without the log of steps: there is no room for it."""
        for worker in self.pool.workers:
            worker.steps = None
        self.steps, self.visited.beside = None, 0

    def run(self) -> Result:
        result = self.result
        self.compiled.improve()
        try:
            try:
                self.search()
            except _Stop as stop:
                result.limit = stop.limit
            except OutOfTime:
                result.limit = Limit.SECONDS
            except KeyboardInterrupt:
                result.limit = Limit.INTERRUPTED
            self.gather()
            self.save()
            if result.limit in CHECKED_AFTER:
                self.check_rest()
        finally:
            self.pool.close()
            self.compiled.upgrade.close(finished=result.limit is None)
        result.seconds = self.seconds()
        result.states = self.visited.count
        result.depth = self.depth + (self.fresh() > 0)
        self.report(final=True)
        self.conclude()
        return result

    def search(self) -> None:
        """Expand level after level until nothing new is found or a limit is hit."""
        visited, pool = self.visited, self.pool
        if not self.roomy:
            raise _Stop(Limit.MEMORY)
        while True:
            if self.limits.until is not None:
                self.ask_level()
                if self.is_found(self.limits.until):
                    raise _Stop(Limit.FOUND)
            if self.limits.depth is not None and self.depth >= self.limits.depth:
                raise _Stop(Limit.DEPTH)
            while pool.left:
                self.make_room()
                pool.burst(solo=self.solo)
                self.look_around()
            self.gather()
            if not self.fresh():
                return
            visited.forget(self.level)
            ends = visited.ends()
            self.level = list(zip(self.starts, ends, strict=True))
            self.starts = ends
            self.depth += 1
            pool.begin(self.level)

    def is_found(self, target: str) -> bool:
        """Whether what ``limits.until`` asks for has been found."""
        buffer = self.compiled.result_buffer
        ends = {"fault": buffer.fault, "deadlock": buffer.deadlock}
        if target in ends:
            return ends[target] in self.found
        found = [self.found_of(kind) for kind in self.kinds_of(target)]
        return bool(found) and all(one is not None and not one.broken for one in found)

    def kinds_of(self, name: str) -> list[int]:
        """The kinds of a property's obligations."""
        obligations = self.compiled.result_buffer.obligations
        return [
            kind for kind, obligation in enumerate(obligations) if obligation.declared.name == name
        ]

    def found_of(self, kind: int) -> Found | None:
        """The finding for an obligation; under symmetry, the shortest for a renamed form of it."""
        found = self.found.get(kind)
        obligations = self.compiled.result_buffer.obligations
        declared, elements = obligations[kind].declared, obligations[kind].elements
        if self.symmetry is None or elements is None:
            return found
        domains = list(declared.parameters.values())
        alike = [
            self.found[other]
            for other in self.kinds_of(declared.name)
            if other in self.found
            and self.symmetry.alike(domains, elements, obligations[other].elements or ())
        ]
        if len(alike) < 2:
            return next(iter(alike), None)
        return min(alike, key=lambda one: len(self.visited.way_to(one.state)))

    def ask_level(self) -> None:
        """Check the properties in this level's states before expanding any of them."""
        try:
            self.ask(self.level)
        finally:
            self.pool.begin(self.level)

    def ask(self, ranges: list[tuple[int, int]]) -> None:
        """Check the properties in the states with these numbers, without expanding them."""
        self.visited.shared[STOPPED] = 0
        self.visited.shared[ROOM] = 2**62
        self.pool.begin(ranges)
        while self.pool.left:
            self.pool.burst(expanding=False)
        self.gather()

    def fresh(self) -> int:
        """How many states of the next level have been found."""
        return sum(end - start for start, end in zip(self.starts, self.visited.ends(), strict=True))

    def seconds(self) -> float:
        """Time spent on the search, including the time before it was resumed."""
        return self.earlier + perf_counter() - self.started

    def unexpanded(self) -> list[tuple[int, int]]:
        """Ranges of states that were found but not expanded."""
        ranges = self.pool.rest() + list(zip(self.starts, self.visited.ends(), strict=True))
        return [(first, stop) for first, stop in ranges if stop > first]

    def save(self) -> None:
        if self.checkpoint is not None:
            save(self, self.checkpoint, self.seconds())
            self.saved = perf_counter()

    def frontier(self) -> int:
        return sum(stop - first for first, stop in self.level) + self.fresh()

    def make_room(self) -> None:
        """Before a burst: make room in the table, and set how far each worker may go."""
        visited, pool, limits = self.visited, self.pool, self.limits
        count = visited.count
        per = visited.state_bytes + (0 if visited.exact else 8 * visited.width)
        spare = self.spare()
        if self.steps is not None and spare < per * pool.margin:
            self.drop_steps()
            spare = self.spare()
        if spare < per * pool.margin:
            raise _Stop(Limit.MEMORY)
        capacity = count + spare // per
        visited.shared[ROOM] = min(capacity, int(VERY_FULL * visited.entries)) - pool.margin + 1
        visited.shared[STOPPED] = 0
        left = None if limits.states is None else limits.states - count
        # near the limit on states, a single worker continues and stops exactly at the limit
        self.solo = left is not None and left <= pool.margin
        if left is not None and not self.solo:
            visited.shared[ROOM] = min(int(visited.shared[ROOM]), count + left - pool.margin + 1)
        for worker in range(visited.workers):
            end = (worker + 1) * visited.region
            if self.solo and left is not None:
                end = min(end, visited.next_of(worker) + left)
            visited.shared[NEXT + WORKER_CELLS * worker + 1] = end

    def spare(self) -> int:
        """Memory that is left, once there is room in the table; negative if there cannot be."""
        visited = self.visited
        if self.steps is not None:
            visited.beside = self.steps.bytes()
        if not visited.make_table(self.pool.margin, self.frontier()):
            return -1
        return visited.budget - visited.memory(self.frontier())

    def look_around(self) -> None:
        """After a burst: check the limits and report progress."""
        visited, limits = self.visited, self.limits
        if self.compiled.improve():
            for worker in self.pool.workers:
                worker.canonicalizer.call(self.compiled)
        now = perf_counter()
        if visited.shared[STOPPED] == NO_ROOM:
            raise _Stop(Limit.STATES if self.solo else Limit.MEMORY)
        if limits.seconds is not None and now - self.started > limits.seconds:
            raise _Stop(Limit.SECONDS)
        if self.checkpoint is not None and now - self.saved >= checkpoints.SECONDS:
            self.save()
        if now - self.reported >= PROGRESS_SECONDS:
            self.reported = now
            self.report()

    def check_rest(self) -> None:
        """Check the properties in states that were found but not expanded."""
        try:
            self.ask(self.unexpanded())
        except (KeyboardInterrupt, OutOfTime) as stop:
            late = isinstance(stop, OutOfTime)
            self.result.limit = Limit.SECONDS if late else Limit.INTERRUPTED
            self.gather()

    def gather(self) -> None:
        """Collect the workers' findings; the first for each obligation counts."""
        opened = self.compiled.result_buffer.opened
        for worker in self.pool.workers:
            for found in self.compiled.found(worker.buffer):
                self.found.setdefault(found.kind, found)
            worker.buffer[FOUND] = 0
        for worker in self.pool.workers:
            for kind in self.found:
                worker.buffer[opened + kind] = 0

    def report(self, final: bool = False) -> None:
        buffer = self.compiled.result_buffer
        frontier = self.frontier()
        self.reporter(
            Progress(
                self.instance,
                states=self.visited.count,
                transitions=int(self.pool.total(buffer.taken, len(self.instance.actions)).sum()),
                depth=self.depth,
                frontier=frontier,
                seconds=self.seconds(),
                memory=self.visited.memory(frontier),
                final=final,
                nodes=self.nodes(),
            )
        )

    def nodes(self) -> tuple[NodeProgress, ...]:
        """The progress of each machine, if there are several."""
        return ()

    # results

    def conclude(self) -> None:
        result, buffer, instance = self.result, self.compiled.result_buffer, self.instance
        claims_result = self.check_claims()
        taken = self.pool.total(buffer.taken, len(instance.actions))
        result.taken = {a.name: int(n) for a, n in zip(instance.actions, taken, strict=True)}
        result.transitions = sum(result.taken.values())
        fired = self.pool.total(0, buffer.size)
        for lifecycle in instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                result.fired[key] = int(
                    fired[buffer.fired_cell(lifecycle, move.event, int(move.source))]
                )
        for prop in instance.properties.values():
            if claims_result is not None and prop.kind is Kind.LEADS_TO:
                result.properties.append(judge_claim(instance, prop, claims_result))
            else:
                result.properties.append(self.verdict(prop))
        if buffer.deadlock in self.found:
            result.deadlock = self.finding(self.found[buffer.deadlock])
        if buffer.fault in self.found:
            fault = self.found[buffer.fault]
            result.fault = self.finding(fault, str(self.compiled.sites[fault.site]))
        if claims_result is not None:
            result.fault = result.fault or claims_result.fault
            result.limit = claims_result.limit
        result.bytes_per_state = self.visited.peak / max(1, result.states)
        if not self.visited.exact:
            n = result.states
            result.missed = min(1.0, n * (n - 1) / 2**65)

    def check_claims(self) -> Claims | None:
        """Decide the ``leads to`` properties, once every reachable state has been seen."""
        if self.result.limit is not None or not claims(self.instance):
            return None
        from slotspec.statemachine.search.graph import CompiledGraph
        from slotspec.statemachine.search.quotient import QuotientGraph

        visited, limits = self.visited, self.limits
        actions = len(self.instance.actions)
        transitions = int(self.pool.total(self.compiled.result_buffer.taken, actions).sum())
        visited.beside = 0  # the graph itself tells what it takes

        def watch(more: int) -> None:
            if limits.seconds is not None and perf_counter() - self.started > limits.seconds:
                raise Stopped(Limit.SECONDS)
            if visited.memory(0) + more > visited.budget:
                raise Stopped(Limit.MEMORY)

        def graph() -> Claimed:
            compiled, batch, until = self.compiled, self.pool.batch, self.pool.until
            if self.mode == PLAIN:
                return CompiledGraph(
                    compiled, visited, transitions, batch, watch, until, self.steps
                )
            return QuotientGraph(compiled, visited, transitions, batch, watch, until)

        claims_result = examine(self.instance, graph, watch)
        self.result.seconds = self.seconds()
        return claims_result

    def verdict(self, prop: Property) -> PropertyResult:
        findings: dict[Elements | None, Finding] = {}
        obligations = self.compiled.result_buffer.obligations
        for kind in self.kinds_of(prop.name):
            found = self.found_of(kind)
            if found is None:
                continue
            if found.broken:
                site = self.compiled.sites[found.site]
                reason = f"property {prop.name} cannot be evaluated: {site}"
                return PropertyResult(prop, Verdict.UNKNOWN, reason=reason)
            witnessed = obligations[found.kind].elements or ()
            findings[obligations[kind].elements] = replace(self.finding(found), elements=witnessed)
        return judge_all(self.instance, prop, findings, self.result.limit)

    def finding(self, found: Found, fault: str | None = None) -> Finding:
        calls = self.visited.way_to(found.state)
        if found.call is not None:
            calls.append(found.call)
        taken = [self.instance.calls[c] for c in calls]
        if fault is not None:  # the interpreter says more about it
            return explain(self.instance, taken, fault)
        return Finding(Replayed(self.instance, taken), None, self.instance)
