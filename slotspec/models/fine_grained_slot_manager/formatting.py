"""Readable traces of the fine-grained slot manager.

Connections ``i1``, TaskExecutors ``tm1``, allocations ``a1``, jobs ``j1``, expected workers
``p1``. A call is named after its allocation, a question after the connection that is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from slotspec.models.common.formatting import DescribingFormatter, State, Texts, listed, scheduled
from slotspec.models.common.orders import order_text
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    ManagedTaskManager,
    Manager,
    PendingTaskManager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    Effect,
    Raised,
    Size,
    Timer,
    Work,
    allocations,
    instances,
    jobs,
    pending_workers,
    profiles,
    queries,
    resources,
    resources_of,
    task_managers,
    totals,
)
from slotspec.statemachine.declaration.model import Call
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING

TIMERS: Mapping[int, str] = {
    Timer.RECONCILE: "search for idle ones",
    Timer.CHECK: "check",
    Timer.DECLARE: "declaration",
}
WORK: Mapping[int, str] = {
    Work.RECONCILE: TIMERS[Timer.RECONCILE],
    Work.CHECK: TIMERS[Timer.CHECK],
    Work.DECLARE: TIMERS[Timer.DECLARE],
    Work.BATCH_DONE: "batch done",
    Work.BATCH_FAILED: "batch failed",
}


class FineGrainedFormatter(DescribingFormatter):
    """Text for the calls, effects and changes of a fine-grained slot manager."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index != NONE:
            found = resources_of(self.instance.setting)
            if sort is profiles:
                return list(found.profiles)[index]
            if sort is totals:
                return list(found.totals)[index]
            if sort is resources:
                return found.names[index]
        return super().element(sort, index)

    def given(self, call: Call, name: str, value: int, *known: State) -> str:
        """An argument of a call; for an answer, the connection that was asked."""
        if call.action.parameters[name] is queries:
            bounds = self.instance.setting.bounds
            owner = value // max(bounds["queries"] // bounds["instances"], 1)
            asked = known[0]["query_instance"][value] if known else owner
            return f"instance={self.element(instances, asked)}"
        if name == "order":
            return order_text(value)
        return super().given(call, name, value, *known)

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, d = (*effect, *[NONE] * (5 - len(effect)))
        job, worker = self.element(jobs, a), f"{self._total(a)} of {b} slots"
        match kind:
            case Effect.REQUEST_SLOT:
                return (
                    f"asks {self.element(instances, b)} for {self.element(allocations, a)}"
                    f" ({self.element(profiles, d)}, {self.element(jobs, c)})"
                )
            case Effect.CAN_BE_RELEASED:
                return f"asks {self.element(instances, b)} whether it can be released"
            case Effect.FREE_INACTIVE_SLOTS:
                return (
                    f"tells {self.element(instances, a)} to free inactive slots of"
                    f" {self.element(jobs, b)}"
                )
            case Effect.NOT_ENOUGH_RESOURCES:
                return f"tells {job} that resources are missing"
            case Effect.ACQUIRED:
                return f"{job} has {c} {self.element(profiles, b)}"
            case Effect.DECLARE:
                return "declares what it needs"
            case Effect.NEEDED:
                return f"needs {c} {worker}"
            case Effect.UNWANTED:
                return f"does not want {self.element(instances, c)}"
            case Effect.ALLOCATE_RESOURCE:
                return f"asks for a new worker ({'granted' if a else 'refused'})"
            case Effect.RELEASE_RESOURCE:
                return f"releases {self.element(instances, a)}"
            case Effect.RAISES:
                return f"raises {Raised(a).exception}"
            case Effect.DIES:
                return f"the process ends ({Raised(a).exception})"
            case Effect.COUNTED:
                return f"{Size(a).name.lower().replace('_', ' ')}: {b}"
            case Effect.COUNTED_RESOURCE:
                return f"{self.element(resources, a)}: {c} of {b} free"
        return f"a slot of {job}"

    def _total(self, number: int) -> str:
        known = number < len(resources_of(self.instance.setting).totals)
        return self.element(totals, number) if known else NOTHING

    # ----------------------------------------------------------------------------- changes

    def described(self, s: State) -> Sequence[Texts]:
        """Jobs, TaskExecutors, slots, expected workers, delays."""
        return (
            self._manager(s),
            self._jobs(s),
            self._task_managers(s),
            self._slots(s),
            self._workers(s),
            self._questions(s),
            self._delays(s),
        )

    def _manager(self, s: State) -> dict[str, str]:
        return {
            "manager": Manager.states[s["manager"][0]].name,
            "tells jobs": "yes" if s["notify"] else "no",
            "workers granted": "yes" if s["resources_granted"] else "no",
            "order of refused workers": order_text(s["refused_order"]),
            "order of leaving slots": order_text(s["leaving_order"]),
        }

    def _counted(self, places: list[int], numbers: list[int]) -> str:
        """Numbers of profiles, in the order of a list."""
        return listed(f"{numbers[p]} {self.element(profiles, p)}" for p in places if p != NONE)

    def _jobs(self, s: State) -> dict[str, str]:
        found = {}
        width = profiles.size(self.instance.setting.bounds)
        for job in range(len(s["target"])):
            name, row = self.element(jobs, job), slice(job * width, (job + 1) * width)
            found[f"{name} requires"] = self._counted(s["required_order"][row], s["required"][row])
            parts = []
            for requirement in s["fulfilled_order"][row]:
                if requirement != NONE:
                    begin = (job * width + requirement) * width
                    pair = slice(begin, begin + width)
                    slots = self._counted(s["fulfilled_by"][pair], s["served"][pair])
                    parts.append(f"{self.element(profiles, requirement)}: {slots}")
            found[f"{name} has"] = "; ".join(parts) or NOTHING
            found[f"{name} too many"] = self._counted(s["excess_order"][row], s["excess"][row])
            found[f"{name} cannot be served"] = "yes" if s["unfulfillable"][job] else "no"
        return found

    def _task_managers(self, s: State) -> dict[str, str]:
        found = {}
        for instance, state in enumerate(s["registration"]):
            if state != ManagedTaskManager.UNREGISTERED:
                age = s["idle_for"][instance]
                text = f"{self.element(totals, s['total'][instance])}, "
                text += ManagedTaskManager.states[state].name
                text += f" for {age}" if age else ""
                text += ", unwanted" if s["unwanted"][instance] else ""
                found[self.element(instances, instance)] = text
        for number, blocked in enumerate(s["blocked"]):
            if blocked:
                found[self.element(task_managers, number)] = "blocked"
        return found

    def _slots(self, s: State) -> dict[str, str]:
        found = {}
        for allocation, state in enumerate(s["slot"]):
            text = NOTHING
            if state != ManagedSlot.ABSENT:
                text = ManagedSlot.states[state].name
                text += f" {self.element(profiles, s['slot_profile'][allocation])}"
                text += f" at {self.element(instances, s['slot_instance'][allocation])}"
                text += f" for {self.element(jobs, s['slot_job'][allocation])}"
                text += "" if s["slot_known"][allocation] else ", which does not know it"
            if s["call"][allocation] != SlotCall.UNUSED:
                text += f", call {SlotCall.states[s['call'][allocation]].name}"
            found[self.element(allocations, allocation)] = text
        return found

    def _workers(self, s: State) -> dict[str, str]:
        found = {}
        width = profiles.size(self.instance.setting.bounds)
        count = len(s["target"])
        for worker, state in enumerate(s["pending"]):
            if state == PendingTaskManager.ABSENT:
                continue
            parts = []
            for job in range(count):
                begin = (worker * count + job) * width
                row = slice(begin, begin + width)
                planned = self._counted(s["planned_order"][row], s["planned"][row])
                if planned != NOTHING:
                    parts.append(f"{planned} for {self.element(jobs, job)}")
            text = PendingTaskManager.states[state].name
            found[self.element(pending_workers, worker)] = ", ".join([text, *parts])
        return found

    def _questions(self, s: State) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        for state, instance in zip(s["query"], s["query_instance"], strict=True):
            if state != IdleQuery.UNUSED:
                name = f"questions to {self.element(instances, instance)}"
                found.setdefault(name, []).append(IdleQuery.states[state].name)
        return {name: ", ".join(states) for name, states in found.items()}

    def _delays(self, s: State) -> dict[str, str]:
        return {
            "timers": scheduled(s, TIMERS),
            "check under way": "yes" if s["check_waiting"] else "no",
            "declaration under way": "yes" if s["declare_waiting"] else "no",
            "main thread": listed(self._waiting(s)),
        }

    def _waiting(self, s: State) -> Iterator[str]:
        for work, call, query in zip(s["work"], s["work_call"], s["work_query"], strict=True):
            if work == Work.CALL:
                yield f"answer for {self.element(allocations, call)}"
            elif work == Work.QUERY:
                yield f"answer of {self.element(instances, s['query_instance'][query])}"
            elif work != Work.NOTHING:
                yield WORK[work]


fine_grained_slot_manager.formatter = FineGrainedFormatter
