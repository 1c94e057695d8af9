"""The cluster: one job's JobMaster, the ResourceManager, TaskExecutors, and their network.

It consists of the slot pool, the slot manager and a slot table for each TaskExecutor, and
calls their rules unchanged. Its own actions are in three modules: a message arrives
(`environment`), a timer fires (`timers`), a process crashes or loses its leadership (`faults`).

The model does not count time. A timer fires once nothing is in flight, since timeouts are
long compared with messages; one that fires earlier is a fault. Every action that is not a
fault is fair: it is not delayed for ever.
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
"""A message in flight eventually arrives."""
ACTS = Fairness.STRONG
"""A process acts on its own only while the network is not busy, which may come and go."""
TIMER = Fairness.STRONG
"""Timers wait for quiet, which may come and go: they fire if it returns again and again."""
