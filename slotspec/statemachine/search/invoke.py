"""Calls single functions of a compiled model from Python."""

from __future__ import annotations

import ctypes
from typing import Any

_EXPAND = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_uint64] * 7)
_THREE = ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 3)


def expand_one(
    expand: int, buffer: Any, words: Any, out_words: Any, out_source: Any, out_call: Any
) -> int:
    """Expand one stored state by every call; returns how many successors were written."""
    arrays = (buffer, words)
    outs = (out_words, out_source, out_call)
    return int(
        _EXPAND(expand)(*(a.ctypes.data for a in arrays), 1, 1, *(a.ctypes.data for a in outs))
    )


def prepare_of(prepare: Any, words: Any, record: Any, colours: Any) -> None:
    """Unpack a stored state into a working record."""
    _THREE(int(prepare))(words.ctypes.data, record.ctypes.data, colours.ctypes.data)


def image_of(image: Any, record: Any, renaming: Any, out: Any) -> None:
    """Rename a working record and pack it."""
    _THREE(int(image))(record.ctypes.data, renaming.ctypes.data, out.ctypes.data)
