"""How a trace of slot sharing becomes a recording.

Walks over the groups of a call go in some order, which the order of its vertices
decides in a recording. In a check any free slot is taken, in a recording the one that has been
free for longest. Slots that differ by nothing else change their names then. Where a recording
would still take another course, it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.common.orders import in_order
from slotspec.models.slot_sharing_allocator.environment import BITS
from slotspec.models.slot_sharing_allocator.lifecycles import LogicalRequest, SharedSlot
from slotspec.models.slot_sharing_allocator.profiles import SLOT_PROFILES
from slotspec.models.slot_sharing_allocator.state import sharing_of
from slotspec.oracle.exporting import EndOfRecording, Exporter
from slotspec.oracle.slot_sharing_allocator.adapter import (
    SlotSharingAllocatorOracle,
    brief_of,
)
from slotspec.oracle.slot_sharing_allocator.schema import SCHEMA
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, OperationCall, SharingGroup, SharingVertex
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import Finding, TraceStep

TIMEOUT_MS = 1_000_000
"""Far longer than the time between calls, so that no check is due by accident."""
PAUSE_MS = 1000
CAUSE = "other"


class SlotSharingAllocatorExporter(Exporter):
    """Each call comes some time after the last step, so that each check is due by itself."""

    schema = SCHEMA
    oracle_class = SlotSharingAllocatorOracle
    renamed = ("payload",)

    def __init__(self, instance: Instance, finding: Finding) -> None:
        super().__init__(instance, finding)
        self._slots = list(range(instance.setting["allocations"]))
        self._lost = False

    def config(self, instance: Instance) -> dict[str, Any]:
        return {
            "timeout_ms": TIMEOUT_MS,
            "slot_will_be_occupied_indefinitely": instance.setting["indefinitely"] == 1,
            "pool_serves": "at_once" if instance.setting["at_once"] else "script",
        }

    def listed(self, instance: Instance) -> dict[str, Any]:
        sharing = sharing_of(instance.setting)
        named = SCHEMA.named
        return {
            "causes": {CAUSE: "RuntimeException"},
            "groups": {
                named("group", n + 1): SharingGroup(_brief(profile))
                for n, profile in enumerate(sharing.groups)
            },
            "vertices": {
                named("vertex", n + 1): SharingVertex(
                    None if vertex.group is None else named("group", vertex.group + 1),
                    _brief(vertex.profile),
                    vertex.member,
                )
                for n, vertex in enumerate(sharing.vertices)
            },
        }

    def operations_of(self, step: TraceStep) -> Iterator[OperationCall]:
        if self._lost:
            raise EndOfRecording
        yield from super().operations_of(step)

    def argument(self, argument: Argument, value: int) -> Any:
        if argument.name == "profile":
            return _brief(SLOT_PROFILES[value])
        return super().argument(argument, value)

    def name(self, kind: str, number: int) -> str:
        if kind == "allocation":
            return super().name(kind, self._slots[number])
        return super().name(kind, number)

    def _request(self, number: int) -> str:
        return SCHEMA.named("request", number)

    # ----------------------------------------------------------------------------- following

    def learn(self, step: TraceStep, expected: Expected) -> None:
        after = step.after
        for group, slot in enumerate(after["slot_of"]):
            there = expected.state["shared"].get(self.name("group", group), {}).get("physical")
            if slot != NONE and there not in (
                None,
                "pending",
                "failed",
                self.name("allocation", slot),
            ):
                self._exchange(slot, there, after)
        self._lost = not self._agrees(after, expected.state)

    def _exchange(self, slot: int, there: str, after: Any) -> None:
        """A group has another of two slots than in the trace: they change their names."""
        for other in range(len(self._slots)):
            alike = all(
                after[field][slot] == after[field][other] for field in ("slot_tm", "slot_profile")
            )
            if alike and self.name("allocation", other) == there:
                slots = self._slots
                slots[slot], slots[other] = slots[other], slots[slot]
                return

    def _agrees(self, after: Any, state: dict[str, Any]) -> bool:
        """Whether the recording is where the trace is."""
        shared = state["shared"]
        for group, life in enumerate(after["group"]):
            there = shared.get(self.name("group", group))
            if (there is None) != (life == SharedSlot.ABSENT):
                return False
            slot = after["slot_of"][group]
            present = there is not None and life == SharedSlot.PRESENT
            if present and there["physical"] != self.name("allocation", slot):
                return False
        asked = {v: state for of in shared.values() for v, _, state in of["logical"]}
        words = {LogicalRequest.PENDING: "pending", LogicalRequest.COMPLETED: "done"}
        return self._bulks(after) == [
            (sorted(g for g, _ in bulk["pending"]), bulk["unfulfillable_since"] is not None)
            for bulk in state["bulks"]
        ] and all(
            asked.get(self.name("vertex", vertex)) == words.get(life)
            for vertex, life in enumerate(after["request"])
        )

    def _bulks(self, after: Any) -> list[tuple[list[str], bool]]:
        """The pending groups of each bulk, and whether it is unfulfillable."""
        width = len(after["group"])
        return [
            (
                [self.name("group", g) for g in range(width) if after["pending"][bulk * width + g]],
                after["unfulfillable"][bulk] == 1,
            )
            for bulk in after["queue"]
            if bulk != NONE
        ]

    # --------------------------------------------- actions that a recording expresses otherwise

    def _allocate(
        self, step: TraceStep, selection: int, walk: int, requests: int, free: int
    ) -> Iterator[OperationCall]:
        if requests:  # a recording makes them as it walks the groups
            raise EndOfRecording
        of = self.oracle.state.group_of
        chosen = [v for v, bit in enumerate(BITS) if selection & bit]
        # a recording walks the group first that is named last
        count = len(self.oracle.state.group)
        place = {in_order(count, walk, step): step for step in range(count)}
        chosen.sort(key=lambda v: -place.get(of[v], count))
        yield "advance_time", {"ms": self._pause()}
        yield "allocate", {"vertices": [self.name("vertex", v) for v in chosen]}

    def _order_of_slots_changes(self, step: TraceStep, order: int) -> Iterator[OperationCall]:
        """A recording cannot say in which order a check looks at slots."""
        raise EndOfRecording
        yield

    def _pause(self) -> int:
        """Time enough for the new check to be due at a moment of its own, and none before."""
        state = self.oracle.state
        left = TIMEOUT_MS if state.queue[0] == NONE else state.due[state.queue[0]] - state.clock
        return int(min(PAUSE_MS, left // 2))

    def _add_slot(
        self, step: TraceStep, allocation: int, tm: int, profile: int
    ) -> Iterator[OperationCall]:
        arguments = {
            "allocation": self.name("allocation", allocation),
            "tm": self.name("tm", tm),
            "index": allocation,
            "profile": _brief(SLOT_PROFILES[profile]),
        }
        yield "add_slot", arguments

    def _fulfil(self, step: TraceStep, group: int, allocation: int) -> Iterator[OperationCall]:
        request = self._request(self.oracle.state.request_number[group])
        name = self.name("allocation", allocation)
        yield "fulfil", {"request": request, "allocation": name}

    def _fulfil_and_lose(
        self, step: TraceStep, group: int, allocation: int
    ) -> Iterator[OperationCall]:
        """A recording cannot say what happens inside a step."""
        raise EndOfRecording
        yield

    def _fail_request(self, step: TraceStep, group: int) -> Iterator[OperationCall]:
        request = self._request(self.oracle.state.request_number[group])
        yield "fail_request", {"request": request, "cause": CAUSE}

    def _fail_slot(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        yield "fail_slot", {"allocation": self.name("allocation", allocation), "cause": CAUSE}

    def _fail_task_manager(self, step: TraceStep, tm: int) -> Iterator[OperationCall]:
        yield "fail_task_manager", {"tm": self.name("tm", tm), "cause": CAUSE}

    def _release_logical(self, step: TraceStep, vertex: int) -> Iterator[OperationCall]:
        yield "release_logical", {"logical": self._logical(vertex), "cause": CAUSE}

    def _assign_payload(self, step: TraceStep, vertex: int, quick: int) -> Iterator[OperationCall]:
        payload = self.fresh("payload", vertex if step.result == 1 else None)
        arguments = {
            "logical": self._logical(vertex),
            "payload": payload,
            "terminates": "at_once" if quick else "later",
        }
        yield "assign_payload", arguments

    def _logical(self, vertex: int) -> str:
        return self._request(self.oracle.state.logical_number[vertex])

    def _finish(self, step: TraceStep, vertex: int) -> Iterator[OperationCall]:
        yield "terminate", {"payload": self.names["payload"][vertex]}

    _terminate = _finish

    def _fail_termination(self, step: TraceStep, vertex: int) -> Iterator[OperationCall]:
        if self.instance.generation != "1.12":  # the process would end
            raise EndOfRecording
        yield "terminate", {"payload": self.names["payload"][vertex], "failed": True}

    def _run_check(self, step: TraceStep) -> Iterator[OperationCall]:
        state = self.oracle.state
        yield "advance_time", {"ms": state.due[state.queue[0]] - state.clock}


def _brief(profile: Any) -> Any:
    brief = brief_of(profile)
    return tuple(brief) if isinstance(brief, list) else brief


EXPORTER = SlotSharingAllocatorExporter
"""The exporter that the registry finds."""
