"""The integers that rules compute with: 64 bits, in both engines."""

from __future__ import annotations

from typing import Any

LOW, HIGH = -(2**63) + 2, 2**63 - 1
"""The bounds of a compiled number: the two smallest mean a fault and a local without value."""

LEAVES = "the result does not fit into 64 bits"


def fits(value: Any) -> Any:
    """`value`, if it fits.

    :raises OverflowError: it does not; the step is at fault.
    """
    if LOW <= value <= HIGH:
        return value
    raise OverflowError(f"STP011: {LEAVES}")
