"""Sequences with messages in flight: those of the cluster, and their drawings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from slotspec.diagrams.description import (
    ArrowEnd,
    ArrowStart,
    Fate,
    Message,
    MessageArrow,
    Remark,
    Sequence,
    SequenceStep,
)
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.networks import network, role
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.diagrams.sequences import of_finding
from slotspec.diagrams.stategraphs import state_graph
from slotspec.models import load_model
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.interpreter.replay import replay
from slotspec.statemachine.results import Finding, Limits
from tests.diagrams.samples import texts, turnstile

ONE = {"task_managers": 1, "slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return load_model("cluster").instance(
        {**ONE, "losses": 1, "early_timeouts": 0}, generation="1.13"
    )


@pytest.fixture(scope="module")
def lost(instance: Instance) -> Finding:
    """The job finishes although a message was lost."""
    name = "a_loss_is_overcome"
    instance.properties = {name: instance.properties[name]}
    result = explore_interpreted(instance, Limits(states=20_000, seconds=60, until=name))
    finding = result.properties[0].finding
    assert finding is not None
    return finding


def message_arrows(sequence: Sequence) -> Iterator[MessageArrow]:
    for step in sequence.steps:
        for item in step.items:
            if isinstance(item, ArrowStart):
                yield item.arrow


def test_processes_are_the_lifelines(instance: Instance, lost: Finding) -> None:
    drawn = of_finding(instance, lost)
    assert drawn.lifelines == ("JobMaster", "TaskExecutor 1", "ResourceManager")
    assert [step.number for step in drawn.steps] == list(range(1, len(lost.steps) + 1))
    first = drawn.steps[0].items[0]
    assert first == Message("ResourceManager", "ResourceManager", "gains leadership")


def test_a_message_arrives_where_it_is_received(instance: Instance, lost: Finding) -> None:
    drawn = of_finding(instance, lost)
    all_of_them = list(message_arrows(drawn))
    ended = {i.arrow for s in drawn.steps for i in s.items if isinstance(i, ArrowEnd)}
    assert ended == {one for one in all_of_them if one.ended is not None}
    hears = 0
    for number, step in enumerate(lost.steps, 1):
        name = step.call.action.name
        here = [one for one in all_of_them if one.ended == number]
        if "_hears_" in name:
            hears += 1
            (one,) = [one for one in here if one.fate is Fate.ARRIVES]
            assert one.sent < number
            assert one.target.split()[0] == name.partition("_hears_")[0].title().replace("_", "")
        else:
            lost_ones = [one for one in here if one.fate is Fate.LOST]
            assert len(lost_ones) == (name == "message_is_lost")
    assert hears > 8
    assert {one.fate for one in all_of_them} >= {Fate.ARRIVES, Fate.LOST, Fate.IN_FLIGHT}


@pytest.mark.parametrize("narrow", [False, True])
def test_the_picture_has_a_line_for_each_message(
    instance: Instance, lost: Finding, narrow: bool
) -> None:
    drawn = of_finding(instance, lost)
    svg = sequence_svg(drawn, narrow=narrow)
    ElementTree.fromstring(svg)
    slanting = re.findall(r'<path d="M([\d.]+),([\d.]+) L([\d.]+),([\d.]+)" fill="none"', svg)
    begun = list(message_arrows(drawn))
    crosses = 2 * sum(one.fate in (Fate.LOST, Fate.DROPPED) for one in begun)
    assert len(slanting) == len(begun) + crosses
    # time goes down
    assert sum(float(y) >= float(top) for _, top, _, y in slanting) >= len(begun)
    drawn_texts = " ".join(texts(svg))
    assert "offer of slot 0 as a1" in drawn_texts
    assert "lost, of" in drawn_texts
    if not narrow:
        assert "run task 1a in a1" in drawn_texts


@pytest.mark.slow
def test_other_formats_have_the_same_content(instance: Instance, lost: Finding) -> None:
    drawn = of_finding(instance, lost)
    mermaid = str(render(drawn, Format.mermaid))
    one = next(f for f in message_arrows(drawn) if f.fate is Fate.LOST)
    other = next(f for f in message_arrows(drawn) if f.fate is Fate.ARRIVES)
    assert f"{one.ended}. {one.text} (sent in {one.sent}, lost)" in mermaid
    assert f"{other.ended}. {other.text} (sent in {other.sent})" in mermaid
    assert mermaid.count("-x") == 1
    table = str(render(drawn, Format.table))
    assert f"{one.source} to {one.target}: {one.text} (lost in {one.ended})" in table
    assert "| JobMaster gains leadership" in table
    dot = str(render(drawn, Format.dot))
    assert "offer of slot 0 as a1" in dot
    png = render(drawn, Format.png)
    assert isinstance(png, bytes)
    assert png.startswith(b"\x89PNG")


def test_a_loop_is_marked_where_it_begins(instance: Instance, lost: Finding) -> None:
    for loop in (4, len(lost.steps)):
        drawn = of_finding(instance, Finding(lost.steps, None, instance, loop=loop))
        marked = [
            (step.number, at)
            for step in drawn.steps
            for at, item in enumerate(step.items)
            if isinstance(item, Remark) and "for ever" in item.lines[0]
        ]
        if loop == 4:
            assert marked == [(5, 0)]
        else:
            assert [number for number, _ in marked] == [len(lost.steps)]
    empty = of_finding(instance, Finding((), None, instance, loop=0), ending="So it is.")
    assert empty.ending == "here it stays for ever. So it is."


def test_a_fault_is_in_the_last_step(instance: Instance) -> None:
    steps = replay(instance, instance.calls[:1])
    drawn = of_finding(instance, Finding(steps, "it broke", instance))
    assert drawn.steps[-1].items[-1] == Remark("ResourceManager", ("it broke",), bad=True)


def test_an_arrow_without_its_start_comes_from_above() -> None:
    arrow = MessageArrow("A", "B", "hello", 1, 2, Fate.ARRIVES)
    drawn = Sequence("cut", ("A", "B"), (SequenceStep(2, (ArrowEnd(arrow, "B hears A: hello"),)),))
    svg = sequence_svg(drawn)
    ElementTree.fromstring(svg)
    assert "of 1" in texts(svg)


def test_the_messages_between_processes(instance: Instance) -> None:
    drawn = network([instance], walks=20, steps=60)
    assert drawn.processes == ("JobMaster", "TaskExecutor", "ResourceManager")
    sent = {(channel.source, channel.target): channel.messages for channel in drawn.channels}
    assert "request_slot" in sent["JobMaster", "ResourceManager"]
    assert "offer_slot" in sent["TaskExecutor", "JobMaster"]
    assert "offer_slot" not in sent["JobMaster", "TaskExecutor"]
    for form in (Format.svg, Format.dot, Format.mermaid, Format.table):
        assert "request_task_slot" in str(render(drawn, form))
    assert network([instance], walks=20, steps=60) == drawn


def test_a_model_without_messages_has_no_network() -> None:
    with pytest.raises(UsageError, match="SET066"):
        network([turnstile().instance()])
    assert role("TaskExecutor 12") == "TaskExecutor"


def test_a_state_graph_shows_messages_in_flight(instance: Instance) -> None:
    graph = state_graph(instance, most=40)
    lines = {line for point in graph.points for line in point.lines}
    assert "JobMaster to ResourceManager [request for a slot, a1]" in lines
    assert not any(line.startswith("subject") for line in lines)
