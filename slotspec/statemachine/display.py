"""How a notebook displays lifecycles, traces and results.

The engine draws nothing itself; a package that can draw registers a renderer here.
"""

from __future__ import annotations

from collections.abc import Callable

Renderer = Callable[[object], dict[str, str]]
"""Returns forms of an object by media type; plain text is always among them."""

_renderers: list[Renderer] = []


def register(renderer: Renderer) -> None:
    """Use `renderer` to display what the engine returns, instead of any earlier one."""
    _renderers.append(renderer)


def bundle(shown: object) -> dict[str, str]:
    """Forms of `shown` by media type."""
    return _renderers[-1](shown) if _renderers else {"text/plain": repr(shown)}
