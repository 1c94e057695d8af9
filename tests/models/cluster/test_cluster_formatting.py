"""How a cluster's steps are rendered, and how its messages in flight are followed."""

from __future__ import annotations

import pytest

from slotspec.cli.bugs import plan_bugs, search
from slotspec.diagrams.composition import Dice
from slotspec.models import load_model
from slotspec.models.cluster.formatting import (
    AT_JOB_MASTER,
    AT_RESOURCE_MANAGER,
    AT_TASK_EXECUTOR,
    TEXTS,
    ClusterFormatter,
)
from slotspec.models.cluster.message_diff import Envelope, channel_taken, compared, envelopes
from slotspec.models.cluster.messages import HUBS, WAYS
from slotspec.models.cluster.state import LAST_WITH_REQUESTS, Message
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits, TraceStep
from tests.variants import fast_first

model = load_model("cluster")
ONE = {"task_managers": 1, "slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}
FAULTS = {
    "early_timeouts": 1,
    "losses": 1,
    "repeats": 1,
    "crashes": 1,
    "leader_changes": 1,
    "failovers": 1,
}
TWO = {**ONE, **FAULTS, "task_managers": 2, "allocations": 3, "vertices": 2}


def found(instance: Instance, name: str) -> Finding:
    """The shortest trace to a property's finding."""
    instance.properties = {name: instance.properties[name]}
    result = explore_interpreted(instance, Limits(states=20_000, seconds=60, until=name))
    finding = result.properties[0].finding
    assert finding is not None
    return finding


def formatter(instance: Instance) -> ClusterFormatter:
    made = formatter_of(instance)
    assert isinstance(made, ClusterFormatter)
    return made


def walk(instance: Instance, seed: int, steps: int) -> list[TraceStep]:
    """The steps of a random walk, or fewer where it ends."""
    interpreter, dice = Interpreter(instance), Dice(seed)
    taken: list[TraceStep] = []
    before = interpreter.snapshot()
    for _ in range(steps):
        for number in dice.order(len(instance.calls)):
            call = instance.calls[number]
            result = interpreter.step(call)
            if result != DISABLED:
                break
        else:
            break
        effects = tuple(tuple(map(int, effect)) for effect in interpreter.effects)
        after = interpreter.snapshot()
        taken.append(TraceStep(call, result, effects, before, after))
        before = after
    return taken


def test_a_lost_message_as_a_story() -> None:
    instance = model.instance({**ONE, "losses": 1, "early_timeouts": 0}, generation="1.13")
    finding, rendered = found(instance, "a_loss_is_overcome"), formatter(instance)
    story = {
        rendered.format_step(step): (rendered.effects(step), rendered.changes(step))
        for step in finding.steps
    }
    assert story["JobMaster requests a slot for share 1"] == (
        ["JobMaster to ResourceManager: request for a slot, a1"],
        [
            "JobMaster: share 1: IDLE -> WAITING",
            "JobMaster: request a1 of share 1: - -> PENDING",
            "JobMaster: a1: - -> PENDING",
        ],
    )
    assert story["ResourceManager receives JobMaster: request for a slot, a1"] == (
        [
            "ResourceManager to JobMaster: request a1 is registered",
            "ResourceManager to TaskExecutor 1: allocate slot 0 for a1",
        ],
        [
            "ResourceManager: slot 0 of TaskExecutor 1: FREE at i1 -> PENDING at i1 for a1",
            "ResourceManager: request a1: - -> REQUESTED",
            "ResourceManager: i1: IDLE (1 free) -> IN_USE (1 free)",
        ],
    )
    effects, changes = story["JobMaster receives TaskExecutor 1: offer of slot 0 as a1"]
    assert effects == [
        "JobMaster: request a1 of share 1 fulfilled with a1",
        "JobMaster to TaskExecutor 1: run task 1a in a1",
        "JobMaster to TaskExecutor 1: offer of a1 accepted",
    ]
    assert "JobMaster: share 1: WAITING -> ASSIGNED a1" in changes
    assert changes[-1] == (
        "JobMaster: a1: PENDING -> ALLOCATED to share 1 (slot 0 of TaskExecutor 1)"
    )
    lost = [text for text in story if text.startswith("lost from ")]
    assert len(lost) == 1
    assert story[lost[0]] == ([], [])
    assert "JobMaster: job: RUNNING -> FINISHED" in list(story.values())[-1][1]


@pytest.mark.slow
def test_an_older_offer_is_told_from_the_newest() -> None:
    instance = plan_bugs(["FLINK-21859"])[0]
    rendered = formatter(instance)
    steps = search(instance, 1_000_000)[1].steps
    repeated = next(step for step in steps if step.call.action.name == "offers_time_out")
    # the offer before, which is still on its way, is neither lost nor sent again
    assert rendered.effects(repeated) == ["TaskExecutor 1 to JobMaster: offer of slot 0 as a1"]
    heard = rendered.format_step(steps[-1])
    assert heard == "TaskExecutor 1 receives JobMaster: offer of a1 (an older offer) accepted"


def test_an_answer_that_changes_nothing_else_is_shown() -> None:
    instance = model.instance({**ONE, "losses": 0, "early_timeouts": 0}, generation="1.12")
    rendered = formatter(instance)
    answers = {
        tuple(rendered.effects(step) + rendered.changes(step))
        for seed in range(12)
        for step in walk(instance, seed, 60)
        if rendered.format_step(step)
        == "JobMaster receives ResourceManager: request a1 is registered"
    }
    assert ("JobMaster: has the answer to its call for a1",) in answers


def test_what_a_crash_takes_with_it_is_named() -> None:
    instance = model.instance({**ONE, "crashes": 1}, generation="1.13")
    rendered = formatter(instance)
    crashes = [
        step
        for seed in range(12)
        for step in walk(instance, seed, 40)
        if step.call.action.name == "task_executor_crashes"
    ]
    assert crashes
    gone = [text for step in crashes for text in rendered.effects(step) if "dropped" in text]
    assert gone
    for step in crashes:
        assert rendered.format_step(step) == "TaskExecutor 1 crashes"
        assert rendered.changes(step)[0] == "TaskExecutor 1: UP -> DOWN"
        flying = [one for c in range(HUBS, HUBS + WAYS) for one in envelopes(step.before, c)]
        assert len([text for text in rendered.effects(step) if "dropped" in text]) == len(flying)


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
def test_every_step_has_a_text(generation: str) -> None:
    instance = model.instance(TWO, generation=generation)
    rendered = formatter(instance)
    seen: set[str] = set()
    for seed in range(12):
        for step in walk(instance, seed, 150):
            seen.add(step.call.action.name)
            texts = [rendered.format_step(step), rendered.call(step.call)]
            texts += [*rendered.effects(step), *rendered.changes(step), *rendered.remarks(step)]
            assert all(texts)
            assert "65535" not in " ".join(texts)
            assert "None" not in " ".join(texts)
            assert "{" not in " ".join(texts)
            # a sentence, not a call of a function
            assert "(" not in rendered.format_step(step).replace("(no. ", "")
            if step.before == step.after:
                assert rendered.changes(step) == []
    assert len(seen) > 20


def test_every_action_and_every_message_has_a_text() -> None:
    own = {*AT_JOB_MASTER, *AT_RESOURCE_MANAGER, *AT_TASK_EXECUTOR}
    instance = model.instance(TWO, generation="1.12")
    of_channels = {
        call.action.name for call in instance.calls if "channel" in call.action.parameters
    }
    empty = Interpreter(instance).snapshot()
    receives = {c.action.name for c in instance.calls if channel_taken(c) is not None}
    assert own | of_channels | receives | {"timer_is_early"} == set(model.actions)
    assert not own & receives
    assert set(TEXTS) == {m for m in Message if Message.NOTHING < m <= LAST_WITH_REQUESTS}
    assert not list(envelopes(empty, 0))


@pytest.mark.parametrize("overtaking", fast_first([1, 3]))
def test_messages_are_followed_from_step_to_step(overtaking: int) -> None:
    instance = model.instance({**TWO, "overtaking": overtaking}, generation="1.13")
    rendered = formatter(instance)
    count = 0
    for seed in range(12):
        for step in walk(instance, seed, 150):
            for one in rendered.deliveries(step):
                after = envelopes(step.after, one.channel)
                kept = [one.before[place] for place in one.kept]
                assert len(kept) + len(one.sent) == len(after)
                assert len(one.kept) + len(one.gone) + one.heard == len(one.before)
                for place, sent in zip(one.fresh, one.sent, strict=True):
                    kept.insert(place, sent)
                assert all(a.is_same(b) for a, b in zip(kept, after, strict=True))
                assert one.heard == (bool(one.before) and channel_taken(step.call) == one.channel)
                count += len(one.sent)
    assert count > 300


def a(message: Message, detail: int = 0) -> Envelope:
    return Envelope(0, message, 0, detail)


def test_a_channel_is_compared_with_itself() -> None:
    request, cancel = a(Message.REQUEST_SLOT), a(Message.CANCEL_SLOT_REQUEST)
    # the first is received, and another of its kind is sent
    one = compared(0, (request, cancel), (cancel, request), True)
    assert (one.kept, one.gone, one.sent, one.heard) == ((1,), (), (request,), True)
    # the channel is emptied
    assert compared(0, (request, cancel), (), False).gone == (0, 1)
    # nobody waits for the one in the middle any more
    one = compared(0, (request, cancel, request), (request, request), False)
    assert (one.kept, one.gone, one.sent) == ((0, 2), (1,), ())
    # a request whose call has ended is still the same message
    call, dead = a(Message.REQUEST_TASK_SLOT, 1), a(Message.REQUEST_TASK_SLOT, 3)
    assert compared(0, (call,), (dead,), False).kept == (0,)
    assert compared(0, (request,), (cancel,), False).gone == (0,)


def test_names() -> None:
    instance = model.instance(TWO, generation="1.13")
    rendered = formatter(instance)
    names = {sort.name: sort for sort in model.sorts}
    assert rendered.element(names["channels"], 0) == "JobMaster to ResourceManager"
    assert rendered.element(names["channels"], HUBS + WAYS) == "JobMaster to TaskExecutor 2"
    assert rendered.element(names["executions"], 3) == "task 2.1b"
    assert rendered.element(names["own_allocations"], 4) == "a2 at TaskExecutor 2"
    calls = model.actions["slot_call_times_out"].parameters["call"]
    assert rendered.argument(calls, 0) == "call for slot 0 of TaskExecutor 1"
    fields = instance.record.fields
    assert rendered.value(fields["pool.slot_tm"].domain, 1) == "TaskExecutor 2"
    assert rendered.value(fields["pool.slot_request"].domain, 0) == "share 1"
    assert rendered.value(fields["tables.1.execution"].domain, 3) == "task 2.1b"
    assert rendered.part("tables.1") == "TaskExecutor 2: slot table"
