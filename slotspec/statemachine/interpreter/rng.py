"""Random numbers for simulations, and an estimate of how many distinct states they saw.

Both engines draw the same numbers. Python's own generator would be slow in machine code, so the
generator is written here for Python's integers, and in
:mod:`slotspec.statemachine.search.walk_kernels` for those of the machine. It is SplitMix64
(Steele, Lea, Flood 2014). The estimate is HyperLogLog (Flajolet and others 2007) with its
correction for small counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
FOLD = 29
MASK = (1 << 64) - 1
LOW = (1 << 32) - 1

REGISTER_BITS = 12
REGISTERS = 1 << REGISTER_BITS
"""Registers of the estimate, one byte each: 4096 give a standard error of 1.6 percent."""

CERTAIN = 1 << 53
"""The rate 1 as a threshold."""


def mix(number: int) -> int:
    """A 64-bit mix of `number`: each result bit depends on each of its bits."""
    number = (number ^ number >> 30) * MIX_1 & MASK
    number = (number ^ number >> 27) * MIX_2 & MASK
    return number ^ number >> 31


def stream(seed: int, run: int) -> int:
    """The initial random state of a run; it does not depend on which worker makes the run."""
    return mix(mix(seed & MASK) + run & MASK)


def threshold(rate: float) -> int:
    """The threshold below which the upper 53 bits of a random number lie with this `rate`."""
    return int(rate * CERTAIN)


def prime_from(number: int) -> int:
    """The smallest prime that is not below `number`."""
    number = max(2, number)
    while any(number % divisor == 0 for divisor in range(2, math.isqrt(number) + 1)):
        number += 1
    return number


def hash_record(words: Sequence[int]) -> int:
    """The 64-bit hash of a state, given the words of its working record."""
    total = salt = 0
    for word in words:
        salt = salt + GOLDEN & MASK
        mixed = (word ^ salt) * MIX_1 & MASK
        total += mixed ^ mixed >> 32
    h = total * MIX_2 & MASK
    return h ^ h >> FOLD


def count_state(registers: bytearray, h: int) -> None:
    """Add a state's hash to the estimate."""
    at = h & (REGISTERS - 1)
    rank = 64 - REGISTER_BITS - (h >> REGISTER_BITS).bit_length() + 1
    if rank > registers[at]:
        registers[at] = rank


def estimate(registers: bytes | bytearray) -> int:
    """The estimated number of distinct states that were added."""
    raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / sum(2.0**-r for r in registers)
    empty = registers.count(0)
    if raw <= 2.5 * REGISTERS and empty:
        return round(REGISTERS * math.log(REGISTERS / empty))
    return round(raw)
