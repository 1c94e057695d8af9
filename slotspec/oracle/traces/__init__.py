"""Traces: their schema, reading, writing."""
