"""How many threads a search or a simulation has."""

from __future__ import annotations

import os
from typing import Literal

from slotspec.statemachine.errors import UsageError

MOST_WORKERS = 64


def count_workers(workers: int | Literal["auto"]) -> int:
    """How many threads; ``auto``: one for each processor, as far as there may be so many.

    :raises UsageError: ``SET030`` for more than there may be.
    """
    if workers == "auto":
        return min(os.cpu_count() or 1, MOST_WORKERS)
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError("SET030", f"workers {workers}: choose from 1 to {MOST_WORKERS}")
    return workers
