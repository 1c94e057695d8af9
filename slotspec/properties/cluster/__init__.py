"""What holds of the cluster; declared by the modules that this one imports."""

from __future__ import annotations

from slotspec.properties.cluster import liveness as cluster_liveness
from slotspec.properties.cluster import parts as cluster_parts
from slotspec.properties.cluster import races as cluster_races
from slotspec.properties.cluster import slots as cluster_slots
from slotspec.properties.cluster import witnesses as cluster_witnesses

__all__ = [
    "cluster_liveness",
    "cluster_parts",
    "cluster_races",
    "cluster_slots",
    "cluster_witnesses",
]
