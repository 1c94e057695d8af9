"""Every block of the README is executed, and what it is said to print is compared.

Shell blocks run in a temporary folder that has the repository's examples and recordings, python
blocks one after the other in one namespace. A ``text`` block is the output of the block before
it, with seconds masked. A block that would take too long says so in a comment before it:

* ``main``: its last command is run over one scope instead of all;
* ``suite``: it has to be what ``.ci/run`` runs;
* ``excerpt``: it has to stand in the file that is named.

The tables are those of docs/runs.md and docs/known-bugs.md. A run of each model is compared with
docs/runs.md; with SLOTSPEC_FULL set, a whole check is.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.blocks import ROOT, Block, blocks_of, masked, prepare, shell
from tests.readme_tables import BUGS, PAGE, filled, row_of, updated

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RUNS = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks_of(TEXT)
SHELL = [b for b in BLOCKS if b.language == "sh" and not b.word]
SMALL = ["--scope", "leaders", "--generation", "1.13"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    prepare(folder)
    return folder


def test_every_block_is_of_a_known_kind() -> None:
    kinds = {(b.language, b.word) for b in BLOCKS}
    assert kinds == {
        ("sh", ""),
        ("sh", "main"),
        ("sh", "suite"),
        ("python", ""),
        ("python", "excerpt"),
        ("text", ""),
    }


@pytest.mark.slow
@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.text.strip()[:40])
def test_a_command_prints_what_is_said(block: Block, place: Path) -> None:
    printed = shell(block.text, place)
    if block.output is not None:
        assert masked(printed) == masked(block.output)


def test_python_blocks_print_what_is_said() -> None:
    names: dict[str, Any] = {}
    run = [b for b in BLOCKS if b.language == "python" and not b.word]
    assert run
    for block in run:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block.text, "README.md", "exec"), names)
        assert block.output is not None
        assert printed.getvalue() == block.output


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.word == "excerpt"], ids=lambda b: b.note)
def test_an_excerpt_stands_in_its_file(block: Block) -> None:
    file = block.note.rpartition(" ")[2]
    assert block.text in (ROOT / file).read_text(encoding="utf-8")


def test_the_example_is_short() -> None:
    first = next(b for b in BLOCKS if b.language == "python")
    assert len(first.text.splitlines()) <= 15


def test_the_main_command_runs(place: Path) -> None:
    (block,) = [b for b in BLOCKS if b.word == "main"]
    install, check = block.text.strip().split(" && ")
    assert (install, check) == ("python -m pip install .", "slotspec check")
    made = json.loads(shell(" ".join([check, "slot_pool", *SMALL, "--json", "-"]), place))
    assert row_of(made) in section_of("slot_pool")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "scope", "declared"),
    [
        ("slot_manager", "asking", "free_counts_are_right"),
        ("task_slot_table", "timeouts", "a_closed_table_runs_nothing"),
        ("logical_slot", "many", "release_ends_the_slot"),
        ("slot_sharing", "places", "every_child_is_registered"),
        ("cluster", "sharing", "only_the_newest_registration_counts"),
    ],
)
def test_a_run_of_each_model_is_in_the_tables(
    model: str, scope: str, declared: str, place: Path
) -> None:
    command = f"slotspec check {model} --scope {scope} --generation 1.11 --property {declared}"
    assert row_of(json.loads(shell(f"{command} --json -", place))) in section_of(model)


def section_of(model: str) -> str:
    return RUNS.partition(f"## {model}\n")[2].partition("\n## ")[0]


def test_the_tables_are_those_of_the_pages() -> None:
    bugs = BUGS.read_text(encoding="utf-8")
    assert filled(TEXT, RUNS, bugs) == TEXT, "run python -m tests.readme_tables"


def test_the_suite_is_what_the_integration_runs() -> None:
    (block,) = [b for b in BLOCKS if b.word == "suite"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in block.text.strip().split(" && "):
        assert f"{command}\n" in script.replace("--quiet ", "")


@pytest.mark.skipif("SLOTSPEC_FULL" not in os.environ, reason="takes minutes; set SLOTSPEC_FULL")
def test_the_page_of_runs_is_that_of_a_whole_check(place: Path) -> None:
    made = json.loads(shell("slotspec check --all --json -", place))
    assert updated(RUNS, made) == RUNS, "run python -m tests.readme_tables FILE.json"
