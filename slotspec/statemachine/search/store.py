"""Memory that grows in place: reserves address space at once and uses pages as needed."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from typing import Any

import numpy as np

NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform.startswith("linux") else 0)
PAGE = mmap.PAGESIZE
HUGE = 1 << 21


class Reserved:
    """An array of `count` zeros whose pages take memory only once they are written.

    :raises MemoryError: there is not enough address space.
    """

    def __init__(self, count: int, dtype: Any) -> None:
        self.itemsize = np.dtype(dtype).itemsize
        size = max(PAGE, -(-count * self.itemsize // PAGE) * PAGE)
        try:
            if os.name == "posix":
                flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE
                self._room = mmap.mmap(-1, size, flags=flags)
            else:
                self._room = mmap.mmap(-1, size)
        except (OSError, ValueError, OverflowError) as error:
            raise MemoryError(f"cannot reserve {size} bytes") from error
        if hasattr(mmap, "MADV_HUGEPAGE") and size >= HUGE:
            with contextlib.suppress(OSError):
                self._room.madvise(mmap.MADV_HUGEPAGE)
        self.array: Any = np.frombuffer(self._room, dtype=dtype, count=count)
        self.address = int(self.array.ctypes.data)

    def release(self, first: int, stop: int) -> None:
        """Release the pages that lie wholly between two elements; they then read as zero."""
        begin = -(-first * self.itemsize // HUGE) * HUGE
        end = stop * self.itemsize // HUGE * HUGE
        if end > begin and hasattr(mmap, "MADV_DONTNEED"):
            with contextlib.suppress(OSError):
                self._room.madvise(mmap.MADV_DONTNEED, begin, end - begin)


def available_memory() -> int:
    """Free memory of this machine in bytes, if it can be determined."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return 4 << 30
