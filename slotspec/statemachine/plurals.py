"""Numbers with their nouns."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 step``, ``2 steps``.

    :param many: what follows other numbers than 1; default: `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
