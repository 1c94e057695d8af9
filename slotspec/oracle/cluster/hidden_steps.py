"""Steps of the cluster model that no line of a recording tells of, process by process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    Way,
    way,
)
from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.naming import bound
from slotspec.oracle.cluster.patterns import (
    Pattern,
    tm_number,
)
from slotspec.oracle.cluster.recording import Step
from slotspec.oracle.cluster.stepping import Node, Stepper, Way_

ENDS = frozenset({"CANCELLING", "CANCELED", "FAILING", "FAILED"})
"""States of a job that will not restart."""


class HiddenSteps(Stepper):
    """Proposes the hidden steps of a process."""

    def hidden(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """Hidden steps of the process of a recorded step."""
        if step.process == "jm":
            yield from self.of_job_master(node, expected, step)
        elif step.process == "rm":
            yield from self.of_resource_manager(node, expected, step)
        else:
            yield from self.of_task_executor(node, expected, tm_number(step.process), step)

    def try_all(
        self, node: Node, expected: tuple[Pattern, ...], *calls: tuple[Any, ...]
    ) -> Iterator[Way_]:
        for name, *arguments in calls:
            found = self.take(node, expected, name, *arguments)
            if found is not None:
                yield found

    def of_job_master(
        self, node: Node, expected: tuple[Pattern, ...], step: Step
    ) -> Iterator[Way_]:
        known = range(self.world.bounds["allocations"])
        asking = self.asking(node, step)
        tms = range(self.world.tms)
        yield from self.job_master_registered(node, expected)
        yield from self.try_all(
            node,
            expected,
            ("job_master_gains_leadership",),
            *(("scheduler_requests_slot", share) for share in asking),
            *(("scheduler_takes_slot", *pair) for pair in self.assigning(node, step)),
            ("job_master_loses_resource_manager",),
            ("job_master_ends",),
        )
        yield from self.try_early(
            node,
            expected,
            *(("scheduler_restarts_region", region) for region in asking),
            *(("request_times_out", a) for a in known),
            *(("task_call_times_out", task) for task in range(len(self.world.s.task))),
            *(("job_master_misses_heartbeat", tm) for tm in tms),
            ("job_master_misses_resource_manager",),
        )
        yield from self.leaving(node, expected, step)

    def job_master_registered(self, node: Node, expected: tuple[Pattern, ...]) -> Iterator[Way_]:
        """The JobMaster learns that it is registered.

        That the ResourceManager has looked up who leads shows only if it did not know it before.
        """
        found = self.take(node, (), "resource_manager_finds_job_master")
        node, taken, _ = found or (node, (), ())
        wanted = Pattern(TO_JOB_MASTER, frozenset({Message.REGISTERED}))
        for state, calls, left in self.deliver(node, expected, wanted):
            yield state, taken + calls, left

    def leaving(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """Hidden steps of a JobMaster whose state says that it stops."""
        snapshot = self.snapshots.get(id(step))
        ends = snapshot is not None and snapshot["job"] in ENDS
        deposed = snapshot is not None and snapshot["leader"] is None
        yield from self.try_all(
            node,
            expected,
            ("job_master_steps_down",),
            *((("job_is_cancelled",),) if ends else ()),
        )
        if deposed:  # of two notifications at once, the later may come first: leads, and no more
            found = self.take(node, expected, "resource_manager_finds_job_master")
            node, before, expected = found or (node, (), expected)
            for state, calls, left in self.try_all(
                node, expected, ("job_master_loses_leadership",)
            ):
                yield state, before + calls, left

    def of_resource_manager(
        self, node: Node, expected: tuple[Pattern, ...], step: Step
    ) -> Iterator[Way_]:
        instances = range(len(node.names.instances))
        yield from self.try_all(
            node,
            expected,
            ("resource_manager_gains_leadership",),
            ("resource_manager_finds_job_master",),
        )
        for instance in instances:
            found = self.take(node, expected, "resource_manager_finds_gateway", instance)
            if found is not None:
                yield from self.named_instance(found, instance)
        yield from self.try_early(
            node,
            expected,
            ("startup_period_ends",),
            ("requests_time_out_at_resource_manager",),
            *(("resource_manager_misses_heartbeat", tm) for tm in range(self.world.tms)),
        )
        failed = sum(line < step.last for line in self.failovers)
        if self.world.load(node.key).failed_over < failed or step.trigger == "terminate":
            yield from self.try_all(node, expected, ("resource_manager_fails_over",))
        yield from self.try_early(
            node,
            expected,
            ("resource_manager_loses_job_master",),
            ("resource_manager_misses_job_master",),
        )

    def named_instance(self, way_: Way_, instance: int) -> Iterator[Way_]:
        """A connection gets the name that the recording gives it next."""
        node, calls, left = way_
        tm = f"tm{instance % self.world.tms + 1}"
        told = {
            call.answer["instance"]
            for call in self.recording.calls.values()
            if call.kind == ("register_task_executor", "tm", "rm")
            and isinstance(call.answer, dict)
            and "instance" in call.answer
            and call.arguments[0] == tm
        }
        for name in sorted(told, key=lambda one: int(one[1:])):
            instances = bound(node.names.instances, instance, name)
            if instances is not None:
                yield node._replace(names=node.names._replace(instances=instances)), calls, left

    def of_task_executor(
        self, node: Node, expected: tuple[Pattern, ...], tm: int, step: Step
    ) -> Iterator[Way_]:
        for direction in (Way.FROM_RESOURCE_MANAGER, Way.FROM_JOB_MASTER):
            wanted = Pattern(way(tm, direction), frozenset({Message.REGISTERED}))
            yield from self.deliver(node, expected, wanted)
        executions = len(node.names.executions)
        present = [i for i, name in enumerate(node.names.executions) if name is not None]
        yield from self.try_all(
            node,
            expected,
            *(("task_ends", tm * executions + i) for i in present),
            *(("slot_leaves", tm, a) for a in range(len(node.names.allocations))),
            *(("task_is_not_set_up", tm * executions + i) for i in present),
            *(("task_fails", tm * executions + i) for i in present),
            ("task_executor_loses_job_master", tm),
        )
        yield from self.try_early(
            node,
            expected,
            ("offers_time_out", tm),
            *(("slot_times_out", tm, a) for a in range(len(node.names.allocations))),
            ("task_executor_misses_resource_manager", tm),
            ("task_executor_misses_job_master", tm),
        )
