"""The fingerprint of compiled code depends on all that its rules can reach."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from slotspec.models import MODELS, load_model
from slotspec.statemachine.compiler import fingerprint as module
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.compiler.fingerprint import fingerprint
from slotspec.statemachine.declaration.model import Instance, Model
from slotspec.statemachine.declaration.records import Record, number, scalar
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from tests.variants import fast_first

BELOW = '''
"""What the rules below need."""
from enum import IntEnum
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State

LIMIT = 3
TABLE = (1, 2)
LIST = [4, 5]
UNUSED = 1


class Colour(IntEnum):
    RED = 1
    BLUE = 2


class Light(Lifecycle):
    """A lamp."""

    OFF = State("It is dark.", initial=True)
    ON = State("It is light.")
    DIM = State("It is dusk.")
    DARK = State("It is broken.", final=True)

    press = Event("Somebody presses.", (OFF, ON), (ON, DIM), (DIM, OFF))
    drop = Event("It falls.", (OFF, DARK))


class Holder:
    SIZE = 7

    @staticmethod
    def twice(x):
        return x + x


def deeper(x):
    return x + 1


def helper(x, more=0):
    return deeper(x) + more


def made(by):
    def rule(s):
        return s.x + by
    return rule


adds = made(2)
'''

ABOVE = '''
"""A model."""
import below
from below import LIST, TABLE, Colour, Holder, Light, adds, helper
from slotspec.statemachine.declaration.records import (
    Record, Sort, constant, number, per, ref, scalar, single,
)
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.rules import DISABLED, fire

lamps = Sort("lamps", "Lamps.", default=2)


class Room(Record):
    x: int = scalar(number(lambda setting: setting["lamps"] + 40), "A number.")
    lamp: list = per(lamps, Light, "Each lamp.")
    last: int = scalar(ref(lamps), "The last one.")
    toll: int = constant("What it costs.", lambda setting: setting["lamps"] + 1)


model = Model("room", "A room.", Room)


def grow(s, lamp):
    """Grow."""
    if s.x >= below.LIMIT + TABLE[0] + LIST[1] + Colour.BLUE + Holder.SIZE + s.toll:
        return DISABLED
    fire(s.lamp, lamp, Light.press)
    s.x = helper(adds(s)) + Holder.twice(0)
    return 0


model.action(lamp=lamps)(grow)


@model.always(source="here")
def small(s):
    """Small."""
    return s.x < 100


@model.final_states
def ends(s):
    """Any."""
    return 1
'''


def load(folder: Path, below: str = BELOW, above: str = ABOVE) -> Any:
    """The model that the two files declare."""
    made: list[ModuleType] = []
    for name, text in (("below", below), ("above", above)):
        file = folder / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        made.append(importlib.util.module_from_spec(spec))
        sys.modules[name] = made[-1]
        exec(compile(text, str(file), "exec"), vars(made[-1]))
    return made[-1]


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("below", "above"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))


def known(instance: Instance) -> str:
    found = fingerprint(instance)
    assert found is not None
    return found


EDITS = {
    "a constant of another module": ("LIMIT = 3", "LIMIT = 4"),
    "a table": ("TABLE = (1, 2)", "TABLE = (2, 2)"),
    "a list": ("LIST = [4, 5]", "LIST = [4, 6]"),
    "a member of an enumeration": ("BLUE = 2", "BLUE = 3"),
    "a transition": ("(ON, DIM), (DIM, OFF)", "(ON, DIM), (DIM, ON)"),
    "a final state": ("final=True)", "final=False)\n    mend = Event('Mended.', (DARK, OFF))"),
    "a comment": ("UNUSED = 1", "UNUSED = 1  # nobody asks"),
    "an attribute of a class": ("SIZE = 7", "SIZE = 8"),
    "a static method": ("return x + x", "return x * x"),
    "a helper": ("return deeper(x) + more", "return deeper(x) - more"),
    "a helper's helper": ("return x + 1", "return x + 3"),
    "a default": ("more=0", "more=1"),
    "what a closure holds": ("made(2)", "made(3)"),
    "a rule": ("    return 0\n", "    return 1\n"),
    "a rule's own name": ("def grow(s, lamp)", "def grew(s, lamp)"),
    "a property": ("s.x < 100", "s.x < 101"),
    "a kind of property": ("model.always", "model.sometimes"),
    "what is final": ("return 1\n", "return 2\n"),
    "a constant of the record": ('["lamps"] + 1)', '["lamps"] + 2)'),
    "a domain": ("+ 40", "+ 41"),
    "a field": ("    toll", "    more: int = scalar(number(3), 'More.')\n    toll"),
    "what a field is over": ("last: int = scalar(ref(lamps)", "last: int = scalar(number(9)"),
    "the size of a sort": ("default=2", "default=3"),
    "a symmetric sort": ("default=2", "default=2, symmetric=True"),
    "what an action ranges over": ("lamp=lamps", "lamp=1"),
    "a fault": ("model.action(lamp", "model.action(fault=True, lamp"),
}
SAME = {"a comment"}
"""These edits change only the file."""


def edited(old: str, new: str) -> tuple[str, str]:
    below, above = BELOW.replace(old, new), ABOVE.replace(old, new)
    assert (below, above) != (BELOW, ABOVE)
    if "grew" in new:
        above = above.replace("(grow)", "(grew)")
    return below, above


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_changes_the_fingerprint(edit: str, tmp_path: Path) -> None:
    first = known(load(tmp_path).model.instance())
    assert known(load(tmp_path).model.instance()) == first
    assert known(load(tmp_path, *edited(*EDITS[edit])).model.instance()) != first


@pytest.mark.parametrize("edit", EDITS)
def test_edits_change_the_fingerprint_by_their_values(
    edit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This ignores the source files, because values can change without them."""
    monkeypatch.setattr(module, "_file", lambda name, space=None: "")
    first = known(load(tmp_path).model.instance())
    other = known(load(tmp_path, *edited(*EDITS[edit])).model.instance())
    assert (other == first) == (edit in SAME)


def test_a_value_that_changes_in_memory_changes_the_fingerprint(tmp_path: Path) -> None:
    room = load(tmp_path)
    first = known(room.model.instance())
    room.below.UNUSED = 2
    assert known(room.model.instance()) == first
    room.below.LIMIT = 4
    assert known(room.model.instance()) != first
    room.below.LIMIT = 3
    assert known(room.model.instance()) == first
    room.LIST.append(1)
    assert known(room.model.instance()) != first


def test_a_file_that_changes_under_a_loaded_model_changes_the_fingerprint(tmp_path: Path) -> None:
    room = load(tmp_path)
    first = known(room.model.instance())
    (tmp_path / "below.py").write_text(BELOW + "\n# more\n")
    assert known(room.model.instance()) != first


def test_the_setting_and_the_driver_change_the_fingerprint(tmp_path: Path) -> None:
    room = load(tmp_path)
    first = known(room.model.instance())
    assert known(room.model.instance({"lamps": 3})) != first
    assert known(room.model.instance(choices={"way": 2})) != first
    assert fingerprint(room.model.instance(), "symmetric") != first
    one = room.model.instance()
    one.properties = {}
    assert known(one) != first


def test_interpreting_an_instance_does_not_change_its_fingerprint(tmp_path: Path) -> None:
    instance = load(tmp_path).model.instance()
    first = known(instance)
    assert explore_interpreted(instance).states > 1
    assert known(instance) == first


def test_a_replaced_rule_changes_the_fingerprint(tmp_path: Path) -> None:
    room = load(tmp_path)

    def by(amount: int) -> Any:
        def other(x: int) -> int:
            return x + amount

        return other

    def replaced(amount: int) -> str:
        return known(room.model.instance(replace={room.below.deeper: by(amount)}))

    first = known(room.model.instance())
    assert replaced(1) != first
    assert replaced(1) == replaced(1)
    assert replaced(1) != replaced(2)


class Opaque:
    """An object that cannot be hashed."""

    SIZE = 1

    def __reduce__(self) -> Any:
        return "nothing"


OPAQUE = Opaque()


def test_an_unhashable_model_is_translated_each_time(tmp_path: Path) -> None:
    class Counter(Record):
        x: int = scalar(number(5), "A number.")

    model = Model("opaque", "Reaches something opaque.", Counter)

    @model.action()
    def grow(s: Any) -> int:
        """Grow."""
        s.x = OPAQUE.SIZE
        return 0

    assert fingerprint(model.instance()) is None
    assert not compile_instance(model.instance()).code.cached
    assert compile_instance(model.instance()).code.cached
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_the_fingerprint_looks_into_a_partial(tmp_path: Path) -> None:
    room = load(tmp_path)
    room.adds = functools.partial(room.helper, 1)
    first = known(room.model.instance())
    room.adds = functools.partial(room.helper, 2)
    assert known(room.model.instance()) != first


@pytest.mark.parametrize(
    "name",
    fast_first(MODELS),
)
def test_every_bundled_model_has_a_fingerprint(name: str) -> None:
    model = load_model(name)
    generations = list(model.generations) or [None]
    first, *others = model.scopes
    runs = [(generation, first) for generation in generations]
    runs += [(generations[-1], scope) for scope in others]
    made = {known(model.instance(generation=g, scope=scope)) for g, scope in runs}
    assert len(made) == len(runs)


def translated(monkeypatch: pytest.MonkeyPatch, instance: Instance) -> tuple[Compiled, int]:
    """The compiled form, and how often a rule was translated for it."""
    from slotspec.statemachine.compiler import compile as unit

    calls = []
    whole = unit.program_text
    monkeypatch.setattr(unit, "program_text", lambda *given: calls.append(1) or whole(*given))
    found = compile_instance(instance)
    monkeypatch.setattr(unit, "program_text", whole)
    return found, len(calls)


def test_a_hit_translates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = load(tmp_path)
    one, times = translated(monkeypatch, room.model.instance())
    assert times == 1
    other, times = translated(monkeypatch, room.model.instance())
    assert times == 0
    assert one.sites
    assert [str(site) for site in one.sites] == [str(site) for site in other.sites]
    assert one.text_sum == other.text_sum


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"slotspec object 2\n" + bytes(40)])
@pytest.mark.parametrize("suffix", ["json", "o"])
def test_a_damaged_entry_is_replaced(
    damage: bytes, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = load(tmp_path)
    translated(monkeypatch, room.model.instance())
    (file,) = (tmp_path / "cache" / "slotspec").glob(f"*.{suffix}")
    file.write_bytes(damage)
    assert translated(monkeypatch, room.model.instance())[1] == 1
    assert translated(monkeypatch, room.model.instance())[1] == 0
