"""Flink's own SlotSharingExecutionSlotAllocator as a peer, with the real slot provider and checker.

As for the recordings, the pool, the slot selection and the table of groups are scripted. Request
ids are numbered with one hash value, and vertex ids hash to their numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_clock import CLOCK
from slotspec.oracle.peers.flink_payloads import Payloads
from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME, deepest, simple_name, unwrapped
from slotspec.oracle.peers.flink_world import FlinkWorld
from slotspec.oracle.slot_sharing_allocator.flink_pool import POOL, ScriptedPool
from slotspec.oracle.slot_sharing_allocator.flink_state import AllocatorState
from slotspec.oracle.slot_sharing_allocator.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader

SCHEDULER = f"{RUNTIME}.scheduler"
ALLOCATOR = f"{SCHEDULER}.SlotSharingExecutionSlotAllocator"


class AllocatorPeer(FlinkPeer):
    """Runs one allocator at a time."""

    schema = SCHEMA

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._ids = self.java(CLOCK)
        self._clock_class = self.java("org.apache.flink.util.clock.ManualClock")
        self._unit = self.java("java.util.concurrent.TimeUnit").MILLISECONDS
        job_vertex = self.java(f"{RUNTIME}.jobgraph.JobVertexID")(0, 0)
        self._vertex_id = self.java(f"{SCHEDULER}.strategy.ExecutionVertexID")
        self._job_vertex = job_vertex
        self._attempt_id = self.java(f"{RUNTIME}.executiongraph.ExecutionAttemptID")
        self._optional = self.java("java.util.Optional")
        self._locality = self.java(f"{RUNTIME}.jobmanager.scheduler.Locality")

    # ------------------------------------------------------------------------------ making

    def make(self, header: TraceHeader) -> None:
        world = self.world = FlinkWorld(self.jpype, self.profiles)
        self._ids.ids = 0
        self._clock = self._clock_class(0)
        self._futures = 0
        self.pool = ScriptedPool(
            world,
            self.values,
            self.reflect,
            at_once=header.config["pool_serves"] == "at_once",
            since_20=self.since("1.20"),
            since_23=self.since("2.3"),
        )
        self.payloads = Payloads(world, lambda payload, reaction: None)
        self._logical: dict[str, Any] = {}
        self.vertex_of: dict[str, str] = {}
        self._make_vertices(header)
        selection = world.proxy(
            f"{POOL}.SlotSelectionStrategy", selectBestSlotForProfile=self._select
        )
        provider = self.java(f"{POOL}.PhysicalSlotProviderImpl")(selection, self.pool.interface)
        checkers = self.java(f"{POOL}.PhysicalSlotRequestBulkCheckerImpl")
        checker = checkers.createFromSlotPool(self.pool.interface, self._clock)
        checker.start(world.main_thread())
        self._allocator = self.reflect.new(
            ALLOCATOR,
            provider,
            header.config["slot_will_be_occupied_indefinitely"],
            world.proxy(
                f"{SCHEDULER}.SlotSharingStrategy",
                getExecutionSlotSharingGroup=lambda vertex: self._group_of[self.vertex(vertex)],
                getExecutionSlotSharingGroups=lambda: self.java("java.util.HashSet")(),
            ),
            self._retriever_factory(),
            checker,
            self.duration(header.config["timeout_ms"], since="2.3"),
            world.proxy(
                "java.util.function.Function",
                apply=lambda vertex: self._profile_of[self.vertex(vertex)],
            ),
        )
        self._state = AllocatorState(self, self._allocator)

    def _profile(self, given: Any) -> Any:
        if isinstance(given, str):
            return self.values.profile(given.upper())
        return self.values.profile({"cpu": given[0], "task_heap_mb": given[1]})

    def _make_vertices(self, header: TraceHeader) -> None:
        groups: dict[str, Any] = {}
        self.group_names: list[tuple[Any, str]] = []
        for name, described in header.groups.items():
            groups[name] = self._make_group(self._profile(described.profile))
            self.group_names.append((groups[name], name))
        self._vertices: dict[str, Any] = {}
        self._vertex_names: dict[Any, str] = {}
        self._group_of: dict[str, Any] = {}
        self._profile_of: dict[str, Any] = {}
        for name, vertex in header.vertices.items():
            id_ = self._vertex_id(self._job_vertex, natural(name)[1])
            self._vertices[name] = id_
            self._vertex_names[id_] = name
            self._profile_of[name] = self._profile(vertex.profile)
            group = self._group_of[name] = groups.get(vertex.group or "")
            if group is not None and vertex.member:
                self.reflect.call(f"{SCHEDULER}.ExecutionSlotSharingGroup", "addVertex", group, id_)

    def _make_group(self, profile: Any) -> Any:
        kind = f"{SCHEDULER}.ExecutionSlotSharingGroup"
        if self.since("2.3"):
            sharing = self.java(f"{RUNTIME}.jobmanager.scheduler.SlotSharingGroup")()
            sharing.setResourceProfile(profile)
            return self.reflect.new(kind, sharing)
        group = self.reflect.new(kind)
        if self.since("1.20"):
            self.reflect.call(kind, "setResourceProfile", group, profile)
        return group

    def group_name(self, group: Any) -> str:
        """The name of an ExecutionSlotSharingGroup."""
        return next(name for known, name in self.group_names if known.equals(group))

    def vertex(self, id_: Any) -> str:
        """The name of a vertex."""
        return self._vertex_names[id_]

    def _retriever_factory(self) -> Any:
        """One object that is the retriever, which is not public, and its factory.

        As it implements both, Java puts its class into the package that may see the retriever.
        """
        find = self.jpype.java.lang.Class.forName
        retriever = find(f"{SCHEDULER}.SharedSlotProfileRetriever")
        factory = find(f"{retriever.getName()}$SharedSlotProfileRetrieverFactory")

        def invoke(proxy: Any, called: Any, given: Any) -> Any:
            if str(called.getName()) == "getSlotProfile":
                return self._slot_profile(*given)
            names = sorted(map(self.vertex, given[0]), key=natural)
            self.world.effect("retriever.created", bulk=names)
            return proxy

        handler = self.world.proxy("java.lang.reflect.InvocationHandler", invoke=invoke)
        return self.jpype.java.lang.reflect.Proxy.newProxyInstance(
            retriever.getClassLoader(), [factory, retriever], handler
        )

    def _slot_profile(self, group: Any, profile: Any) -> Any:
        shown = self.pool.shown(profile)
        self.world.effect("retriever.asked", group=self.group_name(group), profile=shown)
        nothing = self.java_list(())
        return self.java(f"{RUNTIME}.clusterframework.types.SlotProfile").priorAllocation(
            profile, profile, nothing, nothing, self.java("java.util.HashSet")()
        )

    def _select(self, available: Any, profile: Any) -> Any:
        name = self.pool.select(profile)
        if name is None:
            return self._optional.empty()
        found = self.java(f"{POOL}.SlotSelectionStrategy$SlotInfoAndLocality")
        slot = self.pool.slots[name]
        return self._optional.of(found.of(slot, self._locality.UNCONSTRAINED))

    def pass_time(self, now: int) -> None:
        self._clock.advanceTime(now - self.world.timers.now, self._unit)
        super().pass_time(now)

    def timer_raised(self, error: Any) -> None:
        self.world.effect("timer.raised", error=simple_name(error))

    # -------------------------------------------------------------------------- allocating

    def _attempt(self, vertex: str) -> Any:
        id_ = self._vertices[vertex]
        if not self.since("1.20"):
            return id_
        if not hasattr(self, "_graph"):
            self._graph = self.java(f"{RUNTIME}.executiongraph.ExecutionGraphID")()
        return self._attempt_id(self._graph, id_, 0)

    def _allocate(self, vertices: list[str]) -> list[list[str]]:
        if self.since("1.20"):
            attempts = [self._attempt(vertex) for vertex in vertices]
            given = self.java_list(attempts)
            assigned = self.reflect.call(ALLOCATOR, "allocateSlotsFor", self._allocator, given)
            owner = f"{SCHEDULER}.ExecutionSlotAssignment"
            found = [
                self.reflect.get(owner, "logicalSlotFuture", assigned.get(attempt))
                for attempt in attempts
            ]
        else:
            found = self._allocate_12(vertices)
        listed = []
        for vertex in vertices:
            self._futures += 1
            listed.append([f"f{self._futures}", vertex])
        for (name, vertex), future in zip(listed, found, strict=True):
            self._listen(name, vertex, future)
        return listed

    def _allocate_12(self, vertices: list[str]) -> list[Any]:
        required = self.java(f"{SCHEDULER}.ExecutionVertexSchedulingRequirements$Builder")
        group = self.java(f"{RUNTIME}.instance.SlotSharingGroupId")()
        given = self.java_list(
            required()
            .withExecutionVertexId(self._vertices[vertex])
            .withTaskResourceProfile(self._profile_of[vertex])
            .withPhysicalSlotResourceProfile(self._profile_of[vertex])
            .withSlotSharingGroupId(group)
            .build()
            for vertex in vertices
        )
        assigned = self.reflect.call(ALLOCATOR, "allocateSlotsFor", self._allocator, given)
        owner = f"{SCHEDULER}.SlotExecutionVertexAssignment"
        return [self.reflect.get(owner, "logicalSlotFuture", one) for one in assigned]

    def _listen(self, future: str, vertex: str, awaited: Any) -> None:
        def completed(logical: Any, error: Any) -> None:
            if error is not None:
                seen = unwrapped(error)
                names = {"error": simple_name(seen), "root_cause": simple_name(deepest(seen))}
                self.world.effect("logical.failed", future=future, vertex=vertex, **names)
                return
            name = self.keep(logical, vertex)
            allocation = self.pool.allocations.symbol(logical.getAllocationId())
            fields = {"vertex": vertex, "logical": name, "allocation": allocation}
            self.world.effect("logical.completed", future=future, **fields)

        awaited.whenComplete(self.world.proxy("java.util.function.BiConsumer", accept=completed))

    def keep(self, logical: Any, vertex: str) -> str:
        """The name of a logical slot, which is listened to from now on."""
        name = self.pool.request_name(logical.getSlotRequestId())
        if name not in self._logical:
            self._logical[name] = logical
            self.vertex_of[name] = vertex

            def released(_: Any, error: Any) -> None:
                failed = {} if error is None else {"error": simple_name(unwrapped(error))}
                self.world.effect("logical.released", logical=name, **failed)

            future = self.reflect.get(f"{POOL}.SingleLogicalSlot", "releaseFuture", logical)
            future.whenComplete(self.world.proxy("java.util.function.BiConsumer", accept=released))
        return name

    @property
    def logical(self) -> dict[str, Any]:
        """The logical slots that there have been."""
        return self._logical

    def _cancel(self, vertex: str) -> None:
        self.reflect.call(ALLOCATOR, "cancel", self._allocator, self._attempt(vertex))

    # ---------------------------------------------------------------------------- the pool

    def _cause(self, name: str) -> Any:
        return self.values.cause(self.header.cause_chain(name))

    def _add_slot(self, allocation: str, tm: str, index: int, profile: Any) -> bool:
        return self.pool.add(allocation, tm, index, self._profile(profile))

    def _fulfil(self, request: str, allocation: str) -> bool:
        return self.pool.fulfil(request, allocation)

    def _fail_request(self, request: str, cause: str) -> bool:
        return self.pool.fail_request(request, self._cause(cause))

    def _fail_slot(self, allocation: str, cause: str) -> bool:
        if allocation not in self.pool.slots:
            return False
        self.pool.lose([allocation], self._cause(cause))
        return True

    def _fail_task_manager(self, tm: str, cause: str) -> list[str]:
        lost = [
            name
            for name, slot in self.pool.slots.items()
            if str(slot.getTaskManagerId().getResourceIdString()) == tm
        ]
        self.pool.lose(lost, self._cause(cause))
        return lost

    def _pool_mode(self, mode: str) -> None:
        self.pool.mode = mode

    def _foreign_payload(self, allocation: str, indefinitely: bool) -> bool | None:
        slot = self.pool.slots.get(allocation)
        if slot is None:
            return None
        payload = self.world.proxy(
            f"{POOL}.PhysicalSlot$Payload",
            release=lambda cause: self.world.effect(
                "foreign.release", allocation=allocation, cause=simple_name(cause)
            ),
            willOccupySlotIndefinitely=lambda: indefinitely,
        )
        return bool(slot.tryAssignPayload(payload))

    # ----------------------------------------------------------------------- logical slots

    def _assign_payload(self, logical: str, payload: str, terminates: str) -> bool | None:
        slot = self._logical.get(logical)
        if slot is None:
            return None
        reaction = "terminate" if terminates == "at_once" else "nothing"
        return bool(slot.tryAssignPayload(self.payloads.make(payload, reaction)))

    def _release_logical(self, logical: str, cause: str) -> bool | None:
        slot = self._logical.get(logical)
        return None if slot is None else bool(slot.releaseSlot(self._cause(cause)).isDone())

    def _terminate(self, payload: str, failed: bool = False) -> bool | None:
        if payload not in self.payloads.states():
            return None
        return self.payloads.terminates(payload, "fails" if failed else "ok")

    def snapshot(self) -> dict[str, Any]:
        return self._state.snapshot()


PEER = AllocatorPeer
