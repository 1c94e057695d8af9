"""The cluster: one job's JobMaster, the ResourceManager, TaskExecutors, and the net between.

Composed of the slot pool, the slot manager and a slot table for each TaskExecutor; their
rules are called as they stand. What may happen to the whole is told in modules of its own: a
message arrives (`environment`), a timer fires (`timers`), somebody crashes or
loses its leadership (`faults`).

Time is not counted. A timer fires when nothing is in flight any more, since timeouts are
long compared with messages; one that fires earlier is a fault. Everything that is no fault
is fair: it is not put off for ever.
"""

from __future__ import annotations

from slotspec.models.cluster.scopes import SCOPES
from slotspec.models.cluster.state import BOUNDS, ClusterState
from slotspec.models.cluster.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Fairness, Model

cluster = Model(
    "cluster",
    "The whole slot protocol: JobMaster, ResourceManager, TaskExecutors, messages in flight.",
    ClusterState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
)

ARRIVES = Fairness.WEAK
"""A message that is in flight arrives some time."""
ACTS = Fairness.STRONG
"""Who acts of its own waits while the net is busy, which may come and go."""
TIMER = Fairness.STRONG
"""Timers wait for quiet, which may come and go: they fire if it comes again and again."""
