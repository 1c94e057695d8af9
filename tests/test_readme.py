"""The README is short, its two commands are those of the integration, docs/runs.md is true.

Its other blocks run with those of all pages, in test_pages.py. With SLOTSPEC_FULL set, docs/runs.md
is compared with a whole check.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests import pages
from tests.blocks import ROOT, blocks_of, prepare, shell
from tests.pages import row_of, updated

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RUNS = pages.RUNS.read_text(encoding="utf-8")
BLOCKS = blocks_of(TEXT)
SMALL = ["--scope", "leaders", "--generation", "1.13"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    prepare(folder)
    return folder


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= 150
    first = next(b for b in BLOCKS if b.language == "python")
    assert len(first.text.splitlines()) <= 15


@pytest.mark.slow
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


def test_the_suite_is_what_the_integration_runs() -> None:
    (block,) = [b for b in BLOCKS if b.word == "suite"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in block.text.strip().split(" && "):
        assert f"{command}\n" in script.replace("--quiet ", "")


@pytest.mark.timeout(0)
@pytest.mark.skipif("SLOTSPEC_FULL" not in os.environ, reason="takes minutes; set SLOTSPEC_FULL")
def test_the_page_of_runs_is_that_of_a_whole_check(place: Path) -> None:
    made = json.loads(shell("slotspec check --all --no-symmetry --json -", place))
    assert updated(RUNS, made) == RUNS, "run python -m tests.pages FILE.json"
