"""The committed gallery is up to date."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from slotspec.diagrams.gallery import INTRODUCTION, drawn
from slotspec.models import MODELS, load_model
from tests.diagrams.samples import SVG, texts

FOLDER = Path(__file__).parents[2] / "diagrams"
MEND = "run `slotspec draw gallery` and commit what it writes"


pytestmark = pytest.mark.slow
"""Drawing everything takes a minute."""

each_model = pytest.mark.parametrize("name", MODELS)


@cache
def made(name: str) -> tuple[str, dict[str, bytes]]:
    """The section of a model on the gallery's page, and its files."""
    return drawn(load_model(name))


@each_model
def test_the_gallery_has_exactly_these_files(name: str) -> None:
    there = {str(p.relative_to(FOLDER)) for p in (FOLDER / name).rglob("*") if p.is_file()}
    assert there == set(made(name)[1]), MEND


@each_model
def test_text_is_the_same_byte_for_byte(name: str) -> None:
    for file, content in made(name)[1].items():
        if not file.endswith((".svg", ".png")):
            assert (FOLDER / file).read_bytes() == content, f"{file}: {MEND}"


@each_model
def test_pictures_have_the_same_structure(name: str) -> None:
    for file, content in made(name)[1].items():
        committed = (FOLDER / file).read_bytes()
        if file.endswith(".svg"):
            assert structure(committed) == structure(content), f"{file}: {MEND}"
        elif file.endswith(".png"):
            assert png_size(committed) == pytest.approx(png_size(content), rel=0.3), file


def test_the_page_has_a_section_for_each_model() -> None:
    assert {p.name for p in FOLDER.iterdir()} == {*MODELS, "README.md"}, MEND
    page = "\n".join([INTRODUCTION, *(made(name)[0] for name in MODELS)])
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page, MEND


@each_model
def test_the_page_shows_every_picture(name: str) -> None:
    section, files = made(name)
    for file in files:
        assert f"({file})" in section


def structure(svg: bytes) -> tuple[list[str], Counter[str]]:
    """Texts and numbers of boxes and edges, which do not depend on fonts or Graphviz."""
    root = ET.fromstring(svg)
    groups = Counter(g.get("class") or "" for g in root.iter(f"{SVG}g"))
    return texts(svg.decode()), groups


def png_size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height
