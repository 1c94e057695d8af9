"""The properties of the slot manager, gathered; importing this declares them all."""

from slotspec.models import slot_manager_environment, slot_manager_settling
from slotspec.properties import (
    slot_manager_calls,
    slot_manager_maps,
    slot_manager_release,
    slot_manager_requests,
    slot_manager_steps,
    slot_manager_witnesses,
)

__all__ = [
    "slot_manager_calls",
    "slot_manager_environment",
    "slot_manager_maps",
    "slot_manager_release",
    "slot_manager_requests",
    "slot_manager_settling",
    "slot_manager_steps",
    "slot_manager_witnesses",
]
