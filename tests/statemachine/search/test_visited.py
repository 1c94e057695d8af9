"""The table of visited states holds all of them, whatever size it has."""

from __future__ import annotations

import numpy as np
import pytest

from slotspec.statemachine.search.kernels import NEXT
from slotspec.statemachine.search.visited import LINE, SMALLEST_TABLE, VERY_FULL, Visited

MARGIN = 1000


def with_states(count: int) -> Visited:
    """A store of `count` states, without a table."""
    visited = Visited(width=1, calls=2, workers=1, memory=1 << 28, exact=True, separate=False)
    visited.shared[NEXT] = count
    visited.states.array[:count] = np.arange(1, count + 1)
    return visited


@pytest.mark.parametrize("odd", range(1, 8, 2))
def test_a_table_is_made_of_whole_cache_lines(odd: int) -> None:
    """A look-up goes round in a line, so a table that ends within one would not keep all states."""
    smallest = SMALLEST_TABLE + odd * LINE
    count = int(VERY_FULL * smallest) - MARGIN - 1
    visited = with_states(count)
    fixed = visited.memory(0) + MARGIN * visited.state_bytes
    visited.budget = fixed + 8 * smallest
    assert visited.make_table(MARGIN, 0)
    assert visited.entries == smallest
    visited.budget = fixed + 8 * 3 * smallest // 2
    assert visited.make_table(MARGIN, 0)
    assert smallest < visited.entries <= 3 * smallest // 2
    assert visited.entries % LINE == 0
    assert visited.table is not None
    assert np.count_nonzero(visited.table.array) == count
