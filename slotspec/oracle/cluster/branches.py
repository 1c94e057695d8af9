"""What the search for an explanation goes through: states, and ways to explain a step."""

from __future__ import annotations

from typing import NamedTuple

from slotspec.oracle.cluster.naming import Names
from slotspec.oracle.cluster.patterns import Pattern, Posted, tm_number
from slotspec.statemachine.declaration.model import Call as ModelCall


class Node(NamedTuple):
    """A state of the search.

    :ivar doomed: numbers of calls that will not arrive and are still in flight.
    :ivar owed: messages that the model has sent, and the recording tells of in a later step.
    :ivar requests: how many slots the job has requested in the present step.
    """

    key: bytes
    names: Names
    doomed: tuple[int, ...] = ()
    requests: int = 0
    owed: tuple[Posted, ...] = ()

    def execution_at(self, endpoint: str, name: str | None) -> int | None:
        """An execution at a TaskExecutor as arguments have it; None for one without a number."""
        executions = self.names.executions
        if name is None or name not in executions:
            return None
        return tm_number(endpoint) * len(executions) + executions.index(name)


class Branch(NamedTuple):
    """One way to explain a recorded step, as far as it goes.

    :ivar node: the state that it leads to.
    :ivar expected: the messages that it has still to send.
    :ivar taken: the steps of the model.
    """

    node: Node
    expected: tuple[Pattern, ...] = ()
    taken: tuple[ModelCall, ...] = ()

    def expecting(self, *patterns: Pattern) -> Branch:
        """The same, where other messages are to be sent."""
        return self._replace(expected=patterns)

    def named(self, names: Names) -> Branch:
        """The same under other names."""
        return self._replace(node=self.node._replace(names=names))

    def dooming(self, *calls: int) -> Branch:
        """The same, where these calls will not arrive either."""
        doomed = tuple(sorted({*self.node.doomed, *calls}))
        return self._replace(node=self.node._replace(doomed=doomed))
