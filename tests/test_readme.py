"""Every block of the README is executed, and what it is said to print is compared.

Shell blocks run in a temporary folder that has the repository's examples and recordings, python
blocks one after the other in one namespace. A ``text`` block is the output of the block before
it, with seconds masked. A block that would take too long says so in a comment before it:

* ``main``: its last command is run over one scope instead of all;
* ``suite``: it has to be what ``.ci/run`` runs;
* ``excerpt``: it has to stand in the file that is named.

With SLOTSPEC_FULL set, the tables of runs and deviations are compared with a whole check.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.readme_tables import filled

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)```\n", re.DOTALL)
SMALL = ["--scope", "leaders", "--generation", "1.13"]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the word of the comment before it, what it prints."""

    language: str
    word: str
    text: str
    note: str
    output: str | None


def blocks() -> list[Block]:
    found = BLOCK.findall(TEXT)
    made = []
    for place, (note, language, text) in enumerate(found):
        follower = found[place + 1] if place + 1 < len(found) else ("", "", "")
        output = follower[2] if follower[1] == "text" else None
        made.append(Block(language, note.partition(":")[0], text, note, output))
    return made


BLOCKS = blocks()
SHELL = [b for b in BLOCKS if b.language == "sh" and not b.word]


def masked(text: str) -> str:
    """Seconds and the blanks that their width makes are not compared."""
    text = re.sub(r"\d+\.\d(?= s\b|  )", "T", text)
    return "\n".join(re.sub(r" {2,}", "  ", line).strip() for line in text.strip().splitlines())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("examples", "tests"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def shell(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


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


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.text.strip()[:40])
def test_a_command_prints_what_is_said(block: Block, place: Path) -> None:
    printed = shell(block.text, place)
    if block.output is not None:
        assert masked(printed) == masked(block.output)


def test_python_blocks_print_what_is_said() -> None:
    names: dict[str, Any] = {}
    run = [b for b in BLOCKS if b.language == "python" and not b.word]
    assert len(run) == 2
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


def test_the_main_command_runs_and_its_row_is_in_the_table(place: Path) -> None:
    (block,) = [b for b in BLOCKS if b.word == "main"]
    install, check = block.text.strip().split(" && ")
    assert (install, check) == ("python -m pip install .", "slotspec check")
    made = json.loads(shell(" ".join([check, "slot_pool", *SMALL, "--json", "-"]), place))
    row = (
        f"| {made['generation']} | `{made['scope']}` | {made['states']:,} |"
        f" {made['transitions']:,} | {made['depth']} |"
    )
    assert row in TEXT


def test_the_suite_is_what_the_integration_runs() -> None:
    (block,) = [b for b in BLOCKS if b.word == "suite"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in block.text.strip().split(" && "):
        assert f"{command}\n" in script.replace("--quiet ", "")


@pytest.mark.skipif("SLOTSPEC_FULL" not in os.environ, reason="takes minutes; set SLOTSPEC_FULL")
def test_the_tables_are_those_of_a_whole_check(place: Path) -> None:
    made = json.loads(shell("slotspec check slot_pool --json -", place))
    assert filled(TEXT, made) == TEXT, "run python -m tests.readme_tables FILE.json"
