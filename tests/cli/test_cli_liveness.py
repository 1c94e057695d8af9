"""Infinite runs, as the command line shows and writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from examples import turnstile
from slotspec.cli.jobs import packed, unpacked
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.sequences import of_property
from slotspec.explorer.goals import property_path
from slotspec.explorer.settings import Models
from slotspec.statemachine import explore_interpreted
from slotspec.statemachine.declaration.model import Kind
from tests.cli.counter import EXAMPLES, Make, Run
from tests.statemachine.interpreter.test_liveness import WEAK, exclusion

LOCK = """
from slotspec.statemachine import Fairness
from tests.statemachine.interpreter.test_liveness import exclusion

model = exclusion(Fairness.WEAK)
"""


def unfair() -> str:
    """The turnstile without fairness: people may wait for ever."""
    text = (EXAMPLES / "turnstile.py").read_text(encoding="utf-8")
    assert text.count(", fair=Fairness.WEAK") == 1
    return text.replace(", fair=Fairness.WEAK", "")


def test_the_docs_show_the_printed_output(run: Run, make: Make) -> None:
    ran = run("check", make(unfair(), name="turnstile.py"), "--property", "somebody_passes")
    assert ran.code == 1
    page = (EXAMPLES.parent / "docs" / "liveness.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    printed = [line.rstrip() for line in ran.out.splitlines()]
    for line in shown.splitlines():
        assert line.strip("─") == "" or line.rstrip() in printed


def test_the_table_marks_the_loop(run: Run, make: Make) -> None:
    ran = run("check", make(LOCK), "--property", "who_waits_enters")
    assert ran.code == 1
    rows = [line.strip() for line in ran.out.splitlines()]
    first = next(i for i, row in enumerate(rows) if row.startswith("1 "))
    assert [row.split("  ")[0].split("(")[0] for row in rows[first : first + 5]] == [
        "1",
        "from here it goes round for ever",
        "2",
        "3",
        "4",
    ]
    assert "of exclusion: Who waits enters in the end. [process=party0]" in ran.out


def test_a_loop_from_the_initial_state(run: Run, make: Make) -> None:
    text = """
from slotspec.statemachine import *

class Row(Record):
    \"\"\"One number.\"\"\"

    n: int = scalar(number(1), "It.")

model = Model("still", "Nothing happens.", Row)

@model.action()
def nothing(s):
    \"\"\"It is never possible.\"\"\"
    return DISABLED

@model.final_states
def everywhere(s):
    return True

def never(s):
    return s.n == 1

@model.leads_to("a test", never)
def something(s):
    \"\"\"Something happens.\"\"\"
    return True
"""
    ran = run("check", make(text))
    assert "in the initial state; here it stays for ever" in ran.out


def test_json(run: Run, make: Make) -> None:
    ran = run("check", make(LOCK), "--json", "-")
    waits, empties, _ = json.loads(ran.out)["properties"]
    assert (waits["kind"], waits["verdict"]) == ("leads to", "VIOLATED")
    assert (waits["since"], waits["loop"], waits["elements"]) == (1, 1, {"process": 0})
    assert len(waits["trace"]) == 4
    assert (empties["trace"], empties["loop"], empties["elements"]) == (None, None, None)


def test_the_page_and_the_trace(run: Run, make: Make, tmp_path: Path) -> None:
    page, trace = tmp_path / "page.html", tmp_path / "trace.jsonl"
    run("check", make(LOCK), "--html", str(page), "--trace-out", str(trace))
    written = page.read_text(encoding="utf-8")
    assert "<p>After step 1: from here it goes round for ever.</p>" in written
    lines = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["loop"] == 1
    assert lines[1]["state"] == lines[-1]["state"]


def test_a_process_sends_the_loop_too(run: Run, make: Make) -> None:
    result = explore_interpreted(exclusion(WEAK).instance())
    again = unpacked(packed(result), result.instance)
    assert [p.finding for p in again.properties] == [p.finding for p in result.properties]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--symmetry", "--fingerprints"])
def test_options_that_drop_states_are_rejected(run: Run, option: str) -> None:
    ran = run("check", str(EXAMPLES / "turnstile.py"), option)
    assert ran.code == 2
    assert "SET035: somebody_passes of turnstile" in ran.err
    assert "--safety" in ran.err


def test_safety_leaves_out_what_needs_endless_runs(run: Run) -> None:
    ran = run("check", str(EXAMPLES / "turnstile.py"), "--fingerprints", "--safety")
    assert ran.code == 0
    left = [name for name, p in turnstile.model.properties.items() if p.kind is Kind.LEADS_TO]
    assert left
    assert f"not checked (no finite run violates them): {', '.join(left)}" in ran.out.splitlines()
    assert all(f"\n{name} " not in ran.out for name in left)
    both = run("check", str(EXAMPLES / "turnstile.py"), "--safety", "--property", left[0])
    assert both.code == 2
    assert "SET036: --safety and --property contradict each other" in both.err


def test_a_search_that_was_cut_short_exits_with_3(run: Run) -> None:
    ran = run("check", str(EXAMPLES / "turnstile.py"), "--max-states", "5")
    assert ran.code == 3
    assert re.search(r"somebody_passes +leads to +UNKNOWN", ran.out)


def test_a_sequence_marks_its_loop() -> None:
    result = explore_interpreted(exclusion(WEAK).instance())
    found = result.properties[0]
    assert found.finding is not None
    drawn = str(render(of_property(result.instance, found.property, found.finding), Format.mermaid))
    lines = [line.strip() for line in drawn.splitlines()]
    at = next(i for i, line in enumerate(lines) if "from here it goes round for ever" in line)
    assert "2. ask" in lines[at + 1]


def test_a_sequence_marks_the_state_where_it_stays() -> None:
    result = explore_interpreted(exclusion(None).instance())
    found = result.properties[0]
    assert found.finding is not None
    drawn = str(render(of_property(result.instance, found.property, found.finding), Format.mermaid))
    lines = [line.strip() for line in drawn.splitlines()]
    assert "here it stays for ever" in lines[-2]


def test_the_explorer_describes_the_loop() -> None:
    models = Models({"exclusion": exclusion(WEAK)})
    found = property_path(models.ready({"model": "exclusion"}), "who_waits_enters")
    assert (found["verdict"], len(found["path"])) == ("VIOLATED", 4)
    assert found["reason"] == "after step 1: from here it goes round for ever"
