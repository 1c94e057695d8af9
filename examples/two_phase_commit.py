"""Two-phase commit: managers that vote, a coordinator that decides, messages that may be late.

The protocol of J. Gray and L. Lamport, *Consensus on Transaction Commit* (2006), section 3.
Messages are never lost and never taken out of the network, so each is a flag.

Run it (``python examples/two_phase_commit.py``) or check it (``slotspec check
examples/two_phase_commit.py --set managers=5``).
"""

from __future__ import annotations

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    Array,
    Event,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    check,
    fire,
    per,
    scalar,
    single,
)


class Manager(Lifecycle):
    """What a resource manager has promised or done."""

    WORKING = State("It may still decide for itself.", initial=True)
    PREPARED = State("It promised to do what the coordinator decides.")
    COMMITTED = State("Its part of the transaction is done.", final=True)
    ABORTED = State("Its part of the transaction is undone.", final=True)

    prepare = Event("It votes for the transaction.", (WORKING, PREPARED))
    refuse = Event("It decides against the transaction by itself.", (WORKING, ABORTED))
    commit = Event("The coordinator's commit arrives.", (PREPARED, COMMITTED))
    abort = Event("The coordinator's abort arrives.", (WORKING, ABORTED), (PREPARED, ABORTED))


class Coordinator(Lifecycle):
    """What the coordinator has decided."""

    COLLECTING = State("It waits for the votes.", initial=True)
    COMMITTED = State("All voted for the transaction.", final=True)
    ABORTED = State("It gave the transaction up.", final=True)

    commit = Event("The last vote was a yes.", (COLLECTING, COMMITTED))
    abort = Event("It waits no longer.", (COLLECTING, ABORTED))


MANAGERS = Sort("managers", "Resource managers in the transaction.", default=3, symmetric=True)


class Transaction(Record):
    """All managers, the coordinator, and the messages that have been sent."""

    manager: Array = per(MANAGERS, Manager, "Each resource manager.")
    coordinator: Array = single(Coordinator, "The coordinator.")
    vote_sent: Array = per(MANAGERS, FLAG, "The manager's vote is in the network.")
    vote_seen: Array = per(MANAGERS, FLAG, "The coordinator has read the vote.")
    commit_sent: int = scalar(FLAG, "The decision to commit is in the network.")
    abort_sent: int = scalar(FLAG, "The decision to abort is in the network.")


model = Model("two_phase_commit", "A transaction over several resource managers.", Transaction)


@model.action(manager=MANAGERS)
def prepare(s: Transaction, manager: int) -> int:
    """A manager votes for the transaction."""
    if s.manager[manager] != Manager.WORKING:
        return DISABLED
    fire(s.manager, manager, Manager.prepare)
    s.vote_sent[manager] = 1
    return manager


@model.action(manager=MANAGERS)
def refuse(s: Transaction, manager: int) -> int:
    """A manager that has not voted aborts on its own."""
    if s.manager[manager] != Manager.WORKING:
        return DISABLED
    fire(s.manager, manager, Manager.refuse)
    return manager


@model.action(manager=MANAGERS)
def read_vote(s: Transaction, manager: int) -> int:
    """The coordinator reads a vote."""
    if s.coordinator[0] != Coordinator.COLLECTING or not s.vote_sent[manager]:
        return DISABLED
    s.vote_seen[manager] = 1
    return manager


@model.action()
def decide_commit(s: Transaction) -> int:
    """The coordinator has every vote and commits."""
    if s.coordinator[0] != Coordinator.COLLECTING or not all(s.vote_seen):
        return DISABLED
    fire(s.coordinator, 0, Coordinator.commit)
    s.commit_sent = 1
    return 0


@model.action()
def decide_abort(s: Transaction) -> int:
    """The coordinator gives up."""
    if s.coordinator[0] != Coordinator.COLLECTING:
        return DISABLED
    fire(s.coordinator, 0, Coordinator.abort)
    s.abort_sent = 1
    return 0


@model.action(manager=MANAGERS)
def hear_commit(s: Transaction, manager: int) -> int:
    """A manager learns that the transaction is committed."""
    if not s.commit_sent or s.manager[manager] == Manager.COMMITTED:
        return DISABLED
    fire(s.manager, manager, Manager.commit)
    return manager


@model.action(manager=MANAGERS)
def hear_abort(s: Transaction, manager: int) -> int:
    """A manager learns that the transaction is aborted."""
    if not s.abort_sent or s.manager[manager] == Manager.ABORTED:
        return DISABLED
    fire(s.manager, manager, Manager.abort)
    return manager


@model.final_states
def settled(s: Transaction) -> bool:
    """Every manager has committed, or every manager has aborted."""
    return all_commit(s) or all(state == Manager.ABORTED for state in s.manager)


@model.always("Gray and Lamport, section 3: consistency")
def consistent(s: Transaction) -> bool:
    """No manager has aborted while another has committed."""
    return not (Manager.COMMITTED in s.manager and Manager.ABORTED in s.manager)


@model.always("One decision for each transaction.")
def one_decision(s: Transaction) -> bool:
    """The network never carries both decisions."""
    return not (s.commit_sent and s.abort_sent)


@model.step("Gray and Lamport, section 3: stability")
def decided_for_good(before: Transaction, after: Transaction) -> bool:
    """A manager that has committed or aborted stays so."""
    return all(
        old == new or old not in (Manager.COMMITTED, Manager.ABORTED)
        for old, new in zip(before.manager, after.manager, strict=True)
    )


@model.step("A decision to commit takes every vote.", on=decide_commit)
def commit_takes_every_vote(before: Transaction, after: Transaction, result: int) -> bool:
    """The coordinator commits only where every manager is prepared."""
    return all(state == Manager.PREPARED for state in before.manager)


@model.sometimes("The protocol is of use.")
def all_commit(s: Transaction) -> bool:
    """Every manager has committed."""
    return all(state == Manager.COMMITTED for state in s.manager)


@model.sometimes("A prepared manager has to wait for the decision.")
def prepared_and_refused(s: Transaction) -> bool:
    """One manager is prepared while another has aborted on its own."""
    waits = Manager.PREPARED in s.manager and Manager.ABORTED in s.manager
    return waits and not s.abort_sent


def main() -> None:
    for managers in (2, 3, 4):
        result = check(model.instance({"managers": managers}))
        print(
            f"{managers} managers: {result.verdict.value}, {result.states} states,"
            f" {result.transitions} transitions, depth {result.depth}"
        )


if __name__ == "__main__":
    main()
