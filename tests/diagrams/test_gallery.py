"""The committed gallery is up to date."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from slotspec.diagrams.gallery import gallery
from tests.diagrams.samples import SVG, texts

FOLDER = Path(__file__).parents[2] / "diagrams"
MEND = "run `slotspec draw gallery` and commit what it writes"


pytestmark = pytest.mark.slow
"""Drawing everything takes a minute."""


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return gallery()


def test_the_gallery_has_exactly_these_files(made: dict[str, bytes]) -> None:
    there = {str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.is_file()}
    assert there == set(made), MEND


def test_text_is_the_same_byte_for_byte(made: dict[str, bytes]) -> None:
    for name, content in made.items():
        if not name.endswith((".svg", ".png")):
            assert (FOLDER / name).read_bytes() == content, f"{name}: {MEND}"


def test_pictures_have_the_same_structure(made: dict[str, bytes]) -> None:
    for name, content in made.items():
        committed = (FOLDER / name).read_bytes()
        if name.endswith(".svg"):
            assert structure(committed) == structure(content), f"{name}: {MEND}"
        elif name.endswith(".png"):
            assert png_size(committed) == pytest.approx(png_size(content), rel=0.3), name


def structure(svg: bytes) -> tuple[list[str], Counter[str]]:
    """Texts and numbers of boxes and edges, which do not depend on fonts or Graphviz."""
    root = ET.fromstring(svg)
    groups = Counter(g.get("class") or "" for g in root.iter(f"{SVG}g"))
    return texts(svg.decode()), groups


def png_size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_index_shows_every_picture(made: dict[str, bytes]) -> None:
    index = made["README.md"].decode()
    for name in made:
        if name != "README.md":
            assert f"({name})" in index
