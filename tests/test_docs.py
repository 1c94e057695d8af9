"""The pages say what the declarations say, and what the programs print."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from slotspec.diagrams.gallery import found
from slotspec.diagrams.pictures import svg
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.diagrams.sequences import of_property
from slotspec.models import load_model
from slotspec.statemachine import Kind
from tests.diagrams.samples import SVG, texts
from tests.pages import PAGES
from tests.variants import fast_first

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    """The script in ``docs`` that writes a page or a picture."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    fast_first(["commands", "findings", "errors", "properties", "symmetry"], 2),
)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    module = script(name)
    assert module.TARGET.read_text(encoding="utf-8") == module.page(), f"run python docs/{name}.py"


def test_the_command_line_knows_every_finding() -> None:
    module = script("findings")
    assert module.MODULE.read_text(encoding="utf-8") == module.module(), "run docs/findings.py"


def test_the_generated_picture_of_the_packages_is_up_to_date() -> None:
    module = script("architecture")
    committed = module.TARGET.read_text(encoding="utf-8")
    # fonts and versions of Graphviz move things, but words, boxes and arrows stay
    assert structure(committed) == structure(svg(module.picture())), (
        "run python docs/architecture.py"
    )


def test_the_picture_of_the_landing_page_is_up_to_date() -> None:
    model = load_model("fine_grained_slot_manager")
    instance = model.instance(generation="2.3", scope="redundancy")
    name = "a_check_under_way_is_made"
    declared = instance.properties[name]
    finding = found(instance, name)
    drawn = sequence_svg(of_property(instance, declared, finding))
    committed = (ROOT / "docs" / "pictures" / "finding-M1.svg").read_text(encoding="utf-8")
    assert committed == drawn
    assert "raises NullPointerException" in drawn


def structure(picture: str) -> tuple[list[str], Counter[str]]:
    """The words of an SVG, and how many boxes and arrows it has."""
    groups = ET.fromstring(picture).iter(f"{SVG}g")
    return texts(picture), Counter(group.get("class") or "" for group in groups)


ANY_OF = {"NAME": "slot_pool", "NNNN": "8934", "COMMAND": "check"}
"""Words in paths that stand for any of several -> one of them."""


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_a_page_for_contributors_names_what_exists(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:slotspec|tests|docs|benchmarks|examples)/[\w./]+)`", page))
    assert paths
    for path in paths:
        named = re.sub("[A-Z]{4,}", lambda word: ANY_OF.get(word[0], word[0]), path)
        assert (ROOT / named).exists(), path


def test_the_architecture_fits_on_a_few_screens() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


TODAYS = {
    "slot_pool": "declarative_slot_pool",
    "slot_manager": "fine_grained_slot_manager",
    "slot_sharing": "slot_sharing_allocator",
    "cluster": "declarative_cluster",
}
"""Models of older classes, and of those that took their place."""
OF_PARTS = ("pool_", "manager_", "table_")
"""What a cluster takes over from its parts."""


def test_every_promise_has_its_counterpart_or_is_new() -> None:
    page = (ROOT / "docs" / "counterparts.md").read_text(encoding="utf-8")
    parts = page.split("\n## ")[1:]
    promises = {
        name: {
            p.name
            for p in load_model(name).properties.values()
            if p.kind is not Kind.SOMETIMES and not p.name.startswith(OF_PARTS)
        }
        for name in [*TODAYS, *TODAYS.values()]
    }
    new_today = set(re.findall(r"`(\w+)`", parts[-2]))
    explained = set(new_today)
    for (older, todays), part in zip(TODAYS.items(), parts, strict=False):
        rows = [line.split("|")[1:3] for line in part.splitlines() if line.startswith("| `")]
        left = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
        right = {
            name
            for old, new in rows
            for name in re.findall(r"`(\w+)`", f"{old}{new}" if "same name" in new else new)
        }
        assert sorted(left) == sorted(promises[older])
        assert right <= promises[todays]
        assert not new_today & right
        explained |= right
    assert explained == set().union(*(promises[name] for name in TODAYS.values()))
    for_granted = set(re.findall(r"`(\w+)`", parts[-1]))
    assert for_granted <= set().union(*(promises[name] for name in TODAYS.values()))
