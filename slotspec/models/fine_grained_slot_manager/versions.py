"""The differences between the releases of FineGrainedSlotManager, as named choices.

The evidence is the recorded behaviour of the real classes, 1.14.6, 1.20.5 and 2.3.0.
:class:`IterationOrder` does not differ between releases: it names what none of them defines.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class WorkerControl(IntEnum):
    """How the manager asks for workers and gives them back."""

    ONE_BY_ONE = 0
    """It asks for each new worker and releases each idle one (1.14)."""
    DECLARED = 1
    """It declares how many workers it needs, and which it does not want (FLIP-256)."""


class IdleRelease(IntEnum):
    """Whether an idle TaskExecutor is asked before it is released."""

    CONFIGURED = 0
    """As ``wait_result_consumed`` says (1.14, 1.20)."""
    ASKED = 1
    """Always (2.3)."""


class Candidates(IntEnum):
    """When a TaskExecutor that has just got a slot may get one more in the same plan."""

    NOT_EXHAUSTED = 0
    """While anything is left of it (1.14, 1.20)."""
    FITTING = 1
    """While the profile still fits (2.3)."""


class Strategy(IntEnum):
    """Which TaskExecutor gets the next slot (``taskmanager.load-balance.mode``)."""

    NONE = 0
    """The first one that fits."""
    SLOTS = 1
    """The least utilized one (``cluster.evenly-spread-out-slots``)."""
    MIN_RESOURCES = 2
    """The most utilized one that fits (2.3)."""
    TASKS = 3
    """The first one that fits: this strategy balances tasks elsewhere (2.3)."""


class IterationOrder(IntEnum):
    """The order in which hash maps and sets are iterated, where random ids decide it.

    Jobs and instances need no choice: their ids are interchangeable, so whichever comes first
    in Flink is number 0 of some run of the model. The order of profiles is not random. The
    choice concerns expected workers, their index, slots that leave together, and workers that
    are refused together.
    """

    AS_RECORDED = 0
    """Oldest or smallest first, or as a recording says."""
    ANY = 1
    """In any order: the environment may change it between two steps (``ORDER_CHANGES``)."""


ORDER_CHANGES = (
    "iteration_order_changes",
    "order_of_refused_changes",
    "order_of_leaving_changes",
)
"""The actions that change an order."""


V1_14: Mapping[str, Any] = {
    "worker_control": WorkerControl.ONE_BY_ONE,
    "idle_release": IdleRelease.CONFIGURED,
    "candidates": Candidates.NOT_EXHAUSTED,
    "strategies": (Strategy.NONE,),
    "applications_needed": 0,
}

V1_20: Mapping[str, Any] = {
    **V1_14,
    "worker_control": WorkerControl.DECLARED,
    "strategies": (Strategy.NONE, Strategy.SLOTS),
}

V2_3: Mapping[str, Any] = {
    **V1_20,
    "idle_release": IdleRelease.ASKED,
    "candidates": Candidates.FITTING,
    "strategies": tuple(Strategy),
    "applications_needed": 1,
}

GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.14": V1_14, "1.20": V1_20, "2.3": V2_3}
"""The choices of each release, oldest first."""
