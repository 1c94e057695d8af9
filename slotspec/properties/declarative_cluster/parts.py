"""What holds of a part in every state also holds of it within the cluster."""

from __future__ import annotations

from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import (
    manager_instance,
    pool_instance,
    table_instance,
)
from slotspec.models.registry import load_model
from slotspec.properties.cluster.parts import of_manager, of_pool, of_tables, take_over

for of, part, wrap, name in (
    ("declarative_slot_pool", pool_instance, of_pool, "pool"),
    ("fine_grained_slot_manager", manager_instance, of_manager, "manager"),
    ("task_slot_table", table_instance, of_tables, "table"),
):
    take_over(load_model(of), part, wrap, name, declarative_cluster)
