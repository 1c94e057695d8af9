"""LLVM accepts the translation of every bundled model as well-formed."""

from __future__ import annotations

import pytest

from slotspec.models import MODELS, load_model
from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder
from tests.statemachine.compiler.engines import verify


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_bundled_model_is_well_formed(name: str) -> None:
    verify(load_model(name).instance())


def test_a_jump_to_a_missing_block_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FunctionBuilder, "jump", lambda self, label: self.end("br label %nowhere"))
    with pytest.raises(RuntimeError, match="nowhere"):
        verify(load_model("logical_slot").instance())
