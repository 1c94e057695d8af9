"""Replaying traces against the models."""
