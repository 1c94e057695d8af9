"""Compares what lines tell about an allocation with the declared lifecycles.

A lifecycle says in which order things happen, and :mod:`tracking` which states are possible. What
differs between them is undetermined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slotspec.logs.clocks import TOLERANCE
from slotspec.logs.events import Event, ProcessLog
from slotspec.logs.facts import (
    FACTS,
    HEARD,
    IMPLIES,
    LEGS,
    LINE_FACTS,
    NO_LOGGER,
    TOLD_BY_TASK_MANAGER,
    Answer,
    Deciding,
    Fact,
)
from slotspec.logs.known_lines import LINES
from slotspec.logs.layout import clock
from slotspec.logs.line_kinds import Level, Party
from slotspec.logs.stories import Allocation, Cluster, time_of, writer_of
from slotspec.logs.tracking import Divergence, Tracker, hidden_events
from slotspec.logs.views import BIRTHS, VIEWS, View


@dataclass
class Verdict:
    """What the model says about an allocation."""

    facts: dict[str, Fact]
    divergences: list[Divergence]
    states: dict[str, tuple[str, ...]]
    """View and process -> the states in which the slot may be at the end."""

    def happened(self, fact: str) -> bool:
        """Whether a fact is true for certain."""
        return self.facts[fact].answer is Answer.YES

    @property
    def undetermined(self) -> list[str]:
        """Facts that the logs do not decide."""
        return [name for name, fact in self.facts.items() if fact.answer is Answer.UNDETERMINED]


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
        self.outlast(facts)
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
            hidden = hidden_events(view, self.version, lambda logger: self.level(log, logger))
            whole = self.whole(log, view.births) or (
                view.party is Party.JOB_MASTER and self.led_before(event)
            )
            self.trackers[key] = Tracker(view, hidden, whole)
        return self.trackers[key]

    def level(self, log: ProcessLog, logger: str) -> Level:
        """The level of a logger over the whole story of the allocation."""
        offset = self.cluster.offsets.get(log.name)
        began = time_of(self.cluster, self.allocation.events[0])
        return log.levels.of(logger, began + (offset.seconds if offset is not None else 0.0))

    def led_before(self, event: Event) -> bool:
        """Whether a log has the line with which the JobMaster of a line began, with nothing."""
        begun = self.cluster.leading.get((self.allocation.job or "", writer_of(event)))
        return begun is not None and begun < event.order

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
        offset = self.cluster.offsets.get(log.name)
        if log.begins is None or (offset is not None and offset.contradictory):
            return False
        apart = offset.seconds if offset is not None else 0.0
        return log.begins - apart + TOLERANCE < time_of(self.cluster, self.birth)

    # -- facts -------------------------------------------------------------------------------

    def fact(self, name: str) -> Fact:
        if name in LINE_FACTS:
            return self.line_fact(LINE_FACTS[name])
        lines, party = self.told_by(name)
        trackers = [tracker for (view, _), tracker in self.trackers.items() if name in view.facts]
        answers = {tracker.fact(name) for tracker in trackers}
        if Answer.YES in answers:
            return Fact(Answer.YES, self.allocation.first(*lines))
        if answers == {Answer.NO}:
            return Fact(Answer.NO, deciding=self.deciding(lines, party))
        if not answers:
            return self.silent(lines, party)
        return Fact(Answer.UNDETERMINED, deciding=self.deciding(lines, party))

    def told_by(self, name: str) -> tuple[list[str], Party]:
        """The lines that tell a fact, and who writes them."""
        if name in LINE_FACTS:
            line = LINE_FACTS[name][0]
            return [line], LINES.by_name[line][0].party
        view = next(view for view in self.views if name in view.facts)
        events = {*view.facts[name]}
        return [line for line, fired in view.fires.items() if events & {*fired}], view.party

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
            if "allocation" in kind.pattern.groupindex or kind.name == "offers_received"
        ]
        logs = self.logs_of(party)
        if not kinds:
            return (Deciding(NO_LOGGER, Level.TRACE, f"Flink {self.version}"),)
        if not logs:
            where = "the JobManager's log" if party is not Party.TASK_MANAGER else self.of_tm()
            return tuple(dict.fromkeys(Deciding(k.logger, k.level, where) for k in kinds))
        # a process that started later does not tell what the one before it did
        covered = self.birth is None or any(self.covers(log) for log in logs)
        late = [log for log in self.cluster.unnamed if log not in logs and not self.whole(log)]
        return tuple(
            dict.fromkeys(
                Deciding(kind.logger, kind.level, log.name)
                for log in [*logs, *late]
                for kind in kinds
                if log in late
                or kind.level < self.level(log, kind.logger)
                or not self.whole(log)
                or not covered
            )
        )

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

    def outlast(self, facts: dict[str, Fact]) -> None:
        """What comes after the last line of a log, it does not deny."""
        for number, name in enumerate(FACTS):
            lines, party = self.told_by(name)
            logs = self.logs_of(party)
            if facts[name].answer is not Answer.NO or facts[name].why or not logs:
                continue
            if party is Party.TASK_MANAGER and self.allocation.tm is None:
                continue  # no line says that one was chosen
            before = [
                fact.event
                for fact in (facts[earlier] for earlier in FACTS[:number])
                if fact.answer is Answer.YES and fact.event is not None
            ]
            last = max(logs, key=self.end_of)
            if name not in LEGS[1:]:
                before += self.allocation.events[-1:]
            if any(time_of(self.cluster, event) > self.end_of(last) for event in before):
                where = f"{last.name} after {clock(self.end_of(last))}"
                kinds = [kind for line in lines for kind in LINES.deciding(line, self.version)]
                missing = (Deciding(kind.logger, kind.level, where) for kind in kinds[:1])
                facts[name] = Fact(Answer.UNDETERMINED, deciding=tuple(missing))

    def end_of(self, log: ProcessLog) -> float:
        """When a log ends, by the clock of the JobManager."""
        known = [time for time in (log.end, log.last) if time is not None]
        offset = self.cluster.offsets.get(log.name)
        return max(known, default=float("inf")) - (offset.seconds if offset else 0.0)

    def imply(self, facts: dict[str, Fact]) -> None:
        """Decide facts by others: what is heard was sent, and what was not sent is not heard."""
        for _ in IMPLIES:
            for later, earlier in IMPLIES:
                after, before = facts[later], facts[earlier]
                if after.answer is Answer.YES and before.answer is Answer.UNDETERMINED:
                    facts[earlier] = Fact(Answer.YES, after.event, why=f"since it was {later}")
                if before.answer is Answer.NO and after.answer is Answer.UNDETERMINED:
                    facts[later] = Fact(Answer.NO, why=f"since it was not {earlier}")
