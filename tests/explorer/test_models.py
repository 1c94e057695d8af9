"""The explorer with every built-in model, not only the pool."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from slotspec.diagrams.composition import Dice
from slotspec.diagrams.lifecycles import lifecycles_of
from slotspec.explorer.settings import Models
from slotspec.explorer.traces import exported
from slotspec.explorer.views import lifecycle_svg, view
from slotspec.models import MODELS, load_model
from tests.variants import fast_only


@pytest.mark.parametrize("name", fast_only(MODELS, "slot_pool", "cluster"))
def test_a_walk_through_a_model_can_be_shown_and_exported(name: str) -> None:
    ready = Models({name: load_model(name)}).ready({})
    dice = Dice(2)
    path: tuple[int, ...] = ()
    for _ in range(25):
        found = view(ready, path)
        assert found["machines"]
        calls = [c for c in found["calls"] if not c["fault"]]
        if not calls:
            path = ()  # the run is over: begin another one
            continue
        useful = [c for c in calls if not c["nothing"]] or calls
        path = (*path, useful[dice.below(len(useful))]["index"])
    found = view(ready, path)
    assert found["length"] == len(path) > 3
    assert ElementTree.fromstring(found["sequence"]).tag.endswith("svg")
    # a header and at least one step for each call, which may be several recorded ones
    assert len(exported(ready, path).splitlines()) > len(path)


@pytest.mark.parametrize("name", fast_only(MODELS, "slot_pool", "cluster"))
def test_every_state_on_the_page_is_in_the_drawing_of_its_lifecycle(name: str) -> None:
    model = load_model(name)
    ready = Models({name: model}).ready({})
    drawings = {one.__name__: lifecycle_svg(model, one.__name__) for one in lifecycles_of(model)}
    for machine in view(ready, ())["machines"]:
        for element in machine["elements"]:
            drawing = drawings[machine["lifecycle"]]
            state = element["state"]
            assert f"<title>{state}<" in drawing or f"<title>cluster_{state}<" in drawing
