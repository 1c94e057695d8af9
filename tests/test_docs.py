"""The pages say what the declarations say, and what the programs print."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

from tests.blocks import Block, blocks_of, masked, prepare, shell

ROOT = Path(__file__).parents[1]
DECLARING = blocks_of((ROOT / "docs" / "declaring.md").read_text(encoding="utf-8"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", ["properties", "errors"])
def test_a_generated_page_is_up_to_date(name: str) -> None:
    place = ROOT / "docs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"docs_{name}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == module.page(), f"run python docs/{name}.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "block", [b for b in DECLARING if b.language != "text"], ids=lambda b: b.text.strip()[:40]
)
def test_the_blocks_about_declaring_are_true(block: Block, tmp_path: Path) -> None:
    if block.word == "excerpt":
        assert block.text in (ROOT / block.note.rpartition(" ")[2]).read_text(encoding="utf-8")
        return
    if block.language == "sh":
        prepare(tmp_path)
        printed = shell(block.text, tmp_path)
    else:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block.text, "docs/declaring.md", "exec"), {})
        printed = out.getvalue()
    assert block.output is not None
    assert masked(printed) == masked(block.output)
