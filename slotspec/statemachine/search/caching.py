"""How kernels are compiled, and where Numba keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numba

from slotspec.statemachine.compiler.cache import folder

fast: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
"""Options of kernels that Python calls."""

inner: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of functions that only kernels call."""


@contextmanager
def kernel_cache() -> Iterator[None]:
    """Kernels that are declared inside are kept in slotspec's own cache folder."""
    config: Any = numba.config
    own = config.CACHE_DIR
    config.CACHE_DIR = str(folder() / "kernels")
    try:
        yield
    finally:
        config.CACHE_DIR = own
