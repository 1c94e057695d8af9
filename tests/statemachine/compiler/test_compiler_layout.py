"""A state survives packing into bytes and bits, with either kind of processor."""

from __future__ import annotations

import random

import numpy as np
import pytest

from examples import slot_pool_core
from slotspec.models import load_model
from slotspec.statemachine import NONE, Instance
from slotspec.statemachine.compiler.backend.native import deposits_bits
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.layout import Layout
from slotspec.statemachine.results import Limits, silent
from slotspec.statemachine.search.explorer import Explorer

INSTANCES = {
    "core": slot_pool_core.model.instance({"T": 3, "S": 2, "R": 5, "A": 4}),
    "slot pool": load_model("slot_pool").instance(),
}


@pytest.mark.parametrize("name", INSTANCES)
def test_packing_and_unpacking(name: str) -> None:
    layout = Layout(INSTANCES[name])
    chance = random.Random(name)
    for _ in range(200):
        record = bytearray(layout.initial())
        for field in layout.state_fields:
            place = layout.places[field]
            values = list(range(place.largest + 1)) + ([NONE] if place.none is not None else [])
            for i in range(place.size):
                record[place.offset + i] = place.byte(chance.choice(values))
        words = layout.pack(bytes(record))
        assert len(words) == layout.packed
        assert sum(words[i] << (64 * i) for i in range(len(words))).bit_length() <= layout.bits
        assert layout.unpack(words) == bytes(record)


@pytest.mark.parametrize("name", INSTANCES)
def test_the_initial_state_is_the_interpreters(name: str) -> None:
    instance = INSTANCES[name]
    layout, fresh = Layout(instance), instance.fresh()
    assert layout.encode(fresh) == layout.initial()
    values = layout.decode(layout.initial())
    for field in layout.state_fields:
        value = getattr(fresh, field)
        assert values[field] == (list(value) if isinstance(value, list) else value)


def small() -> Instance:
    return slot_pool_core.model.instance({"T": 2, "S": 1, "R": 3, "A": 2})


@pytest.mark.skipif(not deposits_bits(), reason="this processor knows the portable way only")
def test_portable_packing_stores_the_same() -> None:
    stored = []
    for deposit in (False, True):
        compiled = compile_instance(small(), deposit=deposit)
        explorer = Explorer(compiled, Limits(), silent, 1, False)
        explorer.run()
        width = explorer.visited.width
        stored.append(np.array(explorer.visited.states.array[: explorer.visited.count * width]))
    assert np.array_equal(*stored)


def test_stored_words_match_the_layout() -> None:
    compiled = compile_instance(small())
    explorer = Explorer(compiled, Limits(), silent, 1, False)
    explorer.run()
    layout = compiled.layout
    width = layout.packed
    for number in range(0, explorer.visited.count, 97):
        words = explorer.visited.states.array[number * width : (number + 1) * width].tolist()
        assert layout.pack(layout.unpack(words)) == words
