"""Who holds which slot, since when, and which line says so."""

from __future__ import annotations

from dataclasses import dataclass

from slotspec.logs.events import Event
from slotspec.logs.facts import Answer, Deciding
from slotspec.logs.stories import Allocation, Cluster, TaskManager, time_of
from slotspec.logs.validation import Verdict

USING = ("DEPLOYING", "INITIALIZING", "RUNNING", "CANCELING")


@dataclass(frozen=True)
class Holding:
    """Whether an allocation holds its slot at the end of the logs.

    :param since: the line that tells of its allocation.
    :param event: the line that decides whether it still does.
    """

    allocation: Allocation
    answer: Answer
    since: Event | None
    event: Event | None
    why: str
    deciding: tuple[Deciding, ...] = ()


def holding(cluster: Cluster, allocation: Allocation, verdict: Verdict) -> Holding:
    """Whether an allocation still holds its slot, by whichever log tells."""
    since = allocation.first("slot_allocated", "allocation_confirmed", "slot_activated")
    confirmed, freed = verdict.facts["confirmed"], verdict.facts["freed"]

    def found(answer: Answer, event: Event | None, why: str) -> Holding:
        return Holding(allocation, answer, since, event, why)

    if confirmed.answer is Answer.NO:
        return found(Answer.NO, None, "no TaskManager has allocated it")
    if freed.answer is Answer.YES:
        return found(Answer.NO, freed.event, "its TaskManager has freed it")
    tm = cluster.task_managers.get(allocation.tm or "")
    started = time_of(cluster, since) if since else float("-inf")
    gone = _gone(cluster, tm, started)
    if gone is not None:
        return found(Answer.NO, gone, "its TaskManager is gone")
    told = allocation.last("slot_freed_at_manager")
    if told is not None:
        return found(Answer.NO, told, "the ResourceManager knows that it was freed")
    if tm is not None and allocation.slot in tm.slots:
        carries, report = tm.slots[allocation.slot]
        if carries == allocation.id:
            return found(Answer.YES, report, "the last report of its TaskManager has it")
        if time_of(cluster, report) > started:
            return found(Answer.NO, report, "a later report of its TaskManager does not have it")
    job = cluster.jobs.get(allocation.job or "")
    if job is not None and not job.ended:
        for task in allocation.tasks:
            if task.state in USING:
                return found(Answer.YES, task.events[-1], f"a task in it is {task.state}")
    if freed.answer is Answer.NO and confirmed.answer is Answer.YES:
        return found(Answer.YES, since, "no line says that it was freed")
    return Holding(
        allocation,
        Answer.UNDETERMINED,
        since,
        None,
        "at this level no line tells whether it was freed",
        (*freed.deciding, *confirmed.deciding),
    )


def _gone(cluster: Cluster, tm: TaskManager | None, after: float) -> Event | None:
    """The line that says that a TaskManager is gone, or has started again, after a time."""
    losses = tm.losses if tm is not None else []
    # a JobMaster may have lost it alone
    last = next((one for one in reversed(losses) if one.name != "task_manager_lost"), None)
    return last if last is not None and time_of(cluster, last) > after else None
