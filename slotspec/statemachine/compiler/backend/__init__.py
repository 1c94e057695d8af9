"""Packs states in memory, and turns text into cached machine code."""
