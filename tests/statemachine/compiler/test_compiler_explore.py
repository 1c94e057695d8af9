"""The compiled search passes the tests of the interpreted search."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from slotspec.statemachine.search.engine import explore_compiled
from tests.statemachine.interpreter import test_exploring as test_explore
from tests.statemachine.interpreter import test_limits

OF_THE_INTERPRETER = {
    "test_memory",  # measures Python objects
    "test_ctrl_c_keeps_what_is_known",  # interrupts from a report, and there may be none
    # properties in unrestricted Python, which only the interpreter can run
    "test_a_state_may_be_declared_final",
    "test_a_step_property_sees_before_after_result_arguments_and_effects",
    "test_a_step_property_without_action_is_checked_for_all_actions",
}


def demands() -> Iterator[tuple[ModuleType, Callable[[], None]]]:
    for module in (test_explore, test_limits):
        for name, test in inspect.getmembers(module, inspect.isfunction):
            plain = not inspect.signature(test).parameters
            if name.startswith("test_") and plain and name not in OF_THE_INTERPRETER:
                yield module, test


@pytest.mark.parametrize(("module", "test"), list(demands()), ids=lambda of: of.__name__)
def test_the_compiled_search_too(
    module: ModuleType, test: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "explore_interpreted", explore_compiled)
    test()
