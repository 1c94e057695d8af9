"""The pytest plugin: a fixture that tests an object against the model.

pytest loads this module in every run, so it imports only pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def slotspec_conformance() -> Callable[..., None]:
    """Test a slot pool against the model: ``slotspec_conformance(factory, generation="1.12")``.

    For another class pass ``model="slot_manager"``.
    """

    def check(
        factory: Callable[..., Any],
        *,
        generation: str,
        steps: int = 40,
        model: str = "slot_pool",
    ) -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps, model)

    return check
