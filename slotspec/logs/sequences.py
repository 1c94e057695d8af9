"""The story of an allocation as a sequence diagram."""

from __future__ import annotations

import re

from slotspec.diagrams.description import (
    ArrowEnd,
    ArrowStart,
    Fate,
    Item,
    Message,
    MessageArrow,
    Remark,
    Sequence,
    SequenceStep,
)
from slotspec.logs.events import Event
from slotspec.logs.findings import short
from slotspec.logs.layout import clock
from slotspec.logs.line_kinds import Party
from slotspec.logs.stories import Allocation, Cluster, time_of
from slotspec.logs.validation import Verdict
from slotspec.statemachine.plurals import counted

_ID = re.compile(r"[0-9a-f]{32}")
_PROFILE = re.compile(r",? ?(?:with |and )?(?:resource )?(?:profile:? |resources )\w+\{[^}]*\}")

JOB_MASTER, RESOURCE_MANAGER = "JobMaster", "ResourceManager"
MOST_STEPS = 60

SENT: dict[str, tuple[Party, Party, str]] = {
    "slot_requested": (Party.JOB_MASTER, Party.RESOURCE_MANAGER, "request_received"),
    "request_received": (Party.RESOURCE_MANAGER, Party.TASK_MANAGER, "slot_asked"),
    "allocation_started": (Party.RESOURCE_MANAGER, Party.TASK_MANAGER, "slot_asked"),
    "deploying": (Party.JOB_MASTER, Party.TASK_MANAGER, "task_received"),
}
"""Line -> its writer, the receiver of the message that it tells of, and the receiver's line."""

HEARD: dict[str, tuple[Party, Party]] = {
    "offers_received": (Party.TASK_MANAGER, Party.JOB_MASTER),
    "offer_fulfils": (Party.TASK_MANAGER, Party.JOB_MASTER),
    "allocation_confirmed": (Party.TASK_MANAGER, Party.RESOURCE_MANAGER),
    "slot_freed_at_manager": (Party.TASK_MANAGER, Party.RESOURCE_MANAGER),
}
"""Lines of a receiver whose sender writes none."""

MESSAGES = {
    "slot_requested": "request_slot",
    "request_received": "request_slot",
    "allocation_started": "request_slot",
    "deploying": "submit_task",
    "offers_received": "offer_slots",
    "offer_fulfils": "offer_slots",
    "allocation_confirmed": "acknowledges",
    "slot_freed_at_manager": "notify_slot_available",
}


def sequence(cluster: Cluster, allocation: Allocation, verdict: Verdict) -> Sequence:
    """The lines about an allocation, with an arrow for each message that they tell of."""
    tm = f"TaskManager {allocation.tm or '?'}"
    names = {
        Party.JOB_MASTER: JOB_MASTER,
        Party.RESOURCE_MANAGER: RESOURCE_MANAGER,
        Party.TASK_MANAGER: tm,
    }
    events = [event for event in allocation.events if event.name != "job_master_leads"]
    left_out = max(0, len(events) - MOST_STEPS)
    events = events[:MOST_STEPS]
    arrows = _arrows(events, names)
    wrong = {id(found.event): str(found) for found in verdict.divergences}
    steps = []
    for number, event in enumerate(events, 1):
        items: list[Item] = [ArrowEnd(arrow, "") for arrow in arrows if arrow.ended == number]
        items += [ArrowStart(arrow) for arrow in arrows if arrow.sent == number]
        if event.name in HEARD and not items:
            source, target = HEARD[event.name]
            items.append(Message(names[source], names[target], MESSAGES[event.name]))
        said = f"{clock(time_of(cluster, event))} {event.process}: {_shortened(event)}"
        items.append(Remark(names[event.kind.party], (said,)))
        if id(event) in wrong:
            items.append(Remark(names[event.kind.party], (wrong[id(event)],), bad=True))
        steps.append(SequenceStep(number, tuple(items)))
    more = f"; {counted(left_out, 'more line is', 'more lines are')} not drawn" if left_out else ""
    title = f"allocation {short(allocation.id)} of job {short(allocation.job)}"
    return Sequence(
        title,
        (JOB_MASTER, RESOURCE_MANAGER, tm),
        tuple(steps),
        f"{counted(len(events), 'line')}{more}",
    )


def _shortened(event: Event) -> str:
    """The text of a line with short ids and without its resource profiles."""
    text = _PROFILE.sub("", _ID.sub(lambda found: short(found[0]), event.text))
    return text if len(text) <= 150 else f"{text[:150]}…"


def _arrows(events: list[Event], names: dict[Party, str]) -> list[MessageArrow]:
    """Each message with the line that sends and the first later one that receives it."""
    arrows: list[MessageArrow] = []
    taken: set[int] = set()
    for sent, event in enumerate(events, 1):
        if event.name not in SENT:
            continue
        source, target, heard = SENT[event.name]
        execution = event.fields.get("execution")
        ended = next(
            (
                number
                for number, later in enumerate(events[sent:], sent + 1)
                if later.name == heard
                and number not in taken
                and later.fields.get("execution") == execution
            ),
            None,
        )
        if ended is not None:
            taken.add(ended)
        fate = Fate.IN_FLIGHT if ended is None else Fate.ARRIVES
        text = MESSAGES[event.name]
        arrows.append(MessageArrow(names[source], names[target], text, sent, ended, fate))
    return arrows
