"""The properties of slot sharing, gathered; importing this declares them all."""

from slotspec.properties.slot_sharing import bookkeeping as slot_sharing_tables
from slotspec.properties.slot_sharing import release as slot_sharing_release
from slotspec.properties.slot_sharing import reservations as slot_sharing_reservations
from slotspec.properties.slot_sharing import termination as slot_sharing_cancelling
from slotspec.properties.slot_sharing import witnesses as slot_sharing_witnesses

__all__ = [
    "slot_sharing_cancelling",
    "slot_sharing_release",
    "slot_sharing_reservations",
    "slot_sharing_tables",
    "slot_sharing_witnesses",
]
