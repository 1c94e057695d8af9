"""The interpreter goes from any state to any other, whatever was done in between."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from slotspec.statemachine import StepError, fire
from slotspec.statemachine.declaration.model import Call
from slotspec.statemachine.interpreter.stepping import Interpreter
from tests.statemachine.tiny import Lamp, Room, counter, room


def press(s: Room) -> int:
    """Press the first switch, look at the second lamp, and choose it."""
    fire(s.lamp, 0, Lamp.press)
    s.seen[1] = 1 - s.seen[1]
    s.chosen = 1
    return 0


def spoil(s: Room) -> int:
    """Change a lamp and the count, and leave the protocol."""
    s.seen[0] = 1
    s.count = 2
    fire(s.lamp, 1, Lamp.burn)
    return 0


def interpreter_of() -> tuple[Interpreter, dict[str, Call]]:
    model = room()
    counter(model)
    model.action()(press)
    model.action()(spoil)
    instance = model.instance()
    return Interpreter(instance), {call.action.name: call for call in instance.calls}


def test_every_state_is_reached_from_every_other() -> None:
    interpreter, calls = interpreter_of()
    states: dict[bytes, Any] = {interpreter.key: interpreter.snapshot()}
    for name in ("press", "count_up", "press", "count_up"):
        interpreter.step(calls[name])
        states[interpreter.key] = interpreter.snapshot()
    assert len(states) == 5
    for start, end in product(states, states):
        interpreter.load(start)
        assert interpreter.snapshot() == states[start]
        interpreter.load(end)
        assert (interpreter.key, interpreter.snapshot()) == (end, states[end])


@pytest.mark.parametrize("then", ["", "count_up", "clear", "undo"])
def test_a_state_is_reached_after_a_fault(then: str) -> None:
    interpreter, calls = interpreter_of()
    interpreter.step(calls["press"])
    key, state = interpreter.key, interpreter.snapshot()
    with pytest.raises(StepError):
        interpreter.step(calls["spoil"])
    assert interpreter.snapshot() != state
    if then == "clear":
        interpreter.clear()
    elif then == "undo":
        interpreter.undo()
        assert interpreter.snapshot() == state
    elif then:
        interpreter.step(calls[then])
    interpreter.load(key)
    assert (interpreter.key, interpreter.snapshot()) == (key, state)


def test_undo_leads_back_to_before_the_last_step() -> None:
    interpreter, calls = interpreter_of()
    interpreter.step(calls["press"])
    key, state = interpreter.key, interpreter.snapshot()
    interpreter.step(calls["count_up"])
    interpreter.undo()
    assert (interpreter.key, interpreter.snapshot()) == (key, state)
