"""Bounds that a state cannot hold are refused when the instance is made."""

from __future__ import annotations

import pytest

from slotspec.models import load_model
from slotspec.statemachine.errors import UsageError


def test_a_sum_of_sorts_that_is_too_large_names_its_parts() -> None:
    bounds = {"requests": 100, "foreign_allocations": 200}
    with pytest.raises(UsageError, match="300 allocations, made of requests and foreign") as error:
        load_model("slot_pool").instance(bounds)
    assert error.value.code == "SET005"


def test_the_largest_sum_of_sorts_is_accepted() -> None:
    instance = load_model("slot_pool").instance({"requests": 127, "foreign_allocations": 127})
    assert len(instance.fresh().slot) == 254


@pytest.mark.parametrize(
    "name",
    [
        "slot_pool",
        "slot_manager",
        "slot_sharing",
        "task_slot_table",
        "declarative_slot_pool",
    ],
)
def test_profiles_are_limited_by_the_catalogue(name: str) -> None:
    with pytest.raises(UsageError, match="profiles=9") as error:
        load_model(name).instance({"profiles": 9})
    assert error.value.code == "SET002"
