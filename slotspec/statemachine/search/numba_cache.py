"""How kernels are compiled, and where Numba caches them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba

from slotspec.statemachine.compiler.backend import result_buffer
from slotspec.statemachine.compiler.backend.cache import folder, key_of

fast: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
"""Options of kernels that Python calls."""

inner: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of functions that only kernels call."""


HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _sources() -> str:
    """A name for the current version of all kernels; Numba itself checks only one file."""
    files = [*sorted(HERE.glob("*.py")), Path(result_buffer.__file__)]
    return key_of(*(file.read_text(encoding="utf-8") for file in files))[:16]


@contextmanager
def kernel_cache() -> Iterator[None]:
    """Within this context, Numba caches declared kernels in slotspec's own cache folder."""
    config: Any = numba.config
    own = config.CACHE_DIR
    config.CACHE_DIR = str(folder() / f"kernels-{_sources()}")
    try:
        yield
    finally:
        config.CACHE_DIR = own
