"""The built-in models: one entry for each, and where its pieces are.

Each modelled class has a folder of its own under ``models``, ``properties`` and ``oracle``, with
the same file names in each, so an entry only says what cannot be derived from its name. Pieces
are imported when somebody asks for them.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import UsageError, suggest

DECLARING = ("operations", "environment", "timers", "faults", "recycling", "formatting")
"""The files of a model's folder that declare into it, as far as it has them. Calls are numbered
in the order in which their actions are declared, so this order is fixed."""


@dataclass(frozen=True)
class Entry:
    """A built-in model.

    :param name: of the model, of its folders, and of the attribute that holds the model.
    :param description: what it models, for ``slotspec list models``.
    :param implementation: what the header of a recorded trace calls the class; None for a
        composition that no single class implements.
    :param also: other classes that the same model covers, as headers call them. The schema has
        a variant for each, see :meth:`slotspec.oracle.traces.schema.TraceSchema.of`.
    :param shares: a model whose rules it shares, which is declared first.
    """

    name: str
    description: str
    implementation: str | None = None
    also: tuple[str, ...] = ()
    shares: str | None = None

    @property
    def implementations(self) -> tuple[str, ...]:
        """All classes that the model covers, as headers call them."""
        return (*([self.implementation] if self.implementation else []), *self.also)

    def model(self) -> Model:
        """The model, with its operations, environment, formatter and properties declared."""
        if self.shares is not None:
            MODELS[self.shares].model()
        for file in DECLARING:
            if find_spec(f"slotspec.models.{self.name}.{file}"):
                importlib.import_module(f"slotspec.models.{self.name}.{file}")
        properties = importlib.import_module(f"slotspec.properties.{self.name}")
        for module in pkgutil.iter_modules(properties.__path__, f"{properties.__name__}."):
            importlib.import_module(module.name)
        model = self._piece("models", "model", self.name)
        assert isinstance(model, Model)
        model.home = built_in, (self.name,)
        return model

    def schema(self) -> Any:
        """What a trace of the class contains: :class:`slotspec.oracle.traces.schema.TraceSchema`"""
        return self._piece("oracle", "schema", "SCHEMA")

    def oracle(self) -> Any:
        """What makes an oracle of the class, called with generation and header."""
        return self._piece("oracle", "adapter", "ORACLE")

    def exporter(self) -> Any:
        """Writes a trace that a check found: :class:`slotspec.oracle.exporting.Exporter`."""
        return self._piece("oracle", "export", "EXPORTER")

    def fuzz_target(self) -> Any:
        """How to fuzz it: a :class:`slotspec.oracle.fuzzing.targets.FuzzTarget`."""
        return self._piece("oracle", "fuzzing", "TARGET")

    def flink_peer(self) -> Any:
        """Flink's own class as a peer, called with a version and a folder of jars; None if
        slotspec cannot run it."""
        if find_spec(f"slotspec.oracle.{self.name}.flink") is None:
            return None
        return self._piece("oracle", "flink", "PEER")

    def participants(self) -> Any:
        """Its lifelines: :class:`slotspec.statemachine.participants.Participants`."""
        return self._piece("models", "participants", "PARTICIPANTS")

    def _piece(self, layer: str, file: str, attribute: str) -> Any:
        return getattr(importlib.import_module(f"slotspec.{layer}.{self.name}.{file}"), attribute)


def built_in(name: str) -> Model:
    """The built-in model of this name, for another process."""
    return MODELS[name].model()


MODELS = {
    entry.name: entry
    for entry in (
        Entry(
            "slot_pool",
            "The JobMaster's slot pool: requests, offers, timeouts, failures.",
            "org.apache.flink SlotPoolImpl",
        ),
        Entry(
            "slot_manager",
            "The ResourceManager's slots: requests, workers, reports, timeouts.",
            "org.apache.flink SlotManagerImpl",
        ),
        Entry(
            "fine_grained_slot_manager",
            "The ResourceManager's side since 1.14: requirements, resources, workers.",
            "org.apache.flink FineGrainedSlotManager",
        ),
        Entry(
            "task_slot_table",
            "The TaskExecutor's slots: allocation, budget, timeouts, tasks.",
            "org.apache.flink TaskSlotTableImpl",
        ),
        Entry(
            "logical_slot",
            "Logical slots: payloads, release, return to the owner.",
            "org.apache.flink SingleLogicalSlot",
        ),
        Entry(
            "slot_sharing",
            "Slot sharing: trees of task slots over physical slots.",
            "org.apache.flink SlotSharingManager",
        ),
        Entry(
            "slot_sharing_allocator",
            "Slot sharing since 1.12: shared slots, logical slots, bulks, timeouts.",
            "org.apache.flink SlotSharingExecutionSlotAllocator",
        ),
        Entry(
            "declarative_slot_pool",
            "The JobMaster's declarative slot pool and its bridge: requirements, offers, delays.",
            "org.apache.flink DeclarativeSlotPoolBridge",
            also=("org.apache.flink DefaultDeclarativeSlotPool",),
        ),
        Entry(
            "cluster",
            "The whole protocol: JobMaster, ResourceManager, TaskExecutors, messages.",
        ),
        Entry(
            "declarative_cluster",
            "The whole protocol of today: declared requirements, slots without numbers.",
            shares="cluster",
        ),
    )
}
"""Each built-in model by name."""


def recorded() -> dict[str, Entry]:
    """The models of classes that can be recorded, by the ``implementation`` of the header."""
    return {name: entry for entry in MODELS.values() for name in entry.implementations}


SLOT_POOLS = ("slot_pool", "declarative_slot_pool")
"""The JobMaster's slot pools, the newest last."""


def slot_pool_of(generation: str | None = None) -> str:
    """The model of the slot pool of a generation of Flink; by default, the newest."""
    for name in SLOT_POOLS:
        if generation in MODELS[name].schema().generations:
            return name
    return SLOT_POOLS[-1]


def load_model(name: str) -> Model:
    """The built-in model `name`, with its formatter and properties declared.

    :raises UsageError: ``SET010`` if there is no such model.
    """
    if name not in MODELS:
        raise UsageError(
            "SET010",
            f"no built-in model {name!r} (one of your own is given as file.py or"
            f" file.py:attribute); {suggest(name, MODELS)}",
        )
    return MODELS[name].model()
