"""Flink's slot protocol: one folder for each modelled class; see :mod:`.registry`."""

from slotspec.models.registry import MODELS, load_model

__all__ = ["MODELS", "load_model"]
