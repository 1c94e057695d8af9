"""How traces show the cluster: ``TaskExecutor 1``, allocation ``a1``, connection ``i1`` at the
ResourceManager, ``share 1`` of the job, its task ``task 1``, or with several vertices
``task 2.1``: the first one of vertex 2. Attempts of a task are ``task 1a`` and ``task 1b``, in
turn.

A step shows what really happens: which message arrives, which messages it causes, and what
changes at which process. What the parts do is rendered by their own formatters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from string import ascii_lowercase
from typing import Any, cast

from slotspec.models.cluster.message_diff import (
    LOST,
    Envelope,
    channel_taken,
    channels_in,
    deliveries,
    envelopes,
    place_taken,
)
from slotspec.models.cluster.messages import (
    HUBS,
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    WAYS,
    Way,
    send,
    way,
)
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.part_formatting import ManagerPart, PartFormatter, PoolPart, TablePart
from slotspec.models.cluster.state import (
    MANAGER,
    POOL,
    STRIDE,
    TABLE,
    Message,
    allocations,
    calls,
    channels,
    executions,
    instances,
    own_allocations,
    own_executions,
    own_slots,
    posts,
    shares,
    slot_numbers,
    task_managers,
    tasks,
    tries,
)
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.models.slot_manager.state import Effect as ManagerEffect
from slotspec.models.slot_pool.state import Effect as PoolEffect
from slotspec.models.task_slot_table.state import Effect as TableEffect
from slotspec.statemachine.declaration.constants import arguments_of
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import Part, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING
from slotspec.statemachine.message_formatting import Delivery, MessageFormatter
from slotspec.statemachine.results import TraceStep

JOB_MASTER, RESOURCE_MANAGER = "JobMaster", "ResourceManager"
IGNORED = "nothing comes of it"

TEXTS: Mapping[int, str] = {
    Message.REQUEST_SLOT: "request for a slot, {a}",
    Message.CANCEL_SLOT_REQUEST: "cancel the request {a}",
    Message.REQUEST_ACKNOWLEDGED: "request {a} is registered",
    Message.REQUEST_REFUSED: "request {a} cannot be fulfilled",
    Message.ALLOCATION_FAILED: "allocation {a} has failed",
    Message.REQUEST_TASK_SLOT: "allocate {slot} for {a}",
    Message.CALL_ACKNOWLEDGED: "{slot} is allocated",
    Message.CALL_OCCUPIED: "{slot} is occupied by {a}",
    Message.CALL_FAILED: "{slot} could not be allocated",
    Message.REGISTER: "registration",
    Message.REGISTERED: "registered",
    Message.SLOT_REPORT: "first slot report of {connection}: {slots}",
    Message.HEARTBEAT: "heartbeat of {connection}: {slots}",
    Message.SLOT_AVAILABLE: "slot {detail} is free, it was {a}",
    Message.OFFER_SLOT: "offer of slot {offered} as {a}{older}",
    Message.OFFER_ACCEPTED: "offer of {a}{older} accepted",
    Message.OFFER_REJECTED: "offer of {a}{older} rejected",
    Message.OFFER_FAILED: "offer of {a}{older} failed: the TaskExecutor is unknown",
    Message.FREE_SLOT: "free {a}",
    Message.FAIL_SLOT: "{a} is lost",
    Message.SUBMIT_TASK: "run {task} in {a}",
    Message.SUBMISSION_FAILED: "{task} is refused in {a}",
    Message.TASK_RUNNING: "{task} runs in {a}",
    Message.UPDATE_REFUSED: "{task} is not wanted to run in {a}",
    Message.CANCELLATION_FAILED: "{task} to cancel is not in {a}",
    Message.CANCEL_TASK: "cancel {task} in {a}",
    Message.TASK_FINISHED: "{task} in {a} has finished",
    Message.TASK_FAILED: "{task} in {a} has failed",
    Message.DISCONNECT: "the connection is closed",
    Message.ALLOCATION_REPORT: "heartbeat: the pool holds {held}",
}
"""The text of each message."""

AT_JOB_MASTER: Mapping[str, str] = {
    "job_master_gains_leadership": "gains leadership, and its job is scheduled",
    "job_master_finds_resource_manager": "finds the ResourceManager",
    "job_master_loses_resource_manager": "learns that the ResourceManager no longer leads",
    "scheduler_requests_slot": "requests a slot for {share}",
    "scheduler_takes_slot": "takes {allocation} for {share}",
    "job_is_cancelled": "is told to cancel the job",
    "last_task_is_released_first": "will release the last task of a lost slot first",
    "slots_are_returned_first": "will return slots before it withdraws requests",
    "partitions_are_lost": "cannot reach what a source has written, and has not noticed yet",
    "job_master_ends": "ends, since the job has finished",
    "job_master_ends_unheard": "ends with its job, leads no more, and nobody hears the result",
    "request_times_out": "waits no longer for the slot of request {allocation}",
    "request_call_times_out": "had no answer to request {allocation} in time",
    "task_call_times_out": "had no answer about {task} in time",
    "submission_times_out": "had no answer to its submission of {task} in time",
    "cancellation_times_out": "had no answer to a cancellation at {tm} in time",
    "lost_cancellation_times_out": "had no answer to its call to cancel {own_task} in time",
    "scheduler_restarts_region": "starts the job anew",
    "job_master_reports": "sends a heartbeat to {tm}",
    "job_master_misses_heartbeat": "misses the heartbeat of {tm}",
    "job_master_loses_leadership": "is to lead no longer",
    "job_master_steps_down": "loses its leadership",
    "release_falls_behind": "has sent a call to free {allocation} to {tm} that will come late",
    "disconnect_falls_behind": "has sent a call to disconnect to {tm} that will come late",
    "job_master_registration_times_out": "had no answer to its registration in time",
    "job_master_misses_resource_manager": "gives up the ResourceManager",
}
AT_RESOURCE_MANAGER: Mapping[str, str] = {
    "resource_manager_gains_leadership": "gains leadership",
    "resource_manager_finds_gateway": "finds the gateway of {of_instance}",
    "slot_call_times_out": "had no answer to its {call} in time",
    "startup_period_ends": "has waited long enough for TaskExecutors to come",
    "requests_time_out_at_resource_manager": "gives up on requests that it cannot fulfil",
    "resource_manager_misses_heartbeat": "misses the heartbeat of {tm}",
    "request_comes_first": "will look at request {allocation} first",
    "resource_manager_is_held_up": "will handle other messages before what it queues",
    "resource_manager_goes_on": "comes to what it has queued",
    "resource_manager_loses_job_master": "learns that its JobMaster no longer leads",
    "resource_manager_fails_over": "fails over",
    "resource_manager_finds_job_master": "finds out who leads the job",
    "queued_outcome_comes_first": "comes to another outcome of a lost slot first",
    "resource_manager_finds_former_job_master": "registers a JobMaster that leads no more",
    "resource_manager_misses_job_master": "gives up the JobMaster",
}
AT_TASK_EXECUTOR: Mapping[str, str] = {
    "task_executor_starts": "starts",
    "task_executor_finds_resource_manager": "finds the ResourceManager",
    "task_executor_finds_job_master": "finds the JobMaster",
    "late_release_arrives": "is told by a former JobMaster to free {allocation}",
    "late_disconnect_arrives": "is told by a former JobMaster to disconnect",
    "task_executor_loses_job_master": "learns that its JobMaster no longer leads",
    "task_starts": "starts {own_task}",
    "slot_leaves": "lets {allocation} go",
    "slot_leaves_unnoticed": "lets {allocation} go and tells nobody",
    "job_master_hears_of_unknown_task": "hears that {own_task} is there, and cancels it",
    "task_is_quick": "will see {own_task} end as soon as it is to fail",
    "task_is_not_set_up": "cannot set up {own_task}",
    "task_fails": "sees {own_task} fail",
    "task_update_times_out": "had no answer to its report of {own_task} in time",
    "task_ends": "sees {own_task} end, {why}",
    "task_has_done_its_work": "sees {own_task} end, whose work was done before it was to stop",
    "offers_time_out": "had no answer to its offers in time",
    "slot_times_out": "waits no longer for {allocation} to be used",
    "registration_times_out": "had no answer to its registration in time",
    "job_registration_times_out": "had no answer of the JobMaster to its registration in time",
    "task_executor_reports": "sends a heartbeat to the ResourceManager",
    "task_executor_misses_resource_manager": "gives up the ResourceManager",
    "task_executor_misses_job_master": "gives up the JobMaster",
    "task_executor_crashes": "crashes",
}
"""Actions other than the arrival of a message, by the process at which they happen."""
SHOWN_AS_MESSAGES = {
    POOL + PoolEffect.REQUEST_SLOT,
    POOL + PoolEffect.CANCEL_SLOT_REQUEST,
    POOL + PoolEffect.FREE_SLOT,
    MANAGER + ManagerEffect.REQUEST_SLOT,
}
"""Effects of parts for which the cluster sends a message."""
SHOWN_BY_CHANGES = {
    POOL + PoolEffect.LISTED,
    POOL + PoolEffect.ANY_ORDER,
    TABLE + TableEffect.FREE_SLOT,
    TABLE + TableEffect.TIMEOUT_SLOT,
    TABLE + TableEffect.LISTED,
    TABLE + TableEffect.ANY_ORDER,
}


@dataclass(frozen=True)
class Phrase:
    """A text about what a process did."""

    process: str
    text: str

    def __str__(self) -> str:
        return f"{self.process}: {self.text}"


class ClusterFormatter(MessageFormatter):
    """Renders what happens in a cluster.

    :cvar texts: the text of each message.
    :cvar actions_of: the texts of actions, by the process at which they happen.
    :cvar shown_otherwise: effects of parts that messages or changes show.
    """

    texts: Mapping[int, str] = TEXTS
    actions_of: Mapping[str, Mapping[str, str]] = {
        JOB_MASTER: AT_JOB_MASTER,
        RESOURCE_MANAGER: AT_RESOURCE_MANAGER,
        "TaskExecutor": AT_TASK_EXECUTOR,
    }
    shown_otherwise: Collection[int] = SHOWN_AS_MESSAGES | SHOWN_BY_CHANGES

    def made_parts(self) -> dict[str, PartFormatter]:
        """A formatter for each kind of part."""
        return {"pool": PoolPart(self), "manager": ManagerPart(self), "tables": TablePart(self)}

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self.parts = {part.name: part for part in instance.record.parts}
        made = self.made_parts()
        self.formatters = {name: made[part.attribute] for name, part in self.parts.items()}
        self._of_parts: dict[Sort, tuple[PartFormatter, Sort]] = {}
        for name, part in self.parts.items():
            for own, spec in part.record.fields.items():
                settled = part.fields[f"{name}.{own}"]
                for ours, theirs in (
                    (settled.over, spec.over),
                    (getattr(settled.domain, "sort", None), getattr(spec.domain, "sort", None)),
                ):
                    if ours is not None and theirs is not None:
                        self._of_parts[ours] = self.formatters[name], theirs

    # ------------------------------------------------------------------------------- names

    def element(self, sort: Sort, index: int) -> str:
        """The name of an element; elements of parts are named by the parts' formatters."""
        if index == NONE:
            return NOTHING
        if sort in self._of_parts:
            formatter, theirs = self._of_parts[sort]
            return formatter.element(theirs, index)
        name = self._names.get(sort)
        return super().element(sort, index) if name is None else name(self, index)

    def _by_task_executor(self, sort: Sort, index: int) -> str:
        size = sort.size(self.instance.setting.bounds)
        return f"{self.element(sort, index % size)} at {task_executor(index // size)}"

    def _task(self, number: int) -> str:
        bounds = self.instance.setting.bounds
        width = shares.size(bounds)
        if tasks.size(bounds) == width:
            return f"task {number + 1}"
        return f"task {number // width + 1}.{number % width + 1}"

    def _execution(self, number: int) -> str:
        task, attempt = divmod(number, tries.size(self.instance.setting.bounds))
        return f"{self._task(task)}{ascii_lowercase[attempt]}"

    def _call(self, number: int) -> str:
        return f"call for {self.slot(number // CALLS_PER_SLOT)}"

    def slot(self, number: int) -> str:
        """A slot of the ResourceManager: its number at its TaskExecutor."""
        width = task_managers.size(self.instance.setting.bounds)
        return f"slot {number // width} of {task_executor(number % width)}"

    def _post(self, number: int) -> str:
        room = posts.size(self.instance.setting.bounds) // channels.size(
            self.instance.setting.bounds
        )
        return f"{between(number // room)}, {number % room + 1}."

    _names: Mapping[Sort, Callable[[ClusterFormatter, int], str]] = {
        slot_numbers: lambda self, i: f"slot {i}",
        tasks: _task,
        own_slots: lambda self, i: self._by_task_executor(slot_numbers, i),
        own_allocations: lambda self, i: self._by_task_executor(allocations, i),
        executions: _execution,
        own_executions: lambda self, i: self._by_task_executor(executions, i),
        calls: _call,
        channels: lambda self, i: between(i),
        posts: _post,
    }

    # ---------------------------------------------------------------------------- messages

    def text(self, envelope: Envelope, state: Mapping[str, Any]) -> str:
        """The text of a message; that of a report has its contents in `state`."""
        tm = (envelope.channel - HUBS) // WAYS
        detail = envelope.detail
        width = task_managers.size(self.instance.setting.bounds)
        return self.texts[envelope.message].format(
            a=self.element(allocations, envelope.subject),
            slot=f"slot {detail // STRIDE // width}",
            connection=self.element(instances, detail),
            detail=detail,
            offered=detail // 2,
            older=" (an older offer)" if detail % 2 else "",
            task=self._execution(
                detail // self.instance.setting["cancel_tries"]
                if envelope.message in (Message.CANCEL_TASK, Message.CANCELLATION_FAILED)
                else detail
            ),
            slots=self._slots_reported(state, tm),
            held=self._held_reported(state, tm),
        )

    def _slots_reported(self, state: Mapping[str, Any], tm: int) -> str:
        width = slot_numbers.size(self.instance.setting.bounds)
        entries = state["slot_report"][tm * width : (tm + 1) * width]
        return ", ".join(
            f"slot {i} {'free' if a == NONE else self.element(allocations, a)}"
            for i, a in enumerate(entries)
        )

    def _held_reported(self, state: Mapping[str, Any], tm: int) -> str:
        width = allocations.size(self.instance.setting.bounds)
        entries = state["allocation_report"][tm * width : (tm + 1) * width]
        held = [self.element(allocations, a) for a, reported in enumerate(entries) if reported]
        return ", ".join(held) or "nothing"

    def received(self, step: TraceStep) -> Envelope | None:
        """The message that arrives in a step, or is lost in it."""
        channel = channel_taken(step.call)
        if channel is None:
            return None
        found = envelopes(step.before, channel)
        place = place_taken(step.call)
        return found[place] if place < len(found) else None

    # ------------------------------------------------------------------- calls and effects

    def actor(self, step: TraceStep) -> str | None:
        """The process at which a step happens; None if it happens between two."""
        name = step.call.action.name
        for process in (JOB_MASTER, RESOURCE_MANAGER):
            if name in self.actions_of[process]:
                return process
        channel = channel_taken(step.call)
        if name != LOST and channel is not None:
            return ends(channel)[1]
        tm = self._acting(step)
        return None if tm is None else task_executor(tm)

    def _acting(self, step: TraceStep) -> int | None:
        """The TaskExecutor at which a step happens."""
        given = dict(zip(step.call.action.parameters, step.call.arguments, strict=True))
        if "own" in given:
            return int(given["own"]) // self._width_of_executions
        return given.get("tm")

    @property
    def _width_of_executions(self) -> int:
        return executions.size(self.instance.setting.bounds)

    def format_step(self, step: TraceStep) -> str:
        """What happens in a step."""
        action = step.call.action.name
        envelope = self.received(step)
        if envelope is not None:
            source, target = ends(envelope.channel)
            text = self.text(envelope, step.before)
            if action == LOST:
                return f"lost from {source} to {target}: {text}"
            return f"{target} receives {source}: {text}"
        if action == "message_is_repeated":
            channel = step.call.arguments[0]
            found = envelopes(step.before, channel)
            if found:
                source, target = ends(channel)
                return f"{source} calls {target} again: {self.text(found[-1], step.before)}"
        if action == "timer_is_early":
            return "the next timer will be early"
        return self._own_action(step) or self.call(step.call)

    def _own_action(self, step: TraceStep) -> str | None:
        """What a process does on its own."""
        action = step.call.action
        templates = {name: text for own in self.actions_of.values() for name, text in own.items()}
        template = templates.get(action.name)
        if template is None:
            return None
        given = dict(zip(action.parameters, step.call.arguments, strict=True))
        texts = {
            name: self.argument(action.parameters[name], value) for name, value in given.items()
        }
        before = step.before
        if "instance" in given:
            tm = given["instance"] % len(before["process"])
            texts["of_instance"] = f"{task_executor(tm)}: {texts['instance']}"
        if "own" in given:
            texts["own_task"] = self._execution(given["own"] % self._width_of_executions)
            stopped = before["stopping"][given["own"]]
            texts["why"] = "as it was told" if stopped else "its work done"
        return f"{self.actor(step)} {template.format(**texts)}"

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect, as the formatter of the part that emits it renders it."""
        for base, name in ((TABLE, "tables.0"), (MANAGER, "manager"), (POOL, "pool")):
            if effect[0] >= base:
                return self.formatters[name].effect((effect[0] - base, *effect[1:]))
        return super().effect(effect)

    def sent(self, step: TraceStep) -> list[Envelope]:
        """The messages that are sent in a step, channel by channel."""
        return [envelope for one in deliveries(step) for envelope in one.sent]

    def part_effects(self, step: TraceStep) -> list[Phrase]:
        """The effects of the parts that are visible neither as messages nor as changes."""
        phrases = []
        for effect in step.effects:
            if effect[0] in self.shown_otherwise:
                continue
            part = self._emitting(step, effect[0])
            own = self.of_part(step, part)
            base = self.parts[part].effects_from
            text = self.formatters[part].emitted((effect[0] - base, *effect[1:]), own)
            if self.is_for_the_job_master(effect[0]):
                if step.before["job_registered"] and not step.before["jm_deposed"]:
                    continue
                text += ", sent to nobody"
            if text:
                phrases.append(Phrase(self._owner(self.parts[part]), text))
        return phrases

    def is_for_the_job_master(self, effect: int) -> bool:
        """Whether the ResourceManager sends this effect to the JobMaster, if one is there."""
        return effect == MANAGER + ManagerEffect.ALLOCATION_FAILED

    def _emitting(self, step: TraceStep, number: int) -> str:
        if number >= TABLE:
            return f"tables.{self._acting(step) or 0}"
        return "manager" if number >= MANAGER else "pool"

    def deliveries(self, step: TraceStep) -> Iterator[Delivery]:
        """What happened to each channel, in order."""
        return deliveries(step)

    def ends(self, channel: int) -> tuple[str, str]:
        """The sender and the receiver of a channel."""
        return ends(channel)

    def routes(self) -> Iterator[tuple[str, str, str]]:
        """Who may send what to whom: what reaches ``send`` in the rules."""
        for _, entered, sent, *_ in arguments_of(self.instance, send, {way: {"tm": 0}}):
            for channel in range(HUBS + WAYS) if entered is None else entered:
                for message in self.texts if sent is None else sent:
                    yield (*ends(channel), Message(message).name.lower())

    def kinds(self) -> tuple[str, ...]:
        """The kinds of messages."""
        return tuple(Message(one).name.lower() for one in self.texts)

    def kind(self, envelope: Envelope) -> str:
        """What kind of message it is."""
        return Message(envelope.message).name.lower()

    carried = frozenset({"message", "subject", "detail"})

    def in_flight(self, state: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """Each channel with what is in it, oldest first."""
        for channel in range(channels_in(state)):
            yield between(channel), [self.text(one, state) for one in envelopes(state, channel)]

    def is_lost(self, step: TraceStep) -> bool:
        """Whether the step is the loss of a message."""
        return step.call.action.name == LOST

    def processes(self) -> tuple[str, ...]:
        """The JobMaster, its ResourceManager to the right of its TaskExecutors."""
        count = task_managers.size(self.instance.setting.bounds)
        return JOB_MASTER, *map(task_executor, range(count)), RESOURCE_MANAGER

    def effects(self, step: TraceStep) -> list[str]:
        """What the parts did, and the messages that are sent, or lost with their process."""
        texts = [str(one) for one in self.part_effects(step)]
        for delivery in deliveries(step):
            channel = between(delivery.channel)
            gone = [self.text(delivery.before[place], step.before) for place in delivery.gone]
            texts += [f"{channel}, dropped: {text}" for text in gone]
            texts += [f"{channel}: {self.text(one, step.after)}" for one in delivery.sent]
        if not texts and self.is_ignored(step):
            texts.append(IGNORED)
        return texts

    def remarks(self, step: TraceStep) -> list[str]:
        """What the parts did, and what changed."""
        texts = [*map(str, self.part_effects(step)), *self.changes(step)]
        ignored = not texts and not self.sent(step) and self.is_ignored(step)
        return [IGNORED] if ignored else texts

    def is_ignored(self, step: TraceStep) -> bool:
        """Whether a message arrives in vain."""
        return (
            self.received(step) is not None
            and step.call.action.name != LOST
            and step.before != step.after
            and not self.change_phrases(step)
        )

    # ----------------------------------------------------------------------------- changes

    def of_part(self, step: TraceStep, name: str) -> TraceStep:
        """A step as one part sees it, without effects: :meth:`part_effects` renders these."""
        prefix = f"{name}."

        def own(state: Mapping[str, Any]) -> dict[str, Any]:
            cut = len(prefix)
            return {k[cut:]: v for k, v in state.items() if k.startswith(prefix)}

        return TraceStep(step.call, step.result, (), own(step.before), own(step.after))

    def part(self, name: str) -> str:
        """A part, with the process that has it."""
        what = {"pool": "slot pool", "manager": "slot manager"}.get(name, "slot table")
        return f"{self._owner(self.parts[name])}: {what}"

    def _owner(self, part: Part) -> str:
        if part.index is not None:
            return task_executor(part.index)
        return JOB_MASTER if part.name == "pool" else RESOURCE_MANAGER

    def change_phrases(self, step: TraceStep) -> list[Phrase]:
        """What a step changed, and at which process."""
        phrases = [*self._processes(step), *self._job(step)]
        for name, part in self.parts.items():
            owner = self._owner(part)
            own = self.of_part(step, name)
            if own.before != own.after:
                phrases += [Phrase(owner, text) for text in self.formatters[name].changes(own)]
        return phrases or list(self._answered(step))

    def _answered(self, step: TraceStep) -> Iterator[Phrase]:
        """Answers that are no longer waited for; shown only if nothing else has changed."""
        yield from self._declared(step)
        for own, (old, new) in self._pairs(step, "offering"):
            if new < old:
                tm, allocation = divmod(own, allocations.size(self.instance.setting.bounds))
                yield Phrase(
                    task_executor(tm),
                    f"waits no longer for an answer to its offer of a{allocation + 1}",
                )

    def _declared(self, step: TraceStep) -> Iterator[Phrase]:
        """Answers of the ResourceManager that the pool no longer waits for."""
        for number, (was, now) in self._pairs(step, "pool.call_open"):
            if now < was:
                yield Phrase(JOB_MASTER, f"has the answer to its call for a{number + 1}")

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed that matters: processes, connections, the job, the parts."""
        return [str(one) for one in self.change_phrases(step)]

    def _processes(self, step: TraceStep) -> Iterator[Phrase]:
        yield from self._states(step, "job_master", lambda i: JOB_MASTER, "")
        yield from self._states(step, "resource_manager", lambda i: RESOURCE_MANAGER, "")
        yield from self._states(step, "process", task_executor, "")
        yield from self._states(step, "at_rm", task_executor, "connection to the ResourceManager: ")
        yield from self._states(step, "at_jm", task_executor, "connection to the JobMaster: ")
        for tm, (old, new) in self._pairs(step, "known"):
            verb = "knows" if new else "forgets"
            if old != new:
                yield Phrase(JOB_MASTER, f"{verb} {task_executor(tm)}")
        if step.before["job_registered"] != step.after["job_registered"]:
            verb = "knows" if step.after["job_registered"] else "forgets"
            yield Phrase(RESOURCE_MANAGER, f"{verb} the JobMaster")
        if step.after["registering"] > step.before["registering"]:
            yield Phrase(JOB_MASTER, "waits for the answer to its registration")
        if step.after["job_connecting"] and not step.before["job_connecting"]:
            yield Phrase(RESOURCE_MANAGER, "looks up who leads the job")
        for tm, (old, new) in self._pairs(step, "registered"):
            if old != new:
                names = [self.element(instances, one) for one in (old, new)]
                yield Phrase(
                    RESOURCE_MANAGER, f"connection of {task_executor(tm)}: {' -> '.join(names)}"
                )
        for number, (old, new) in self._pairs(step, "connecting"):
            who = task_executor(number % len(step.after["process"]))
            name = self.element(instances, number)
            if new and not old:
                yield Phrase(RESOURCE_MANAGER, f"looks for the gateway of {who}, {name}")
            elif new > old:
                yield Phrase(who, f"will ignore that it is registered as {name}")
        for own, (old, new) in self._pairs(step, "stopping"):
            if new > old:
                tm, execution = divmod(own, self._width_of_executions)
                yield Phrase(task_executor(tm), f"{self._execution(execution)} is to stop")

    def _states(
        self, step: TraceStep, field: str, who: Callable[[int], str], what: str
    ) -> Iterator[Phrase]:
        domain = self.instance.record.fields[field].domain
        for number, (old, new) in self._pairs(step, field):
            if old != new:
                yield Phrase(
                    who(number),
                    f"{what}{self.value(domain, old)} -> {self.value(domain, new)}",
                )

    @staticmethod
    def _pairs(step: TraceStep, field: str) -> Iterator[tuple[int, tuple[int, int]]]:
        yield from enumerate(zip(step.before[field], step.after[field], strict=True))

    def _job(self, step: TraceStep) -> Iterator[Phrase]:
        whole = not self.instance.setting["regions"]
        domain = self.instance.record.fields["job"].domain
        for number, (old_job, new_job) in self._pairs(step, "job"):
            if old_job != new_job:
                what = "job" if whole else f"region of {self.element(shares, number)}"
                yield Phrase(
                    JOB_MASTER,
                    f"{what}: {self.value(domain, old_job)} -> {self.value(domain, new_job)}",
                )
        for number in range(len(step.before["share"])):
            old, new = (self._share(state, number) for state in (step.before, step.after))
            if old != new:
                yield Phrase(JOB_MASTER, f"{self.element(shares, number)}: {old} -> {new}")
        domain = self.instance.record.fields["task"].domain
        for number, (was, now) in self._pairs(step, "task"):
            if was != now:
                yield Phrase(
                    JOB_MASTER,
                    f"{self._task(number)}: {self.value(domain, was)} -> {self.value(domain, now)}",
                )

    def _share(self, state: Mapping[str, Any], number: int) -> str:
        name = self.value(self.instance.record.fields["share"].domain, state["share"][number])
        allocation = state["share_allocation"][number]
        return name if allocation == NONE else f"{name} {self.element(allocations, allocation)}"


def task_executor(tm: int) -> str:
    """The name of a TaskExecutor, whose number counts from 0."""
    return f"TaskExecutor {tm + 1}"


def ends(channel: int) -> tuple[str, str]:
    """The sender and the receiver of a channel."""
    if channel == TO_RESOURCE_MANAGER:
        return JOB_MASTER, RESOURCE_MANAGER
    if channel == TO_JOB_MASTER:
        return RESOURCE_MANAGER, JOB_MASTER
    tm, direction = divmod(channel - HUBS, WAYS)
    return {
        Way.FROM_JOB_MASTER: (JOB_MASTER, task_executor(tm)),
        Way.TO_JOB_MASTER: (task_executor(tm), JOB_MASTER),
        Way.FROM_RESOURCE_MANAGER: (RESOURCE_MANAGER, task_executor(tm)),
        Way.TO_RESOURCE_MANAGER: (task_executor(tm), RESOURCE_MANAGER),
    }[Way(direction)]


def between(channel: int) -> str:
    """The name of a channel."""
    return " to ".join(ends(channel))


def effects_of_parts(pool: type[IntEnum], manager: type[IntEnum]) -> type[IntEnum]:
    """The effects of all parts in one enumeration, with the numbers that they have here."""
    named: dict[str, int] = {}
    for name, base, several in (
        ("POOL", POOL, pool),
        ("MANAGER", MANAGER, manager),
        ("TABLE", TABLE, TableEffect),
    ):
        named |= {f"{name}_{effect.name}": base + effect for effect in several}
    return cast("type[IntEnum]", IntEnum("ClusterEffect", named))


cluster.formatter = ClusterFormatter
cluster.effects = effects_of_parts(PoolEffect, ManagerEffect)
