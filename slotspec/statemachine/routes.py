"""Messages in flight between processes, declared as fields; pictures get a lifeline for each.

::

    request: Array = messages(CLIENTS, "Requests under way.", source=CLIENTS, target="server")

counts the messages from each client to the server. They are a bag: they arrive in any order.
``send(s.request, client)`` and ``receive(s.request, client)`` are the rules; the diagrams and the
explorer draw an arrow from the step that sends to the step that receives. A step of an action
that is a fault loses the message that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, cast

from slotspec.statemachine.declaration.arguments import refuse
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import FieldSpec, Sort, number, per
from slotspec.statemachine.declaration.rules import Array
from slotspec.statemachine.formatting import register_routed
from slotspec.statemachine.message_formatting import Delivery, MessageFormatter
from slotspec.statemachine.results import TraceStep


def messages(
    sort: Sort,
    description: str,
    *,
    source: Sort | str,
    target: Sort | str,
    at_most: int = 1,
    label: str = "",
) -> Array:
    """Messages of one kind in flight: for each element of a sort, how many.

    :param source: who sends them: `sort` for the element itself, or the name of a process.
    :param target: who receives them, likewise.
    :param at_most: how many may be under way for each element; one more is a fault.
    :param label: the text of the message; by default the field's name.
    :raises DeclarationError: ``MDL019`` if an argument is of the wrong kind.
    """
    for name, end in (("source", source), ("target", target)):
        if end is not sort and not isinstance(end, str):
            refuse(
                f"{name}= of messages(…)", end, "give the sort of the field, or a process's name"
            )
    spec = cast(FieldSpec, per(sort, number(at_most), description, label=label))
    named = tuple(None if end is sort else str(end) for end in (source, target))
    object.__setattr__(spec, "route", named)
    return cast(Array, spec)


def send(bag: Array, index: int) -> None:
    """Send a message; a fault if too many are under way."""
    bag[index] += 1


def receive(bag: Array, index: int) -> bool:
    """Take a message out; returns whether there was one."""
    if bag[index] == 0:
        return False
    bag[index] -= 1
    return True


class RoutedFormatter(MessageFormatter):
    """Formats a model whose record declares :func:`messages`."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        fields = instance.record.fields
        self.carried = frozenset(name for name, spec in fields.items() if spec.route is not None)

    @cached_property
    def channels(self) -> tuple[tuple[str, int], ...]:
        """Field and element of each channel."""
        bounds = self.instance.setting.bounds
        fields = self.instance.record.fields
        return tuple(
            (name, i) for name in self.carried_in_order for i in range(fields[name].size(bounds))
        )

    @property
    def carried_in_order(self) -> list[str]:
        return [name for name in self.instance.record.fields if name in self.carried]

    def ends(self, channel: int) -> tuple[str, str]:
        name, index = self.channels[channel]
        spec = self.instance.record.fields[name]
        assert spec.over is not None
        assert spec.route is not None
        own = self.element(spec.over, index)
        source, target = spec.route
        return source or own, target or own

    def processes(self) -> tuple[str, ...]:
        found = [self.ends(channel) for channel in range(len(self.channels))]
        # those that send most kinds of messages stand between the others
        return tuple(dict.fromkeys(end for ends in found for end in ends))

    def in_flight(self, state: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
        by_ends: dict[str, list[str]] = {}
        for channel, (name, index) in enumerate(self.channels):
            texts = by_ends.setdefault(" to ".join(self.ends(channel)), [])
            texts += [self.text(name, state)] * state[name][index]
        return by_ends.items()

    def deliveries(self, step: TraceStep) -> Iterator[Delivery]:
        for channel, (name, index) in enumerate(self.channels):
            before, after = step.before[name][index], step.after[name][index]
            kept = min(before, after)
            taken = before - kept
            yield Delivery(
                channel,
                before=[name] * before,
                kept=tuple(range(taken, before)),
                gone=tuple(range(1, taken)),
                sent=[name] * (after - kept),
                heard=taken > 0,
                place=0,
                fresh=tuple(range(kept, after)),
            )

    def actor(self, step: TraceStep) -> str | None:
        moved = list(self.deliveries(step))
        for delivery in moved:
            if delivery.heard:
                return self.ends(delivery.channel)[1]
        for delivery in moved:
            if delivery.sent:
                return self.ends(delivery.channel)[0]
        processes = self.processes()
        for domain, value in zip(
            step.call.action.parameters.values(), step.call.arguments, strict=True
        ):
            if isinstance(domain, Sort) and self.element(domain, value) in processes:
                return self.element(domain, value)
        return None

    def text(self, envelope: Any, state: Mapping[str, Any]) -> str:
        return self.instance.record.fields[envelope].label or str(envelope).replace("_", " ")

    def routes(self) -> Iterator[tuple[str, str, str]]:
        for channel, (name, _) in enumerate(self.channels):
            yield (*self.ends(channel), name)

    def kinds(self) -> tuple[str, ...]:
        return tuple(self.carried_in_order)

    def kind(self, envelope: Any) -> str:
        return str(envelope)

    def is_lost(self, step: TraceStep) -> bool:
        return step.call.action.fault

    def shows(self, name: str) -> bool:
        return name not in self.carried

    def remarks(self, step: TraceStep) -> list[str]:
        return [*self.effects(step), *self.changes(step)]


register_routed(RoutedFormatter)
