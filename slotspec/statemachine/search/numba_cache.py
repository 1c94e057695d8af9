"""How kernels are compiled, and where Numba caches them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, serialize

from slotspec.statemachine.compiler.backend import result_buffer
from slotspec.statemachine.compiler.backend.cache import folder, key_of, load, save
from slotspec.statemachine.interpreter import rng, statistics

fast: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
"""Options of kernels that Python calls.

They do not count references to their arrays, which are those of the caller: to count them at each
call of an inner function took a third of a compressed search.
"""

allocating: dict[str, Any] = {**fast, "_nrt": True}
"""Options of kernels that make arrays of their own, and so count references."""

inner: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of functions that only kernels call."""


HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _sources() -> str:
    """A name for the current version of all kernels; Numba itself checks only one file."""
    others = (result_buffer, rng, statistics)
    files = [*sorted(HERE.rglob("*.py")), *(Path(str(module.__file__)) for module in others)]
    return key_of(*(file.read_text(encoding="utf-8") for file in files))[:16]


class KernelFile:
    """Where Numba keeps one kernel: in slotspec's own cache, which notices damaged files.

    It takes the place of Numba's own class, which unpickles even a damaged file. Both trust the
    folder, which is the user's own: whoever can write there can replace any code in it.
    """

    def __init__(self, cache_path: str, filename_base: str, source_stamp: object) -> None:
        self.name = filename_base

    def _file(self, key: object) -> str:
        return f"{key_of(_sources(), self.name, repr(key))}.kernel"

    def load(self, key: object) -> Any:
        data = load(self._file(key))
        try:
            return None if data is None else pickle.loads(data)
        except Exception:  # of another version of a library, say
            return None

    def save(self, key: object, data: Any) -> None:
        as_bytes: Any = serialize.dumps
        save(self._file(key), as_bytes(data))

    def flush(self) -> None:
        """Forget everything; Numba asks for this only if a user does."""


@contextmanager
def kernel_cache() -> Iterator[None]:
    """Within this context, Numba caches declared kernels in slotspec's own cache folder."""
    config: Any = numba.config
    module: Any = caching
    own, files = config.CACHE_DIR, module.IndexDataCacheFile
    config.CACHE_DIR = str(folder() / "kernels")
    module.IndexDataCacheFile = KernelFile
    try:
        yield
    finally:
        config.CACHE_DIR = own
        module.IndexDataCacheFile = files
