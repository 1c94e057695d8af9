"""The properties of the slot pool, gathered; importing this declares them all."""

from slotspec.properties import (
    slot_pool_bookkeeping,
    slot_pool_endings,
    slot_pool_fulfilment,
    slot_pool_offers,
    slot_pool_time,
    slot_pool_witnesses,
)

__all__ = [
    "slot_pool_bookkeeping",
    "slot_pool_endings",
    "slot_pool_fulfilment",
    "slot_pool_offers",
    "slot_pool_time",
    "slot_pool_witnesses",
]
