"""Answers what operators ask about slots, with the lines that the answer rests on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property

from slotspec.logs.events import Event
from slotspec.logs.facts import LEGS, Answer, Deciding
from slotspec.logs.findings import Finding, JobReport, Report, short
from slotspec.logs.holding import Holding, holding
from slotspec.logs.layout import clock
from slotspec.logs.stories import Allocation, Cluster, Job, Request, Task, time_of
from slotspec.logs.validation import Verdict, validate
from slotspec.statemachine.plurals import counted

BEFORE = 60.0
"""Seconds before a failure in which its causes are looked for."""
MOST_OTHERS = 3
"""Failures of unknown jobs that are named with a restart."""
STUCK = 30.0
"""Seconds that a task may be cancelled for before it counts as stuck."""


def answer(cluster: Cluster) -> Report:
    """Answer every question that the logs decide."""
    verdicts = {name: validate(cluster, one) for name, one in cluster.allocations.items()}
    holdings = {
        name: holding(cluster, one, verdicts[name]) for name, one in cluster.allocations.items()
    }
    asked = _Questions(cluster, verdicts, holdings)
    jobs = [
        JobReport(job, asked.legs(job), list(asked.of_job(job)))
        for job in cluster.jobs.values()
        if job.id
    ]
    return Report(cluster, verdicts, holdings, jobs, list(asked.of_cluster()))


class _Questions:
    def __init__(
        self, cluster: Cluster, verdicts: dict[str, Verdict], holdings: dict[str, Holding]
    ) -> None:
        self.cluster = cluster
        self.verdicts = verdicts
        self.holdings = holdings
        self.of_tm: dict[str | None, list[Holding]] = {}
        for one in holdings.values():
            self.of_tm.setdefault(one.allocation.tm, []).append(one)

    def legs(self, job: Job) -> dict[str, tuple[int, int]]:
        counts = {}
        for leg in LEGS:
            answers = Counter(self.verdicts[a].facts[leg].answer for a in job.allocations)
            counts[leg] = (answers[Answer.YES], answers[Answer.UNDETERMINED])
        if self.cluster.logs.old:
            sent = sum(
                any(e.name == "slot_requested" for e in r.events) for r in job.requests.values()
            )
            counts["requested"] = (max(sent, counts["requested"][0]), 0)
        return counts

    def of_job(self, job: Job) -> Iterator[Finding]:
        yield from self.no_slot(job)
        yield from self.restarts(job)
        yield from self.no_more_slots(job)
        yield from self.cancelling(job)
        yield from self.leaks(job)
        yield from self.too_many(job)
        yield from self.disagreements(job)

    def of_cluster(self) -> Iterator[Finding]:
        yield self.holders()
        yield from self.registered_in_turn()
        yield from self.not_released()
        yield self.spread()

    # -- 1: no slot --------------------------------------------------------------------------

    def no_slot(self, job: Job) -> Iterator[Finding]:
        """The first leg that each open request, or missing slot, has not taken."""
        if job.ended:
            return
        if self.cluster.logs.old:
            for request in job.requests.values():
                yield from self.open_request(job, request)
        else:
            yield from self.missing_slots(job)

    def open_request(self, job: Job, request: Request) -> Iterator[Finding]:
        """Why a request has no slot; nothing if it has one."""
        last = request.events[-1]
        known = [self.cluster.allocations[a] for a in request.allocations]
        served = any(e.name in ("offer_fulfils", "request_released") for e in request.events)
        if served or any(self.verdicts[a.id].happened("accepted") for a in known):
            return
        if last.name == "request_waits":
            text = "it waits in the slot pool: no ResourceManager is connected"
            yield Finding("no slot", Answer.YES, text, job.id, [last])
        elif last.name == "request_failed":
            text = f"its request failed: {last.fields['reason']}"
            yield Finding("no slot", Answer.YES, text, job.id, request.events[-2:])
        elif known:
            yield self.stopped_at(job, known[-1])
        else:
            yield self.not_heard(job, last)

    def missing_slots(self, job: Job) -> Iterator[Finding]:
        """Why a job has fewer slots than it requires."""
        live = [a for a in job.allocations if self.holdings[a].answer is not Answer.NO]
        have = [a for a in live if self.verdicts[a].happened("accepted")]
        missing = (job.required or 0) - len(have)
        if missing <= 0:
            return
        open_ones = [job.allocations[a] for a in live if a not in have]
        for one in open_ones[:missing]:
            yield self.stopped_at(job, one)
        if missing > len(open_ones):
            yield self.no_resources(job, missing - len(open_ones))

    def not_heard(self, job: Job, last: Event) -> Finding:
        return Finding(
            "no slot",
            Answer.UNDETERMINED,
            "it was requested; no line tells under which allocation",
            job.id,
            [last],
            (Deciding("SlotPoolImpl", last.kind.level, last.process),),
        )

    def stopped_at(self, job: Job, one: Allocation) -> Finding:
        """The first leg that an allocation has not taken, with its last lines."""
        verdict = self.verdicts[one.id]
        lines = [e for e in one.events if e.name != "slot_report"][-3:]
        taken = [leg for leg in LEGS if verdict.happened(leg)]
        if taken[-1:] == [LEGS[-1]]:
            return Finding("no slot", Answer.NO, f"{short(one.id)} is used", job.id, lines)
        so_far = f"allocation {short(one.id)} was {taken[-1]}" if taken else "nothing happened"
        if one.tm:
            so_far += f" (TaskManager {one.tm})"
        leg = LEGS[LEGS.index(taken[-1]) + 1] if taken else LEGS[0]
        fact = verdict.facts[leg]
        if fact.answer is Answer.UNDETERMINED:
            text = f"{so_far}; whether it was {leg} is not told"
            return Finding("no slot", fact.answer, text, job.id, lines, fact.deciding)
        text = f"{so_far} and not {leg}: {self.reason(job, one, leg)}"
        return Finding("no slot", Answer.YES, text, job.id, lines)

    def reason(self, job: Job, one: Allocation, leg: str) -> str:
        """Why a leg was not taken, as far as lines say."""
        refused = one.last("allocation_refused", "offer_rejected", "slot_failed")
        if refused is not None:
            return refused.cause or refused.text
        if leg == "asked":
            return self.shortage
        if leg == "confirmed":
            return "its TaskManager has not allocated it"
        if leg in ("offered", "accepted"):
            tm = self.cluster.task_managers.get(one.tm or "")
            if tm is not None and job.id not in tm.jobs:
                return f"TaskManager {tm.id} has found no JobMaster of the job"
            return "the JobMaster has not accepted its offer"
        return "the JobMaster has not deployed a task into it"

    @cached_property
    def shortage(self) -> str:
        """Why no TaskManager is asked."""
        registered = [tm for tm in self.cluster.task_managers.values() if tm.registered]
        if not registered:
            return "no TaskManager is registered"
        held, _ = _held(self.holdings.values())
        return (
            f"{counted(len(registered), 'TaskManager is', 'TaskManagers are')} registered, and"
            f" {_slots_are(len(held))} held by "
            + (", ".join(sorted({f"job {short(h.allocation.job)}" for h in held})) or "nobody")
        )

    def no_resources(self, job: Job, missing: int) -> Finding:
        lines = [
            event
            for event in job.events
            if event.name == "resources_not_acquired" or event.name.startswith("requirements_")
        ]
        slots = counted(missing, "required slot is", "required slots are")
        text = f"{slots} not allocated: {self.shortage}"
        return Finding("no slot", Answer.YES, text, job.id, lines[-2:])

    # -- 2 and 5: who holds what -------------------------------------------------------------

    def holders(self) -> Finding:
        held, unclear = _held(self.holdings.values())
        text = f"{_slots_are(len(held))} held" if held else "no slot is held for certain"
        if unclear:
            text += f"; of {len(unclear)} more it is not told"
        lines = [h.event for h in held if h.event is not None]
        verdict = Answer.UNDETERMINED if unclear and not held else Answer.YES
        return Finding("holders", verdict, text, None, lines, _deciding(unclear))

    def not_released(self) -> Iterator[Finding]:
        """For each registered TaskManager, the slot that keeps it."""
        for tm in self.cluster.task_managers.values():
            held, unclear = _held(self.of_tm.get(tm.id, []))
            if not tm.registered or not (held or unclear):
                continue
            slots = ", ".join(
                f"{short(h.allocation.id)} of job {short(h.allocation.job)} ({h.why})" for h in held
            )
            if held:
                lines = [h.event for h in held if h.event is not None]
                text = f"TaskManager {tm.id} is held by {slots}"
                yield Finding("not released", Answer.YES, text, None, lines)
            else:
                slots = counted(len(unclear), "slot was", "slots were")
                text = f"whether {slots} freed at TaskManager {tm.id} is not told"
                yield Finding(
                    "not released", Answer.UNDETERMINED, text, None, [], _deciding(unclear)
                )

    def leaks(self, job: Job) -> Iterator[Finding]:
        """Slots that are held for a job that is over, or that its JobMaster does not know."""
        for one in job.allocations.values():
            held = self.holdings[one.id]
            if held.answer is not Answer.YES:
                continue
            if job.ended:
                text = f"{short(one.id)} is leaked: the job is {job.state}, and {held.why}"
                yield Finding("not released", Answer.YES, text, job.id, _lines(held))
            elif self.verdicts[one.id].facts["accepted"].answer is Answer.NO:
                since = clock(time_of(self.cluster, held.since)) if held.since else "some time"
                text = f"{short(one.id)} is held since {since}, and the JobMaster has not taken it"
                yield Finding("not released", Answer.YES, text, job.id, _lines(held))

    def disagreements(self, job: Job) -> Iterator[Finding]:
        """Views that differ: the ResourceManager's last report, and the TaskManager's own lines."""
        for one in job.allocations.values():
            facts = self.verdicts[one.id].facts
            tm = self.cluster.task_managers.get(one.tm or "")
            if tm is None or one.slot is None or one.slot not in tm.slots:
                continue
            carries, report = tm.slots[one.slot]
            freed = facts["freed"].event
            if carries != one.id or freed is None or facts["freed"].answer is not Answer.YES:
                continue
            if time_of(self.cluster, freed) < self.cluster.end - BEFORE:
                text = (
                    f"the ResourceManager believes that {tm.id}_{one.slot} carries"
                    f" {short(one.id)}, which its TaskManager has freed"
                )
                yield Finding("not released", Answer.YES, text, job.id, [report, freed])

    # -- 3, 4, 6: registrations and timeouts ---------------------------------------------------

    def registered_in_turn(self) -> Iterator[Finding]:
        """The same ResourceID, registered again and again without being lost."""
        for tm in self.cluster.task_managers.values():
            rounds: list[Event] = []
            for event in tm.events:
                if event.name == "task_manager_registered":
                    rounds.append(event)
                elif event.name in ("task_manager_closed", "task_manager_starts"):
                    rounds.clear()
            addresses = {event.text for event in rounds}
            if len(addresses) > 1 and len(rounds) > len(addresses):
                text = (
                    f"{len(addresses)} processes register as {tm.id} in turn"
                    f" ({len(rounds)} times): give each TaskManager a ResourceID of its own"
                )
                yield Finding("registered in turn", Answer.YES, text, None, rounds[-3:])

    def no_more_slots(self, job: Job) -> Iterator[Finding]:
        """A connection to a running job was closed, since its slots had timed out."""
        for one in job.allocations.values():
            freed = one.first("slot_freed")
            # a slot that a JobMaster frees may name a timeout too: that of a heartbeat
            if freed is None or not freed.fields["reason"].startswith(f"The slot {one.id} has"):
                continue
            verdict = self.verdicts[one.id]
            open_leg = next((leg for leg in LEGS[3:] if not verdict.happened(leg)), None)
            leg = f"it was never {open_leg}" if open_leg else "it was used before"
            text = f"{short(one.id)} timed out at TaskManager {one.tm}: {leg}"
            yield Finding("no more slots", Answer.YES, text, job.id, [freed])

    def too_many(self, job: Job) -> Iterator[Finding]:
        held = [a for a in job.allocations if self.holdings[a].answer is Answer.YES]
        if job.required is not None and len(held) > job.required:
            text = f"{_slots_are(len(held))} held and {job.required} required"
            lines = [e for e in job.events if e.name.startswith("requirements_")][-2:]
            yield Finding("too many", Answer.YES, text, job.id, lines)

    # -- 7 and 8: failures -------------------------------------------------------------------

    def restarts(self, job: Job) -> Iterator[Finding]:
        """Each restart, the failure before it, and what made a TaskManager or slot go."""
        for event in job.events:
            if event.name != "job_switched" or event.fields["after"] not in (
                "RESTARTING",
                "FAILING",
                "SUSPENDED",
            ):
                continue
            at = time_of(self.cluster, event)
            failed, task = self.failure_before(job, at)
            lines = [*self.losses_before(task, at), *([failed] if failed else []), event]
            state = event.fields["after"]
            if state == "SUSPENDED":
                text = f"{clock(at)} {state}: its JobMaster has lost the leadership"
                yield Finding("restarts", Answer.YES, text, job.id, lines)
                continue
            cause = next((e.cause for e in (failed, event) if e is not None and e.cause), None)
            if cause is None and failed is None:
                others = self.failures_of_unknown_jobs(at)
                causes = ", ".join(sorted({one.cause for one in others if one.cause}))
                text = f"{clock(at)} {state}: " + (
                    f"tasks of jobs that no line names failed before: {causes or 'see there'}"
                    if others
                    else "no line tells why"
                )
                yield Finding("restarts", Answer.UNDETERMINED, text, job.id, [*others, event])
                continue
            of_task = f"{task.name} failed" if task else "it failed"
            where = f" on {task.tm}" if task and task.tm else ""
            text = (
                f"{clock(at)} {state}: {of_task}{where}: {cause or 'the cause is not in the log'}"
            )
            yield Finding("restarts", Answer.YES, text, job.id, lines)

    def failure_before(self, job: Job, at: float) -> tuple[Event | None, Task | None]:
        """The last task that failed before a time."""
        for event, task in reversed(job.failures):
            time = time_of(self.cluster, event)
            if time <= at:
                return (event, task) if time >= at - BEFORE else (None, None)
        return None, None

    def failures_of_unknown_jobs(self, at: float) -> list[Event]:
        """Tasks that failed shortly before a time; no line says of which job they are."""
        begin = bisect_left(self.unknown_failures, at - BEFORE, key=self.time_of)
        end = bisect_right(self.unknown_failures, at, key=self.time_of)
        return self.unknown_failures[begin:end][-MOST_OTHERS:]

    @cached_property
    def unknown_failures(self) -> list[Event]:
        unknown = self.cluster.jobs.get("")
        events = [event for event, _ in (unknown.failures if unknown else ())]
        return sorted(events, key=self.time_of)

    def time_of(self, event: Event) -> float:
        """When a line was written, by the clock of the JobManager."""
        return time_of(self.cluster, event)

    def losses_before(self, task: Task | None, at: float) -> list[Event]:
        """What happened to the failed task's TaskManager shortly before."""
        tm = self.cluster.task_managers.get(task.tm or "") if task else None
        if tm is None:
            return []
        return [
            event for event in tm.losses[-20:] if at - BEFORE <= time_of(self.cluster, event) <= at
        ][-2:]

    def cancelling(self, job: Job) -> Iterator[Finding]:
        for task in job.tasks.values():
            if task.state != "CANCELING":
                continue
            since = time_of(self.cluster, task.events[-1])
            if self.cluster.end - since > STUCK:
                text = (
                    f"{task.name} on {task.tm or 'an unknown TaskManager'} has been CANCELING since"
                    f" {clock(since)}; its slot stays occupied until it ends"
                )
                yield Finding("cancelling", Answer.YES, text, job.id, task.events[-2:])

    def spread(self) -> Finding:
        counts = {tm.id: 0 for tm in self.cluster.task_managers.values()}
        for one in self.cluster.allocations.values():
            if one.tm in counts and self.verdicts[one.id].happened("confirmed"):
                counts[one.tm] += 1
        text = "slots allocated: " + (", ".join(f"{k} {v}" for k, v in counts.items()) or "none")
        return Finding("spread", Answer.YES, text)


def _held(holdings: Collection[Holding]) -> tuple[list[Holding], list[Holding]]:
    """Those that hold a slot for certain, and those that may."""
    held, unclear = (
        [one for one in holdings if one.answer is answer]
        for answer in (Answer.YES, Answer.UNDETERMINED)
    )
    return held, unclear


def _deciding(unclear: list[Holding]) -> tuple[Deciding, ...]:
    return tuple(dict.fromkeys(deciding for one in unclear for deciding in one.deciding))


def _lines(held: Holding) -> list[Event]:
    return [event for event in (held.since, held.event) if event is not None]


def _slots_are(count: int) -> str:
    return counted(count, "slot is", "slots are")
