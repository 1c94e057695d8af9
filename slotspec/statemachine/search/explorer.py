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
from slotspec.statemachine.interpreter.liveness import Claims, Stopped, claims, examine
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.obligations import Elements
from slotspec.statemachine.results import (
    Finding,
    Limit,
    Limits,
    Progress,
    PropertyResult,
    Reporter,
    Result,
    Verdict,
)
from slotspec.statemachine.search import checkpoint as checkpoints
from slotspec.statemachine.search.canonicalizer import PLAIN
from slotspec.statemachine.search.checkpoint import Checkpoint
from slotspec.statemachine.search.checkpoint_io import restore, save
from slotspec.statemachine.search.kernels import CURSOR, NEXT, ROOM, STOPPED, WORKER_CELLS
from slotspec.statemachine.search.visited import VERY_FULL, Visited
from slotspec.statemachine.search.worker_pool import WorkerPool

PROGRESS_SECONDS = 0.2
CHECKED_AFTER = (Limit.STATES, Limit.DEPTH, Limit.MEMORY)
"""Limits after which the properties are still asked of states that were not expanded."""


class _Stop(Exception):
    def __init__(self, limit: Limit) -> None:
        self.limit = limit


class Explorer:
    """One search; :meth:`run` gives its result."""

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
            region=None if going_on is None else going_on["region"],
        )
        self.crew = WorkerPool(compiled, self.visited, mode)
        self.level: list[tuple[int, int]] = [(0, 1)]
        self.depth = 0
        self.starts = [w * self.visited.region for w in range(workers)]
        self.found: dict[int, Found] = {}
        self.solo = False
        before = perf_counter()
        visited = self.visited
        first = np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
        canonizer = self.crew.workers[0].canonizer
        visited.enter_first(first, canonizer.of(first) if mode else first)
        self.roomy = visited.make_table(self.crew.margin, 1)
        self.earlier = 0.0
        self.crew.begin([])
        self.crew.burst()
        self.crew.begin(self.level)
        self.starts[0] = 1
        if checkpoint is not None and checkpoint.state is not None:
            self.earlier = restore(self, checkpoint)
        self.started = self.reported = self.saved = perf_counter()
        self.result.compile_seconds = compiled.seconds + self.started - before

    def run(self) -> Result:
        result = self.result
        try:
            try:
                self.search()
            except _Stop as stop:
                result.limit = stop.limit
            except KeyboardInterrupt:
                result.limit = Limit.INTERRUPTED
            self.gather()
            if self.checkpoint is not None and self.visited.shared[STOPPED] in (0, 2):
                self.save()
            if result.limit in CHECKED_AFTER:
                self.check_rest()
        finally:
            self.crew.close()
        result.seconds = self.seconds()
        result.states = self.visited.count
        result.depth = self.depth + (self.fresh() > 0)
        self.report(final=True)
        self.conclude()
        return result

    def search(self) -> None:
        """Expand level after level until nothing new is found or a limit is hit."""
        visited, crew = self.visited, self.crew
        if not self.roomy:
            raise _Stop(Limit.MEMORY)
        while True:
            if self.limits.until is not None:
                self.ask_level()
                if self.is_found(self.limits.until):
                    raise _Stop(Limit.FOUND)
            if self.limits.depth is not None and self.depth >= self.limits.depth:
                raise _Stop(Limit.DEPTH)
            while crew.left:
                self.make_room()
                crew.burst(solo=self.solo)
                self.look_around()
            self.gather()
            if not self.fresh():
                return
            visited.forget(self.level)
            ends = visited.ends()
            self.level = list(zip(self.starts, ends, strict=True))
            self.starts = ends
            self.depth += 1
            crew.begin(self.level)

    def is_found(self, sought: str) -> bool:
        """Whether a trace to what is sought is known."""
        book = self.compiled.notebook
        ends = {"fault": book.fault, "deadlock": book.deadlock}
        if sought in ends:
            return ends[sought] in self.found
        found = [self.found_of(kind) for kind in self.kinds_of(sought)]
        return bool(found) and all(one is not None and not one.broken for one in found)

    def kinds_of(self, name: str) -> list[int]:
        """The kinds of a property's questions."""
        asked = self.compiled.notebook.questions
        return [kind for kind, question in enumerate(asked) if question.declared.name == name]

    def found_of(self, kind: int) -> Found | None:
        """What was found of a question, or of one that a renaming makes of it under symmetry."""
        found = self.found.get(kind)
        if found is not None or self.symmetry is None:
            return found
        asked = self.compiled.notebook.questions
        declared, elements = asked[kind].declared, asked[kind].elements
        domains = list(declared.parameters.values())
        for other in self.kinds_of(declared.name) if elements is not None else []:
            alike = self.symmetry.alike(domains, elements or (), asked[other].elements or ())
            if other in self.found and alike:
                return self.found[other]
        return None

    def ask_level(self) -> None:
        """Ask the properties of the states of this level before any of them is expanded."""
        cursor = int(self.visited.shared[CURSOR])
        self.ask(self.level)
        self.crew.begin(self.level)
        self.visited.shared[CURSOR] = cursor

    def ask(self, ranges: list[tuple[int, int]]) -> None:
        """Ask the properties of the states of these numbers, and expand none."""
        self.visited.shared[STOPPED] = 0
        self.visited.shared[ROOM] = 2**62
        self.crew.begin(ranges)
        while self.crew.left:
            self.crew.burst(expanding=False)
        self.gather()

    def fresh(self) -> int:
        """How many states of the next level were found."""
        return sum(end - start for start, end in zip(self.starts, self.visited.ends(), strict=True))

    def seconds(self) -> float:
        """Time spent on the search, before a resumption too."""
        return self.earlier + perf_counter() - self.started

    def unexpanded(self) -> list[tuple[int, int]]:
        """Ranges of states that were found and not expanded."""
        ranges = self.crew.rest() + list(zip(self.starts, self.visited.ends(), strict=True))
        return [(first, stop) for first, stop in ranges if stop > first]

    def save(self) -> None:
        if self.checkpoint is not None:
            save(self, self.checkpoint, self.seconds())
            self.saved = perf_counter()

    def frontier(self) -> int:
        return sum(stop - first for first, stop in self.level) + self.fresh()

    def make_room(self) -> None:
        """Before a burst: room in the table, and how far each worker may go."""
        visited, crew, limits = self.visited, self.crew, self.limits
        count = visited.count
        if not visited.make_table(crew.margin, self.frontier()):
            raise _Stop(Limit.MEMORY)
        memory = visited.memory(self.frontier())
        spare = visited.budget - memory
        per = visited.state_bytes + (0 if visited.exact else 8 * visited.width)
        if spare < per * crew.margin:
            raise _Stop(Limit.MEMORY)
        room = count + spare // per
        visited.shared[ROOM] = min(room, int(VERY_FULL * visited.entries)) - crew.margin + 1
        visited.shared[STOPPED] = 0
        left = None if limits.states is None else limits.states - count
        # near the limit on states one worker goes on alone and stops exactly there
        self.solo = left is not None and left <= crew.margin
        if left is not None and not self.solo:
            visited.shared[ROOM] = min(int(visited.shared[ROOM]), count + left - crew.margin + 1)
        for worker in range(visited.workers):
            end = (worker + 1) * visited.region
            if self.solo and left is not None:
                end = min(end, visited.next_of(worker) + left)
            visited.shared[NEXT + WORKER_CELLS * worker + 1] = end

    def look_around(self) -> None:
        """After a burst: limits and progress."""
        visited, limits = self.visited, self.limits
        now = perf_counter()
        if visited.shared[STOPPED]:
            raise _Stop(Limit.STATES if self.solo else Limit.MEMORY)
        if limits.seconds is not None and now - self.started > limits.seconds:
            raise _Stop(Limit.SECONDS)
        if self.checkpoint is not None and now - self.saved >= checkpoints.SECONDS:
            self.save()
        if now - self.reported >= PROGRESS_SECONDS:
            self.reported = now
            self.report()

    def check_rest(self) -> None:
        """Ask the properties of states that were found and not expanded."""
        try:
            self.ask(self.unexpanded())
        except KeyboardInterrupt:
            self.result.limit = Limit.INTERRUPTED
            self.gather()

    def gather(self) -> None:
        """Collect what the workers noted; each question is answered once."""
        opened = self.compiled.notebook.opened
        for worker in self.crew.workers:
            for found in self.compiled.found(worker.book):
                self.found.setdefault(found.kind, found)
            worker.book[FOUND] = 0
        for worker in self.crew.workers:
            for kind in self.found:
                worker.book[opened + kind] = 0

    def report(self, final: bool = False) -> None:
        book = self.compiled.notebook
        frontier = self.frontier()
        self.reporter(
            Progress(
                self.instance,
                states=self.visited.count,
                transitions=int(self.crew.total(book.taken, len(self.instance.actions)).sum()),
                depth=self.depth,
                frontier=frontier,
                seconds=self.seconds(),
                memory=self.visited.memory(frontier),
                final=final,
            )
        )

    # what was found

    def conclude(self) -> None:
        result, book, instance = self.result, self.compiled.notebook, self.instance
        said = self.said_of_runs()
        taken = self.crew.total(book.taken, len(instance.actions))
        result.taken = {a.name: int(n) for a, n in zip(instance.actions, taken, strict=True)}
        result.transitions = sum(result.taken.values())
        fired = self.crew.total(0, book.size)
        for lifecycle in instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                result.fired[key] = int(
                    fired[book.fired_cell(lifecycle, move.event, int(move.source))]
                )
        for prop in instance.properties.values():
            if said is not None and prop.kind is Kind.LEADS_TO:
                result.properties.append(judge_claim(instance, prop, said))
            else:
                result.properties.append(self.verdict(prop))
        if book.deadlock in self.found:
            result.deadlock = self.finding(self.found[book.deadlock])
        if book.fault in self.found:
            fault = self.found[book.fault]
            result.fault = self.finding(fault, str(self.compiled.sites[fault.site]))
        if said is not None:
            result.fault = result.fault or said.fault
            result.limit = said.limit
        result.bytes_per_state = self.visited.peak / max(1, result.states)
        if not self.visited.exact:
            n = result.states
            result.missed = min(1.0, n * (n - 1) / 2**65)

    def said_of_runs(self) -> Claims | None:
        """What the ``leads to`` properties come to, after every reachable state was seen."""
        if self.result.limit is not None or not claims(self.instance):
            return None
        from slotspec.statemachine.search.graph import CompiledGraph

        visited, limits = self.visited, self.limits
        actions = len(self.instance.actions)
        transitions = int(self.crew.total(self.compiled.notebook.taken, actions).sum())

        def watch(more: int) -> None:
            if limits.seconds is not None and perf_counter() - self.started > limits.seconds:
                raise Stopped(Limit.SECONDS)
            if visited.memory(0) + more > visited.budget:
                raise Stopped(Limit.MEMORY)

        said = examine(
            self.instance,
            lambda: CompiledGraph(self.compiled, visited, transitions, self.crew.batch, watch),
            watch,
        )
        self.result.seconds = self.seconds()
        return said

    def verdict(self, prop: Property) -> PropertyResult:
        findings: dict[Elements | None, Finding] = {}
        asked = self.compiled.notebook.questions
        for kind in self.kinds_of(prop.name):
            found = self.found_of(kind)
            if found is None:
                continue
            if found.broken:
                site = self.compiled.sites[found.site]
                reason = f"property {prop.name} cannot be evaluated: {site}"
                return PropertyResult(prop, Verdict.UNKNOWN, reason=reason)
            witnessed = asked[found.kind].elements or ()
            findings[asked[kind].elements] = replace(self.finding(found), elements=witnessed)
        return judge_all(self.instance, prop, findings, self.result.limit)

    def finding(self, found: Found, fault: str | None = None) -> Finding:
        calls = self.visited.way_to(found.state)
        if found.call is not None:
            calls.append(found.call)
        return explain(self.instance, [self.instance.calls[c] for c in calls], fault)
