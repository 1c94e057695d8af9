"""What is wrong in somebody's file is refused alike by both engines: where, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotspec import check, load_model
from slotspec.cli import main
from slotspec.statemachine.check import Engine
from slotspec.statemachine.errors import SlotspecError

FILE = """import slotspec as sl
from slotspec import *

GUESTS = Sort("guests", "Guests.", default=2)
OTHERS = Sort("others", "Of no field.", default=2)


class Lamp(Lifecycle):
    "A lamp."

    OFF = State("Off.", initial=True)
    ON = State("On.")
    press = Event("It is pressed.", (OFF, ON), (ON, OFF))


class Door(Lifecycle):
    "A door."

    SHUT = State("Shut.", initial=True)
    OPEN = State("Open.")
    push = Event("It is pushed.", (SHUT, OPEN), (OPEN, SHUT))


class House(Record):
    "A house."

    level: Array = per(GUESTS, number(3), "Numbers.")
    lamp: Array = per(GUESTS, Lamp, "Lamps.")
    door: Array = single(Door, "The door.")
    count: int = scalar(number(3), "How often.")
    who: int = scalar(ref(GUESTS), "Somebody.")
    line: Array = sequence(GUESTS, "In order.", at_most=2)
    inside: Array = subset(GUESTS, "Inside.")


model = Model("house", "A house.", House)


@model.action(guest=GUESTS)
def act(s, guest):
    "Something happens."
    s.count = (s.count + 1) % 4
    return 0


@model.always("a test")
def holds(s):
    "It holds."
    return s.count < 4


@model.step("a test")
def steps(before, after):
    "It holds of steps."
    return after.count < 4
"""
DOES, HOLDS, STEPS = "s.count = (s.count + 1) % 4", "return s.count < 4", "return after.count < 4"

REFUSED = [
    (HOLDS, "return [s.count]", "RUL007", "where a number is needed"),
    (HOLDS, "return s.count, s.count", "RUL007", "where a number is needed"),
    (HOLDS, "return two(s)\n\n\ndef two(s):\n    return 1, 2", "RUL007", "a number is needed"),
    (HOLDS, "s.count + len(s.level) if s.count else 0", "RUL015", "returns nothing"),
    (HOLDS, "return not s.effects", "RUL014", "only the state after a step has effects"),
    (STEPS, "return not before.effects", "RUL014", "only the state after a step has effects"),
    (STEPS, "return [after.count]", "RUL007", "where a number is needed"),
    (DOES, "s.count = sum(range())", "RUL010", "range takes one, two or three numbers"),
    (DOES, "s.count = sum(range(1, 2, 1, 1))", "RUL010", "range takes one, two or three"),
    (DOES, "s.count = len([0 for _ in enumerate()])", "RUL010", "enumerate takes what it goes"),
    (DOES, "for i in reversed():\n        s.count = i", "RUL010", "reversed takes what it goes"),
    (DOES, "s.count = sum(s.level[1:])", "RUL003", "a slice allocates; loop over the elements"),
    (DOES, "s.count = 1.0", "RUL006", "1.0 is no integer"),
    (DOES, "s.level[guest] = 'a'", "RUL006", "'a' is no integer"),
    (DOES, "s.who = None", "RUL006", "write NONE"),
    (DOES, "s.level = [0, 1]", "RUL008", "s.level is an array; assign its elements"),
    (DOES, "del s.count", "RUL002", "'delete' is no statement of a rule"),
    (DOES, "fire(s.level, guest, Lamp.press)", "RUL013", "no array of lifecycle states"),
    (DOES, "fire(s.lamp, guest, Door.push)", "RUL013", "Door.push is no event of Lamp"),
    (DOES, "recycle(s.inside, guest)", "RUL013", "no array of lifecycle states"),
    (DOES, "append(s.count, guest)", "RUL013", "declare count = sequence(…)"),
    (DOES, "append(s.inside, guest)", "RUL013", "s.inside is a subset, and append is for a"),
    (DOES, "add(s.line, guest)", "RUL013", "s.line is a sequence, and add is for a subset"),
    (DOES, "s.count = len(s.elements(2))", "RUL010", "takes one sort"),
    (DOES, "s.count = len(s.elements(OTHERS))", "RUL011", "has nothing over the sort others"),
]


@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
@pytest.mark.parametrize(("good", "slip", "code", "told"), REFUSED)
def test_slips_are_refused_by_both_engines(
    good: str, slip: str, code: str, told: str, engine: Engine, tmp_path: Path
) -> None:
    assert FILE.count(good) == 1
    file = tmp_path / "house.py"
    file.write_text(FILE.replace(good, slip))
    with pytest.raises(SlotspecError) as refused:
        check(load_model(file).instance(), engine=engine)
    assert refused.value.code == code
    assert told in refused.value.message
    assert "house.py:" in refused.value.message


@pytest.mark.parametrize(
    ("good", "slip", "told"),
    [
        ("@model.action(guest=GUESTS)\n", "", "SET086: house has no action, so nothing happens"),
        ("@model.action(guest", "@model.acton(guest", "did you mean action"),
        ("(guest=GUESTS)", "(guest=GUESTS, when=lambda s: False)", "see when= of its actions"),
        ('A house.", House)', 'A.", House, scopes=[Scope("a", "A.", {})] * 2)', "two scopes of"),
        ('@model.always("a test")', '@model.always("a test", each=GUESTS)', "is the sort guests;"),
        ("    s.count = (s.count + 1) % 4", "    s.count = s.count / 2", "// divides"),
    ],
)
def test_the_command_tells_it_in_one_line(
    good: str, slip: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert FILE.count(good) == 1
    file = tmp_path / "house.py"
    file.write_text(FILE.replace(good, slip))
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file)])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert told in err
    assert len(err.strip().splitlines()) == 1


def test_a_number_that_is_no_integer_is_refused_when_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "house.py"
    file.write_text(FILE.replace("OTHERS =", "HALF = 0.5\nOTHERS =").replace(DOES, HALVES))
    told = r"RUL006: .*house\.py:\d+: in act: count is given 0\.5"
    with pytest.raises(SlotspecError, match=told):
        check(load_model(file).instance(), engine="interpreted")


HALVES = "s.count = (s.count + 1) * HALF"


@pytest.mark.parametrize("initial", ["", ", initial=70000"])
def test_a_search_keeps_sixteen_bits(initial: str, tmp_path: Path) -> None:
    large = f'number(90000), "How often."{initial}'
    text = FILE.replace('number(3), "How often."', large).replace(DOES, "s.count = 70000")
    file = tmp_path / "house.py"
    file.write_text(text)
    with pytest.raises(SlotspecError, match=r"RUL012: .*field count is 70000; .* up to 65535"):
        check(load_model(file).instance(), engine="interpreted")
    file.write_text(FILE.replace('number(3), "How often."', 'number(90000), "How often."'))
    assert check(load_model(file).instance(), engine="interpreted").states == 4
    with pytest.raises(SlotspecError, match="RUL012"):
        check(load_model(file).instance(), engine="compiled")


def test_the_file_itself_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "house.py"
    file.write_text(FILE)
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file)])
    assert ended.value.code == 0
