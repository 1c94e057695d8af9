"""The pytest plugin: a fixture that tests an object against the model.

pytest loads this module in every run, so it imports only pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from slotspec.statemachine.declaration.model import Model


@pytest.fixture(scope="session")
def slotspec_conformance() -> Callable[..., None]:
    """Test a slot pool against the model: ``slotspec_conformance(factory, generation="1.12")``.

    For another class pass ``model="slot_manager"``, for a protocol of your own its model or
    ``model="file.py"``, and the `operations` that the object implements, if not all. `config` has
    entries of the configuration that every sequence has.
    """

    def check(
        factory: Callable[..., Any],
        *,
        generation: str | None = None,
        steps: int = 40,
        model: str | Model | None = None,
        operations: Sequence[str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        from slotspec.testing.conformance import run

        run(factory, generation, steps, model, operations, config)

    return check
