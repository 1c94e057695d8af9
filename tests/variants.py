"""Parametrizations of which the fast set keeps some: the others are marked slow.

CONTRIBUTING.md says what the fast set keeps.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet


def fast_only(values: Iterable[Any], *fast: Any) -> list[ParameterSet]:
    """Parameters, tuples as several; all but these are slow."""
    made = list(values)
    assert all(value in made for value in fast), f"{fast} is not among {made}"
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if value in fast else pytest.mark.slow,
        )
        for value in made
    ]


def fast_first(values: Iterable[Any], count: int = 1) -> list[ParameterSet]:
    """Parameters of which all but the first are slow."""
    made = list(values)
    return fast_only(made, *made[:count])


def fast_last(values: Iterable[Any]) -> list[ParameterSet]:
    """Parameters of which all but the last are slow, such as generations: the newest is last."""
    made = list(values)
    return fast_only(made, made[-1])


def examples(few: int, many: int) -> int:
    """How many examples to try: `many` where CI is set, and `few` at home."""
    return many if os.environ.get("CI") else few
