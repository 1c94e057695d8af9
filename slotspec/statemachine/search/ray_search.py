"""One search on several machines, with Ray: the states are divided by hash among processes.

The processes are those of :mod:`.ray_part`; this one tells them when a level begins and ends. Each
partition of the states has an owner, and a keeper on another node, if there is one, with a copy of
all whole levels. When a process is lost, the keepers of its partitions own them, copies are made
anew, and the level begins again. The files of a search on disk and its kernels do the work, so a
node needs no more memory than such a search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled, Found
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.time_limit import GRACE, OutOfTime
from slotspec.statemachine.results import Limit, Limits, NodeProgress, Reporter, Result
from slotspec.statemachine.search import disk_kernels
from slotspec.statemachine.search.disk_store import PARTITIONS, PLACE_BITS, way_to
from slotspec.statemachine.search.explorer import _Stop
from slotspec.statemachine.search.levels import LevelExplorer, Numbers
from slotspec.statemachine.search.ray_cluster import Shipped
from slotspec.statemachine.search.ray_part import (
    FULL,
    LATE,
    LOST,
    About,
    Part,
    PartProgress,
    Share,
)

AT_ONCE = 8
"""Methods of a part that may run at the same time: its own work, and blocks that arrive."""

TICK = 0.2
"""Seconds between two looks at limits and progress."""

PATIENCE = 60.0
"""Seconds that a process has to answer before it counts as lost."""

TRIES = 3
"""How often a level is begun again although no process is lost."""


class _Lost(Exception):
    """A process did not do its part of the level."""


class _Remote:
    """What :class:`.explorer.Explorer` asks of the visited states."""

    exact = True

    def __init__(self, link_of: Callable[[int], int]) -> None:
        self.link_of = link_of
        self.starts = np.zeros(PARTITIONS, dtype=np.int64)
        self.ends = np.zeros(PARTITIONS, dtype=np.int64)
        self.sums = np.zeros((2, PARTITIONS), dtype=np.uint32)
        self.peak = 0

    @property
    def count(self) -> int:
        return int(self.ends.sum())

    def memory(self, frontier: int) -> int:
        return self.peak

    def way_to(self, number: int) -> list[int]:
        return way_to(number, self.link_of)


class RayExplorer(LevelExplorer):
    """One search; :meth:`run` returns its result.

    :param ray: the library, connected to a cluster.
    :param workers: how many processes.
    :param folder: where each node keeps its states; None for its folder of temporary files.
    :ivar sent: bytes that the processes have sent each other.
    :ivar blocks: in how many blocks.
    """

    def __init__(
        self,
        compiled: Compiled,
        limits: Limits,
        reporter: Reporter,
        workers: int,
        ray: Any,
        folder: Path | None,
    ) -> None:
        super().__init__(compiled, limits, reporter, workers)
        self.ray = ray
        self.store = _Remote(self.link_of)
        self.visited = self.store  # type: ignore[assignment]
        numbers = Numbers(compiled)
        self.pool = numbers  # type: ignore[assignment]
        self.numbers = numbers.workers[0]
        self.attempt = 0
        self.sent = self.blocks = 0
        self.progress: dict[int, PartProgress] = {}
        self.asked: dict[Any, int] = {}
        before = perf_counter()
        kind = ray.remote(Part).options(
            num_cpus=1, scheduling_strategy="SPREAD", max_concurrency=AT_ONCE
        )
        shipped = Shipped.of(compiled.instance, ray)
        memory = None if limits.memory is None else limits.memory // workers
        self.parts = [kind.remote() for _ in range(workers)]
        self.alive = list(range(workers))
        try:
            self.got([part.begin.remote(shipped, memory, folder) for part in self.parts])
            self.abouts: list[About] = self.got([part.about.remote() for part in self.parts])
            self.agree()
            self.roomy = all(about.roomy for about in self.abouts)
            self.owner = [p % workers for p in range(PARTITIONS)]
            self.keeper = [self.keeper_of(p) for p in range(PARTITIONS)]
            first = np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
            p = int(disk_kernels.partition_of(first, PARTITIONS - 1))
            # the copy of a state that all know needs no sending
            holders = {self.owner[p], self.keeper[p]} - {-1}
            self.got([self.parts[n].enter_first.remote() for n in holders])
            self.store.ends[p] = 1
            self.rewind()
        except BaseException:
            self.close()
            raise
        self.begin(before)

    def got(self, asked: Sequence[Any]) -> Any:
        """The answers of the parts.

        :raises SlotspecError: what a part raised on purpose.
        """
        try:
            return self.ray.get(list(asked))
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None

    def agree(self) -> None:
        """Compare the rules of all nodes with those here.

        :raises InputError: ``RAY003`` if they differ.
        """
        for about in self.abouts:
            if about.rules != self.compiled.text_sum:
                raise InputError(
                    "RAY003",
                    f"node {about.node[:8]} has other rules of {self.instance.title} than this"
                    " machine; install the same version of slotspec and of the model there",
                )

    def keeper_of(self, p: int) -> int:
        """Who is to keep the copy of a partition: a process of another node, if there is one."""
        owner = self.owner[p]
        others = [n for n in self.alive if n != owner]
        apart = [n for n in others if self.abouts[n].node != self.abouts[owner].node]
        among = apart or others
        return among[(p // max(1, len(self.alive))) % len(among)] if among else -1

    def rewind(self) -> None:
        """Let all parts begin the level, whatever they have begun before."""
        self.attempt += 1
        store = self.store
        asked = []
        for n in self.alive:
            share = Share(self.attempt, n, self.owner, self.keeper, self.parts)
            asked.append(self.parts[n].rewind.remote(share, store.starts, store.ends, store.sums))
        self.got(asked)

    # a level

    def all_of(self, asked: dict[Any, int]) -> dict[int, Any]:
        """The answer of each part; looks at the limits meanwhile.

        :raises _Lost: a process is lost.
        """
        answers: dict[int, Any] = {}
        lost: Exception | None = None
        pending = list(asked)
        try:
            while pending:
                done, pending = self.ray.wait(pending, timeout=TICK)
                for ref in done:
                    try:
                        answers[asked[ref]] = self.ray.get(ref)
                    except self.ray.exceptions.RayError as error:
                        lost = error
                self.look_around()
        except BaseException:
            for n in self.alive:
                self.parts[n].end.remote()
            self.ray.wait(pending, num_returns=len(pending), timeout=GRACE) if pending else None
            raise
        if lost is not None:
            raise _Lost(str(lost))
        return answers

    def expand(self, expanding: int) -> None:
        while True:
            try:
                return self.expand_once(expanding)
            except _Lost as lost:
                self.recover(lost)

    def expand_once(self, expanding: int) -> None:
        left = None if self.until is None else max(0.0, self.until - perf_counter())
        known = list(self.found)
        asked = {self.parts[n].expand.remote(expanding, known, left): n for n in self.alive}
        answers = self.all_of(asked)
        # what is wrong is wrong, whether or not the level ends
        for n in sorted(answers):
            self.note(self.compiled.found(answers[n].buffer))
        endings = {answer.ended for answer in answers.values()}
        if LOST in endings:
            raise _Lost("a process could not send its states")
        if LATE in endings:
            raise OutOfTime
        results, numbers = self.compiled.result_buffer, self.numbers.buffer
        for answer in answers.values():
            for first, count in (
                (results.taken, len(self.instance.actions)),
                (results.fired, results.size - results.fired),
            ):
                numbers[first : first + count] += answer.buffer[first : first + count]

    def note(self, found: Sequence[Found]) -> None:
        for one in found:
            self.found.setdefault(one.kind, one)

    def whole_level(self) -> None:
        while True:
            before = self.numbers.buffer.copy()
            try:
                self.expand_once(1)
                return self.merge()
            except _Lost as lost:
                self.numbers.buffer[:] = before
                self.recover(lost)

    def merge(self) -> None:
        answers = self.all_of({self.parts[n].merge.remote(): n for n in self.alive})
        endings = {ended for ended, _ in answers.values()}
        if LOST in endings:
            raise _Lost("a process could not send the copies of its states")
        if FULL in endings:
            raise _Stop(Limit.MEMORY)
        if LATE in endings:
            raise OutOfTime
        for n, (_, lengths) in answers.items():
            mine = [p for p, owner in enumerate(self.owner) if owner == n]
            starts, ends, sums = lengths
            self.store.starts[mine] = starts[mine]
            self.store.ends[mine] = ends[mine]
            self.store.sums[:, mine] = sums[:, mine]
        self.tries = 0

    tries = 0

    # what is lost

    def recover(self, lost: _Lost) -> None:
        """Give the partitions of lost processes to those that keep the copies.

        :raises InputError: ``RAY004`` if both processes that have a partition are lost.
        """
        answers = {n: self.parts[n].about.remote() for n in self.alive}
        self.ray.wait(list(answers.values()), num_returns=len(answers), timeout=PATIENCE)
        gone = []
        for n, ref in answers.items():
            try:
                self.ray.get(ref, timeout=0.1)
            except self.ray.exceptions.RayError:
                gone.append(n)
        if not gone:
            self.tries += 1
            if self.tries > TRIES:
                raise InputError("RAY005", f"the cluster fails again and again: {lost}")
        self.alive = [n for n in self.alive if n not in gone]
        for n in gone:
            self.progress.pop(n, None)
        moved: dict[int, list[int]] = {}
        for p in range(PARTITIONS):
            if self.owner[p] in gone:
                self.owner[p] = self.keeper[p]
            if self.owner[p] not in self.alive:
                raise InputError(
                    "RAY004",
                    f"{len(gone)} processes of the search are lost, with states that no other"
                    " process has; start the search anew",
                )
            if self.keeper[p] in (*gone, self.owner[p]):
                self.keeper[p] = self.keeper_of(p)
                moved.setdefault(self.owner[p], []).append(p)
        try:
            self.rewind()
            asked = {self.parts[n].copy.remote(ps): n for n, ps in moved.items()}
            if LOST in self.all_of(asked).values():
                raise _Lost("copies could not be made")
        except (_Lost, self.ray.exceptions.RayError) as again:
            self.recover(_Lost(str(again)))

    # results

    def run(self) -> Result:
        try:
            return super().run()
        finally:
            self.close()

    def close(self) -> None:
        """End the processes, and delete their files."""
        closing = [part.close.remote() for part in self.parts]
        # to delete the files of a large search takes seconds
        self.ray.wait(closing, num_returns=len(closing), timeout=PATIENCE)
        for part in self.parts:
            self.ray.kill(part)

    def link_of(self, number: int) -> int:
        part = self.parts[self.owner[number >> PLACE_BITS]]
        return int(self.ray.get(part.link_of.remote(number)))

    def fresh(self) -> int:
        return int((self.store.ends - self.store.starts).sum())

    def frontier(self) -> int:
        return sum(at.left for at in self.progress.values())

    def look_around(self) -> None:
        """Take in what the parts have said of their progress, and ask again."""
        done = [ref for ref in self.asked if self.ray.wait([ref], timeout=0)[0]]
        for ref in done:
            n = self.asked.pop(ref)
            try:
                self.progress[n] = self.ray.get(ref)
            except self.ray.exceptions.RayError:
                continue
        if not self.asked:
            self.add_up()
            self.asked = {self.parts[n].progress.remote(): n for n in self.alive}
        super().look_around()

    def add_up(self) -> None:
        at = self.progress.values()
        self.sent, self.blocks = sum(one.sent for one in at), sum(one.blocks for one in at)
        self.store.peak = max(self.store.peak, sum(one.memory for one in at))

    def nodes(self) -> tuple[NodeProgress, ...]:
        """The progress of each node."""
        found = []
        for node in dict.fromkeys(self.abouts[n].node for n in self.alive):
            parts = [n for n in self.alive if self.abouts[n].node == node]
            here = [self.progress[n] for n in parts if n in self.progress]
            states, left, memory, sent = (
                sum(getattr(at, name) for at in here)
                for name in ("states", "left", "memory", "sent")
            )
            found.append(NodeProgress(node[:8], len(parts), states, left, memory, sent))
        return tuple(found)
