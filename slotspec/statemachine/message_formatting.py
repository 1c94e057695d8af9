"""Words of models whose processes send messages that take their time.

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
    """What became of one channel in a step.

    :param before: the messages in it before the step, oldest first.
    :param kept: places of those that are still in it, in order.
    :param gone: places of those that vanished unheard: with their sender, their receiver, or
        who would wait for them.
    :param sent: new ones, behind all that are kept.
    :param heard: the oldest one was taken out, since it arrived or was lost.
    """

    channel: int
    before: Sequence[Any]
    kept: tuple[int, ...]
    gone: tuple[int, ...]
    sent: Sequence[Any]
    heard: bool


class MessageFormatter(TraceFormatter, ABC):
    """Words that know processes and what is in flight between them."""

    carried: frozenset[str] = frozenset()
    """Fields that :meth:`in_flight` tells."""

    @abstractmethod
    def in_flight(self, state: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
        """Each channel by name, with the messages in it, oldest first."""

    @abstractmethod
    def processes(self) -> tuple[str, ...]:
        """The processes from left to right."""

    @abstractmethod
    def actor(self, step: TraceStep) -> str | None:
        """The process at which a step happens, if it happens at one."""

    @abstractmethod
    def deliveries(self, step: TraceStep) -> Iterable[Delivery]:
        """What became of each channel, in order."""

    @abstractmethod
    def ends(self, channel: int) -> tuple[str, str]:
        """From whom to whom a channel leads."""

    @abstractmethod
    def text(self, envelope: Any, state: Mapping[str, Any]) -> str:
        """A message, as text in `state`."""

    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """The kinds of messages, in order."""

    @abstractmethod
    def kind(self, envelope: Any) -> str:
        """What kind of message it is."""

    @abstractmethod
    def is_lost(self, step: TraceStep) -> bool:
        """Whether the message that a step takes out of its channel does not arrive."""

    @abstractmethod
    def remarks(self, step: TraceStep) -> list[str]:
        """What a step did and changed, without its messages."""
