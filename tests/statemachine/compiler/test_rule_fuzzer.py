"""Both engines agree on random models, which :mod:`.rule_fuzzer` writes."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from slotspec.statemachine.compiler.frontend.expressions import COMPARISONS
from slotspec.statemachine.compiler.frontend.memory import Memory
from tests.statemachine.compiler.rule_fuzzer import Writer, try_one
from tests.variants import fast_first

MODELS = int(os.environ.get("SLOTSPEC_RULE_MODELS", "25"))
"""How many models to try; a few hundred take minutes."""


@pytest.mark.parametrize("seed", fast_first(range(MODELS), 8))
def test_a_random_model_means_the_same(seed: int, tmp_path: Path) -> None:
    what, result = try_one(seed, tmp_path)
    assert what in ("compared", "fault")
    assert result is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1000 + MODELS))
def test_a_random_model_of_very_large_numbers_means_the_same(seed: int, tmp_path: Path) -> None:
    what, _ = try_one(seed, tmp_path, large=0.1)
    assert what in ("compared", "fault", "refused")


@pytest.mark.slow
def test_a_missing_overflow_check_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without overflow checks, compiled numbers wrap around."""
    monkeypatch.setattr(Memory, "may_leave", lambda self, node: False)

    def tried() -> None:
        for seed in range(1000, 1025):
            try_one(seed, tmp_path, large=0.1)

    with pytest.raises(AssertionError):
        tried()


def test_every_construct_is_written() -> None:
    texts = "\n".join(Writer(seed).text() for seed in range(25))
    for word in (
        *("any(", "all(", "sum(", "min(", "max(", "next(", "default=", "enumerate(", "zip("),
        *("reversed(", "range(", ".elements(", ".effects", ".boxes:", " not in ", " in SET"),
        *(":=", "match ", "case _", " as m", "while ", "break", "continue", "emit(", "two="),
        *("fire(", "recycle(", "restart(", "elif ", " if ", "NONE", ".kind", "ROWS", "TABLE"),
    ):
        assert word in texts, word


def test_a_wrong_translation_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``>`` translated as ``>=``, the engines differ."""
    monkeypatch.setitem(COMPARISONS, ast.Gt, "sge")
    # keep other tests from finding the wrong code in the cache
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def tried() -> None:
        for seed in range(25):
            try_one(seed, tmp_path)

    with pytest.raises(AssertionError):
        tried()
