"""Natural mistakes in somebody's first model, on either engine: file, line, and what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotspec import Limits, check, load_model
from slotspec.cli import main
from slotspec.statemachine.check import Engine
from slotspec.statemachine.errors import SlotspecError
from slotspec.statemachine.results import Verdict
from slotspec.testing import SlotPoolConformance

HEAD = """import enum
import functools
import slotspec as sl

NAME = "DRAFT"
TWO = 2
Plain = enum.Enum("Plain", "DRAFT SENT", start=0)
"""
SOURCE = (Path(__file__).parent / "mailbox.py").read_text()

EMIT = "sl.emit(s, Effect.TAKEN, letter, s.seen[letter])"
EMPTY = "sl.length(s.box) == 0:"
DRAFT = "s.letter[letter] != Letter.DRAFT"
ALL_SENT = "all(state == Letter.SENT for state in s.letter)"
LOST_RETURN = ("RUL002", "sl.DISABLED by itself does nothing; write return sl.DISABLED")
IMPORTING = ("RUL002", "import in the module")
TRYING = ("RUL002", "it would hide a fault")
ASSIGNING = ("RUL009", "a property may not change the state; it assigns")
RECYCLING = ("RUL009", "a property may not change the state; remove sl.recycle")
NO_FIELD = ("RUL007", "the state has no field bxo; did you mean box?")
SINGLETON = ("RUL002", "case None is no pattern of a rule; match numbers")
CAPTURED = ("RUL002", "case TWO fits any value and calls it TWO; write the number")
SLIPS = [
    (EMIT, "sl.emit(s, Effect.TAKEN)", "RUL010", "Effect.TAKEN takes letter, seen, but gets none"),
    (EMIT, "sl.emit(s, Effect.TAKEN, 1, 1, 1)", "RUL010", "takes letter, seen, but gets 3"),
    (EMIT, "sl.emit(s, Effect.TAKEN, -1, 1)", "RUL010", "is given -1; an argument is an element"),
    (EMIT, "sl.emit(s, Effect.TAKEN, sl.DISABLED)", "RUL010", "is given sl.DISABLED"),
    (EMIT, "sl.emit(Effect.TAKEN, letter)", "RUL010", "write emit(s, Effect.TAKEN, …)"),
    (EMIT, 'sl.emit(s, "taken", letter)', "RUL006", "'taken' is no effect; give a member"),
    (DRAFT, "s.letter != Letter.DRAFT", "RUL007", "s.letter is an array; index it"),
    (DRAFT, "s.letter[letter] != Letter.send", "RUL007", "Letter.send is an event"),
    (DRAFT, "s.letter[letter] is None", "RUL003", "use =="),
    (DRAFT, "s.letter[letter] == None", "RUL006", "write NONE"),
    (DRAFT, "s.letter[letter] != LETTERS", "RUL007", "LETTERS is a sort"),
    (DRAFT, "twice", "RUL007", "twice is a function, where a number is needed; call it"),
    (DRAFT, "not letter or twice", "RUL007", "twice is a function"),
    (DRAFT, "letter != Plain.DRAFT", "RUL007", "declare class Plain(IntEnum)"),
    (DRAFT, "s.letter[letter] != NAME", "RUL006", "NAME is 'DRAFT'; rules know integers only"),
    ("sl.add(s.seen, letter)", "match letter:\n        case TWO:\n            pass", *CAPTURED),
    (DRAFT, "letter > 9 or s.sene", "RUL007", "the state has no field sene; did you mean seen?"),
    ("sl.add(s.seen, letter)", "if letter > 9:\n        s.sene = 1", "RUL007", "no field sene"),
    (f"return {ALL_SENT}", "return 0 > 1 and s.letetr", "RUL007", "no field letetr"),
    ("for e in after.effects", "for e in after.effects if e.seen < 2 or after.bxo", *NO_FIELD),
    ("sl.add(s.seen, letter)", "match letter:\n        case None:\n            pass", *SINGLETON),
    (DRAFT, "letter > 9 or drfat(s)", "RUL004", "drfat is not defined"),
    ("        return sl.DISABLED\n    letter =", "        sl.DISABLED\n    letter =", *LOST_RETURN),
    (f"return {ALL_SENT}", "s.seen[0] == 1", "RUL002", "return it, or assign with ="),
    (f"return {ALL_SENT}", "return twice", "RUL007", "twice is a function"),
    ("    letter = sl.take_first", "    import random\n    letter = sl.take_first", *IMPORTING),
    (
        "    sl.add(s.seen",
        "    try:\n        pass\n    finally:\n        pass\n    sl.add(s.seen",
        *TRYING,
    ),
    ("    return sl.length(s.box) <= ", "    s.seen[0] = 0\n    return 0 <= ", *ASSIGNING),
    (
        "    return sl.length(s.box) <= ",
        "    sl.recycle(s.letter, 0)\n    return 0 <= ",
        *RECYCLING,
    ),
    (", effects=Effect)", ")", "RUL010", "write Model(…, effects=Effect)"),
    (
        'sl.effect("letter", "seen")',
        '"letter"',
        "MDL012",
        'declare it as NAME = effect("argument", …)',
    ),
    (DRAFT, 's.letter[letter] != "DRAFT"', "RUL006", "'DRAFT' is no integer"),
    (DRAFT, "s.letter[letter] / 1 > 0", "RUL003", "// divides"),
    ("sl.send(s.wire, letter)", "sl.send(s.seen, letter)", "RUL013", "s.seen holds no messages"),
    ("sl.receive(s.wire,", "sl.receive(s.seen,", "RUL013", "write discard for a set"),
    (EMPTY, "len(s.box) == 0:", "RUL007", "write sl.length(s.box)"),
    (EMPTY, "not len(s.box):", "RUL007", "write sl.length(s.box)"),
    (EMPTY, "not s.box:", "RUL007", "write sl.length(s.box)"),
    (EMPTY, "not s.seen:", "RUL007", "write sl.size(s.seen)"),
    ("sl.append(s.box, letter)", "s.box.append(letter)", "RUL007", "write sl.append(s.box, x)"),
    ("sl.take_first(s.box)", "s.box.pop(0)", "RUL007", "write sl.take_first(s.box)"),
    ("sl.add(s.seen, letter)", "s.seen.add(letter)", "RUL007", "write sl.add(s.seen, x)"),
    (
        "== 0:\n        return sl.DISABLED",
        "== 0:\n        return False",
        "RUL015",
        "return sl.DISABLED where it is not possible",
    ),
    ("def twice(", "@functools.cache\ndef twice(", "RUL005", "twice is made by lru_cache_wrapper"),
    ("def take(", "async def take(", "MDL013", "given take, an async def; give a plain function"),
    ("def take(", "@functools.cache\ndef take(", "MDL013", "@action is given take, an object"),
    ("def fits(", "@staticmethod\ndef fits(", "MDL013", "fits, an object of type staticmethod"),
    (
        "@model.always(",
        "@model.leads_to('A box.', functools.partial(twice, 1))\n@model.always(",
        "MDL013",
        "@leads_to, as its second argument is given an object of type partial",
    ),
]


def made(folder: Path, old: str, new: str) -> str:
    """The mailbox with one mistake, in a file."""
    assert old in SOURCE
    source = SOURCE.replace("import slotspec as sl", HEAD)
    if "def twice" in old:
        source = source.replace("sl.length(s.box) == 0:", "twice(sl.length(s.box)) == 0:")
    path = folder / "mistaken.py"
    path.write_text(source.replace(old, new))
    return str(path)


@pytest.mark.parametrize(("old", "new", "code", "text"), SLIPS, ids=[new for _, new, *_ in SLIPS])
@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
def test_a_slip_is_refused_with_its_line_and_its_cure(
    tmp_path: Path, engine: Engine, old: str, new: str, code: str, text: str
) -> None:
    with pytest.raises(SlotspecError) as caught:
        check(load_model(made(tmp_path, old, new)).instance(), engine)
    assert code in str(caught.value)
    assert text in str(caught.value)
    assert "mistaken.py:" in str(caught.value)


def test_the_mailbox_without_a_mistake_holds() -> None:
    result = check(load_model(str(Path(__file__).parent / "mailbox.py")).instance())
    assert result.verdict is Verdict.HOLDS


def test_an_effect_that_only_the_run_knows_is_counted_too(tmp_path: Path) -> None:
    name = made(tmp_path, EMIT, "kind = Effect.TAKEN\n    sl.emit(s, kind)")
    with pytest.raises(SlotspecError, match=r"RUL010: .*mistaken\.py:\d+: in take: .* gets none"):
        check(load_model(name).instance(), "interpreted")


def test_a_result_gives_a_property_by_its_name() -> None:
    result = check(load_model(str(Path(__file__).parent / "mailbox.py")).instance())
    assert result["fits"].verdict is Verdict.HOLDS
    with pytest.raises(SlotspecError, match="no property 'fist'; did you mean fits"):
        result["fist"]


def test_a_lifecycle_of_ones_own_model_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(Path(__file__).parent / "mailbox.py")
    with pytest.raises(SystemExit, match="0"):
        main(["draw", "Letter", "--model", file, "--format", "mermaid"])
    assert "DRAFT" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["draw", "Lettre", "--model", file])
    assert "has no lifecycle 'Lettre'; did you mean Letter" in capsys.readouterr().err


def test_a_test_class_without_a_factory_says_so() -> None:
    with pytest.raises(TypeError, match="SlotPoolConformance has no factory; set factory ="):
        SlotPoolConformance().test_conformance()


def test_a_limit_that_is_no_number_is_refused() -> None:
    given: Any = "3"
    instance = load_model(str(Path(__file__).parent / "mailbox.py")).instance()
    with pytest.raises(SlotspecError, match="SET024: limit on states '3': give a number"):
        check(instance, limits=Limits(states=given))
