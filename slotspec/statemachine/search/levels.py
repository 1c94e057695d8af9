"""A search that takes each level of states as a whole: on disk, compressed, or with Ray.

A level counts as a whole or not at all, as it does for a search that is resumed.
"""

from __future__ import annotations

from abc import abstractmethod
from time import perf_counter
from typing import Any

from slotspec.statemachine.compiler.compile import Compiled, Found
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.results import Limit, Limits, Reporter, Result
from slotspec.statemachine.search.explorer import PROGRESS_SECONDS, Explorer, _Stop


class Buffers:
    """The result buffer of a worker, and room for what it was before a batch."""

    def __init__(self, compiled: Compiled) -> None:
        self.buffer: Any = compiled.new_buffer()
        self.kept: Any = compiled.new_buffer()


class Numbers:
    """The result buffers of a search, in the place of a pool of workers."""

    def __init__(self, compiled: Compiled, workers: int = 1) -> None:
        self.workers = [Buffers(compiled) for _ in range(workers)]

    def close(self) -> None:
        """Nothing: there are no threads to end."""

    def total(self, first: int, count: int) -> Any:
        """`count` cells of the buffers, summed over all workers."""
        return sum(worker.buffer[first : first + count] for worker in self.workers)


class LevelExplorer(Explorer):
    """One search; :meth:`run` returns its result."""

    def __init__(
        self, compiled: Compiled, limits: Limits, reporter: Reporter, workers: int
    ) -> None:
        self.compiled, self.limits, self.reporter = compiled, limits, reporter
        self.instance = compiled.instance
        self.result = Result(self.instance, "compiled", workers=workers)
        self.symmetry = None
        self.found: dict[int, Found] = {}
        self.depth, self.earlier = 0, 0.0
        self.started = self.reported = perf_counter()
        self.roomy = True

    def begin(self, before: float) -> None:
        """Start the clock.

        :param before: when the preparations began.
        """
        self.started = self.reported = perf_counter()
        self.result.compile_seconds = self.compiled.seconds + self.started - before

    @property
    def until(self) -> float | None:
        """When time is up, as given by ``perf_counter``."""
        return None if self.limits.seconds is None else self.started + self.limits.seconds

    @abstractmethod
    def expand(self, expanding: int) -> None:
        """Expand the level; with `expanding` 0, only check the properties in its states."""

    @abstractmethod
    def whole_level(self) -> None:
        """Expand the level, and merge what comes of it."""

    @abstractmethod
    def fresh(self) -> int: ...

    def commit(self) -> None:
        """Make what has been found the state from which a resumed search goes on."""

    def run(self) -> Result:
        result = super().run()
        result.depth = self.depth
        return result

    def search(self) -> None:
        """Expand and merge level after level until nothing new is found or a limit is hit."""
        if not self.roomy:
            raise _Stop(Limit.MEMORY)
        while self.fresh():
            if self.limits.until is not None:
                self.expand(0)
                if self.is_found(self.limits.until):
                    raise _Stop(Limit.FOUND)
            if self.limits.depth is not None and self.depth >= self.limits.depth:
                raise _Stop(Limit.DEPTH)
            before = [worker.buffer.copy() for worker in self.pool.workers]
            try:
                self.whole_level()
            except BaseException:
                # what is wrong is wrong, whether or not the level ends
                self.gather()
                for worker, cells in zip(self.pool.workers, before, strict=True):
                    worker.buffer[:] = cells
                raise
            self.gather()
            self.depth += bool(self.fresh())
            self.commit()

    def look_around(self) -> None:
        now = perf_counter()
        if self.until is not None and now > self.until:
            raise _Stop(Limit.SECONDS)
        if now - self.reported >= PROGRESS_SECONDS:
            self.reported = now
            self.report()

    def check_rest(self) -> None:
        """Check the properties in the states of the level that a limit leaves unexpanded."""
        try:
            self.expand(0)
        except (KeyboardInterrupt, OutOfTime, _Stop) as stop:
            late = not isinstance(stop, KeyboardInterrupt)
            self.result.limit = Limit.SECONDS if late else Limit.INTERRUPTED
            self.gather()

    def save(self) -> None:
        """Nothing: each level is saved as it ends."""
