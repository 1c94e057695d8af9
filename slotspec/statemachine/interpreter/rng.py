"""Random numbers of simulations, and an estimate of how many different states they saw.

Both engines draw the same numbers, so this is written out here and, as instructions, in
:mod:`slotspec.statemachine.compiler.drivers.random_walk`; compiled code cannot call Python's own
generator. The generator is SplitMix64 (Steele, Lea, Flood 2014), the estimate HyperLogLog
(Flajolet and others 2007) with its correction for small counts.
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
"""Registers of the estimate, a byte each: 4096 give a standard error of 1.6 percent."""

CERTAIN = 1 << 53
"""The rate 1 as a threshold."""


def mix(number: int) -> int:
    """64 bits that depend on each bit of `number`."""
    number = (number ^ number >> 30) * MIX_1 & MASK
    number = (number ^ number >> 27) * MIX_2 & MASK
    return number ^ number >> 31


def stream(seed: int, run: int) -> int:
    """Where the random numbers of a run begin: of this run alone, whoever makes it."""
    return mix(mix(seed & MASK) + run & MASK)


def threshold(rate: float) -> int:
    """What the upper 53 bits of a random number stay below with probability `rate`."""
    return int(rate * CERTAIN)


def prime_from(number: int) -> int:
    """The smallest prime that is not below `number`."""
    number = max(2, number)
    while any(number % divisor == 0 for divisor in range(2, math.isqrt(number) + 1)):
        number += 1
    return number


def hash_record(words: Sequence[int]) -> int:
    """64-bit hash of a state, given as the words of its working record."""
    h = GOLDEN
    for word in words:
        h = (h ^ word) * MIX_1 & MASK
        h ^= h >> 32
    h = h * MIX_2 & MASK
    return h ^ h >> FOLD


def count_state(registers: bytearray, h: int) -> None:
    """Enter a state's hash into the estimate."""
    at = h & (REGISTERS - 1)
    rank = 64 - REGISTER_BITS - (h >> REGISTER_BITS).bit_length() + 1
    if rank > registers[at]:
        registers[at] = rank


def estimate(registers: bytes | bytearray) -> int:
    """About how many different states were entered."""
    raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / sum(2.0**-r for r in registers)
    empty = registers.count(0)
    if raw <= 2.5 * REGISTERS and empty:
        return round(REGISTERS * math.log(REGISTERS / empty))
    return round(raw)
