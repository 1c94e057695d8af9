"""Searches one order of independent calls instead of all: partial-order reduction."""
