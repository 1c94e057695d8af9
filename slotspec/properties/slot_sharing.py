"""The properties of slot sharing, gathered; importing this declares them all."""

from slotspec.models import slot_sharing_environment

__all__ = ["slot_sharing_environment"]
