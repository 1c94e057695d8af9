"""Two-phase commit: J. Gray, L. Lamport, *Consensus on Transaction Commit* (2006), section 3.

Messages are never lost and never leave the network, so each is a flag.
"""

from slotspec import DISABLED, FLAG, Event, Lifecycle, Model, Record, Sort, State, fire, per, scalar


class Manager(Lifecycle):
    """What a resource manager has promised or done."""

    WORKING = State("It may still decide for itself.", initial=True)
    PREPARED = State("It has promised to do what the coordinator decides.")
    COMMITTED = State("Its part of the transaction is done.", final=True)
    ABORTED = State("Its part of the transaction is undone.", final=True)
    prepare = Event("It votes for the transaction.", (WORKING, PREPARED))
    refuse = Event("It decides against the transaction by itself.", (WORKING, ABORTED))
    commit = Event("The coordinator's commit arrives.", (PREPARED, COMMITTED))
    abort = Event("The coordinator's abort arrives.", (WORKING, ABORTED), (PREPARED, ABORTED))


MANAGERS = Sort("managers", "Resource managers in the transaction.", default=3, symmetric=True)


class Transaction(Record):
    """All managers, and the messages that they and the coordinator have sent."""

    manager: list[int] = per(MANAGERS, Manager, "Each resource manager.")
    vote_sent: list[int] = per(MANAGERS, FLAG, "The manager's vote is in the network.")
    vote_seen: list[int] = per(MANAGERS, FLAG, "The coordinator has read the vote.")
    commit_sent: int = scalar(FLAG, "The coordinator has decided to commit.")
    abort_sent: int = scalar(FLAG, "The coordinator has decided to abort.")


model = Model("two_phase_commit", "A transaction over several resource managers.", Transaction)


@model.action(manager=MANAGERS, yes=2)
def vote(s: Transaction, manager: int, yes: int) -> int:
    """A manager votes for the transaction, or aborts on its own."""
    if s.manager[manager] != Manager.WORKING:
        return DISABLED
    if yes:
        fire(s.manager, manager, Manager.prepare)
    else:
        fire(s.manager, manager, Manager.refuse)
    s.vote_sent[manager] = yes
    return yes


@model.action(manager=MANAGERS)
def read_vote(s: Transaction, manager: int) -> int:
    """The coordinator reads a vote, while it has not decided."""
    if s.commit_sent or s.abort_sent or not s.vote_sent[manager]:
        return DISABLED
    s.vote_seen[manager] = 1
    return manager


@model.action(commit=2)
def decide(s: Transaction, commit: int) -> int:
    """The coordinator commits if it has every vote, or gives up."""
    if s.commit_sent or s.abort_sent or (commit and not all(s.vote_seen)):
        return DISABLED
    s.commit_sent, s.abort_sent = commit, 1 - commit
    return commit


@model.action(manager=MANAGERS)
def hear(s: Transaction, manager: int) -> int:
    """A manager learns what the coordinator has decided."""
    if s.commit_sent and s.manager[manager] != Manager.COMMITTED:
        fire(s.manager, manager, Manager.commit)
    elif s.abort_sent and s.manager[manager] != Manager.ABORTED:
        fire(s.manager, manager, Manager.abort)
    else:
        return DISABLED
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


@model.step("Gray and Lamport, section 3: stability", each={"manager": MANAGERS})
def decided_for_good(before: Transaction, after: Transaction, manager: int) -> bool:
    """A manager that has committed or aborted stays so."""
    return before.manager[manager] in (Manager.WORKING, Manager.PREPARED, after.manager[manager])


@model.step("A decision to commit takes every vote.", on=decide)
def commit_takes_every_vote(before: Transaction, commit: int) -> bool:
    """The coordinator commits only if every manager is prepared."""
    return not commit or all(state == Manager.PREPARED for state in before.manager)


@model.sometimes("The protocol is of use.")
def all_commit(s: Transaction) -> bool:
    """Every manager has committed."""
    return all(state == Manager.COMMITTED for state in s.manager)


@model.sometimes("A prepared manager has to wait for the decision.")
def prepared_and_refused(s: Transaction) -> bool:
    """One manager is prepared while another has aborted on its own."""
    return Manager.PREPARED in s.manager and Manager.ABORTED in s.manager and not s.abort_sent
