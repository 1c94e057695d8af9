"""What a peer is: something that runs the operations of a class, one after the other.

==========  =====================================================================
``PEE001``  the target cannot be understood
``PEE002``  the peer's object, module or command cannot be found or made
``PEE003``  the peer did not answer in time
``PEE004``  the peer's process ended
``PEE005``  the peer answered something that is no step
``PEE006``  the peer answered only a part of a line
``PEE007``  the peer's own code failed
``PEE008``  Java, JPype or the jars of a release are missing
==========  =====================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from slotspec.oracle.traces.trace import TraceHeader, TraceStep
from slotspec.statemachine.errors import SlotspecError

Operation = tuple[str, dict[str, Any]]
"""One call: the name of an operation and its arguments, as in a trace."""


class PeerError(SlotspecError):
    """A peer did not do its part: it died, hung, spoke nonsense, or cannot be had at all.

    :param sequence: the operations up to the one that was not answered.
    :param header: what the sequence was run with.
    :param original: how long the sequence was before it was made shorter; 0: as it is.
    """

    def __init__(
        self,
        code: str,
        message: str,
        sequence: Sequence[Operation] = (),
        header: TraceHeader | None = None,
        original: int = 0,
    ) -> None:
        super().__init__(code, message)
        self.sequence = list(sequence)
        self.header = header
        self.original = original


class Peer(Protocol):
    """One live implementation. It holds one object, which `reset` replaces by a fresh one."""

    name: str
    """For people, such as ``flink:1.12.5``."""
    version: str
    """What goes into the header of a trace, such as ``1.12.5``."""

    def reset(self, header: TraceHeader) -> None:
        """Begin a new sequence on a fresh object, configured as the header says.

        :raises PeerError: where the peer cannot.
        """
        ...

    def step(self, op: str, arguments: dict[str, Any]) -> TraceStep:
        """Run one operation; what was seen. What the peer cannot tell stays UNSET.

        Ids that the peer makes itself are named ``a1``, ``a2``, … in the order in which the
        effects show them.

        :raises PeerError: where the peer does not answer.
        """
        ...

    def close(self) -> None:
        """End the peer; harmless when repeated."""
        ...
