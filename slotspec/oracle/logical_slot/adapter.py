"""The oracle of logical slots: what SingleLogicalSlot does with each operation.

Every slot and every payload stays part of the state, so no element gets a second name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.logical_slot import operations
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import (
    Effect,
    Outcome,
    Raised,
    Reaction,
    payloads,
    physical_slots,
    slots,
)
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.logical_slot.schema import SCHEMA
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

CAUSES = {"other": "RuntimeException", "flink": "FlinkException", "timeout": "TimeoutException"}
"""Name of a cause in traces -> the exception class that the payload gets."""
RELEASED: Mapping[int, str] = {
    ReleaseFuture.PENDING: "pending",
    ReleaseFuture.DONE: "done",
    ReleaseFuture.FAILED: "failed",
}
RUNS: Mapping[int, str] = {
    PayloadRun.RUNNING: "running",
    PayloadRun.ENDED: "ok",
    PayloadRun.BROKEN: "failed",
}
STAND_IN = "terminated"


class LogicalSlotOracle(ModelOracle):
    """What the logical slots of one generation do with each operation.

    Nothing in a header makes a difference.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    """

    schema = SCHEMA
    model = logical_slot
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {
        Raised.ILLEGAL_STATE: "IllegalStateException",
        Raised.PAYLOADS_OWN: "RuntimeException",
    }

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        bounds = {"slots": 8, "payloads": 8, "physical_slots": 2, "reactions": 1, "faults": 1}
        return bounds, {}

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        self._slots = NameTable(self.elastic, slots)
        self._payloads = NameTable(self.elastic, payloads)
        self._physical = NameTable(self.elastic, physical_slots)
        self._places: dict[str, dict[str, Any]] = {}
        self._cause: str | None = None
        return {"slot": self._slots, "payload": self._payloads, "physical": self._physical}

    # ------------------------------------------------------------------------------ names

    def decode(self, argument: Argument, value: Any) -> int:
        return self._slot(value) if argument.name == "slot" else super().decode(argument, value)

    def _slot(self, name: str) -> int:
        """A slot that exists. One whose creation raised an exception does not."""
        number = self._slots.number(name)
        if number is None or name not in self._places:
            raise InputError("TRC032", f"there is no slot {name!r}; create it first")
        return number

    def _new(self, name: str, **place: Any) -> int:
        if name in self._places:
            raise InputError("TRC032", f"slot {name!r} exists; give each slot its own name")
        self._places[name] = place
        return self._slots.decode(name)

    def _owner(self, on_return: str) -> int:
        if on_return == "raise" and self.state.fatal_faults:
            self._refuse("an owner that throws")
        return Reaction[on_return.upper()]

    def _refuse(self, what: str) -> None:
        raise InputError(
            "TRC032",
            f"{what} ends the process in generation {self.generation}; leave the step out",
        )

    # ------------------------------------------------------------------------- operations

    def _create_slot(self, slot: str, on_return: str, **place: Any) -> None:
        reaction = self._owner(on_return)
        self.run(operations.create_slot, self._new(slot, **place), reaction)

    def _allocate_from_physical_slot(
        self, slot: str, physical: str, on_return: str, **place: Any
    ) -> None:
        reaction, below = self._owner(on_return), self._physical.decode(physical)
        number = self._new(slot, **place)
        self.run(operations.allocate_from_physical_slot, number, below, reaction)
        if self._raises:
            del self._places[slot]

    def _try_assign_payload(self, slot: str, payload: str, on_fail: str) -> bool:
        number, other = self._slot(slot), self._payloads.decode(payload)
        if self.state.occupant[number] == Occupant.NOBODY and other in self.state.payload_of:
            raise InputError("TRC032", f"payload {payload!r} is in a slot; assign it to only one")
        reaction = Reaction[on_fail.upper()]
        return self.run(operations.try_assign_payload, number, other, reaction) == 1

    def _release_slot(self, slot: str, cause: str | None) -> str | None:
        self._cause = cause
        future = self.run(operations.release_slot, self._slot(slot), 0)
        return None if self._raises else RELEASED[future]

    def _release(self, slot: str, cause: str | None) -> None:
        self._cause = cause
        self.run(operations.release, self._slot(slot), 0)

    def _payload_terminates(self, payload: str, outcome: str) -> bool:
        fails = Outcome[outcome.upper()]
        if fails and self.state.fatal_faults:
            self._refuse("a failed termination future")
        return self.run(operations.payload_terminates, self._payloads.decode(payload), fails) == 1

    def _get_payload(self, slot: str) -> str | None:
        number = self._slot(slot)
        return self._occupant(number, self.run(operations.get_payload, number))

    def _describe(self, slot: str) -> dict[str, Any]:
        self.run(operations.describe, self._slot(slot))
        place = dict(self._places[slot])
        if self.generation == "1.11":
            # the class has no such flag yet, whatever the caller says
            place.pop("indefinite", None)
        if self.generation == "1.13":
            del place["index"]
        return {"request": slot, **place}

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any]:
        if kind == Effect.PAYLOAD_FAIL:
            cause = None if self._cause is None else CAUSES[self._cause]
            name = self._payloads.name(a)
            return {"effect": "payload.fail", "payload": name, "cause": cause}
        if kind == Effect.PHYSICAL_ASSIGN:
            return {
                "effect": "physical.assign",
                "physical": self._physical.name(a),
                "slot": self._slots.name(b),
                "accepted": c == 1,
            }
        slot = self._slots.name(a)
        if kind == Effect.RETURN_SLOT:
            return {"effect": "owner.return_slot", "slot": slot, "state": "RELEASING"}
        done = kind == Effect.RELEASE_DONE
        return {"effect": f"release_future.{'done' if done else 'failed'}", "slot": slot}

    def _occupant(self, slot: int, payload: int) -> str | None:
        if self.state.occupant[slot] == Occupant.STAND_IN:
            return STAND_IN
        return None if payload == NONE else self._payloads.name(payload)

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        s = self.state
        return {
            "slots": {
                name: {
                    "state": LogicalSlot.states[s.slot[number]].name,
                    "payload": self._occupant(number, s.payload_of[number]),
                    "released": RELEASED[s.released[number]],
                }
                for name, number in self._slots.items()
                if s.slot[number] != LogicalSlot.ABSENT
            },
            "payloads": {name: RUNS[s.payload[number]] for name, number in self._payloads.items()},
        }


ORACLE = LogicalSlotOracle
"""The oracle that the registry finds."""
