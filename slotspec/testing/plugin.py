"""The plugin for pytest: a fixture, and base classes left alone.

pytest loads this module in every run, so it imports nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def slotspec_conformance() -> Callable[..., None]:
    """Hold a slot pool against the model: ``slotspec_conformance(factory, generation="1.12")``."""

    def check(factory: Callable[..., Any], *, generation: str, steps: int = 40) -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps)

    return check
