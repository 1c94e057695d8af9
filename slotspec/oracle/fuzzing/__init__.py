"""Sequences of operations for live peers: made, run beside the model, and made short."""
