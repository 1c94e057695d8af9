"""Compares what lines tell about an allocation with the declared lifecycles.

A lifecycle says in which order things happen. Lines tell some of its events; at the level of
a log, others leave no line. So the state of an allocation is a set of possible states: a line
takes those that fit, and events without a line may happen at any time. If no state is left,
the log diverges from the model; what differs between the possible states is undetermined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from slotspec.logs.clocks import TOLERANCE
from slotspec.logs.events import Event, ProcessLog
from slotspec.logs.known_lines import LINES
from slotspec.logs.line_kinds import Level, LineKind, Party
from slotspec.logs.stories import Allocation, Cluster, time_of, writer_of
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot
from slotspec.models.slot_manager.lifecycles import ManagerRequest
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.statemachine.declaration.lifecycle import Lifecycle


class Answer(Enum):
    """Whether something happened."""

    YES = "yes"
    NO = "no"
    UNDETERMINED = "undetermined"


BIRTHS = ("slot_requested", "request_received", "allocation_started")
"""The lines that an allocation's story begins with."""


@dataclass(frozen=True)
class View:
    """What one party keeps of an allocation, and which lines tell of it.

    :param fires: line -> the events that it may be a sign of; the first that fits happens.
    :param requires: line -> the states in which it can be written.
    :param facts: fact -> the events that make it true.
    :param old: whether it belongs to the slot pool of 1.11 to 1.13, or to later ones; None if to
        both.
    :param tolerant: lines that may also be written without any event.
    :param quiet: events that also happen without the line that usually tells them.
    :param births: lines before which nothing of an allocation has happened here.
    """

    name: str
    party: Party
    lifecycle: type[Lifecycle]
    fires: dict[str, tuple[str, ...]]
    requires: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    old: bool | None = None
    tolerant: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    births: tuple[str, ...] = BIRTHS

    def __hash__(self) -> int:
        return hash(self.name)


VIEWS = (
    View(
        "slot pool",
        Party.JOB_MASTER,
        PhysicalSlot,
        fires={
            "slot_requested": ("ask",),
            "offer_fulfils": ("fulfil", "hand_over"),
            "slot_available": ("store", "give_back"),
            "slot_failed": ("fail",),
            "slot_expired": ("expire",),
        },
        requires={"deploying": ("ALLOCATED",)},
        facts={"accepted": ("fulfil", "store")},
        old=True,
        quiet=("fail",),
        births=("slot_requested",),
    ),
    View(
        "declarative slot pool",
        Party.JOB_MASTER,
        AllocatedSlot,
        fires={
            "offer_matched": ("add",),
            "slot_reserved": ("reserve",),
            "reservation_freed": ("free",),
            "slot_released": ("remove", "expire"),
        },
        requires={"deploying": ("RESERVED",)},
        facts={"accepted": ("add",)},
        old=False,
        tolerant=("offer_matched", "slot_reserved", "reservation_freed"),
        quiet=("reserve", "free", "remove"),
    ),
    View(
        "slot manager",
        Party.RESOURCE_MANAGER,
        ManagerRequest,
        fires={"request_received": ("register",), "request_cancelled": ("withdraw",)},
        old=True,
        tolerant=("request_received",),
        quiet=("withdraw",),
    ),
    View(
        "fine-grained slot manager",
        Party.RESOURCE_MANAGER,
        ManagedSlot,
        fires={
            "allocation_started": ("ask",),
            "allocation_confirmed": ("confirm",),
            "allocation_refused": ("leave",),
            "slot_freed_at_manager": ("leave",),
        },
        old=False,
        tolerant=("allocation_refused",),
        quiet=("leave",),
    ),
    View(
        "slot table",
        Party.TASK_MANAGER,
        TaskSlot,
        fires={
            "slot_allocated": ("allocate",),
            "slot_activated": ("activate",),
            "slot_left": ("release", "leave"),
        },
        requires={"task_received": ("ACTIVE",)},
        facts={"confirmed": ("allocate",), "active": ("activate",), "freed": ("release",)},
        quiet=("leave",),
    ),
)

LINE_FACTS = {
    "requested": ("slot_requested", "request_received"),
    "asked": ("slot_asked",),
    "offered": ("offers_received",),
    "deployed": ("deploying",),
    "used": ("task_received",),
}
"""Facts that a line tells by itself; what was heard was sent."""

LEGS = ("requested", "asked", "confirmed", "offered", "accepted", "active", "deployed", "used")
FACTS = (*LEGS, "freed")
"""The facts about an allocation, in the order of the protocol."""

IMPLIES = (
    ("used", "deployed"),
    ("deployed", "accepted"),
    ("active", "accepted"),
    ("accepted", "offered"),
    ("offered", "confirmed"),
    ("confirmed", "asked"),
    ("freed", "confirmed"),
)
"""Nothing is heard that was not sent: each fact and one that comes before it in every run."""

HEARD = ("offered", "accepted", "deployed")
"""Facts that a JobMaster tells, each after its TaskManager has confirmed the slot."""
TOLD_BY_TASK_MANAGER = ("asked", "confirmed", "active", "used", "freed")


@dataclass(frozen=True)
class Deciding:
    """What would decide an open question: the log of a party, or a level of a logger."""

    logger: str
    level: Level
    where: str

    def __str__(self) -> str:
        return f"{self.logger} at {self.level.name} in {self.where}"


@dataclass
class Fact:
    """Whether something happened, the lines that say so, and what would decide it otherwise."""

    answer: Answer
    event: Event | None = None
    deciding: tuple[Deciding, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Divergence:
    """A line that no state of the model explains."""

    view: str
    event: Event
    possible: tuple[str, ...]

    def __str__(self) -> str:
        states = ", ".join(self.possible)
        return f"{self.event.place}: {self.event.name} cannot happen in the {self.view} in {states}"


@dataclass
class Verdict:
    """What the model says about an allocation."""

    facts: dict[str, Fact]
    divergences: list[Divergence]
    states: dict[str, tuple[str, ...]]
    """View and process -> the states in which the slot may be at the end."""

    @property
    def undetermined(self) -> list[str]:
        """Facts that the logs do not decide."""
        return [name for name, fact in self.facts.items() if fact.answer is Answer.UNDETERMINED]


Belief = frozenset[tuple[int, int]]
"""Possible states, each with the facts that became true on the way, as bits."""


class Tracker:
    """The possible states of an allocation in one view, at one level of logging."""

    def __init__(self, view: View, hidden: frozenset[str], from_start: bool) -> None:
        self.automaton = automaton(view, hidden)
        self.view = view
        self.belief = self.automaton.start(from_start)
        self.divergence: Divergence | None = None

    def see(self, event: Event) -> None:
        """Take a line into account; after a divergence nothing is."""
        if self.divergence is not None:
            return
        after = self.automaton.step(self.belief, event.name, event.fields.get("before"))
        if not after:
            names = self.automaton.names(self.belief)
            self.divergence = Divergence(self.view.name, event, names)
            return
        self.belief = after

    def restart(self) -> None:
        """A new leader begins with nothing."""
        self.belief = self.automaton.forgotten(self.belief)

    def fact(self, name: str) -> Answer:
        """Whether a fact became true."""
        bit = 1 << list(self.view.facts).index(name)
        answers = {bool(mask & bit) for _, mask in self.belief}
        if len(answers) > 1:
            return Answer.UNDETERMINED
        return Answer.YES if True in answers else Answer.NO


class Automaton:
    """The lifecycle of a view with the events that leave no line; shared, so steps are cached."""

    def __init__(self, view: View, hidden: frozenset[str]) -> None:
        self.view = view
        self.states = view.lifecycle.states
        self.index = {state.name: int(state) for state in self.states}
        self.events = {event.name: event for event in view.lifecycle.events}
        self.bits = {
            event: 1 << number
            for number, events in enumerate(view.facts.values())
            for event in events
        }
        self.hidden = hidden
        self._steps: dict[tuple[Belief, str, str | None], Belief] = {}

    def start(self, from_start: bool) -> Belief:
        initial = int(self.view.lifecycle.initial)
        if from_start:
            return self.closure([(initial, 0)])
        masks = range(1 << len(self.view.facts))
        return frozenset((int(state), mask) for state in self.states for mask in masks)

    def forgotten(self, belief: Belief) -> Belief:
        initial = int(self.view.lifecycle.initial)
        return self.closure((initial, mask) for _, mask in belief)

    def closure(self, belief: Iterable[tuple[int, int]]) -> Belief:
        """Everything that events without a line lead to. A final state's id may be used again."""
        found = set(belief)
        todo = list(found)
        initial = int(self.view.lifecycle.initial)
        while todo:
            state, mask = todo.pop()
            nexts = [
                (self.events[name].targets[state], mask | self.bits.get(name, 0))
                for name in self.hidden
                if self.events[name].targets[state] >= 0
            ]
            if self.states[state].final:
                nexts.append((initial, mask))
            for one in nexts:
                if one not in found:
                    found.add(one)
                    todo.append(one)
        return frozenset(found)

    def step(self, belief: Belief, line: str, told: str | None) -> Belief:
        """The states that a line leads to; empty if it cannot be written."""
        key = (belief, line, told)
        known = self._steps.get(key)
        if known is None:
            known = self._steps[key] = self._step(belief, line, told)
        return known

    def _step(self, belief: Belief, line: str, told: str | None) -> Belief:
        view = self.view
        fitting = set(belief)
        if line in view.requires:
            allowed = {self.index[name] for name in view.requires[line]}
            return self.closure(one for one in fitting if one[0] in allowed)
        if told in self.index:
            # the line tells the state in which it was written
            fitting = {one for one in fitting if one[0] == self.index[told]}
        after = {
            (self.events[name].targets[state], mask | self.bits.get(name, 0))
            for state, mask in fitting
            for name in view.fires[line]
            if self.events[name].targets[state] >= 0
        }
        if line in view.tolerant:
            after |= fitting
        return self.closure(after) if after else frozenset()

    def names(self, belief: Belief) -> tuple[str, ...]:
        """The names of the possible states."""
        return tuple(self.states[number].name for number in sorted({state for state, _ in belief}))


@cache
def automaton(view: View, hidden: frozenset[str]) -> Automaton:
    """The automaton of a view."""
    return Automaton(view, hidden)


def hidden_events(view: View, version: str | None, level: Level) -> frozenset[str]:
    """The events of a view that leave no line at this level."""
    told = {
        event
        for line, events in view.fires.items()
        if any(kind.level >= level for kind in LINES.deciding(line, version))
        for event in events
    }
    told.difference_update(view.quiet)
    return frozenset(event.name for event in view.lifecycle.events if event.name not in told)


def validate(cluster: Cluster, allocation: Allocation) -> Verdict:
    """Compare the story of an allocation with the model."""
    return _Validator(cluster, allocation).verdict()


class _Validator:
    def __init__(self, cluster: Cluster, allocation: Allocation) -> None:
        self.cluster = cluster
        self.allocation = allocation
        self.version = cluster.logs.wording
        self.old = cluster.logs.old
        self.views = [view for view in VIEWS if view.old is None or view.old is self.old]
        self.trackers: dict[tuple[View, str], Tracker] = {}
        first = allocation.events[0] if allocation.events else None
        self.birth = first if first is not None and first.name in BIRTHS else None

    def verdict(self) -> Verdict:
        for event in self.allocation.events:
            for view in self.views:
                if event.kind.party is not view.party:
                    continue
                if event.name in view.fires or event.name in view.requires:
                    self.tracker(view, event).see(event)
                elif event.name == "job_master_leads" and (view, writer_of(event)) in self.trackers:
                    self.trackers[view, writer_of(event)].restart()
        facts = {name: self.fact(name) for name in FACTS}
        if not self.old and self.version is not None:
            facts["requested"] = Fact(
                Answer.NO, why="since 1.14 a JobMaster declares requirements, and requests no slots"
            )
        self.doubt(facts)
        self.imply(facts)
        return Verdict(
            facts,
            [t.divergence for t in self.trackers.values() if t.divergence is not None],
            {
                f"{view.name} of {writer}": tracker.automaton.names(tracker.belief)
                for (view, writer), tracker in self.trackers.items()
            },
        )

    def tracker(self, view: View, event: Event) -> Tracker:
        key = (view, writer_of(event))
        if key not in self.trackers:
            log = self.cluster.by_name[event.process]
            hidden = hidden_events(view, self.version, log.level)
            whole = self.whole(log, view.births) or (
                view.party is Party.JOB_MASTER and self.led_before(event)
            )
            self.trackers[key] = Tracker(view, hidden, whole)
        return self.trackers[key]

    def led_before(self, event: Event) -> bool:
        """Whether a log has the line with which the JobMaster of a line began, with nothing."""
        job = self.cluster.jobs.get(self.allocation.job or "")
        return job is not None and any(
            one.name == "job_master_leads"
            and one.order < event.order
            and writer_of(one) == writer_of(event)
            for one in job.events
        )

    def whole(self, log: ProcessLog, births: Sequence[str] = BIRTHS) -> bool:
        """Whether nothing about the allocation can have been written before a log begins."""
        if log.from_start and log.since is None:
            return True
        return self.birth is not None and self.birth.name in births and self.covers(log)

    def covers(self, log: ProcessLog) -> bool:
        """Whether a log begins before the allocation was asked for."""
        assert self.birth is not None
        if self.birth.process == log.name:
            return True
        clock = self.cluster.offsets.get(log.name)
        if log.begins is None or (clock is not None and clock.contradictory):
            return False
        apart = clock.seconds if clock is not None else 0.0
        return log.begins - apart + TOLERANCE < time_of(self.cluster, self.birth)

    # -- facts -------------------------------------------------------------------------------

    def fact(self, name: str) -> Fact:
        if name in LINE_FACTS:
            return self.line_fact(LINE_FACTS[name])
        view = next(view for view in self.views if name in view.facts)
        lines = [line for line, events in view.fires.items() if set(events) & set(view.facts[name])]
        trackers = [tracker for (known, _), tracker in self.trackers.items() if known is view]
        answers = {tracker.fact(name) for tracker in trackers}
        if Answer.YES in answers:
            return Fact(Answer.YES, self.allocation.first(*lines))
        if answers == {Answer.NO}:
            return Fact(Answer.NO, deciding=self.deciding(lines, view.party))
        if not answers:
            return self.silent(lines, view.party)
        return Fact(Answer.UNDETERMINED, deciding=self.deciding(lines, view.party))

    def line_fact(self, lines: tuple[str, ...]) -> Fact:
        event = self.allocation.first(*lines)
        if event is not None:
            return Fact(Answer.YES, event)
        return self.silent(lines[:1], LINES.by_name[lines[0]][0].party)

    def silent(self, lines: Sequence[str], party: Party) -> Fact:
        """No line tells it: it did not happen if the line would be there."""
        deciding = self.deciding(lines, party)
        return Fact(Answer.UNDETERMINED if deciding else Answer.NO, deciding=deciding)

    def deciding(self, lines: Sequence[str], party: Party) -> tuple[Deciding, ...]:
        """The logs and levels that are missing to decide whether a line would be there."""
        kinds = [
            kind
            for line in lines
            for kind in LINES.deciding(line, self.version)
            if "allocation" in FIELDS_OF[kind.text] or kind.name == "offers_received"
        ]
        logs = self.logs_of(party)
        if not kinds:
            return (Deciding("no logger", Level.TRACE, f"Flink {self.version}"),)
        if not logs:
            where = "the JobManager's log" if party is not Party.TASK_MANAGER else self.of_tm()
            return tuple(dict.fromkeys(Deciding(k.logger, k.level, where) for k in kinds))
        # a process that started later does not tell what the one before it did
        covered = self.birth is None or any(self.covers(log) for log in logs)
        missing = [
            Deciding(k.logger, k.level, log.name) for log in self.unknown_logs(logs) for k in kinds
        ]
        return tuple(
            dict.fromkeys(
                [
                    Deciding(kind.logger, kind.level, log.name)
                    for log in logs
                    for kind in kinds
                    if kind.level < log.level or not self.whole(log) or not covered
                ]
                + missing
            )
        )

    def unknown_logs(self, known: Sequence[ProcessLog]) -> list[ProcessLog]:
        """Other logs that begin too late to tell whose they are."""
        named = {
            writer.partition(" [")[0]
            for tm in self.cluster.task_managers.values()
            for writer in tm.processes
            if tm.id != writer
        }
        return [
            log
            for log in self.cluster.logs.processes
            if log not in known
            and log.parties <= {Party.TASK_MANAGER}
            and log.name not in named
            and not self.whole(log)
        ]

    def of_tm(self) -> str:
        return f"the log of TaskManager {self.allocation.tm or '(unknown)'}"

    def logs_of(self, party: Party) -> list[ProcessLog]:
        """The logs in which a party would have written about the allocation."""
        if party is not Party.TASK_MANAGER:
            return self.cluster.of_party(party)
        tm = self.cluster.task_managers.get(self.allocation.tm or "")
        if tm is None:
            # it may be any of those that the ResourceManager knows
            if all(tm.processes for tm in self.cluster.task_managers.values()):
                return self.cluster.of_party(Party.TASK_MANAGER)
            return []
        names = dict.fromkeys(writer.partition(" [")[0] for writer in tm.processes)
        return [self.cluster.by_name[name] for name in names]

    def doubt(self, facts: dict[str, Fact]) -> None:
        """The silence of a TaskManager tells nothing if the JobMaster has heard from it."""
        heard = any(facts[name].answer is Answer.YES for name in HEARD)
        if heard and facts["confirmed"].answer is Answer.NO:
            missing = (Deciding("TaskExecutor", Level.INFO, self.of_tm()),)
            for name in TOLD_BY_TASK_MANAGER:
                if facts[name].answer is Answer.NO:
                    facts[name] = Fact(Answer.UNDETERMINED, deciding=missing)

    def imply(self, facts: dict[str, Fact]) -> None:
        """Decide facts by others: what is heard was sent, and what was not sent is not heard."""
        for _ in IMPLIES:
            for later, earlier in IMPLIES:
                after, before = facts[later], facts[earlier]
                if after.answer is Answer.YES and before.answer is Answer.UNDETERMINED:
                    facts[earlier] = Fact(Answer.YES, after.event, why=f"since it was {later}")
                if before.answer is Answer.NO and after.answer is Answer.UNDETERMINED:
                    facts[later] = Fact(Answer.NO, why=f"since it was not {earlier}")


def _fields(kind: LineKind) -> frozenset[str]:
    return frozenset(kind.pattern.groupindex)


FIELDS_OF = {kind.text: _fields(kind) for kind in LINES.kinds}
