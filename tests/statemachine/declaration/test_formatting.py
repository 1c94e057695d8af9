"""Numbers rendered as names."""

from __future__ import annotations

from enum import IntEnum

import pytest

from examples import turnstile
from slotspec.statemachine import (
    FLAG,
    NONE,
    Array,
    Model,
    Record,
    Sort,
    per,
    ref,
    replay,
    scalar,
    single,
)
from slotspec.statemachine.formatting import TraceFormatter, formatter_of, singular
from tests.statemachine.tiny import Lamp

HOSTS = Sort("hosts", "Machines.", default=2)
PORTS = Sort("ports", "Ports of each machine.", default=3)
PLUGS = Sort("plugs", "Every port of every machine.", factors=(HOSTS, PORTS))
ENDS = Sort("ends", "What a line can end at.", parts=(HOSTS, PLUGS))


class Mood(IntEnum):
    """How somebody is."""

    FINE = 3


class Net(Record):
    """A small net."""

    line: Array = per(PLUGS, ref(ENDS), "Where the line of a plug ends.")
    lamp: Array = single(Lamp, "The one lamp.")
    busy: int = scalar(FLAG, "Whether anything happens.")


MODEL = Model("net", "A net.", Net)


@MODEL.action(plug=PLUGS, end=ENDS, mood=Mood, tries=2)
def connect(s: Net, plug: int, end: int, mood: int, tries: int) -> int:
    """Connect a plug."""
    s.line[plug] = end
    return 0


@pytest.mark.parametrize(
    ("sort", "index", "word"),
    [
        (HOSTS, 1, "host1"),
        (HOSTS, NONE, "-"),
        (PLUGS, 0, "host0.port0"),
        (PLUGS, 5, "host1.port2"),
        (ENDS, 1, "host1"),
        (ENDS, 2, "host0.port0"),
        (ENDS, 7, "host1.port2"),
        (ENDS, NONE, "-"),
    ],
)
def test_elements_of_sorts_sums_and_products(sort: Sort, index: int, word: str) -> None:
    assert TraceFormatter(MODEL.instance()).element(sort, index) == word


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("gates", "gate"),
        ("entries", "entry"),
        ("s", "s"),
        ("tm", "tm"),
        ("T", "T"),
        ("boss", "boss"),
    ],
)
def test_singular(many: str, one: str) -> None:
    assert singular(many) == one


def test_a_call_names_its_arguments_by_their_domain() -> None:
    instance = MODEL.instance()
    call = instance.calls[-1]
    assert (
        TraceFormatter(instance).call(call)
        == "connect(plug=host1.port2, end=host1.port2, mood=FINE, tries=1)"
    )


def test_changes_name_places_and_values() -> None:
    instance = MODEL.instance()
    (step,) = replay(instance, [instance.calls[0]])
    assert TraceFormatter(instance).changes(step) == ["line[host0.port0]: - -> host0"]
    assert TraceFormatter(instance).place("lamp", 0) == "lamp"
    assert TraceFormatter(instance).value(Lamp, 2) == "BROKEN"
    assert TraceFormatter(instance).value(FLAG, 1) == "1"


def test_effects_are_named_and_show_their_arguments() -> None:
    words = formatter_of(turnstile.model.instance())
    assert words.effect((0, 1, NONE, NONE, NONE)) == "BEEP(1)"
    assert words.effect((0, NONE, 2, NONE, NONE)) == "BEEP(-, 2)"
    assert words.effect((9, NONE, NONE, NONE, NONE)) == "effect 9()"
    assert TraceFormatter(MODEL.instance()).effect((0, 4)) == "effect 0(4)"
