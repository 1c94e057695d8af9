"""The number of threads of a search or a simulation."""

from __future__ import annotations

import os
from typing import Literal

from slotspec.statemachine.errors import UsageError

MOST_WORKERS = 64


def count_workers(workers: int | Literal["auto"]) -> int:
    """The number of threads; ``auto`` means one for each processor, up to the maximum.

    :raises UsageError: ``SET030`` for a number above the maximum.
    """
    if workers == "auto":
        return min(os.cpu_count() or 1, MOST_WORKERS)
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError("SET030", f"workers {workers}: choose from 1 to {MOST_WORKERS}")
    return workers
