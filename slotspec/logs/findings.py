"""What the logs answer: questions, answers, and the report of all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from slotspec.logs.events import Event
from slotspec.logs.facts import NO_LOGGER, Answer, Deciding
from slotspec.logs.holding import Holding
from slotspec.logs.stories import Allocation, Cluster, Job
from slotspec.logs.validation import Verdict

QUESTIONS = {
    "no slot": "Why has this job no slot?",
    "holders": "Who holds the slots, and since when?",
    "registered in turn": "Why is only one of several TaskManagers registered?",
    "no more slots": "Why has a TaskManager 'no more allocated slots' for a running job?",
    "not released": "Why is a TaskManager not released?",
    "too many": "Why are more slots allocated than required?",
    "restarts": "Why did the job restart?",
    "cancelling": "Which task does not stop?",
    "spread": "How are slots spread over TaskManagers?",
    "adaptive": "What does the adaptive scheduler wait for?",
}
"""What is asked; the last cannot be answered: no line kind of the adaptive scheduler is known."""


@dataclass
class Finding:
    """An answer.

    :param question: a key of :data:`QUESTIONS`.
    :param job: the job that it is about; None for the whole cluster.
    :param lines: the lines that say so, in their order.
    :param deciding: what would decide an answer that is undetermined.
    """

    question: str
    answer: Answer
    text: str
    job: str | None = None
    lines: list[Event] = field(default_factory=list)
    deciding: tuple[Deciding, ...] = ()

    def __post_init__(self) -> None:
        """The same line is shown once."""
        self.lines = list({event.place: event for event in self.lines}.values())


@dataclass
class JobReport:
    """One job on one screen."""

    job: Job
    legs: dict[str, tuple[int, int]]
    """Leg -> allocations that have taken it for certain, and those that may have."""
    findings: list[Finding]


@dataclass
class Report:
    """Everything that the logs answer."""

    cluster: Cluster
    verdicts: dict[str, Verdict]
    holdings: dict[str, Holding]
    jobs: list[JobReport]
    findings: list[Finding]

    @property
    def facts(self) -> Counter[Answer]:
        """How many facts about allocations are decided, and how many are not."""
        return Counter(
            fact.answer for verdict in self.verdicts.values() for fact in verdict.facts.values()
        )

    @property
    def undetermined(self) -> float:
        """The share of facts that the logs do not decide."""
        facts = self.facts
        return facts[Answer.UNDETERMINED] / facts.total() if facts else 0.0

    @property
    def divergences(self) -> list[tuple[Allocation, str, Event]]:
        """Lines that the model does not explain."""
        return [
            (self.cluster.allocations[name], str(found), found.event)
            for name, verdict in self.verdicts.items()
            for found in verdict.divergences
        ]

    def deciding(self) -> list[tuple[str, int]]:
        """The loggers and levels that would decide most open facts, the most useful first."""
        counts = Counter(
            f"{deciding.logger} at {deciding.level.name}"
            for verdict in self.verdicts.values()
            for fact in verdict.facts.values()
            if fact.answer is Answer.UNDETERMINED
            for deciding in set(fact.deciding)
            if deciding.logger != NO_LOGGER
        )
        return counts.most_common()


def short(name: str | None) -> str:
    """The first digits of an id."""
    return name[:8] if name else "(unknown)"
