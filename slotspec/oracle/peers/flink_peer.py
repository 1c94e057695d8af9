"""What all of Flink's classes have in common that run as peers in a Java virtual machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slotspec.oracle.peers import flink_jars, flink_jvm
from slotspec.oracle.peers.flink_reflection import Reflection
from slotspec.oracle.peers.flink_values import FlinkValues, simple_name
from slotspec.oracle.peers.flink_world import FlinkWorld
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.schema import TraceSchema
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


class FlinkPeer:
    """Runs one object of a class of Flink at a time.

    A subclass makes the object in :meth:`make`, and has a method with the name of each operation
    after an underscore, which takes the arguments of traces and returns their result.

    :param version: ``1.12`` or ``1.12.5``.
    :param jars: folder with the jars of that release, see
        :func:`slotspec.oracle.peers.flink_jars.find_jar`.
    :raises PeerError: ``PEE008`` if Java, JPype or the jars are missing, ``PEE001`` if the release
        does not have the class.
    """

    schema: TraceSchema
    """What its traces contain: the schema of a class; of an instance, that of its header."""
    world: FlinkWorld
    """The surroundings of the object; :meth:`make` makes them."""
    fatal = False
    """Whether to make calls that end Flink's process, and this one with it."""

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        generation = ".".join(version.split(".")[:2])
        if generation not in self.schema.generations:
            known = ", ".join(self.schema.generations)
            raise PeerError(
                "PEE001", f"no model of Flink {version}'s {self.schema.title}; use one of {known}"
            )
        jar = flink_jars.find_jar(version, jars)
        self.version = flink_jars.release_of(jar)
        self.name = f"flink:{self.version}"
        self.generation = generation
        self.jpype = flink_jvm.start(jar)
        self.java = self.jpype.JClass
        self.reflect = Reflection(self.jpype)
        self.values = FlinkValues(self.jpype)

    def since(self, generation: str) -> bool:
        """Whether the release has this generation or a newer one."""
        order = self.schema.generations
        return order.index(self.generation) >= order.index(generation)

    def make(self, header: TraceHeader) -> None:
        """Make the object and its surroundings."""
        raise NotImplementedError

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        raise NotImplementedError

    def settle(self) -> None:
        """What happens at the end of each operation: the main thread runs its queue."""
        self.world.timers.run_soon()

    def pass_time(self, now: int) -> None:
        """Set every clock that the object reads to `now`, in ms."""
        self.world.timers.now = now

    def timer_raised(self, error: Any) -> Any:
        """What an operation raises, if anything, after a timer threw `error`."""
        return error

    def after_timer(self, begin: int) -> None:
        """What happens after a timer ran, whose effects start at number `begin`."""

    def reset(self, header: TraceHeader) -> None:
        self.header = header
        self.schema = type(self).schema.of(header.implementation)
        self.profiles = self.values.profiles(header)
        self.make(header)

    def close(self) -> None:
        """Nothing to do: the Java virtual machine ends with the process."""

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        known = self.schema.by_name.get(op)
        method: Callable[..., Any] | None = getattr(self, f"_{op}", None)
        if known is None or method is None or self.generation in known.absent_in:
            raise PeerError("PEE007", f"Flink {self.version} has no operation {op!r}")
        self.world.effects = []
        self.world.unordered = []
        result, thrown = None, None
        try:
            result = method(**arguments)
        except self.jpype.JException as error:
            thrown = error
        try:
            self.settle()
        except self.jpype.JException as error:
            thrown = thrown or error
        below = None if thrown is None else thrown.getCause()
        return RecordedStep(
            op=op,
            arguments=arguments,
            result=None if thrown is not None else result,
            effects=self.world.effects,
            raises=None if thrown is None else simple_name(thrown),
            raises_cause=None if below is None else simple_name(below),
            unordered=tuple(self.world.unordered),
            state=self.snapshot(),
        )

    def _advance_time(self, ms: int) -> None:
        timers, thrown = self.world.timers, None
        until = timers.now + ms
        while (due := timers.next(until)) is not None:
            self.pass_time(due[0])
            begin = len(self.world.effects)
            try:
                due[1].run()
                self.settle()
            except self.jpype.JException as error:
                thrown = thrown or self.timer_raised(error)
            self.after_timer(begin)
        self.pass_time(until)
        if thrown is not None:
            # raised only now: time also passes after a timer that throws
            raise thrown

    def duration(self, ms: int, since: str = "1.20") -> Any:
        """A time span as Flink's methods take it.

        :param since: the first generation whose methods take a java.time.Duration.
        """
        if _numbers(self.generation) >= _numbers(since):
            return self.java("java.time.Duration").ofMillis(ms)
        return self.java("org.apache.flink.api.common.time.Time").milliseconds(ms)

    def java_list(self, items: Any) -> Any:
        """A java.util.ArrayList of these items."""
        made = self.java("java.util.ArrayList")()
        for item in items:
            made.add(item)
        return made


def _numbers(generation: str) -> tuple[int, ...]:
    return tuple(map(int, generation.split(".")))
