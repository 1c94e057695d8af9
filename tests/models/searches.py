"""Exhaustive searches, each made once in a process, whichever tests and generations ask for it.

Two generations may have the same rules within some bounds. Then the same program is generated for
both, so one search is the search of both: what it finds depends on nothing else.
"""

from __future__ import annotations

from typing import Any

from slotspec.statemachine.compiler.backend.native import FULL, MIDDLE, QUICK
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import Limits, Result
from slotspec.statemachine.search.engine import explore_compiled

LIMITS = Limits(states=5_000_000, seconds=600)

MANY, MORE = 700_000, 8_000_000
"""Transitions from which better code pays, though it takes longer to generate."""

_made: dict[Any, Result] = {}


def searched(instance: Instance, transitions: int = 0) -> Result:
    """The complete search of `instance`, or of one that has the same program.

    :param transitions: roughly how many there are, which decides how well to compile.
    """
    level = FULL if transitions >= MORE else MIDDLE if transitions >= MANY else QUICK
    program = program_of(instance, level)
    if program not in _made:
        _made[program] = explore_compiled(instance, LIMITS)
        assert _made[program].limit is None
    return _made[program]


def program_of(instance: Instance, level: int = QUICK) -> tuple[Any, ...]:
    """All that a search and its verdicts depend on.

    It is the text of the program, the names in it, and which deviations are known.
    """
    return (
        compile_instance(instance, level=level).text_sum,
        tuple(sorted(instance.setting.bounds.items())),
        tuple(map(str, instance.calls)),
        tuple(
            (declared.name, declared.deviation and declared.deviation(instance.setting))
            for declared in instance.properties.values()
        ),
        tuple(instance.lifecycles),
    )
