"""The properties of logical slots; importing this declares them all."""

from slotspec.properties.logical_slot import release as logical_slot_release
from slotspec.properties.logical_slot import witnesses as logical_slot_witnesses

__all__ = ["logical_slot_release", "logical_slot_witnesses"]
