"""Resource profiles in the headers of traces."""

from __future__ import annotations

from typing import Any

from slotspec.models.common.resource_profile import ANY, UNKNOWN, ResourceProfile
from slotspec.oracle.traces.trace import TraceHeader

AMOUNTS = ("cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb")
"""The fixed amounts of a profile, in the order of :attr:`ResourceProfile.amounts`."""
_SPECIAL = {"ANY": ANY, "UNKNOWN": UNKNOWN}


def profile_from_json(value: dict[str, Any] | str) -> ResourceProfile:
    """The profile that a header gives as ``"ANY"``, ``"UNKNOWN"`` or its amounts."""
    return _SPECIAL[value] if isinstance(value, str) else ResourceProfile(**value)


def profiles_of(header: TraceHeader) -> dict[str, ResourceProfile]:
    """The header's profiles by name."""
    return {name: profile_from_json(value) for name, value in header.profiles.items()}


def profile_json(profile: ResourceProfile) -> dict[str, Any] | str:
    """A profile in the form that headers have."""
    if profile.any_ or profile.unknown:
        return "ANY" if profile.any_ else "UNKNOWN"
    return amounts_json(*profile.amounts, extended=dict(profile.extended))


def amounts_json(*amounts: float, extended: dict[str, float] | None = None) -> dict[str, Any]:
    """Amounts in the form that headers have."""
    return {**dict(zip(AMOUNTS, amounts, strict=True)), "extended": extended or {}}
