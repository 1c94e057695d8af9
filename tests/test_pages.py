"""Every block of every page is run, and what it is said to print is compared.

Shell blocks run in a temporary folder that has the repository's examples and recordings. The Python
blocks of a page run one after the other in one namespace.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blocks import ROOT, Block, blocks_of, is_run, masked, prepare, printed
from tests.pages import PAGES

BLOCKS = [(page, block) for page in PAGES for block in blocks_of(page.read_text(encoding="utf-8"))]
KNOWN = {
    *(("sh", word) for word in ("", "main", "suite", "elsewhere")),
    *(("python", word) for word in ("", "excerpt", "elsewhere")),
    *(("text", word) for word in ("", "trace")),
}


def name(value: object) -> str:
    return value.name if isinstance(value, Path) else str(getattr(value, "text", value))[:40]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands name."""
    folder = tmp_path_factory.mktemp("pages")
    prepare(folder)
    return folder


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=name)
def test_a_block_is_of_a_known_kind(page: Path, block: Block) -> None:
    assert (block.language, block.word) in KNOWN
    if block.word in ("excerpt", "elsewhere"):
        file = ROOT / block.note.rpartition(" ")[2]
        assert file.is_file()
        assert block.word == "elsewhere" or block.text in file.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "block"), [b for b in BLOCKS if is_run(b[1]) and b[1].language == "sh"], ids=name
)
def test_a_command_prints_what_is_said(page: Path, block: Block, place: Path) -> None:
    said = printed(block, place, {})
    assert block.output is None or masked(said) == masked(block.output), "python -m tests.pages"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_blocks_print_what_is_said(page: Path, place: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if is_run(block) and block.language == "python":
            said = printed(block, place, names)
            assert masked(said) == masked(block.output or ""), "python -m tests.pages"
