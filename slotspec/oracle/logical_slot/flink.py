"""Flink's own SingleLogicalSlot as a peer: all slots of a sequence, with payloads and owners."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slotspec.oracle.logical_slot.schema import SCHEMA
from slotspec.oracle.peers.flink_payloads import CAUSES, Payloads, outcome
from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids
from slotspec.oracle.traces.trace import TraceHeader

SLOT = f"{RUNTIME}.jobmaster.slotpool.SingleLogicalSlot"


@dataclass
class Made:
    """A logical slot, and the arguments that it was made from."""

    slot: Any
    place: dict[str, Any]


class LogicalSlotPeer(FlinkPeer):
    """Runs the logical slots of a sequence."""

    schema = SCHEMA

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._class = self.java(SLOT)
        self._locality = self.java(f"{RUNTIME}.jobmanager.scheduler.Locality")
        self._error = self.java("java.lang.RuntimeException")

    def make(self, header: TraceHeader) -> None:
        self.world = FlinkWorld(self.jpype, self.profiles)
        self._requests = Ids(self.java(f"{RUNTIME}.jobmaster.SlotRequestId"))
        self._allocations = Ids(self.java(f"{RUNTIME}.clusterframework.types.AllocationID"))
        self._payloads = Payloads(self.world, self._react)
        self._made: dict[str, Made] = {}
        self._held_by: dict[str, str] = {}
        self._assigned: set[str] = set()

    def _react(self, payload: str, reaction: str) -> None:
        """What a payload does when it is failed."""
        self._call_back(self._held_by[payload], reaction)

    def _call_back(self, slot: str, reaction: str) -> None:
        if reaction == "raise":
            raise self._error("given")
        if reaction in ("release", "release_slot"):
            made = self._made[slot].slot
            (made.release if reaction == "release" else made.releaseSlot)(None)

    def _cause(self, cause: str | None) -> Any:
        return None if cause is None else self.values.cause((CAUSES[cause],))

    # ------------------------------------------------------------------------------ making

    def _context(self, interface: str, place: dict[str, Any], **more: Any) -> Any:
        allocation = self._allocations.id(place["allocation"])
        location = self.values.tm_location(place["tm"], "host")
        return self.world.proxy(
            interface,
            getAllocationId=lambda: allocation,
            getTaskManagerLocation=lambda: location,
            getTaskManagerGateway=lambda: None,
            getPhysicalSlotNumber=lambda: place["index"],
            getResourceProfile=lambda: self.values.profile_class.ANY,
            willBeOccupiedIndefinitely=lambda: True,
            **more,
        )

    def _owner(self, slot: str, on_return: str) -> Any:
        def return_logical_slot(returned: Any) -> None:
            state = str(self.reflect.get(SLOT, "state", returned))
            self.world.effect("owner.return_slot", slot=slot, state=state)
            self._call_back(slot, on_return)

        return self.world.proxy(
            f"{RUNTIME}.jobmaster.SlotOwner", returnLogicalSlot=return_logical_slot
        )

    def _keep(self, slot: str, made: Any, place: dict[str, Any]) -> None:
        self._made[slot] = Made(made, place)
        future = self.reflect.get(SLOT, "releaseFuture", made)

        def released(_: Any, error: Any) -> None:
            how = "done" if error is None else "failed"
            self.world.effect(f"release_future.{how}", slot=slot)

        future.whenComplete(self.world.proxy("java.util.function.BiConsumer", accept=released))

    def _create_slot(self, slot: str, on_return: str, **place: Any) -> None:
        context = self._context(f"{RUNTIME}.jobmaster.SlotContext", place)
        given = [self._requests.id(slot), context]
        if not self.since("1.13"):
            given.append(None)
        given += [self._locality.valueOf(place["locality"]), self._owner(slot, on_return)]
        if "indefinite" in place and self.since("1.12"):
            given.append(place["indefinite"])
        self._keep(slot, self._class(*given), place)

    def _allocate_from_physical_slot(
        self, slot: str, physical: str, on_return: str, **place: Any
    ) -> None:
        def assign(payload: Any) -> bool:
            accepted = physical not in self._assigned
            self._assigned.add(physical)
            self.world.effect("physical.assign", physical=physical, slot=slot, accepted=accepted)
            return accepted

        context = self._context(
            f"{RUNTIME}.jobmaster.slotpool.PhysicalSlot", place, tryAssignPayload=assign
        )
        made = self._class.allocateFromPhysicalSlot(
            self._requests.id(slot),
            context,
            self._locality.valueOf(place["locality"]),
            self._owner(slot, on_return),
            place.get("indefinite", True),
        )
        self._keep(slot, made, place)

    # --------------------------------------------------------------------------- operations

    def _try_assign_payload(self, slot: str, payload: str, on_fail: str) -> bool:
        made = self._payloads.make(payload, on_fail)
        done = bool(self._made[slot].slot.tryAssignPayload(made))
        if done:
            self._held_by[payload] = slot
        return done

    def _release_slot(self, slot: str, cause: str | None) -> str:
        return outcome(self._made[slot].slot.releaseSlot(self._cause(cause)))

    def _release(self, slot: str, cause: str | None) -> None:
        self._made[slot].slot.release(self._cause(cause))

    def _payload_terminates(self, payload: str, outcome: str) -> bool:
        return self._payloads.terminates(payload, outcome)

    def _is_alive(self, slot: str) -> bool:
        return bool(self._made[slot].slot.isAlive())

    def _get_payload(self, slot: str) -> str | None:
        return self._payloads.name(self._made[slot].slot.getPayload())

    def _describe(self, slot: str) -> dict[str, Any]:
        made = self._made[slot]
        found: dict[str, Any] = {
            "request": self._requests.symbol(made.slot.getSlotRequestId()),
            "allocation": self._allocations.symbol(made.slot.getAllocationId()),
            "tm": str(made.slot.getTaskManagerLocation().getResourceID().getResourceIdString()),
            "locality": str(made.slot.getLocality()),
        }
        if not self.since("1.13"):
            found["index"] = int(made.slot.getPhysicalSlotNumber())
        if "indefinite" in made.place and self.since("1.12"):
            found["indefinite"] = bool(made.slot.willOccupySlotIndefinitely())
        return found

    # -------------------------------------------------------------------------------- state

    def snapshot(self) -> dict[str, Any]:
        return {
            "slots": {
                name: {
                    "state": str(self.reflect.get(SLOT, "state", made.slot)),
                    "payload": self._payloads.name(made.slot.getPayload()),
                    "released": outcome(self.reflect.get(SLOT, "releaseFuture", made.slot)),
                }
                for name, made in self._made.items()
            },
            "payloads": self._payloads.states(),
        }


PEER = LogicalSlotPeer
