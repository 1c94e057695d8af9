"""The properties of logical slots; importing this declares them all."""

from slotspec.properties import logical_slot_release, logical_slot_witnesses

__all__ = ["logical_slot_release", "logical_slot_witnesses"]
