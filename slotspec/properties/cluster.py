"""What holds of the cluster; declared by the modules that this one imports."""

from __future__ import annotations

from slotspec.properties import (
    cluster_liveness,
    cluster_parts,
    cluster_races,
    cluster_slots,
    cluster_witnesses,
)

__all__ = [
    "cluster_liveness",
    "cluster_parts",
    "cluster_races",
    "cluster_slots",
    "cluster_witnesses",
]
