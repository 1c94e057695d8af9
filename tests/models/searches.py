"""Exhaustive searches, each made once in a process, whichever tests and generations ask for it.

Two generations may have the same rules within some bounds. Then the same program is generated for
both, so one search is the search of both: what it finds depends on nothing else.
"""

from __future__ import annotations

from typing import Any

from slotspec.statemachine.compiler.backend.native import FULL, QUICK
from slotspec.statemachine.compiler.compile import Compiled, compile_instance
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import Limits, Result, silent
from slotspec.statemachine.search.explorer import Explorer

LIMITS = Limits(states=5_000_000, seconds=600)

MANY, MORE = 2_500_000, 8_000_000
"""Transitions from which full code pays: of a model, and of one with parts, whose full code takes 7
s to generate instead of 1 to 2."""

_made: dict[Any, Result] = {}


def searched(instance: Instance, transitions: int = 0) -> Result:
    """The complete search of `instance`, or of one that has the same program.

    :param transitions: roughly how many there are, which decides how well to compile.
    """
    many = transitions >= (MORE if instance.record.parts else MANY)
    compiled = compile_instance(instance, level=FULL if many else QUICK)
    program = program_of(compiled)
    if program not in _made:
        _made[program] = Explorer(compiled, LIMITS, silent, 1, False).run()
        assert _made[program].limit is None
    return _made[program]


def program_of(compiled: Compiled) -> tuple[Any, ...]:
    """All that a search and its verdicts depend on.

    It is the text of the program, the names in it, and which deviations are known.
    """
    instance = compiled.instance
    return (
        compiled.text_sum,
        tuple(sorted(instance.setting.bounds.items())),
        tuple(map(str, instance.calls)),
        tuple(
            (declared.name, declared.deviation and declared.deviation(instance.setting))
            for declared in instance.properties.values()
        ),
        tuple(instance.lifecycles),
    )
