"""How lifecycles, traces and results show themselves in a notebook."""

from __future__ import annotations

import importlib


def bundle(shown: object) -> dict[str, str]:
    """Forms of `shown` by media type; the plain text is always among them."""
    # imported here, since diagrams build on this package
    drawn: dict[str, str] = importlib.import_module("slotspec.diagrams.notebook").bundle(shown)
    return drawn
