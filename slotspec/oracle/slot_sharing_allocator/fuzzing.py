"""How the slot sharing allocator is fuzzed: configurations, groups, vertices, profiles."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.slot_sharing_allocator.schema import SCHEMA
from slotspec.oracle.traces.trace import BriefProfile, SharingGroup, SharingVertex

PROFILES: tuple[BriefProfile, ...] = ("unknown", "any", (0.5, 128), (1.0, 256), (2.0, 512))


def _config(random: Random) -> dict[str, Any]:
    return {
        "timeout_ms": random.choice((20, 50, 80)),
        "slot_will_be_occupied_indefinitely": random.random() < 0.6,
        "pool_serves": random.choice(("at_once", "script")),
    }


def _listed(random: Random) -> dict[str, Any]:
    """Groups, vertices, causes; one vertex may be a stranger."""
    plain = random.random() < 0.5
    groups = [f"g{n}" for n in range(1, random.choice((1, 2, 3, 4)) + 1)]
    vertices = {}
    for number in range(1, random.choice((2, 4, 6, 9)) + 1):
        stranger = random.random() < 0.05
        vertices[f"v{number}"] = SharingVertex(
            None if stranger and random.random() < 0.5 else random.choice(groups),
            "unknown" if plain else random.choice(PROFILES),
            not stranger,
        )
    own = {g: SharingGroup("unknown" if plain else random.choice(PROFILES)) for g in groups}
    causes = {"other": "RuntimeException", "timeout": "TimeoutException"}
    return {"causes": causes, "groups": own, "vertices": vertices}


TARGET = FuzzTarget(
    "slot_sharing_allocator",
    SCHEMA,
    tiny={
        "groups": 2,
        "vertices": 2,
        "allocations": 1,
        "bulks": 1,
        "failures": 0,
        "losses": 0,
    },
    receiver="allocator",
    caller="scheduler",
    maps={
        "shared": ("group",),
        "logical": ("request",),
        "slots": ("allocation",),
        "free": ("allocation",),
        "taken": ("request", "allocation"),
    },
    invented={"allocation": 6, "tm": 3, "payload": 4, "request": 3},
    rare=frozenset({"pool_mode", "foreign_payload", "fulfil_and_lose", "fail_termination"}),
    walked={"orders": 1},
    config=_config,
    listed=_listed,
    values={"profile": ("any", (1.0, 256), (2.0, 512), (0.5, 128))},
)
