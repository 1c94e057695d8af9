"""``slotspec draw``: its diagrams, its files, and the input that it rejects."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.counter import EXAMPLES, Run
from tests.diagrams.samples import TRACE, texts

TURNSTILE = str(EXAMPLES / "turnstile.py")


def test_without_arguments_the_slot_pools_lifecycles(run: Run) -> None:
    ran = run("draw")
    assert ran.code == 0
    assert {"Bridge", "SlotRequest", "AllocatedSlot", "reserve"} <= set(texts(ran.out))
    older = run("draw", "slot_pool")
    assert {"Pool", "SlotRequest", "PhysicalSlot", "hand_over"} <= set(texts(older.out))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["PhysicalSlot", "--format", "mermaid"], "AVAILABLE --> ALLOCATED : allocate"),
        ([TURNSTILE, "--format", "dot"], "digraph turnstile"),
        ([TURNSTILE, "--coverage", "--format", "mermaid"], "LOCKED --> OPEN : coin (14 times)"),
        ([TURNSTILE, "--events", "--format", "table"], "| `insert` |"),
        ([TURNSTILE, "--kind", "matrix", "--format", "table"], "| `walk` | push |  |"),
        ([TURNSTILE, "--kind", "composition", "--format", "mermaid"], "flowchart LR"),
        ([TURNSTILE, "--kind", "states", "--format", "table", "--set", "gates=1"], "insert(gate="),
        ([TURNSTILE, "--property", "coin_lost", "--format", "mermaid"], "sequenceDiagram"),
        ([str(TRACE), "--format", "mermaid"], "1. start()"),
        ([str(TRACE), "--format", "dot"], 'label="start()"'),
        ([str(TRACE), "--generation", "1.13", "--format", "table"], "diverges from generation"),
        (
            [
                "slot_pool",
                "--kind",
                "difference",
                "--generation",
                "1.11",
                "--generation",
                "1.12",
                "--format",
                "table",
            ],
            "`orphaned_allocation`",
        ),
    ],
)
def test_what_can_be_drawn(run: Run, arguments: list[str], text: str) -> None:
    ran = run("draw", *arguments)
    assert ran.code == 0, ran.err
    assert text in ran.out


@pytest.mark.parametrize(
    ("ending", "begins"),
    [("svg", b"<svg"), ("png", b"\x89PNG"), ("dot", b"//"), ("mmd", b"state"), ("md", b"# Tur")],
)
def test_the_suffix_of_a_file_chooses_the_format(
    run: Run, tmp_path: Path, ending: str, begins: bytes
) -> None:
    out = tmp_path / f"drawn.{ending}"
    assert run("draw", TURNSTILE, "--out", str(out)).code == 0
    written = out.read_bytes()
    assert written.startswith(begins) or (ending == "dot" and b"digraph" in written)


@pytest.mark.parametrize(
    ("arguments", "code", "fix"),
    [
        (["Slotty"], "SET058", "lifecycles: "),
        ([TURNSTILE, "--out", "x.jpg"], "SET055", "--format"),
        ([TURNSTILE, "--out", "nowhere/x.svg"], "SET026", "folder that does not exist"),
        ([str(TRACE), "--kind", "matrix"], "SET054", "leave it out"),
        ([TURNSTILE, "--kind", "trace"], "SET057", "--property"),
        ([TURNSTILE, "--property", "paid"], "SET059", "no trace of paid"),
        ([TURNSTILE, "--property", "nobody"], "SET017", "use one of paid"),
        (["slot_pool", "--kind", "difference"], "SET056", "two --generation"),
        (["slot_pool", "--generation", "1.12"], "SET054", "--coverage or --events"),
        (["slot_pool", "--coverage", "--events"], "SET054", "choose"),
        (["slot_pool", "--kind", "states", "--events"], "SET054", "for lifecycles"),
        (["PhysicalSlot", "--kind", "matrix"], "SET054", "is a lifecycle"),
        (["gallery", "--format", "svg"], "SET054", "gallery"),
        (["missing.jsonl"], "TRC001", "missing.jsonl"),
        (["missing.py"], "SET011", "missing.py"),
        (["seed.jsonl", "--coverage"], "SET054", "--coverage does not apply to a trace file"),
        (["seed.jsonl", "--max-states", "9"], "SET054", "--max-states does not apply"),
        (["gallery", "--generation", "1.12"], "SET054", "--generation does not apply"),
    ],
)
def test_bad_input_is_rejected(run: Run, arguments: list[str], code: str, fix: str) -> None:
    ran = run("draw", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert code in ran.err
    assert fix in ran.err


def test_the_gallery_is_written_to_the_given_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slotspec.diagrams.gallery.gallery", lambda: {"a/b.md": b"x"})
    assert run("draw", "gallery", "--out", str(tmp_path)).out == f"1 file in {tmp_path}\n"
    assert (tmp_path / "a" / "b.md").read_bytes() == b"x"


def test_a_check_writes_a_page(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert run("check", TURNSTILE, "--html", str(out)).code == 0
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "40 transitions" in text or ">40<" in text


def test_an_unwritable_page_is_rejected_before_the_check(run: Run) -> None:
    ran = run("check", TURNSTILE, "--html", "nowhere/report.html")
    assert (ran.code, ran.out) == (2, "")
    assert "SET026" in ran.err
