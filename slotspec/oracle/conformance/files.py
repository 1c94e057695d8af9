"""Which files a command line means by files, folders and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from slotspec.oracle.traces.reading import printable
from slotspec.statemachine.errors import InputError

SUFFIXES = (".jsonl", ".jsonl.gz")
"""What a file in a folder has to end in to be taken for a trace."""


def expand(paths: Iterable[str | Path]) -> list[str | InputError]:
    """The files that are meant by files, folders (searched to any depth) and patterns.

    In place of a folder or pattern without traces stands the error that says so. A file that
    is named twice is taken once.
    """
    found: dict[str, str | InputError] = {}
    for given in map(str, paths):
        for file in _expand_one(given):
            key = file.message if isinstance(file, InputError) else os.path.abspath(file)
            found.setdefault(key, file)
    return list(found.values())


def _expand_one(given: str) -> Iterator[str | InputError]:
    if os.path.isdir(given):
        files = _in_folder(given)
        if not files:
            kinds = " or ".join(f"*{suffix}" for suffix in SUFFIXES)
            yield InputError(
                "TRC021", f"{printable(given)}: the folder has no trace ({kinds}); name another"
            )
        yield from files
    elif glob.has_magic(given) and not os.path.exists(given):
        matches = sorted(glob.glob(given, recursive=True))
        if not matches:
            yield InputError(
                "TRC021", f"{printable(given)}: no file matches the pattern; correct it"
            )
        for match in matches:
            # A folder that a pattern happens to match is no promise of traces.
            yield from _in_folder(match) if os.path.isdir(match) else [match]
    else:
        yield given


def _in_folder(folder: str) -> list[str]:
    return sorted(
        os.path.join(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if name.endswith(SUFFIXES)
    )
