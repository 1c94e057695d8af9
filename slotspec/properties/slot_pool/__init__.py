"""The properties of the slot pool, gathered; importing this declares them all."""

from slotspec.properties.slot_pool import bookkeeping as slot_pool_bookkeeping
from slotspec.properties.slot_pool import offers as slot_pool_offers
from slotspec.properties.slot_pool import requests as slot_pool_fulfilment
from slotspec.properties.slot_pool import termination as slot_pool_endings
from slotspec.properties.slot_pool import timers as slot_pool_time
from slotspec.properties.slot_pool import witnesses as slot_pool_witnesses

__all__ = [
    "slot_pool_bookkeeping",
    "slot_pool_endings",
    "slot_pool_fulfilment",
    "slot_pool_offers",
    "slot_pool_time",
    "slot_pool_witnesses",
]
