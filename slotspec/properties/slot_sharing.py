"""The properties of slot sharing, gathered; importing this declares them all."""

from slotspec.properties import (
    slot_sharing_cancelling,
    slot_sharing_release,
    slot_sharing_reservations,
    slot_sharing_tables,
    slot_sharing_witnesses,
)

__all__ = [
    "slot_sharing_cancelling",
    "slot_sharing_release",
    "slot_sharing_reservations",
    "slot_sharing_tables",
    "slot_sharing_witnesses",
]
