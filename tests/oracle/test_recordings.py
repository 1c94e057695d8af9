"""What the pages say of all recordings together, and of the commands that replay recordings.

The commands run in this process, which replays each recording once, for the oracle of its class
too.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from slotspec.cli import main
from slotspec.oracle.conformance.compare import Conformance
from tests.blocks import ROOT, Block, blocks_of, prepare
from tests.oracle.trace_files import DATA, remembered, replayed
from tests.pages import PAGES

HERE = str(Path(__file__).relative_to(ROOT))
LAST_LINE = "tail -n 1 | cut -d '(' -f 1"
BLOCKS = [
    block
    for page in PAGES
    for block in blocks_of(page.read_text(encoding="utf-8"))
    if block.word == "elsewhere" and block.note.endswith(HERE)
]
COUNTING = [block for block in BLOCKS if block.output is not None]

Captured = pytest.CaptureFixture[str]


def run(command: str, capsys: Captured) -> str:
    """What a command of slotspec prints."""
    with pytest.raises(SystemExit) as left, remembered():
        main(shlex.split(command)[1:])
    assert left.value.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("block", COUNTING, ids=lambda block: block.text.splitlines()[0])
def test_a_page_says_how_many_conform(
    block: Block, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(ROOT)
    command, _, rest = block.text.strip().partition(" | ")
    assert command.startswith("slotspec conform tests/data/")
    assert rest == LAST_LINE
    last = run(f"{command} --jobs 1", capsys).strip().splitlines()[-1]
    assert last.partition("(")[0].strip() == (block.output or "").strip()


CLASSES = sorted(folder.name for folder in (DATA / "traces").iterdir())
EACH = 10


@pytest.mark.parametrize("name", CLASSES)
def test_each_tenth_recording_conforms(name: str) -> None:
    """The tests of each oracle replay all of them, but these are slow."""
    some = sorted(p for kind in ("traces", "scenarios") for p in (DATA / kind / name).rglob("*.gz"))
    summary = replayed(*some[::EACH])
    assert summary.outcome is Conformance.CONFORMS
    assert summary.steps > 400


def test_some_page_names_all_recordings() -> None:
    assert any("tests/data/traces |" in block.text for block in COUNTING)


def test_a_recorded_cluster_is_explained_written_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """The commands of docs/cluster.md; what the first one replays conforms in cluster/."""
    (block,) = (block for block in BLOCKS if block.output is None)
    every, explain, draw = block.text.splitlines()
    assert every == "slotspec conform tests/data/clusters"
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "1 of 1 trace conforms" in run(explain, capsys)
    run(draw, capsys)
    assert (tmp_path / "run.svg").read_text(encoding="utf-8").startswith("<svg")
