"""The protocol of peers. A peer runs the operations of a class, one after the other.

==========  =====================================================================
``PEE001``  the target is invalid
``PEE002``  the peer's object, module or command cannot be found or created
``PEE003``  the peer did not answer in time
``PEE004``  the peer's process ended
``PEE005``  the answer of the peer is not a step
``PEE006``  the peer answered only part of a line
``PEE007``  the peer's own code failed
``PEE008``  Java, JPype or the jars of a release are missing
``PEE009``  the jars of a release cannot be downloaded
==========  =====================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from slotspec.oracle.traces.trace import OperationCall, RecordedStep, TraceHeader
from slotspec.statemachine.errors import SlotspecError


class PeerError(SlotspecError):
    """A peer failed: it died, hung, gave an invalid answer, or could not be started.

    :param sequence: the operations up to the one without an answer.
    :param header: the header of the sequence.
    :param original: length of the sequence before shrinking; 0 if it was not shrunk.
    """

    def __init__(
        self,
        code: str,
        message: str,
        sequence: Sequence[OperationCall] = (),
        header: TraceHeader | None = None,
        original: int = 0,
    ) -> None:
        super().__init__(code, message)
        self.sequence = list(sequence)
        self.header = header
        self.original = original

    def __reduce__(self) -> tuple[type[PeerError], tuple[Any, ...]]:
        return type(self), (self.code, self.message, self.sequence, self.header, self.original)


class Peer(Protocol):
    """A live implementation. It holds one object, which `reset` replaces with a new one."""

    name: str
    """Its name in messages, such as ``flink:1.12.5``."""
    version: str
    """The version for the header of a trace, such as ``1.12.5``."""

    def reset(self, header: TraceHeader) -> None:
        """Start a new sequence on a new object with the configuration of the header.

        :raises PeerError: if the peer cannot.
        """
        ...

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        """Run one operation and return what happened; what the peer does not report is UNSET.

        Ids that the peer makes itself are named ``a1``, ``a2``, … in the order in which
        effects show them.

        :raises PeerError: if the peer does not answer.
        """
        ...

    def close(self) -> None:
        """End the peer; does nothing if it has ended already."""
        ...
