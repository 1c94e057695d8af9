"""Models with a handful of states, each for testing one fact."""

from __future__ import annotations

from collections.abc import Callable

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    Array,
    Event,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    number,
    per,
    ref,
    scalar,
)


class Lamp(Lifecycle):
    """A lamp that burns out."""

    OFF = State("It is dark.", initial=True)
    ON = State("It shines.")
    BROKEN = State("It never shines again.", final=True)

    press = Event("Somebody presses the switch.", (OFF, ON), (ON, OFF))
    burn = Event("The filament breaks.", (ON, BROKEN))


LAMPS = Sort("lamps", "Lamps in the room.", default=2)


class Room(Record):
    """Lamps, the one that was chosen, how often, and a flag."""

    lamp: Array = per(LAMPS, Lamp, "Each lamp.")
    seen: Array = per(LAMPS, FLAG, "The lamp was looked at.")
    chosen: int = scalar(ref(LAMPS), "The lamp that somebody looks at.")
    count: int = scalar(number(3), "How often something happened.")
    note: Array = per(LAMPS, number(9), "A note within a step.", scratch=True)


def room(name: str = "room") -> Model:
    """A model over :class:`Room` without actions; each test declares its own."""
    return Model(name, "A room with lamps.", Room)


def counter(model: Model, last: int = 3) -> None:
    """Let `count` go up to `last`, which makes a state final."""

    def count_up(s: Room) -> int:
        """Count one more."""
        if s.count >= last:
            return DISABLED
        s.count += 1
        return 0

    model.action()(count_up)
    anything(model)


def anything(model: Model) -> None:
    """Declare every state final."""

    def whenever(s: Room) -> bool:
        """Always."""
        return True

    model.final_states(whenever)


def says(model: Model, kind: str, function: Callable[..., object], **options: object) -> None:
    """Declare a property of a tiny model."""
    function.__doc__ = function.__doc__ or "A statement."
    getattr(model, kind)("a test", **options)(function)
