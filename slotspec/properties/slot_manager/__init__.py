"""The properties of the slot manager, gathered; importing this declares them all."""

from slotspec.models.slot_manager import environment as slot_manager_environment
from slotspec.models.slot_manager import recycling as slot_manager_settling
from slotspec.properties.slot_manager import bookkeeping as slot_manager_maps
from slotspec.properties.slot_manager import calls as slot_manager_calls
from slotspec.properties.slot_manager import operations as slot_manager_steps
from slotspec.properties.slot_manager import release as slot_manager_release
from slotspec.properties.slot_manager import requests as slot_manager_requests
from slotspec.properties.slot_manager import witnesses as slot_manager_witnesses

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
