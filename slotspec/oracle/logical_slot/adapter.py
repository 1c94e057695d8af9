"""The reference oracle of logical slots: what SingleLogicalSlot does, step by step.

It decodes the arguments of an operation, runs the model's own rule, and encodes what the
rule emitted, returned and changed. No rule of the protocol stands here. Every slot and every
payload stays part of the state, so no number is used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from slotspec.oracle.logical_slot.schema import SCHEMA
from slotspec.oracle.traces.names import Names
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE, Listener
from slotspec.statemachine.errors import InputError

REACTIONS = {
    "nothing": Reaction.NOTHING,
    "release": Reaction.RELEASE,
    "release_slot": Reaction.RELEASE_SLOT,
    "raise": Reaction.RAISE,
    "terminate": Reaction.TERMINATE,
}
CAUSES = {"other": "RuntimeException", "flink": "FlinkException", "timeout": "TimeoutException"}
"""Causes by the names that traces use, with the class that the payload gets."""
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
    """Says what the logical slots of one generation do with each operation.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    :param header: not needed: nothing of it makes a difference.
    :param replace: rules of the model to be replaced (a defect), for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: told of every lifecycle event that the rules fire.
    """

    schema = SCHEMA
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {
        Raised.ILLEGAL_STATE: "IllegalStateException",
        Raised.PAYLOADS_OWN: "RuntimeException",
    }

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        instance = logical_slot.instance(
            {"slots": 8, "payloads": 8, "physical_slots": 2, "reactions": 1, "faults": 1},
            generation=generation,
            choices=choices,
            replace=replace,
        )
        super().__init__(generation, instance, listener)
        self._numbers = {slots: Names(), payloads: Names(), physical_slots: Names()}
        self._places: dict[str, dict[str, Any]] = {}
        self._cause: str | None = None

    # ------------------------------------------------------------------------------ names

    def _number(self, sort: Sort, name: str) -> int:
        names = self._numbers[sort]
        number = names.number(name)
        if number is None:
            number = len(names)
            if number >= self.elastic.size(sort):
                self.elastic.grow(sort, 2 * number)
            names.bind(name, number)
        return number

    def _slot(self, name: str) -> int:
        """A slot that was made before; one that an exception has kept from being is none."""
        number = self._numbers[slots].number(name)
        if number is None or name not in self._places:
            raise InputError("TRC032", f"there is no slot {name!r}; create it before")
        return number

    def _new(self, name: str, **place: Any) -> int:
        if name in self._places:
            raise InputError("TRC032", f"slot {name!r} exists; give each slot a name of its own")
        self._places[name] = place
        return self._number(slots, name)

    def _owner(self, on_return: str) -> int:
        if on_return == "raise" and self.state.fatal_faults:
            self._refuse("an owner that throws")
        return REACTIONS[on_return]

    def _refuse(self, what: str) -> None:
        raise InputError(
            "TRC032",
            f"{what} ends the process in generation {self.generation}; leave the step out",
        )

    # ------------------------------------------------------------------------- operations

    def _create_slot(self, slot: str, on_return: str, **place: Any) -> None:
        reaction = self._owner(on_return)
        self._run(operations.create_slot, self._new(slot, **place), reaction)

    def _allocate_from_physical_slot(
        self, slot: str, physical: str, on_return: str, **place: Any
    ) -> None:
        reaction, below = self._owner(on_return), self._number(physical_slots, physical)
        number = self._new(slot, **place)
        self._run(operations.allocate_from_physical_slot, number, below, reaction)
        if self._raises:
            del self._places[slot]

    def _try_assign_payload(self, slot: str, payload: str, on_fail: str) -> bool:
        number, other = self._slot(slot), self._number(payloads, payload)
        if self.state.occupant[number] == Occupant.NOBODY and other in self.state.payload_of:
            raise InputError("TRC032", f"payload {payload!r} is in a slot; assign it to one only")
        return self._run(operations.try_assign_payload, number, other, REACTIONS[on_fail]) == 1

    def _release_slot(self, slot: str, cause: str | None) -> str | None:
        self._cause = cause
        future = self._run(operations.release_slot, self._slot(slot), 0)
        return None if self._raises else RELEASED[future]

    def _release(self, slot: str, cause: str | None) -> None:
        self._cause = cause
        self._run(operations.release, self._slot(slot), 0)

    def _payload_terminates(self, payload: str, outcome: str) -> bool:
        fails = outcome == "fails"
        if fails and self.state.fatal_faults:
            self._refuse("a failed termination future")
        number = self._number(payloads, payload)
        return self._run(operations.payload_terminates, number, Outcome(fails)) == 1

    def _is_alive(self, slot: str) -> bool:
        return self._run(operations.is_alive, self._slot(slot)) == 1

    def _get_payload(self, slot: str) -> str | None:
        number = self._slot(slot)
        return self._occupant(number, self._run(operations.get_payload, number))

    def _describe(self, slot: str) -> dict[str, Any]:
        self._run(operations.describe, self._slot(slot))
        place = dict(self._places[slot])
        if self.generation == "1.13":
            del place["index"]
        return {"request": slot, **place}

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any]:
        if kind == Effect.PAYLOAD_FAIL:
            cause = None if self._cause is None else CAUSES[self._cause]
            name = self._numbers[payloads].name(a)
            return {"effect": "payload.fail", "payload": name, "cause": cause}
        if kind == Effect.PHYSICAL_ASSIGN:
            return {
                "effect": "physical.assign",
                "physical": self._numbers[physical_slots].name(a),
                "slot": self._numbers[slots].name(b),
                "accepted": c == 1,
            }
        slot = self._numbers[slots].name(a)
        if kind == Effect.RETURN_SLOT:
            return {"effect": "owner.return_slot", "slot": slot, "state": "RELEASING"}
        done = kind == Effect.RELEASE_DONE
        return {"effect": f"release_future.{'done' if done else 'failed'}", "slot": slot}

    def _occupant(self, slot: int, payload: int) -> str | None:
        if self.state.occupant[slot] == Occupant.STAND_IN:
            return STAND_IN
        return None if payload == NONE else self._numbers[payloads].name(payload)

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
                for name, number in self._numbers[slots].items()
                if s.slot[number] != LogicalSlot.ABSENT
            },
            "payloads": {
                name: RUNS[s.payload[number]] for name, number in self._numbers[payloads].items()
            },
        }


ORACLE = LogicalSlotOracle
"""What the registry finds."""
