"""What surrounds every class of Flink that runs as a peer: effects, ids, time, executors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slotspec.oracle.peers.flink_values import RUNTIME, deepest, simple_name, unwrapped
from slotspec.oracle.traces.names import natural

Effect = dict[str, Any]


class Ids:
    """Java ids of one kind and the names that traces have for them.

    :param make: makes a new id.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._ids: dict[str, Any] = {}
        self._symbols: dict[Any, str] = {}

    def id(self, symbol: str) -> Any:
        """The id that `symbol` stands for; a new id for a new symbol."""
        found = self._ids.get(symbol)
        if found is None:
            found = self._make()
            self.bind(symbol, found)
        return found

    def bind(self, symbol: str, id_: Any) -> None:
        """Use this id for a symbol."""
        self._ids[symbol] = id_
        self._symbols[id_] = symbol

    def symbol(self, id_: Any) -> str:
        """The symbol of an id; raises KeyError for an unknown one."""
        return self._symbols[id_]

    def symbol_or_none(self, id_: Any) -> str | None:
        """The symbol of an id, None for null."""
        return None if id_ is None else self._symbols[id_]

    def known_id(self, symbol: str) -> Any:
        """The id that `symbol` stands for, None if it stands for none."""
        return self._ids.get(symbol)

    def known(self, id_: Any) -> str | None:
        """The symbol of an id, None if it has none."""
        return self._symbols.get(id_)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids


class Timer:
    """A task that an executor runs at `due`; with a period, again that long after each run."""

    def __init__(self, due: int, task: Any, period: int | None) -> None:
        self.due = due
        self.task = task
        self.period = period
        self.cancelled = False


class Timers:
    """The manual executor: tasks to run later, in order of time, then of scheduling.

    :param periodic_last: a periodic task is scheduled anew when it has run; otherwise it keeps its
        place among tasks that are due at the same time.
    """

    def __init__(self, *, periodic_last: bool = True) -> None:
        self._periodic_last = periodic_last
        self.waiting: list[Timer] = []
        self.now = 0
        self.soon: list[Any] = []

    def later(self, task: Any, delay: int, period: int | None = None) -> Timer:
        """Schedule a task."""
        timer = Timer(self.now + delay, task, period)
        self.waiting.append(timer)
        return timer

    def cancel(self, timer: Timer) -> bool:
        """Forget a task; whether it was still to run."""
        if timer not in self.waiting:
            return False
        self.waiting.remove(timer)
        timer.cancelled = True
        return True

    def next(self, until: int) -> tuple[int, Any] | None:
        """When the first task is due, and the task, if it is due by `until`.

        It is scheduled no longer, or again if it has a period.
        """
        first = min(self.waiting, key=lambda timer: timer.due, default=None)
        if first is None or first.due > until:
            return None
        due = first.due
        if first.period is None or self._periodic_last:
            self.waiting.remove(first)
        if first.period is not None:
            first.due += first.period
            if self._periodic_last:
                self.waiting.append(first)
        return due, first.task

    def run_soon(self) -> None:
        """Run the tasks that the executor has received."""
        while self.soon:
            self.soon.pop(0).run()


class FlinkWorld:
    """Everything that one object can call. Make a new one for each sequence.

    What the object calls is a proxy in Python, which records the effect.

    :param jpype: the module, with its Java virtual machine running.
    :param profiles: short name -> ResourceProfile.
    """

    def __init__(self, jpype: Any, profiles: dict[str, Any]) -> None:
        self._jpype = jpype
        self.java = jpype.JClass
        self.profile_names = {profile: name for name, profile in profiles.items()}
        self.timers = Timers()
        self.effects: list[Effect] = []
        self.unordered: list[tuple[int, int]] = []

    def effect(self, name: str, **fields: Any) -> None:
        """Record an effect."""
        self.effects.append({"effect": name, **fields})

    def sort_effects(
        self, begin: int, end: int, key: Callable[[Effect], Any] = lambda e: natural(str(e))
    ) -> None:
        """Mark effects whose order depends on Java's hash order, and sort them."""
        if end - begin > 1:
            self.effects[begin:end] = sorted(self.effects[begin:end], key=key)
            self.unordered.append((begin, end))

    def listen(self, future: Any, allocation: Callable[[Any], str], **caller: Any) -> None:
        """Record how the future of a request for a slot completes.

        :param allocation: names the allocation of a slot.
        """

        def completed(slot: Any, error: Any) -> None:
            if error is None:
                self.effect("request.fulfilled", **caller, allocation=allocation(slot))
                return
            seen = unwrapped(error)
            names = {"error": simple_name(seen), "root_cause": simple_name(deepest(seen))}
            self.effect("request.failed", **caller, **names)

        future.whenComplete(self.proxy("java.util.function.BiConsumer", accept=completed))

    # ---------------------------------------------------------------------------- proxies

    def proxy(self, interface: str | list[str], **methods: Callable[..., Any]) -> Any:
        """An object of a Java interface, with methods in Python."""
        return self._jpype.JProxy(interface, dict=methods)

    def direct_executor(self) -> Any:
        """An executor that runs each task at once."""
        return self.proxy("java.util.concurrent.Executor", execute=lambda task: task.run())

    def main_thread(self) -> Any:
        """The main thread's executor, whose tasks run at the end of each operation."""
        return self.proxy(
            f"{RUNTIME}.concurrent.ComponentMainThreadExecutor",
            execute=self.timers.soon.append,
            schedule=self.schedule,
            assertRunningInMainThread=lambda: None,
        )

    def schedule(self, task: Any, delay: Any, unit: Any) -> Any:
        """Run a task later, as the executors of java.util.concurrent do."""
        return self.scheduled(self.timers.later(task, int(unit.toMillis(delay))))

    def schedule_again(self, task: Any, initial: Any, delay: Any, unit: Any) -> Any:
        """Run a task later, and again after each delay."""
        times = int(unit.toMillis(initial)), int(unit.toMillis(delay))
        return self.scheduled(self.timers.later(task, *times))

    def scheduled(self, timer: Timer) -> Any:
        """The future of a scheduled task, which can cancel it."""
        return self.proxy(
            "java.util.concurrent.ScheduledFuture",
            cancel=lambda interrupt: self.timers.cancel(timer),
            isDone=lambda: timer not in self.timers.waiting,
            isCancelled=lambda: timer.cancelled,
        )
