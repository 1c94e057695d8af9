"""Random runs of the fine-grained slot manager within bounds that no search exhausts.

Those of the declarative slot pool and the slot sharing allocator stand beside their other tests.
"""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from slotspec.models import load_model
from slotspec.oracle.fuzzing.stateful import state_machine
from slotspec.statemachine import Instance
from tests.models.fine_grained_slot_manager.test_answers import MISTAKES
from tests.models.test_stateful import HUNT

MANAGER = load_model("fine_grained_slot_manager")
LARGE = {
    "allocator": 1,
    "jobs": 2,
    "task_managers": 2,
    "instances": 3,
    "allocations": 6,
    "report_entries": 6,
    "slots_per_worker": 2,
    "most_required": 2,
    "pending_workers": 10,
    "queries": 6,
    "timers": 4,
    "task_manager_timeout": 2,
    "reports": 1,
    "failing_answers": 1,
    "losses": 1,
}


def manager(generation: str, **bounds: int) -> Instance:
    return MANAGER.instance({**LARGE, **bounds}, generation=generation)


TestManager114 = pytest.mark.slow(state_machine(manager("1.14")).TestCase)
TestManager120 = pytest.mark.slow(
    state_machine(manager("1.20", check_delay=1, declare_delay=1)).TestCase
)
TestManager23 = state_machine(manager("2.3", check_delay=1, declare_delay=1)).TestCase
TestReserve23 = pytest.mark.slow(state_machine(manager("2.3", redundant_task_managers=1)).TestCase)
TestStandalone23 = pytest.mark.slow(
    state_machine(manager("2.3", allocator=0, occupied_answers=1)).TestCase
)


@pytest.mark.slow
def test_random_runs_find_a_mistake() -> None:
    name = "a_refusal_takes_no_other_slot"
    scope, bounds, replace = MISTAKES[name]
    instance = MANAGER.instance(bounds, generation="2.3", scope=scope, replace=replace)
    instance.properties = {name: instance.properties[name]}
    with pytest.raises(AssertionError, match=name):
        run_state_machine_as_test(state_machine(instance), settings=HUNT)
