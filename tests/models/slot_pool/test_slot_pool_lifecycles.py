"""The declared lifecycles of the slot pool: every transition, and which states are ends."""

from __future__ import annotations

import pytest

from slotspec.statemachine import Lifecycle
from slotspec.statemachine.declaration.lifecycle import NO_TRANSITION
from tests.models.small import POOL

TRANSITIONS = {
    "Pool": """
        CREATED --start--> STARTED
        STARTED --start--> STARTED
        SUSPENDED --start--> STARTED
        CLOSED --start--> STARTED
        STARTED --suspend--> SUSPENDED
        SUSPENDED --suspend--> SUSPENDED
        CLOSED --suspend--> SUSPENDED
        CREATED --close--> CLOSED
        STARTED --close--> CLOSED
        SUSPENDED --close--> CLOSED
        CLOSED --close--> CLOSED
    """,
    "ResourceManagerConnection": """
        DISCONNECTED --connect--> CONNECTED
        CONNECTED --replace--> CONNECTED
        CONNECTED --disconnect--> DISCONNECTED
        CONNECTED --drop--> DISCONNECTED
    """,
    "TaskManagerRegistration": """
        UNREGISTERED --register--> REGISTERED
        REGISTERED --release--> UNREGISTERED
        REGISTERED --drop--> UNREGISTERED
    """,
    "SlotRequest": """
        UNUSED --stash--> WAITING
        UNUSED --send--> PENDING
        WAITING --send--> PENDING
        WAITING --fulfil--> FULFILLED
        PENDING --fulfil--> FULFILLED
        PENDING --fail--> FAILED
        WAITING --time_out--> TIMED_OUT
        PENDING --time_out--> TIMED_OUT
        FORGOTTEN --time_out--> TIMED_OUT
        WAITING --cancel--> CANCELLED
        PENDING --cancel--> CANCELLED
        WAITING --forget--> FORGOTTEN
        PENDING --forget--> FORGOTTEN
        FORGOTTEN --abandon--> UNANSWERED
    """,
    "PhysicalSlot": """
        UNKNOWN --ask--> PENDING
        UNKNOWN --fulfil--> ALLOCATED
        PENDING --fulfil--> ALLOCATED
        UNKNOWN --store--> AVAILABLE
        PENDING --store--> AVAILABLE
        AVAILABLE --allocate--> ALLOCATED
        ALLOCATED --hand_over--> ALLOCATED
        ALLOCATED --give_back--> AVAILABLE
        AVAILABLE --expire--> RELEASED
        AVAILABLE --fail--> RELEASED
        ALLOCATED --fail--> RELEASED
        AVAILABLE --lose_task_manager--> RELEASED
        ALLOCATED --lose_task_manager--> RELEASED
        PENDING --cancel--> CANCELLED
        PENDING --orphan--> ORPHANED
        AVAILABLE --drop--> FORGOTTEN
        ALLOCATED --drop--> FORGOTTEN
        ALLOCATED --leak--> LEAKED
    """,
    "Payload": """
        UNASSIGNED --assign--> ASSIGNED
        ASSIGNED --release--> UNASSIGNED
        ASSIGNED --leave--> UNASSIGNED
    """,
    "LeakedSlot": """
        ABSENT --leak--> COUNTED
        COUNTED --lose_task_manager--> ABSENT
        COUNTED --drop--> ABSENT
    """,
}
ENDS = {
    "SlotRequest": {"FULFILLED", "FAILED", "TIMED_OUT", "CANCELLED", "UNANSWERED"},
    "PhysicalSlot": {"RELEASED", "CANCELLED", "ORPHANED", "FORGOTTEN", "LEAKED"},
}
"""Final states; what is not named has none."""
STARTS = {
    "Pool": "CREATED",
    "ResourceManagerConnection": "DISCONNECTED",
    "TaskManagerRegistration": "UNREGISTERED",
    "SlotRequest": "UNUSED",
    "PhysicalSlot": "UNKNOWN",
    "Payload": "UNASSIGNED",
    "LeakedSlot": "ABSENT",
}

LIFECYCLES = {c.__name__: c for c in POOL.instance().lifecycles.values()}
EACH = pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=list(LIFECYCLES))


def test_there_are_seven() -> None:
    assert set(LIFECYCLES) == set(TRANSITIONS) == set(STARTS)


@EACH
def test_every_transition(lifecycle: type[Lifecycle]) -> None:
    declared = [line.strip() for line in TRANSITIONS[lifecycle.__name__].strip().splitlines()]
    assert [str(move) for move in lifecycle.transitions] == declared


@EACH
def test_starts_and_ends(lifecycle: type[Lifecycle]) -> None:
    assert lifecycle.initial.name == STARTS[lifecycle.__name__]
    ends = {state.name for state in lifecycle.states if state.final}
    assert ends == ENDS.get(lifecycle.__name__, set())


@EACH
def test_table_graph_and_machine_say_the_same(lifecycle: type[Lifecycle]) -> None:
    wanted = {(m.source.name, m.event.name, m.target.name) for m in lifecycle.transitions}
    table = lifecycle.table()
    in_table = {
        (source.name, event.name, lifecycle.states[table[source][event.index]].name)
        for source in lifecycle.states
        for event in lifecycle.events
        if table[source][event.index] != NO_TRANSITION
    }
    assert in_table == wanted
    in_graph = {(a, event, b) for a, b, event in lifecycle.graph().edges(keys=True)}
    assert in_graph == wanted
    for source, event, target in wanted:
        machine = lifecycle.machine()
        machine.set_state(source)
        assert machine.trigger(event)
        assert machine.state == target


@EACH
def test_everything_has_a_description(lifecycle: type[Lifecycle]) -> None:
    descriptions = [
        lifecycle.description(),
        *(x.description for x in (*lifecycle.states, *lifecycle.events)),
    ]
    assert all(description.endswith((".", ":")) for description in descriptions)
