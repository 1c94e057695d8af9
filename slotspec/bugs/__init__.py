"""Known bugs of Flink's slot protocol: a benchmark of defects that can be switched on."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from slotspec.bugs.bug import Bug


@cache
def known_bugs() -> dict[str, Bug]:
    """Issue -> bug, ordered by issue number."""
    found: list[Bug] = []
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("flink_"):
            found += importlib.import_module(f"{__name__}.{module.name}").BUGS
    return {bug.issue: bug for bug in sorted(found, key=lambda b: _number(b.issue))}


def _number(issue: str) -> tuple[int, str]:
    digits = issue.removeprefix("FLINK-")
    return int("".join(c for c in digits if c.isdigit())), digits


__all__ = ["Bug", "known_bugs"]
