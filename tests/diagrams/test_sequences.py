"""Counterexamples and recordings as sequences; their layout."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from slotspec.diagrams.description import Message, Remark, Sequence, SequenceStep
from slotspec.diagrams.participants import participants_of
from slotspec.diagrams.sequence_svg import broken, sequence_svg, width
from slotspec.diagrams.sequences import differences, natural, of_finding, of_trace
from slotspec.models import MODELS, load_model
from slotspec.models.registry import recorded
from slotspec.statemachine.errors import InputError, UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.results import Limits
from tests.diagrams.samples import RECORDED, SVG, TRACE, texts, turnstile


def messages(sequence: Sequence) -> list[Message]:
    return [m for step in sequence.steps for m in step.items if isinstance(m, Message)]


def remarks(sequence: Sequence, bad: bool = False) -> list[str]:
    return [
        line
        for step in sequence.steps
        for item in step.items
        if isinstance(item, Remark) and item.bad is bad
        for line in item.lines
    ]


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_has_participants_or_processes(name: str) -> None:
    formatter = formatter_of(load_model(name).instance())
    assert (MODELS[name].implementation is not None) is not isinstance(formatter, MessageFormatter)


@pytest.mark.parametrize("name", sorted({entry.name for entry in recorded().values()}))
def test_participants_name_actions_and_effects_of_the_model(name: str) -> None:
    participants, model = participants_of(name), load_model(name)
    assert model.effects is not None
    spoken = {operation.name for operation in MODELS[name].schema().operations}
    assert spoken
    assert set(participants.callers) <= {*model.actions, *model.operations, *spoken}
    effects = {effect.name.lower() for effect in model.effects}
    # the other effects go back to the caller
    assert effects - set(participants.receivers) <= {
        "raises",
        "listed",
        "counted",
        "counted_resource",
        "counted_job",
        "accepted",
        "any_order",
    }
    assert set(participants.receivers) <= effects
    kinds = {
        *participants.receivers.values(),
        *participants.prefixes.values(),
        participants.system,
        participants.caller_of_others,
    }
    assert kinds | {caller.lifeline for caller in participants.callers.values()} <= set(
        participants.order
    )


@pytest.mark.parametrize(
    "folder", sorted(RECORDED.glob("*/*")), ids=lambda f: "-".join(f.parts[-2:])
)
def test_a_recording_of_each_class_and_version_can_be_drawn(folder: Path) -> None:
    sequence = of_trace(sorted(folder.glob("*.jsonl.gz"))[0])
    assert "; conforms to generation" in sequence.ending
    assert "environment" not in sequence.lifelines
    assert ET.fromstring(sequence_svg(sequence)).tag.endswith("svg")


@pytest.mark.slow
def test_a_counterexample_names_senders_and_receivers() -> None:
    instance = load_model("slot_pool").instance(generation="1.12", scope="matching")
    name = "a_request_is_served_by_anothers_slot"
    instance.properties = {name: instance.properties[name]}
    result = explore_interpreted(instance, Limits(states=12_000, until=name))
    finding = result.properties[0].finding
    assert finding is not None
    sequence = of_finding(instance, finding)
    assert sequence.lifelines[:3] == ("JobMaster", "SlotPool", "ResourceManager")
    offers = [m for m in messages(sequence) if m.text.startswith("offer_slot(")]
    assert {(m.source, m.target) for m in offers} == {("tm1", "SlotPool")}
    served = [m for m in messages(sequence) if m.text.startswith("fulfilled with")]
    assert served
    assert all(m.reply and m.source == "SlotPool" and m.target[0] == "r" for m in served)
    assert "pool: CREATED -> STARTED" in remarks(sequence)
    assert not remarks(sequence, bad=True)


def test_a_recording_that_conforms_says_so() -> None:
    sequence = of_trace(TRACE)
    assert sequence.ending.endswith("conforms to generation 1.12")
    assert len(sequence.steps) == 80
    assert "tm2" in sequence.lifelines
    # more than six requests share a lifeline, and their messages name them
    assert "requests" in sequence.lifelines
    assert any(m.target == "requests" and m.text.startswith("r3 ") for m in messages(sequence))


def test_a_recording_of_another_generation_shows_the_divergence() -> None:
    sequence = of_trace(TRACE, "1.13")
    found = re.fullmatch(r"diverges from generation 1.13 in step (\d+)", sequence.ending)
    assert found
    bad = [step.number for step in sequence.steps if any(_bad(item) for item in step.items)]
    assert bad == [int(found[1])]


def _bad(item: object) -> bool:
    return isinstance(item, Remark) and item.bad


def first_steps_without(tmp_path: Path, *fields: str) -> Path:
    """The first five steps of a recording, without what these fields tell."""
    lines = gzip.decompress(TRACE.read_bytes()).decode().splitlines()
    bare = [lines[0]]
    for line in lines[1:6]:
        step = json.loads(line)
        bare.append(json.dumps({k: v for k, v in step.items() if k not in fields}))
    path = tmp_path / "bare.jsonl"
    path.write_text("\n".join(bare) + "\n")
    return path


def test_the_model_fills_in_what_a_recording_omits(tmp_path: Path) -> None:
    path = first_steps_without(tmp_path, "effects", "state")
    assert [s.items for s in of_trace(path).steps] == [s.items for s in of_trace(TRACE).steps[:5]]


def test_a_recording_that_tells_nothing_does_not_conform(tmp_path: Path) -> None:
    path = first_steps_without(tmp_path, "effects", "state", "result", "raises")
    assert of_trace(path).ending == (
        "5 steps; the trace tells nothing to compare with generation 1.12"
    )


def test_bad_traces_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"
    path.write_text("{}\n")
    with pytest.raises(InputError, match=r"no\.jsonl:1"):
        of_trace(path)
    with pytest.raises(UsageError, match="SET101"):
        of_trace(TRACE, "2.0")


def test_a_model_without_participants_has_an_environment() -> None:
    instance = turnstile().instance()
    result = explore_interpreted(instance)
    finding = next(p.finding for p in result.properties if p.property.name == "coin_lost")
    assert finding is not None
    sequence = of_finding(instance, finding)
    assert sequence.lifelines == ("environment", "turnstile")
    assert [m.text for m in messages(sequence)][-1].startswith("BEEP")
    assert participants_of("turnstile").system == "turnstile"


def test_differences_between_states() -> None:
    old = {"k": 1, "no": None, "yes": True, "same": "s"}
    before = {"n": 1, "q": [{"request": "r1", "x": 1}], "m": {"a": old, "c": old}, "same": 0}
    after = {"n": 2, "q": [{"request": "r1", "x": 2}], "m": {"b": {"k": 2}}, "same": 0}
    after["m"]["c"] = {**old, "k": 3, "no": "x"}  # type: ignore[index]
    assert list(differences(before, after)) == [
        "n: 1 -> 2",
        "q: [r1 1] -> [r1 2]",
        "m a: 1 yes s -> -",
        "m c: k 1 -> 3, no - -> x",
        "m b: - -> 2",
    ]


def test_names_are_sorted_by_their_numbers() -> None:
    assert sorted(["r10", "r2", "r1/a3"], key=natural) == ["r1/a3", "r2", "r10"]


# ------------------------------------------------------------------------------- layout


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """The boxes of the texts of an SVG: left, top, right, bottom."""
    found = []
    for text in ET.fromstring(svg).iter(f"{SVG}text"):
        size = float(text.get("font-size", "12"))
        wide = width("".join(text.itertext()), size) * 0.9
        x, y = float(text.get("x", "0")), float(text.get("y", "0"))
        left = x - wide / 2 if text.get("text-anchor") == "middle" else x
        found.append((left, y - size * 0.75, left + wide, y + size * 0.2))
    return found


@pytest.mark.parametrize("generation", ["1.11", "1.12", "1.13"])
def test_no_text_overlaps_or_is_cut_off(generation: str) -> None:
    svg = sequence_svg(of_trace(TRACE, generation))
    root = ET.fromstring(svg)
    wide, high = float(root.get("width", "0")), float(root.get("height", "0"))
    placed = boxes(svg)
    for left, top, right, bottom in placed:
        assert left >= 0
        assert top >= 0
        assert right <= wide
        assert bottom <= high
    for i, one in enumerate(placed):
        for two in placed[i + 1 :]:
            apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
            assert apart, (one, two)


@pytest.mark.parametrize("narrow", [False, True])
def test_the_text_of_a_message_is_between_its_ends(narrow: bool) -> None:
    svg = sequence_svg(of_trace(TRACE, "1.12"), narrow=narrow)
    seen = 0
    for step in ET.fromstring(svg).iter(f"{SVG}g"):
        ends = (0.0, 0.0)
        for part in step:
            found = re.match(r"M([\d.]+),[\d.]+ H([\d.]+)$", part.get("d", ""))
            if found:
                ends = (float(found[1]), float(found[2]))
            elif part.get("text-anchor") == "middle":
                half = width("".join(part.itertext())) * 0.45
                middle = float(part.get("x", "0"))
                assert min(ends) <= middle - half
                assert middle + half <= max(ends)
                seen += 1
    assert seen >= 80


def test_long_words_are_broken() -> None:
    assert broken("a" * 130, 60) == ["a" * 60, "a" * 60, "a" * 10]
    assert broken("one two three", 7) == ["one two", "three"]


def test_a_narrow_drawing_keeps_only_remarks_about_faults() -> None:
    sequence = of_trace(TRACE, "1.13")
    found = texts(sequence_svg(sequence, narrow=True))
    assert not set(remarks(sequence)) & set(found)
    for line in remarks(sequence, bad=True):
        assert broken(line)[0] in found


def test_a_message_to_oneself_and_an_empty_sequence_can_be_drawn() -> None:
    own = Sequence("t", ("a",), (SequenceStep(1, (Message("a", "a", "thinks"),)),))
    assert "thinks" in sequence_svg(own)
    assert ET.fromstring(sequence_svg(Sequence("empty", ("a",), ()))).tag.endswith("svg")
