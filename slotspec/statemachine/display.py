"""How lifecycles, traces and results show themselves in a notebook.

The engine draws nothing itself: whoever can draw registers here.
"""

from __future__ import annotations

from collections.abc import Callable

Renderer = Callable[[object], dict[str, str]]
"""Gives forms of an object by media type; the plain text is always among them."""

_renderers: list[Renderer] = []


def register(renderer: Renderer) -> None:
    """Let `renderer` show what the engine returns; the last one registered counts."""
    _renderers.append(renderer)


def bundle(shown: object) -> dict[str, str]:
    """Forms of `shown` by media type."""
    return _renderers[-1](shown) if _renderers else {"text/plain": repr(shown)}
