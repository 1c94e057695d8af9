"""Formatting for models whose processes exchange messages that stay in flight for a while.

A diagram draws such a message from the step that sends it to the step in which it arrives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slotspec.statemachine.formatting import TraceFormatter
from slotspec.statemachine.results import TraceStep


@dataclass(frozen=True)
class Delivery:
    """How a step changed one channel.

    :param before: the messages in it before the step, oldest first.
    :param kept: positions of the messages that are still in it, in order.
    :param gone: positions of the messages that vanished without being received, because their
        sender, their receiver or whoever would wait for them is gone.
    :param sent: new messages.
    :param heard: whether the step took out a message, because it arrived or was lost.
    :param place: position of that message.
    :param fresh: positions of the new messages after the step.
    """

    channel: int
    before: Sequence[Any]
    kept: tuple[int, ...]
    gone: tuple[int, ...]
    sent: Sequence[Any]
    heard: bool
    place: int
    fresh: tuple[int, ...]


class MessageFormatter(TraceFormatter, ABC):
    """Formatting that knows the processes and the messages in flight between them."""

    carried: frozenset[str] = frozenset()
    """Fields that :meth:`in_flight` shows."""

    @abstractmethod
    def in_flight(self, state: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
        """Each channel by name, with the messages in it, oldest first."""

    @abstractmethod
    def processes(self) -> tuple[str, ...]:
        """The processes from left to right."""

    @abstractmethod
    def actor(self, step: TraceStep) -> str | None:
        """The process in which a step happens, if it belongs to one."""

    @abstractmethod
    def deliveries(self, step: TraceStep) -> Iterable[Delivery]:
        """How the step changed each channel, in order."""

    @abstractmethod
    def ends(self, channel: int) -> tuple[str, str]:
        """The sender and the receiver of a channel."""

    @abstractmethod
    def text(self, envelope: Any, state: Mapping[str, Any]) -> str:
        """The text of a message in `state`."""

    @abstractmethod
    def routes(self) -> Iterable[tuple[str, str, str]]:
        """The sender, the receiver and the kind of every message that the rules may send."""

    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """The kinds of messages, in order."""

    @abstractmethod
    def kind(self, envelope: Any) -> str:
        """The kind of the message."""

    @abstractmethod
    def is_lost(self, step: TraceStep) -> bool:
        """Whether the step loses the message that it takes out of its channel."""

    @abstractmethod
    def remarks(self, step: TraceStep) -> list[str]:
        """The text of a step and its changes, without its messages."""
