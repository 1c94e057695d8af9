"""Lifecycles and results as charts."""

from __future__ import annotations

from slotspec.diagrams.description import Reach
from slotspec.diagrams.lifecycles import chart, lifecycles_of, outermost, painted, plain
from slotspec.models import load_model
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits
from tests.diagrams.samples import Door, Lamp, Room, turnstile


def test_a_chart_says_everything_that_is_declared() -> None:
    found = chart(Door)
    assert (found.name, found.description) == ("Door", "What a door is.")
    assert [(b.name, b.initial, b.final) for b in found.boxes] == [
        ("SHUT", True, False),
        ("OPEN", False, False),
        ("GONE", False, True),
    ]
    assert [(a.source, a.event, a.target) for a in found.arrows] == [
        ("SHUT", "open", "OPEN"),
        ("OPEN", "close", "SHUT"),
        ("OPEN", "slam", "SHUT"),
        ("SHUT", "wall_up", "GONE"),
        ("OPEN", "wall_up", "GONE"),
    ]
    assert {a.reach for a in found.arrows} == {Reach.UNTOLD}


def test_what_an_exhaustive_run_never_fires_is_dead_and_what_it_leads_to_unreached() -> None:
    fired = {("Door", "SHUT", "open"): 3, ("Door", "OPEN", "close"): 2}
    found = chart(Door, fired=fired, exhaustive=True)
    reach = {(a.source, a.event): a.reach for a in found.arrows}
    assert reach["SHUT", "open"] is Reach.REACHED
    assert reach["OPEN", "slam"] is Reach.DEAD
    assert {b.name: b.reach for b in found.boxes} == {
        "SHUT": Reach.REACHED,
        "OPEN": Reach.REACHED,
        "GONE": Reach.DEAD,
    }


def test_what_a_limited_run_never_fires_is_not_called_dead() -> None:
    found = chart(Door, fired={("Door", "SHUT", "open"): 1}, exhaustive=False)
    assert Reach.DEAD not in {a.reach for a in found.arrows}
    assert Reach.UNSEEN in {a.reach for a in found.arrows}


def test_a_lifecycle_of_several_fields_is_drawn_once() -> None:
    names = [one.__name__ for one in lifecycles_of(load_model("slot_pool"))]
    assert len(names) == len(set(names)) == 7


def test_coverage_of_a_real_run_is_added_up() -> None:
    model = turnstile()
    results = [explore_interpreted(model.instance({"gates": n})) for n in (1, 2)]
    charts = painted(results)
    total = sum(count for result in results for count in result.fired.values())
    assert sum(a.fired or 0 for a in charts.charts[0].arrows) == total > 0
    assert charts.note.startswith("2 of 2 transitions fired in 35 states")


def test_a_limited_run_says_so() -> None:
    result = explore_interpreted(turnstile().instance(), Limits(states=2))
    assert "a limit ended the search early" in painted([result]).note


def test_lifecycles_inside_of_a_state_are_drawn_there_and_not_again() -> None:
    charts = plain("house", [Lamp, Room, Door]).charts
    assert outermost([Lamp, Room, Door]) == (Room,)
    assert [one.name for one in charts] == ["Room"]
    assert [[c.name for c in box.inside] for box in charts[0].boxes] == [[], ["Lamp", "Door"]]
    assert [one.name for one in charts[0].all_charts] == ["Room", "Lamp", "Door"]
    assert len(charts[0].all_boxes) == 7


def test_coverage_reaches_what_is_inside() -> None:
    found = chart(Room, fired={("Lamp", "OFF", "switch_on"): 2})
    lamp = found.boxes[1].inside[0]
    assert [(a.event, a.fired) for a in lamp.arrows] == [("switch_on", 2), ("switch_off", 0)]
