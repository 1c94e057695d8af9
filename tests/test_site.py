"""The site is built without a warning: no broken link, and every page is reachable."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import slotspec
from tests.blocks import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-d", f"{folder}/trees"]
    built = subprocess.run(
        [*command, "docs", f"{folder}/html"], cwd=ROOT, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


@pytest.mark.slow
def test_every_page_is_part_of_the_site(site: Path) -> None:
    pages = {file.relative_to(ROOT / "docs") for file in (ROOT / "docs").rglob("*.md")}
    assert pages
    assert all((site / page.with_suffix(".html")).is_file() for page in pages)


@pytest.mark.slow
def test_the_reference_has_every_public_name(site: Path) -> None:
    page = (site / "reference.html").read_text(encoding="utf-8")
    known = set(re.findall(r'id="slotspec\.(\w+)"', page))
    assert known >= set(slotspec.__all__) - {"__version__"}


@pytest.mark.slow
def test_the_site_loads_nothing_from_other_hosts(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*src="(https?:[^"]+)"', text)
        styles = re.findall(r'<link[^>]*rel="stylesheet"[^>]*href="(https?:[^"]+)"', text)
        assert not [*loaded, *styles], page.name
