"""Every diagram in every format: rendered, or rejected with a suggestion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from slotspec.diagrams.composition import composition, matrix, observe
from slotspec.diagrams.description import (
    Cell,
    Charts,
    Diagram,
    Grid,
    Message,
    Remark,
    Sequence,
    SequenceStep,
)
from slotspec.diagrams.formats import Format, formats_of, render
from slotspec.diagrams.lifecycles import chart, lifecycles_of, plain
from slotspec.diagrams.palette import DARK, LIGHT
from slotspec.diagrams.sequences import of_trace
from slotspec.diagrams.stategraphs import state_graph
from slotspec.statemachine.errors import UsageError
from tests.diagrams.samples import TRACE, Door, Room, texts, turnstile
from tests.variants import fast_only


def diagrams() -> dict[str, Diagram]:
    model = turnstile()
    seen = observe(model, walks=5, steps=10)
    return {
        "lifecycle": plain("Door", [Door]),
        "lifecycles": plain("two", [Door, *lifecycles_of(model)]),
        "nested": plain("Room", [Room]),
        "matrix": matrix(seen),
        "composition": composition(seen),
        "states": state_graph(model.instance({"gates": 2, "coins": 2})),
        "sequence": of_trace(TRACE),
    }


DIAGRAMS = diagrams()


ALL = [(name, form) for form in Format for name in DIAGRAMS]


@pytest.mark.parametrize(
    ("name", "form"), fast_only(ALL, *(one for one in ALL if one != ("sequence", Format.png)))
)
def test_a_format_is_rendered_or_rejected(name: str, form: Format) -> None:
    diagram = DIAGRAMS[name]
    if form not in formats_of(diagram):
        with pytest.raises(UsageError, match=r"SET052.*choose"):
            render(diagram, form)
        return
    drawn = render(diagram, form)
    if form is Format.png:
        assert isinstance(drawn, bytes)
        assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    else:
        assert isinstance(drawn, str)
        assert drawn.endswith("\n")
    if form is Format.svg:
        assert isinstance(drawn, str)
        assert ET.fromstring(drawn).tag.endswith("svg")
        assert "prefers-color-scheme:dark" in drawn


def test_everything_has_every_format() -> None:
    for diagram in DIAGRAMS.values():
        assert set(formats_of(diagram)) == set(Format)


def test_mermaid_of_a_matrix() -> None:
    drawn = str(render(DIAGRAMS["matrix"], Format.mermaid)).splitlines()
    assert drawn[:2] == ["flowchart LR", '    row0(["insert"])']
    assert '    row0 -->|"coin"| column0' in drawn


def test_mermaid_of_a_lifecycle() -> None:
    assert render(plain("Door", [Door]), Format.mermaid) == (
        "stateDiagram-v2\n"
        '    state "SHUT" as SHUT\n'
        "    [*] --> SHUT\n"
        '    state "OPEN" as OPEN\n'
        '    state "GONE" as GONE\n'
        "    SHUT --> OPEN : open\n"
        "    OPEN --> SHUT : close\n"
        "    OPEN --> SHUT : slam\n"
        "    SHUT --> GONE : wall_up\n"
        "    OPEN --> GONE : wall_up\n"
        "    GONE --> [*]\n"
    )


def test_mermaid_of_a_nested_lifecycle() -> None:
    lines = str(render(plain("Room", [Room]), Format.mermaid)).splitlines()
    assert lines[3:9] == [
        '    state "USED" as USED',
        "    state USED {",
        '        state "OFF" as USED_Lamp_OFF',
        "        [*] --> USED_Lamp_OFF",
        '        state "ON" as USED_Lamp_ON',
        "        USED_Lamp_OFF --> USED_Lamp_ON : switch_on",
    ]
    assert lines.count("        --") == 1
    assert lines[-3:] == ["    }", "    EMPTY --> USED : enter", "    USED --> EMPTY : leave"]


def test_a_nested_picture_and_table_have_everything() -> None:
    found = texts(str(render(plain("Room", [Room]), Format.svg)))
    assert {"EMPTY", "USED", "Lamp", "Door", "OFF", "switch_on", "wall_up", "enter"} <= set(found)
    table = str(render(plain("Room", [Room]), Format.table))
    assert "| `USED` | contains Lamp, contains Door | Somebody is in. |" in table
    assert "## Inside: Lamp" in table


def test_table_of_a_lifecycle() -> None:
    table = render(plain("Door", [Door]), Format.table)
    assert isinstance(table, str)
    assert "| `SHUT` | initial | Nobody passes. |" in table
    assert "| `OPEN` | `slam` | `SHUT` | The wind closes it. |" in table


def test_a_picture_has_every_state_and_every_event() -> None:
    svg = render(plain("Door", [Door]), Format.svg)
    assert isinstance(svg, str)
    found = texts(svg)
    for word in ("SHUT", "OPEN", "GONE", "open", "close", "slam"):
        assert found.count(word) == 1
    assert found.count("wall_up") == 2


def test_dead_and_unseen_transitions_are_labelled() -> None:
    fired = {("Door", "SHUT", "open"): 12_000, ("Door", "OPEN", "close"): 1}
    for exhaustive, word in ((True, "dead"), (False, "not seen before the limit")):
        charts = Charts("Door", (chart(Door, fired=fired, exhaustive=exhaustive),), "")
        svg = render(charts, Format.svg)
        assert isinstance(svg, str)
        assert word in texts(svg)
        assert "12,000 times" in texts(svg)
        mermaid = render(charts, Format.mermaid)
        assert ("slam (dead)" in str(mermaid)) is exhaustive


def test_each_light_colour_has_one_meaning_and_one_dark_form() -> None:
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert LIGHT.keys() == DARK.keys()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_has_enough_contrast(theme: dict[str, str]) -> None:
    pairs = [
        *(
            ("ink", ground)
            for ground in (
                "paper",
                "state",
                "initial",
                "final",
                "head",
                "first",
                "second",
                "both",
                "marked",
                "wrong",
                "gone",
            )
        ),
        *((word, "paper") for word in ("faint", "accent", "good", "bad")),
        ("bad", "wrong"),
        ("bad", "gone"),
    ]
    for word, ground in pairs:
        one, two = sorted((luminance(theme[word]), luminance(theme[ground])))
        assert (two + 0.05) / (one + 0.05) >= 4.5, (word, ground)


def test_every_colour_of_a_picture_has_a_dark_form() -> None:
    for diagram in DIAGRAMS.values():
        svg = str(render(diagram, Format.svg)) if Format.svg in formats_of(diagram) else ""
        used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', svg))
        assert used <= set(LIGHT.values())


def test_special_characters_are_escaped() -> None:
    grid = Grid("a | b", "<x>", ("c & d",), (("r|1", (Cell(("<b>&",), "first"),)),))
    assert "r\\|1" in str(render(grid, Format.table))
    assert "<b>&" in texts(str(render(grid, Format.svg)))
    sequence = Sequence(
        "<t>",
        ("a", "b"),
        (SequenceStep(1, (Message("a", "b", "x;<y>#z"), Remark("b", ("1 < 2",), bad=True))),),
        "end & over",
    )
    assert "x#59;<y>#35;z" in str(render(sequence, Format.mermaid))
    assert "x;<y>#z" in texts(str(render(sequence, Format.svg)))


def test_pictures_need_no_dot_on_the_path() -> None:
    code = (
        "import shutil; assert shutil.which('dot') is None\n"
        "from slotspec.cli import main\n"
        "main(['draw', 'PhysicalSlot', '--format', 'svg'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": "/nonexistent"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "hand_over" in texts(ran.stdout)


def test_several_threads_may_draw_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    alone = render(plain("Room", [Room]), Format.svg)
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: render(plain("Room", [Room]), Format.svg), range(40)))
    assert set(drawn) == {alone}
