"""One process of a search on several machines: it owns some of the partitions of the states.

It expands the states of its partitions and sends each successor to the process that owns it, in
blocks of a megabyte and more. When the level is done, it merges what it has received, and sends
what is new to the process that keeps the copy of that partition.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.search.disk_store import PARTITIONS, READ, NoRoom
from slotspec.statemachine.search.disk_work import DiskWork
from slotspec.statemachine.search.ray_cluster import Shipped
from slotspec.statemachine.search.store import available_memory
from slotspec.statemachine.search.visited import SHARE

BLOCK = 1 << 20
"""Bytes of rows that are collected for another process before they are sent."""

AHEAD = 8
"""Blocks that may be on their way before a process waits for one to arrive."""

DONE, LATE, LOST, FULL = "done", "late", "lost", "full"
"""How a part's work ended: as it should; no time was left; another process has gone; a partition
does not fit into memory."""


class Share(NamedTuple):
    """Who does what, from one level on.

    :param attempt: rises whenever a level is begun again; blocks of an earlier one are ignored.
    :param me: the number of this process.
    :param owner: for each partition, the process that owns it.
    :param keeper: for each partition, the process that keeps a copy; -1 for nobody.
    :param parts: handles of all processes.
    """

    attempt: int
    me: int
    owner: list[int]
    keeper: list[int]
    parts: list[Any]


class About(NamedTuple):
    """Where a part runs, the checksum of its rules, and whether it has memory enough."""

    node: str
    rules: str
    roomy: bool


class Expanded(NamedTuple):
    """How expanding ended, and the result buffer."""

    ended: str
    buffer: Any


class PartProgress(NamedTuple):
    """What a part has done: states kept and yet to expand, memory, bytes and blocks sent."""

    states: int
    left: int
    memory: int
    sent: int
    blocks: int


class Part:
    """The process; all methods are called through Ray, some of them at the same time."""

    def begin(self, shipped: Shipped, memory: int | None, folder: Path | None) -> None:
        """Get ready; to be called first.

        :param memory: bytes that it may use; None for its share of the memory of its node.
        :param folder: where to keep states; None for the system's folder of temporary files.
        :raises SlotspecError: the model cannot be had here.
        """
        import ray

        self.ray: Any = ray
        self.compiled = compile_instance(shipped.unpacked(ray))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.files = TemporaryDirectory(prefix="slotspec-", dir=folder)
        if memory is None:
            memory = int(SHARE * available_memory() / (os.cpu_count() or 1))
        self.work = DiskWork(self.compiled, Path(self.files.name), memory, 1, lambda: None)
        self.work.put = self._put
        self.store = self.work.store
        self.share = Share(0, 0, [], [], [])
        self.mine: list[int] = []
        self.gate = Lock()
        self.sent = self.blocks = 0
        self._forget()

    def about(self) -> About:
        node = str(self.ray.get_runtime_context().get_node_id())
        return About(node, self.compiled.text_sum, self.work.roomy)

    def progress(self) -> PartProgress:
        states = sum(int(self.store.ends[p]) for p in self.mine)
        return PartProgress(states, self.work.left, self.store.peak, self.sent, self.blocks)

    def rewind(self, share: Share, starts: Any, ends: Any, sums: Any) -> None:
        """Begin the level at these places, whatever was begun before."""
        with self.gate:
            self.share = share
            self.mine = [p for p, owner in enumerate(share.owner) if owner == share.me]
            self.store.drop_rows()
            self.store.rewind(starts, ends, sums)
            self._forget()
            # rows of a level that is begun again must be sent again
            for worker in self.work.workers:
                worker.recent[:] = np.tile(self._first(), len(worker.recent) // self.work.width)

    def _first(self) -> Any:
        layout = self.compiled.layout
        return np.array(layout.pack(layout.initial()), dtype=np.uint64)

    def _forget(self) -> None:
        self.waiting: dict[int, list[tuple[int, Any]]] = {}
        self.held: dict[int, int] = {}
        self.flying: list[Any] = []

    def enter_first(self) -> None:
        """Enter the initial state."""
        self.store.enter_first(self._first())

    # a level

    def expand(self, expanding: int, known: list[int], seconds: float | None) -> Expanded:
        """Expand the states of the level that are here, and send their successors.

        :param known: obligations that are known to be violated, or witnessed.
        :param seconds: the time that is left.
        """
        work, results = self.work, self.compiled.result_buffer
        (worker,) = work.workers
        worker.buffer[:] = self.compiled.new_buffer()
        for kind in known:
            worker.buffer[results.opened + kind] = 0
        work.until = None if seconds is None else perf_counter() + seconds
        ended = DONE
        try:
            work.expand(expanding, self.mine)
            if work.ending:
                ended = LATE
            else:
                self._send_rest()
        except OutOfTime:
            ended = LATE
        except self.ray.exceptions.RayError:
            ended = LOST
        return Expanded(ended, worker.buffer.copy())

    def end(self) -> None:
        """Make what is running end soon."""
        self.work.ask_to_end()

    def _put(self, rows: Any, ends: Any) -> None:
        """Divide rows among the processes that own their partitions."""
        own = np.zeros(PARTITIONS, dtype=np.int64)
        kept = []
        first = 0
        for p, end in enumerate(ends.tolist()):
            if end > first:
                to = self.share.owner[p]
                if to == self.share.me:
                    kept.append(rows[first:end])
                    own[p] = end - first
                else:
                    self.waiting.setdefault(to, []).append((p, rows[first:end].copy()))
                    size = self.held.get(to, 0) + rows[first:end].nbytes
                    self.held[to] = size
                first = end
        if kept:
            self.store.put(np.concatenate(kept), np.cumsum(own))
        for to, size in self.held.items():
            if size >= BLOCK:
                self._send(to)

    def _send(self, to: int) -> None:
        """Send what waits for a process, sorted by partition."""
        chunks = sorted(self.waiting.pop(to, []), key=lambda chunk: chunk[0])
        self.held[to] = 0
        if not chunks:
            return
        counts = np.zeros(PARTITIONS, dtype=np.int64)
        for p, rows in chunks:
            counts[p] += len(rows)
        block = np.concatenate([rows for _, rows in chunks])
        self._fly(self.share.parts[to].take, block, np.cumsum(counts))

    def _fly(self, method: Any, block: Any, about: Any) -> None:
        """Send a block, and wait if too many are on their way."""
        while len(self.flying) >= AHEAD:
            arrived, self.flying = self.ray.wait(self.flying, num_returns=1)
            self.ray.get(arrived)
        self.flying.append(method.remote(self.share.attempt, block, about))
        self.sent += block.nbytes
        self.blocks += 1

    def _arrive(self) -> None:
        """Wait until all blocks have arrived."""
        self.ray.get(self.flying)
        self.flying = []

    def _send_rest(self) -> None:
        for to in list(self.waiting):
            self._send(to)
        self._arrive()

    def take(self, attempt: int, rows: Any, ends: Any) -> None:
        """Keep rows that another process sends until they are merged."""
        with self.gate:
            if attempt == self.share.attempt:
                self.store.put(rows, ends)

    def merge(self) -> tuple[str, Any]:
        """Merge what has arrived, and have the copies of new states kept.

        :return: how it ended, and the lengths of the store.
        """
        before = self.store.ends.copy()
        self.work.until = None
        try:
            self.work.merge(self.mine)
            if self.work.ending:
                return LATE, self.store.lengths()
            self._copy(self.mine, before)
        except NoRoom:
            return FULL, self.store.lengths()
        except self.ray.exceptions.RayError:
            return LOST, self.store.lengths()
        return DONE, self.store.lengths()

    def copy(self, partitions: list[int]) -> str:
        """Send all states of these partitions to the processes that are to keep copies now."""
        try:
            self._copy(partitions, np.zeros(PARTITIONS, dtype=np.int64))
        except self.ray.exceptions.RayError:
            return LOST
        return DONE

    def _copy(self, partitions: list[int], begin: Any) -> None:
        """Send the states of partitions from these places on to their keepers."""
        waiting: dict[int, list[tuple[int, int, Any, Any]]] = {}
        held: dict[int, int] = {}
        for p in partitions:
            keeper, first, stop = self.share.keeper[p], int(begin[p]), int(self.store.ends[p])
            while first < stop and keeper >= 0:
                n = min(stop - first, READ)
                states = self.store.read(p, first, first + n)
                links = self.store.words_at("links", p, 8 * first, 8 * n)
                waiting.setdefault(keeper, []).append((p, first, states, links))
                held[keeper] = held.get(keeper, 0) + states.nbytes + links.nbytes
                first += n
                if held[keeper] >= BLOCK:
                    self._send_copies(keeper, waiting.pop(keeper))
                    held[keeper] = 0
        for keeper, pieces in waiting.items():
            self._send_copies(keeper, pieces)
        self._arrive()

    def _send_copies(self, to: int, pieces: list[tuple[int, int, Any, Any]]) -> None:
        places = [(p, first, len(links)) for p, first, _, links in pieces]
        words = np.concatenate([array for piece in pieces for array in piece[2:]])
        self._fly(self.share.parts[to].keep, words, places)

    def keep(self, attempt: int, words: Any, places: list[tuple[int, int, int]]) -> None:
        """Keep the copies of states of partitions that another process owns.

        :param words: for each place, the words of the states, and their links.
        :param places: partition, place of the first state, number of states.
        """
        with self.gate:
            if attempt != self.share.attempt:
                return
            at, width = 0, self.work.width
            for p, first, n in places:
                middle, end = at + n * width, at + n * width + n
                self.store.append("states", p, first * width * 8, words[at:middle])
                self.store.append("links", p, first * 8, words[middle:end])
                at = end

    def link_of(self, number: int) -> int:
        """The link of a state that is here."""
        return self.store.link_of(number)

    def close(self) -> None:
        """Delete the files."""
        self.work.close()
        self.store.close()
        self.files.cleanup()
