"""Steps of the cluster model that no line of a recording tells of, process by process."""

from __future__ import annotations

from collections.abc import Iterator

from slotspec.models.cluster.messages import TO_JOB_MASTER, Way, way
from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.branches import Branch
from slotspec.oracle.cluster.delivery import Delivery
from slotspec.oracle.cluster.naming import bound
from slotspec.oracle.cluster.patterns import Pattern, tm_number
from slotspec.oracle.cluster.recording import TERMINATE, Step

ENDS = frozenset({"CANCELLING", "CANCELED", "FAILING", "FAILED"})
"""States of a job that will not restart."""


class HiddenSteps(Delivery):
    """Proposes the hidden steps of a process."""

    def hidden(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps of the process of a recorded step."""
        if step.process == "jm":
            yield from self.of_job_master(at, step)
        elif step.process == "rm":
            yield from self.of_resource_manager(at, step)
        else:
            yield from self.of_task_executor(at, tm_number(step.process))

    # ------------------------------------------------------------------------- JobMaster

    def of_job_master(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps of the JobMaster."""
        asking = self.asking(at.node, step)
        yield from self.job_master_registered(at)
        yield from self.try_all(
            at,
            ("job_master_gains_leadership",),
            *(("scheduler_requests_slot", share) for share in asking),
            *(("scheduler_takes_slot", *pair) for pair in self.assigning(at.node, step)),
            ("job_master_loses_resource_manager",),
            self.end_of_job_master(step),
            ("slots_are_returned_first",),
            ("last_task_is_released_first",),
            *self.losses_of_results(),
        )
        yield from self.try_early(
            at,
            *(("scheduler_restarts_region", region) for region in asking),
            *(("request_times_out", a) for a in range(self.world.bounds["allocations"])),
            *self.task_timers(),
            *(("job_master_misses_heartbeat", tm) for tm in range(self.world.tms)),
            ("job_master_misses_resource_manager",),
        )
        yield from self.leaving(at, step)

    def losses_of_results(self) -> Iterator[tuple[str, int]]:
        """What a source of a batch job has written may be lost."""
        if self.world.bounds["stages"]:
            for source in range(self.world.bounds["sources"]):
                yield "partitions_are_lost", source

    def end_of_job_master(self, step: Step) -> tuple[str]:
        """The JobMaster ends with its job; if there is another later, nobody has heard of it."""
        unheard = any(line > step.line for line in self.successions)
        return ("job_master_ends_unheard" if unheard else "job_master_ends",)

    def task_timers(self) -> Iterator[tuple[str, int]]:
        """Timers of calls about tasks: a submission may fail before the thread pool makes it."""
        for timer in ("task_call_times_out", "submission_times_out"):
            for task in range(len(self.world.s.task)):
                yield timer, task

    def job_master_registered(self, at: Branch) -> Iterator[Branch]:
        """The JobMaster learns that it is registered.

        That the ResourceManager has looked up who leads shows only if it did not know it before.
        """
        found = self.aside(at, "resource_manager_finds_job_master") or at
        yield from self.deliver(found, Pattern(TO_JOB_MASTER, frozenset({Message.REGISTERED})))

    def leaving(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps of a JobMaster whose state says that it stops."""
        yield from self.try_all(at, ("job_master_steps_down",))
        snapshot = self.snapshots.get(id(step))
        if snapshot is not None and snapshot["job"] in ENDS:
            yield from self.try_all(at, ("job_is_cancelled",))
        if snapshot is not None and snapshot["job"] == "SUSPENDED" and step.trigger == TERMINATE:
            yield from self.try_all(at, ("job_master_loses_leadership",))  # the cluster shuts down
        if snapshot is not None and snapshot["leader"] is None:
            # of two notifications at once, the later may come first: leads, and no more
            found = self.take(at, "resource_manager_finds_job_master") or at
            yield from self.try_all(found, ("job_master_loses_leadership",))

    # ------------------------------------------------------------------- ResourceManager

    def of_resource_manager(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps of the ResourceManager."""
        yield from self.try_all(
            at,
            ("resource_manager_gains_leadership",),
            ("resource_manager_finds_job_master",),
            ("resource_manager_finds_former_job_master",),
            ("resource_manager_goes_on",),
            *(
                ("queued_outcome_comes_first", place)
                for place in range(1, self.world.bounds["slots_per_task_manager"])
            ),
        )
        yield from self.gateways_found(at)
        yield from self.try_early(
            at,
            ("startup_period_ends",),
            ("requests_time_out_at_resource_manager",),
            *(("resource_manager_misses_heartbeat", tm) for tm in range(self.world.tms)),
        )
        yield from self.failover(at, step)
        yield from self.try_early(
            at, ("resource_manager_loses_job_master",), ("resource_manager_misses_job_master",)
        )

    def gateways_found(self, at: Branch) -> Iterator[Branch]:
        """The ResourceManager connects to a TaskExecutor that registers."""
        for instance in range(len(at.node.names.instances)):
            found = self.take(at, "resource_manager_finds_gateway", instance)
            if found is not None:
                yield from self.named_instance(found, instance)

    def named_instance(self, at: Branch, instance: int) -> Iterator[Branch]:
        """A connection gets the name that the recording gives it next."""
        names = at.node.names
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
            instances = bound(names.instances, instance, name)
            if instances is not None:
                yield at.named(names._replace(instances=instances))

    def failover(self, at: Branch, step: Step) -> Iterator[Branch]:
        """The ResourceManager loses its leadership, no more often than the recording says."""
        told = sum(line < step.last for line in self.failovers)
        if self.world.load(at.node.key).failed_over < told or step.trigger == "terminate":
            yield from self.try_all(at, ("resource_manager_fails_over",))

    # --------------------------------------------------------------------- TaskExecutors

    def of_task_executor(self, at: Branch, tm: int) -> Iterator[Branch]:
        """Hidden steps of a TaskExecutor."""
        for direction in (Way.FROM_RESOURCE_MANAGER, Way.FROM_JOB_MASTER):
            registered = Pattern(way(tm, direction), frozenset({Message.REGISTERED}))
            yield from self.deliver(at, registered)
        names = at.node.names
        executions = len(names.executions)
        present = [tm * executions + i for i, name in enumerate(names.executions) if name]
        allocations = range(len(names.allocations))
        yield from self.try_all(
            at,
            *(("task_ends", own) for own in present),
            *(("task_has_done_its_work", own) for own in present),
            *(("slot_leaves", tm, a) for a in allocations),
            *(("slot_leaves_unnoticed", tm, a) for a in allocations),
            *(("task_is_not_set_up", own) for own in present),
            *(("task_fails", own) for own in present),
            ("task_executor_loses_job_master", tm),
        )
        yield from self.try_early(
            at,
            ("offers_time_out", tm),
            *(("slot_times_out", tm, a) for a in allocations),
            ("task_executor_misses_resource_manager", tm),
            ("task_executor_misses_job_master", tm),
        )
