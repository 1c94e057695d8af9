"""An office whose workers may die over their jobs: a protocol of parts, faults and promises.

Two generations: a *blind* office does not look after jobs whose worker has died, and may lose
them; a *watchful* one does (``slotspec check examples/office.py:office``). The scope
``rush`` is for ``slotspec simulate examples/office.py:office``.
"""

from __future__ import annotations

from collections.abc import Sequence

from slotspec import (
    DISABLED,
    NONE,
    Array,
    Bound,
    Event,
    Fairness,
    Lifecycle,
    Model,
    Record,
    Scope,
    Sort,
    State,
    check,
    constant,
    fire,
    number,
    part,
    per,
    ref,
    scalar,
    single,
)
from slotspec.statemachine import restart


class Desk(Lifecycle):
    """A worker's desk."""

    FREE = State("Nothing lies on it.", initial=True)
    BUSY = State("A job lies on it.")

    begin = Event("A job is put on it.", (FREE, BUSY))
    end = Event("The job is done.", (BUSY, FREE))


class Job(Lifecycle):
    """A job, as the office sees it."""

    WAITING = State("Nobody has it.", initial=True)
    GIVEN = State("A worker has it, or had it.")
    DONE = State("It is done.", final=True)

    give = Event("A worker gets it.", (WAITING, GIVEN))
    miss = Event("Its worker no longer has it.", (GIVEN, WAITING))
    finish = Event("Its worker hands it in.", (GIVEN, DONE))


JOBS = Sort("jobs", "Jobs that come in.", default=2)
WORKERS = Sort("workers", "Workers of the office.", default=2)
DEATHS = Bound("deaths", "Workers that die, each replaced by another.", default=1)


class WorkerState(Record):
    """What one worker knows."""

    desk: Array = single(Desk, "The desk.")
    job: int = scalar(ref(JOBS), "The job on it.")


worker = Model("worker", "A worker with one desk.", WorkerState)


@worker.operation
def begin(s: WorkerState, job: int) -> int:
    """Put a job on the desk; NONE if there is one already."""
    if s.desk[0] == Desk.BUSY:
        return NONE
    fire(s.desk, 0, Desk.begin)
    s.job = job
    return job


@worker.operation
def end(s: WorkerState) -> int:
    """Do the job on the desk, and say which it was."""
    job = s.job
    fire(s.desk, 0, Desk.end)
    s.job = NONE
    return job


class OfficeState(Record):
    """The workers, and what the office believes of its jobs."""

    looks: int = constant("Whether it looks after jobs.", lambda setting: setting["looks"])
    deaths: int = constant("How many may die.", lambda setting: setting["deaths"])

    workers: Sequence[WorkerState] = part(
        lambda setting: worker.instance({"jobs": setting["jobs"]}), "Each worker.", per=WORKERS
    )
    job: Array = per(JOBS, Job, "Each job.")
    given_to: Array = per(JOBS, ref(WORKERS), "Who got it.")
    died: int = scalar(number(lambda setting: setting["deaths"]), "Workers that died.")


office = Model(
    "office",
    "An office that gives jobs to workers, who may die.",
    OfficeState,
    bounds=[DEATHS],
    generations={"blind": {"looks": 0}, "watchful": {"looks": 1}},
    scopes=[
        Scope("day", "Two jobs, two workers, one of whom dies.", {}),
        Scope(
            "rush",
            "Thirty jobs, eight workers, of whom many die: for simulation.",
            {"jobs": 30, "workers": 8, "deaths": 250},
            simulation_only=True,
        ),
    ],
)


@office.action(job=JOBS, to=WORKERS, fair=Fairness.WEAK)
def give(s: OfficeState, job: int, to: int) -> int:
    """The office gives a job to a worker whose desk is free."""
    if s.job[job] != Job.WAITING or begin(s.workers[to], job) == NONE:
        return DISABLED
    fire(s.job, job, Job.give)
    s.given_to[job] = to
    return job


@office.action(of=WORKERS, fair=Fairness.WEAK)
def hand_in(s: OfficeState, of: int) -> int:
    """A worker does the job on the desk and hands it in."""
    if s.workers[of].desk[0] == Desk.FREE:
        return DISABLED
    job = end(s.workers[of])
    fire(s.job, job, Job.finish)
    s.given_to[job] = NONE
    return job


@office.action(who=WORKERS, fault=True)
def die(s: OfficeState, who: int) -> int:
    """A worker dies; who comes next to that desk knows nothing of what lay on it."""
    if s.died == s.deaths:
        return DISABLED
    restart(s.workers[who])
    s.died += 1
    return who


@office.action(job=JOBS, fair=Fairness.WEAK)
def look(s: OfficeState, job: int) -> int:
    """The office sees that a worker no longer has a job, and takes it back."""
    if not s.looks or s.job[job] != Job.GIVEN or s.workers[s.given_to[job]].job == job:
        return DISABLED
    fire(s.job, job, Job.miss)
    s.given_to[job] = NONE
    return job


@office.final_states
def nobody_works(s: OfficeState) -> bool:
    """No worker has a job, and none waits."""
    return Job.WAITING not in s.job and all(w.desk[0] == Desk.FREE for w in s.workers)


@office.always("A job is on one desk at most.", each={"who": WORKERS})
def nothing_is_done_twice(s: OfficeState, who: int) -> bool:
    """What lies on a desk was given to that worker, and is not done."""
    job = s.workers[who].job
    return job == NONE or (s.job[job] == Job.GIVEN and s.given_to[job] == who)


@office.sometimes("Death comes over the work.")
def a_job_is_lost(s: OfficeState) -> bool:
    """The office believes that a worker has a job that nobody has."""
    return any(
        state == Job.GIVEN and s.workers[s.given_to[job]].job != job
        for job, state in enumerate(s.job)
    )


def is_done(s: OfficeState, job: int) -> bool:
    return s.job[job] == Job.DONE


@office.leads_to("What comes in is done.", is_done, each={"job": JOBS})
def each_job_is_done(s: OfficeState, job: int) -> bool:
    """Each job is finally done, whoever dies."""
    return s.job[job] != Job.DONE


def main() -> None:
    for generation in office.generations:
        result = check(office.instance(generation=generation))
        print(
            f"{generation}: {result.verdict.value}, {result.states} states,"
            f" {result.transitions} transitions, depth {result.depth}"
        )


if __name__ == "__main__":
    main()
