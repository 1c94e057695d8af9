"""Classic protocols, each twice: as a model, and as plain Python that knows nothing of models.

The plain one yields the successors of a state, which is a tuple.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from slotspec import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Model,
    Record,
    Sort,
    add,
    append,
    discard,
    length,
    number,
    part,
    per,
    ref,
    scalar,
    sequence,
    subset,
    take_first,
)
from slotspec.statemachine import Instance


@dataclass(frozen=True)
class Classic:
    """A protocol: its model, and its first state and successors in plain Python.

    :ivar may_end: which states may lack a successor.
    """

    instance: Instance
    first: Any
    successors: Callable[[Any], Iterator[Any]]
    may_end: Callable[[Any], object] = lambda state: False


@dataclass(frozen=True)
class Counts:
    """What a search finds; `stuck` is the length of the way to the first deadlock."""

    states: int
    transitions: int
    depth: int
    stuck: int | None


def explored(classic: Classic) -> Counts:
    """Every state that plain Python reaches."""
    found = {classic.first: 0}
    waiting = deque([classic.first])
    transitions, stuck = 0, None
    while waiting:
        state = waiting.popleft()
        following = list(classic.successors(state))
        transitions += len(following)
        if not following and stuck is None and not classic.may_end(state):
            stuck = found[state]
        for other in following:
            if other not in found:
                found[other] = found[state] + 1
                waiting.append(other)
    return Counts(len(found), transitions, max(found.values()), stuck)


def put(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


# the dining philosophers (Dijkstra), who take their left fork first

PHILOSOPHERS = Sort("philosophers", "Philosophers, each with a fork on the left.", default=4)


class Table(Record):
    """Philosophers and forks."""

    forks: Array = per(PHILOSOPHERS, number(2), "How many forks one has.")
    taken_by: Array = per(PHILOSOPHERS, ref(PHILOSOPHERS), "Who has the fork.")


table = Model("table", "Philosophers at a table.", Table)


@table.action(one=PHILOSOPHERS)
def take_left(s: Table, one: int) -> int:
    """Take the fork on the left."""
    if s.forks[one] != 0 or s.taken_by[one] != NONE:
        return DISABLED
    s.taken_by[one] = one
    s.forks[one] = 1
    return 0


@table.action(one=PHILOSOPHERS)
def take_right(s: Table, one: int) -> int:
    """Take the fork on the right."""
    right = (one + 1) % len(s.forks)
    if s.forks[one] != 1 or s.taken_by[right] != NONE:
        return DISABLED
    s.taken_by[right] = one
    s.forks[one] = 2
    return 0


@table.action(one=PHILOSOPHERS)
def eat(s: Table, one: int) -> int:
    """Eat, and put both forks down."""
    if s.forks[one] != 2:
        return DISABLED
    s.taken_by[one] = NONE
    s.taken_by[(one + 1) % len(s.forks)] = NONE
    s.forks[one] = 0
    return 0


def at_the_table(state: Any) -> Iterator[Any]:
    forks, taken = state
    for one in range(4):
        right = (one + 1) % 4
        if forks[one] == 0 and taken[one] is None:
            yield put(forks, one, 1), put(taken, one, one)
        if forks[one] == 1 and taken[right] is None:
            yield put(forks, one, 2), put(taken, right, one)
        if forks[one] == 2:
            yield put(forks, one, 0), put(put(taken, one, None), right, None)


# the alternating bit protocol (Bartlett, Scantlebury and Wilkinson) over two lossy channels

BITS = Sort("bits", "The two bits.", default=2)


class Line(Record):
    """A sender, a receiver, and what is between them."""

    sending: int = scalar(FLAG, "The sender's bit.")
    expecting: int = scalar(FLAG, "The receiver's bit.")
    data: Array = sequence(BITS, "Messages under way.", at_most=2)
    answers: Array = sequence(BITS, "Acknowledgements under way.", at_most=2)
    sent: int = scalar(number(3), "How many messages are acknowledged.")
    got: int = scalar(number(3), "How many messages have arrived.")


line = Model("line", "The alternating bit protocol.", Line)


@line.action()
def send_one(s: Line) -> int:
    """Send the current message, maybe again."""
    if length(s.data) == 2 or s.sent == 3:
        return DISABLED
    append(s.data, s.sending)
    return 0


@line.action()
def arrives(s: Line) -> int:
    """A message arrives and is acknowledged."""
    bit = take_first(s.data)
    if bit == NONE:
        return DISABLED
    if bit == s.expecting:
        s.got += 1
        s.expecting = 1 - s.expecting
    if length(s.answers) < 2:
        append(s.answers, bit)
    return 0


@line.action()
def acknowledged(s: Line) -> int:
    """An acknowledgement arrives."""
    bit = take_first(s.answers)
    if bit == NONE:
        return DISABLED
    if bit == s.sending:
        s.sending = 1 - s.sending
        s.sent += 1
    return 0


@line.action(fault=True)
def lose_message(s: Line) -> int:
    """A message is lost."""
    return DISABLED if take_first(s.data) == NONE else 0


@line.action(fault=True)
def lose_answer(s: Line) -> int:
    """An acknowledgement is lost."""
    return DISABLED if take_first(s.answers) == NONE else 0


@line.final_states
def all_sent(s: Line) -> bool:
    """All messages have arrived."""
    return s.sent == 3


def on_the_line(state: Any) -> Iterator[Any]:
    sending, expecting, data, answers, sent, got = state
    if len(data) < 2 and sent < 3:
        yield sending, expecting, (*data, sending), answers, sent, got
    if data:
        new = data[0] == expecting
        told = (*answers, data[0]) if len(answers) < 2 else answers
        yield sending, 1 - expecting if new else expecting, data[1:], told, sent, got + new
        yield sending, expecting, data[1:], answers, sent, got
    if answers:
        new = answers[0] == sending
        yield 1 - sending if new else sending, expecting, data, answers[1:], sent + new, got
        yield sending, expecting, data, answers[1:], sent, got


# leader election in a ring (Chang and Roberts): each node is a part with an inbox

NODES = Sort("nodes", "Nodes of a ring, by their ids.", default=3, ordered=True)


class Node(Record):
    """A node."""

    inbox: Array = sequence(NODES, "Ids that wait here.", at_most=3)
    leads: int = scalar(FLAG, "It is the leader.")
    began: int = scalar(FLAG, "It has sent its own id.")


node = Model("node", "A node.", Node)


class Ring(Record):
    """A ring of nodes."""

    nodes: Sequence[Node] = part(
        lambda setting: node.instance({"nodes": setting["nodes"]}), "The nodes.", per=NODES
    )


ring = Model("ring", "Leader election in a ring.", Ring)


@ring.action(one=NODES)
def begin(s: Ring, one: int) -> int:
    """A node sends its id."""
    if s.nodes[one].began:
        return DISABLED
    s.nodes[one].began = 1
    append(s.nodes[(one + 1) % len(s.nodes)].inbox, one)
    return 0


@ring.action(one=NODES)
def hear(s: Ring, one: int) -> int:
    """A node passes on larger ids, and leads if its own comes back."""
    told = take_first(s.nodes[one].inbox)
    if told == NONE:
        return DISABLED
    if told == one:
        s.nodes[one].leads = 1
    elif told > one:
        append(s.nodes[(one + 1) % len(s.nodes)].inbox, told)
    return 0


@ring.final_states
def led(s: Ring) -> bool:
    """The largest id leads."""
    return s.nodes[2].leads == 1


def in_the_ring(state: Any) -> Iterator[Any]:
    inboxes, leads, began = state
    for one in range(3):
        after = (one + 1) % 3
        if not began[one]:
            yield put(inboxes, after, (*inboxes[after], one)), leads, put(began, one, 1)
        if inboxes[one]:
            told, *rest = inboxes[one]
            left = put(inboxes, one, tuple(rest))
            if told > one:
                left = put(left, after, (*left[after], told))
            yield left, put(leads, one, 1) if told == one else leads, began


# an elevator that goes on in its direction as long as somebody waits there

FLOORS = Sort("floors", "Floors.", default=4, ordered=True)


class Elevator(Record):
    """An elevator and its buttons."""

    at: int = scalar(ref(FLOORS), "Where it is.", initial=0)
    up: int = scalar(FLAG, "It goes up.", initial=1)
    door: int = scalar(FLAG, "Its door is open.")
    called: Array = subset(FLOORS, "Where somebody waits.")


elevator = Model("elevator", "An elevator.", Elevator)


@elevator.action(floor=FLOORS)
def press(s: Elevator, floor: int) -> int:
    """Somebody calls the elevator."""
    return 0 if not s.called[floor] and add(s.called, floor) else DISABLED


@elevator.action()
def ride(s: Elevator) -> int:
    """It goes on by one floor."""
    if s.door or s.called[s.at] or not any(s.called):
        return DISABLED
    if s.up and not any(s.called[f] for f in range(s.at + 1, len(s.called))):
        s.up = 0
    elif not s.up and not any(s.called[f] for f in range(s.at)):
        s.up = 1
    s.at += 1 if s.up else -1
    return 0


@elevator.action()
def opens(s: Elevator) -> int:
    """It opens where somebody waits."""
    if s.door or not s.called[s.at]:
        return DISABLED
    s.door = 1
    discard(s.called, s.at)
    return 0


@elevator.action()
def closes(s: Elevator) -> int:
    """It closes."""
    if not s.door:
        return DISABLED
    s.door = 0
    return 0


def in_the_elevator(state: Any) -> Iterator[Any]:
    at, up, door, called = state
    for floor in {0, 1, 2, 3} - called:
        yield at, up, door, called | {floor}
    if door:
        yield at, up, False, called
    elif at in called:
        yield at, up, True, called - {at}
    elif called:
        up = max(called) > at if up else min(called) > at
        yield at + (1 if up else -1), up, door, called


CLASSICS = {
    "philosophers": Classic(table.instance(), ((0,) * 4, (None,) * 4), at_the_table),
    "alternating bit": Classic(
        line.instance(), (0, 0, (), (), 0, 0), on_the_line, lambda state: state[4] == 3
    ),
    "leader election": Classic(
        ring.instance(), (((),) * 3, (0,) * 3, (0,) * 3), in_the_ring, lambda state: state[1][2]
    ),
    "elevator": Classic(elevator.instance(), (0, True, False, frozenset()), in_the_elevator),
}
