"""A model of four states as text, in parts, for tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

MODEL = '''
"""A counter; what is said of it is given by each test."""
from slotspec.statemachine import DISABLED, Model, Record, number, scalar

class Row(Record):
    count: int = scalar(number(3), "How far it came.")

model = Model("counter", "It counts to three.", Row)

@model.action()
def count_up(s):
    """Count one more."""
    if s.count == 3:
        return DISABLED
    s.count += 1
    return 0
'''

FINAL = '''
@model.final_states
def done(s):
    """It came to three."""
    return s.count == 3
'''

VIOLATED = '''
@model.always("a test")
def below_two(s):
    """It stays below two."""
    return s.count < 2
'''

DEVIATING = '''
@model.always("a test", deviation=lambda setting: "it was built so")
def below_three(s):
    """It stays below three."""
    return s.count < 3
'''


@dataclass(frozen=True)
class Ran:
    """What a command line left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]
Make = Callable[..., str]
