"""Models with generations and scopes: which runs there are, and how they are combined."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from slotspec.cli.plan import left_out, plan
from slotspec.models import MODELS, load_model
from tests.cli.counter import Make, Run

STEPS = '''
"""A walker whose stride depends on its generation."""
from slotspec.statemachine import (
    DISABLED, Bound, Event, Lifecycle, Model, Record, Scope, State, constant, fire, number, scalar,
    single,
)

class Walker(Lifecycle):
    """Somebody on the way."""

    HOME = State("Not gone yet.", initial=True)
    AWAY = State("Somewhere.")
    FAR = State("At the end of a long way.", final=True)

    leave = Event("It goes out.", (HOME, AWAY))
    arrive = Event("It went far.", (AWAY, FAR))

class Way(Record):
    stride: int = constant("Length of a step.", lambda setting: setting["stride"])
    length: int = constant("Length of the way.", lambda setting: setting["length"])
    walker = single(Walker, "Who walks.")
    at: int = scalar(number(9), "How far it came.")

model = Model(
    "walk", "A walk.", Way,
    bounds=[Bound("length", "Length of the way.", 4, maximum=8)],
    generations={"old": {"stride": 2}, "new": {"stride": 1}},
    scopes=[
        Scope("short", "Little.", {"length": 2}),
        Scope("long", "More.", {"length": 6}),
    ],
)

@model.action()
def step(s):
    """One step."""
    if s.at + s.stride > s.length:
        return DISABLED
    if s.at == 0:
        fire(s.walker, 0, Walker.leave)
    s.at += s.stride
    if s.at == 6:
        fire(s.walker, 0, Walker.arrive)
    return 0

@model.final_states
def done(s):
    """At the end."""
    return s.at == s.length

@model.always(
    "a test", deviation=lambda setting: "big feet" if setting["generation"] == "old" else None
)
def never_at_two_at_once(s):
    """It comes to two by way of one."""
    return s.at != 2 or s.stride == 1

@model.sometimes("a test", when=lambda setting: setting["generation"] == "new")
def at_one(s):
    """It stands at one."""
    return s.at == 1
'''


@pytest.fixture
def walk(make: Make) -> str:
    return make(STEPS, name="walk.py")


def rows(text: str, header: str) -> list[list[str]]:
    """The rows of the table whose first heading is `header`."""
    lines = [line.rstrip() for line in text.splitlines()]
    begin = next(i for i, line in enumerate(lines) if line.startswith(header))
    end = next((i for i in range(begin, len(lines)) if not lines[i]), len(lines))
    return [re.split("  +", line) for line in lines[begin + 2 : end]]


def test_every_generation_and_scope_runs_by_default(run: Run, walk: str) -> None:
    ran = run("check", walk)
    assert ran.code == 0
    found = [line.split()[1:6] for line in ran.out.splitlines() if line.startswith("walk  ")]
    assert found == [
        ["old", "short", "2", "1", "1"],
        ["old", "long", "4", "3", "3"],
        ["new", "short", "3", "2", "2"],
        ["new", "long", "7", "6", "6"],
    ]


def test_properties_have_a_column_for_each_generation(run: Run, walk: str) -> None:
    out = run("check", walk).out
    found = [[cell.strip() for cell in row if cell.strip()] for row in rows(out, "property")]
    assert found == [
        ["never_at_two_at_once", "always", "DEVIATES", "HOLDS"],
        ["at_one", "sometimes", "-", "HOLDS"],
    ]


def test_a_transition_is_alive_if_one_scope_fires_it(run: Run, walk: str) -> None:
    assert "walk old: 2 of 2 lifecycle transitions fired" in run("check", walk).out
    short = run("check", walk, "--scope", "short").out
    assert "walk old: 1 of 2 lifecycle transitions fired" in short
    assert "dead: Walker AWAY --arrive-->" in short


def test_the_order_of_scopes_does_not_matter(run: Run, make: Make) -> None:
    short, long = (line for line in STEPS.splitlines() if "Scope(" in line)
    swapped = STEPS.replace(short, "SHORT").replace(long, short).replace("SHORT", long)
    assert "walk old: 2 of 2 lifecycle transitions fired" in run("check", make(swapped)).out


def test_the_worst_scope_decides_on_a_property(run: Run, make: Make) -> None:
    near = '''
@model.always("a test")
def near(s):
    """It stays near."""
    return s.at < 6
'''
    ran = run("check", make(STEPS, near))
    assert ran.code == 1
    found = [[cell.strip() for cell in row] for row in rows(ran.out, "property")]
    assert ["near", "always", "VIOLATED", "VIOLATED"] in found


def test_a_deviation_is_reported_once_for_a_generation(run: Run, walk: str) -> None:
    out = run("check", walk).out
    assert out.count("big feet") == 1
    assert "1 (short)" in out


def test_one_generation_and_one_scope_can_be_chosen(run: Run, walk: str) -> None:
    made = json.loads(
        run("check", walk, "--generation", "new", "--scope", "long", "--json", "-").out
    )
    assert (made["generation"], made["scope"], made["states"]) == ("new", "long", 7)


def test_given_bounds_change_the_first_scope(run: Run, walk: str) -> None:
    made = json.loads(run("check", walk, "--set", "length=4", "--json", "-").out)
    assert [(m["generation"], m["scope"], m["states"]) for m in made] == [
        ("old", "short", 3),
        ("new", "short", 5),
    ]


def test_the_worst_run_decides(run: Run, walk: str) -> None:
    # the old walker takes two steps at a time and gets stuck before an odd end
    ran = run("check", walk, "--set", "length=3")
    assert ran.code == 1
    assert "VIOLATED no deadlock of walk old short" in ran.out
    assert ran.out.rstrip().splitlines()[-1].startswith("VIOLATED: 2 runs")


def test_a_property_that_applies_to_no_chosen_setting_is_an_error(run: Run, walk: str) -> None:
    ran = run("check", walk, "--property", "at_one", "--generation", "old")
    assert ran.code == 2
    assert "SET018" in ran.err


@pytest.fixture
def built_in(walk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk is the only built-in model."""
    monkeypatch.setattr("slotspec.cli.plan.MODELS", {walk: "A walk."})


@pytest.mark.usefixtures("built_in")
def test_the_newest_generation_of_all_built_in_models_runs_by_default(run: Run) -> None:
    made = json.loads(run("check", "--json", "-").out)
    assert [(m["model"], m["generation"]) for m in made] == [("walk", "new")] * 2


@pytest.mark.usefixtures("built_in")
def test_all_generations_run_on_request(run: Run) -> None:
    made = json.loads(run("check", "--all", "--json", "-").out)
    assert [m["generation"] for m in made] == ["old", "old", "new", "new"]


@pytest.mark.usefixtures("built_in")
def test_a_default_run_says_what_it_left_out(run: Run) -> None:
    left = "not checked: generations old; `slotspec check --all` checks everything"
    assert left in run("check").out.splitlines()
    assert "not checked" not in run("check", "--all").out
    assert "not checked" not in run("check", "--generation", "new").out


def test_a_default_run_leaves_large_scopes_out() -> None:
    def scopes(**chosen: Any) -> set[tuple[str, str]]:
        return {(i.model.name, i.scope) for i in plan((), **chosen)}

    large = {
        (name, scope.name)
        for name in MODELS
        for scope in load_model(name).scopes.values()
        if scope.large
    }
    assert large
    default = plan((), newest=True)
    assert scopes() - {(i.model.name, i.scope) for i in default} == large
    assert {scope for _, scope in scopes(scopes=["time"], newest=True)} == {"time"}
    said = left_out(default)
    _, _, named = said.partition("large scopes ")
    told = dict(re.findall(r"(\w+) \(([^)]*)\)", named.partition("; ")[0]))
    assert {(model, scope) for model in told for scope in told[model].split(", ")} == large


def test_all_and_one_generation_contradict_each_other(run: Run, walk: str) -> None:
    ran = run("check", walk, "--all", "--generation", "old")
    assert ran.code == 2
    assert "SET036" in ran.err


def test_rows_come_before_the_report(run: Run, walk: str) -> None:
    header, *rows = run("check", walk).out.splitlines()[:5]
    assert header.split()[:3] == ["model", "generation", "scope"]
    assert [row.split()[:2] for row in rows] == [["walk", v] for v in ("old", "old", "new", "new")]


def test_a_failing_set_up_is_an_error_of_the_model(run: Run, make: Make) -> None:
    ran = run("check", make(STEPS.replace('setting["stride"]', 'setting["strode"]')))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: SET015: model walk cannot be set up with scope short")
    assert "no bound or choice strode; there are length, stride" in ran.err


def test_similar_generations_are_suggested(run: Run, walk: str) -> None:
    ran = run("check", walk, "--generation", "newer")
    assert (ran.code, ran.out) == (2, "")
    assert "SET004" in ran.err
    assert "did you mean new?" in ran.err


def test_generations_are_listed_with_their_choices(run: Run, walk: str) -> None:
    out = run("list", "generations", "--model", walk).out
    assert [[c.strip() for c in row if c] for row in rows(out, "choice")] == [
        ["stride", "2", "1"],
    ]
    assert [row[0] for row in rows(run("list", "scopes", "--model", walk).out, "scope")] == [
        "short",
        "long",
    ]
