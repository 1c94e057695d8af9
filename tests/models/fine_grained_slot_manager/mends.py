"""What would mend the findings about the fine-grained slot manager: one or two rules each."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager import (
    checking,
    operations,
    planning,
    syncing,
    timers,
    tracking,
    workers,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    ManagedSlot,
    PendingTaskManager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.state import (
    OK,
    FineGrainedSlotManagerState,
    Timer,
    Work,
    jobs,
    pending_workers,
    profiles,
)
from slotspec.statemachine.declaration.queues import remove
from slotspec.statemachine.declaration.rules import NONE, fire

State = FineGrainedSlotManagerState


def note_refused_if_planned(s: State, worker: int) -> int:
    """A refused worker on which nothing is planned concerns no job."""
    for job in s.elements(jobs):
        if s.draft_order[workers.plan_row(s, worker, job)] != NONE:
            s.unfulfillable[job] = 1
    return OK


def decide_each_failure(s: State, call: int, failed: bool) -> None:
    """Every failure is followed by a check, not only the first of its batch."""
    if failed and s.call_batch[call] == NONE:
        syncing.enqueue(s, Work.BATCH_FAILED)
    else:
        syncing.decide(s, call, failed)


def find_moves_of_something(s: State, job: int, requirement: int) -> None:
    """The search for slots too many ends when the surplus is made up."""
    row = tracking.job_row(s, job)
    over = tracking.filled(s, job, requirement) - s.required[row + requirement]
    own = tracking.pair_row(s, job, requirement)
    for place in s.elements(profiles):
        profile = s.fulfilled_by[own + place]
        if profile != NONE and over > 0:
            count = min(s.served[own + profile], over)
            tracking.add_move(s, requirement, profile, count)
            over -= count


def takes_part_while_wanted(s: State, instance: int) -> bool:
    """No slot is planned on a TaskExecutor that is marked for release."""
    return (
        workers.is_registered(s, instance)
        and s.blocked[s.owner[instance]] == 0
        and s.unwanted[instance] == 0
    )


def cancel_all_timers(s: State) -> None:
    """Suspending cancels delayed declarations, too."""
    timers.cancel_reconciling(s)
    s.declare_waiting = 0
    place = 0
    while place < len(s.timer):
        if s.timer[place] == Timer.DECLARE:
            timers.unschedule(s, place)
        else:
            place += 1


def give_up_what_does_not_fit(s: State, call: int) -> None:
    """An answer that leads to an exception fails its call, and not the process."""
    present = s.awaited[call] == 1 and s.slot[call] == ManagedSlot.PENDING
    unfit = s.call[call] == SlotCall.ACKNOWLEDGED and not (
        present and workers.can_take(s, s.slot_instance[call], s.slot_profile[call])
    )
    if not present or not (unfit or s.call[call] == SlotCall.FAILED):
        syncing.run_answer(s, call)
        return
    fire(s.call, call, SlotCall.conclude)
    s.awaited[call] = 0
    tracking.notify_lost(s, s.slot_job[call], s.slot_profile[call])
    workers.remove_slot(s, call)
    syncing.decide(s, call, True)


def forget_expected_workers(s: State) -> None:
    """Suspending forgets the index of expected workers, too."""
    for worker in s.elements(pending_workers):
        if workers.is_expected(s, worker):
            workers.clear_plan(s, worker)
            remove(s.expected, worker)
            remove(s.indexed, worker)
            fire(s.pending, worker, PendingTaskManager.drop)


def give_up_an_occupied_slot(s: State, call: int) -> int:
    """A slot that is occupied is given up like one that is refused."""
    outcome, awaited = s.call[call], s.awaited[call]
    if outcome != SlotCall.OCCUPIED or not awaited or s.slot[call] == ManagedSlot.ABSENT:
        return syncing.run_answer(s, call)
    fire(s.call, call, SlotCall.conclude)
    s.awaited[call] = 0
    status = syncing.withdraw(s, call)
    if status == OK:
        syncing.decide(s, call, True)
    return status


def check_a_blocked_worker(s: State, instance: int, owner: int, total: int, default: int) -> int:
    """A blocked worker takes the place, and what was planned is planned anew."""
    worker = operations.find_expected(s, total, default)
    if worker == NONE or s.blocked[owner] == 0:
        return operations.register(s, instance, owner, total, default)
    workers.enter(s, instance, owner, total, default)
    if workers.is_expected(s, worker):
        workers.arrive(s, worker)
    return checking.check_with_delay(s)


def check_after_registration(s: State, instance: int, owner: int, total: int, default: int) -> int:
    """A worker that takes the place of an expected one is followed by a check, too."""
    worker = operations.find_expected(s, total, default)
    status = operations.register(s, instance, owner, total, default)
    return checking.check_with_delay(s) if status == OK and worker != NONE else status


M1 = {checking.note_refused: note_refused_if_planned}
M2 = {syncing.decide: decide_each_failure}
M3 = {tracking.find_moves: find_moves_of_something}
M4 = {planning.takes_part: takes_part_while_wanted}
M5 = {timers.cancel_reconciling: cancel_all_timers}
M6 = {timers.run_call: give_up_what_does_not_fit}
M7 = {workers.suspend_workers: forget_expected_workers}
M8 = {syncing.run_answer: give_up_an_occupied_slot}
M10 = {operations.register: check_a_blocked_worker}
M11 = {operations.register: check_after_registration}
