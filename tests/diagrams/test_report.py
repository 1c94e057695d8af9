"""The page of a check: what it says, and that it needs nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from slotspec.diagrams.report import fragment, page
from slotspec.models import load_model
from slotspec.statemachine import Finding, Limits, Verdict, explore_interpreted
from slotspec.statemachine.results import Result
from tests.diagrams.samples import Door, turnstile

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Sees that every element is closed in its place, and collects names and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action"):
                self.addresses.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def results() -> list[Result]:
    pool = load_model("slot_pool")
    return [
        explore_interpreted(turnstile().instance()),
        explore_interpreted(pool.instance(generation="1.12", scope="reuse"), Limits(states=3000)),
    ]


def test_a_page_is_well_formed_and_loads_nothing(results: list[Result]) -> None:
    text = page(results)
    found = Balanced(text)
    assert found.open == []
    assert found.addresses == []
    assert "script" not in found.tags
    assert "url(" not in text
    assert len(found.ids) == len(set(found.ids))


def test_a_page_says_what_was_found(results: list[Result]) -> None:
    text = page(results)
    for result in results:
        assert f"{result.states:,}" in text
        assert f"{result.transitions:,}" in text
        for found in result.properties:
            assert f"<code>{found.property.name}</code>" in text
    assert "(limit: states)" in text
    assert "request_ids=2" in text
    # the worst verdict leads: one run was cut off
    assert re.search(r"<p><span class=\"verdict faint\">\? UNKNOWN</span> 2 runs", text)
    assert "HOLDS" in page(results[:1])[: page(results[:1]).index("1 run,")]
    deviating = [p for p in results[1].properties if p.verdict is Verdict.DEVIATES]
    assert deviating
    for found in deviating:
        assert found.finding is not None
        assert f"{len(found.finding.steps)} steps: " in text


def test_each_property_has_its_verdict_in_each_generation() -> None:
    result = explore_interpreted(turnstile().instance())
    # the summary, the run, and each property
    good = page([result]).count('<span class="verdict good">')
    assert good == 2 + len(result.properties) == 8
    pool = load_model("slot_pool")
    pair = [
        explore_interpreted(pool.instance(generation=v), Limits(states=200))
        for v in ("1.11", "1.13")
    ]
    names = {p.property.name for r in pair for p in r.properties}
    only_one = sum(
        len([r for r in pair if name in {p.property.name for p in r.properties}]) == 1
        for name in names
    )
    assert only_one
    text = page(pair)
    properties = text[text.index("<h3>Properties") : text.index("<h3>Coverage")]
    assert properties.count('data-head="1.11">-<') + properties.count('data-head="1.13">-<') == (
        only_one
    )
    assert properties.count('<span class="verdict') == 2 * len(names) - only_one


def test_a_violation_is_shown_open_and_what_was_not_run_is_named() -> None:
    result = explore_interpreted(turnstile().instance())
    found = result.properties[0]
    witness = next(p.finding for p in result.properties if p.finding)
    result.properties[0] = type(found)(found.property, Verdict.VIOLATED, witness)
    text = page([result], ["turnstile other"])
    assert "VIOLATED</span> 1 run" in text
    assert re.search(r"<h3>Violations</h3><details open>", text)
    assert "Not run: turnstile other." in text


def test_without_results_nothing_is_known() -> None:
    assert "UNKNOWN</span> 0 runs" in page([], ["a"])


def test_what_the_user_wrote_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    model = turnstile()
    monkeypatch.setattr(model, "description", "<script>alert(1)</script>")
    text = page([explore_interpreted(model.instance())])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_long_trace_is_cut_and_the_page_says_so() -> None:
    result = explore_interpreted(turnstile().instance())
    i, found = next((i, p) for i, p in enumerate(result.properties) if p.finding)
    assert found.finding is not None
    many = Finding(found.finding.steps[:1] * 130, None, result.instance)
    result.properties[i] = type(found)(found.property, found.verdict, many)
    assert "10 further steps are not drawn" in page([result])


# ------------------------------------------------------------------------------ notebooks


def test_a_lifecycle_class_draws_itself() -> None:
    found = Door._repr_mimebundle_()
    assert "wall_up" in found["image/svg+xml"]
    assert "| `SHUT` | initial |" in found["text/markdown"]
    assert found["text/plain"] == repr(Door)


def test_a_trace_and_a_result_draw_themselves(results: list[Result]) -> None:
    finding = next(p.finding for p in results[0].properties if p.finding)
    assert finding._repr_mimebundle_()["image/svg+xml"].startswith("<svg")
    assert results[0]._repr_mimebundle_()["text/html"] == fragment(results[:1])
    assert results[0]._repr_mimebundle_()["text/plain"] == "turnstile: HOLDS"


def test_a_trace_of_nothing_in_particular_stays_text() -> None:
    assert set(Finding(())._repr_mimebundle_()) == {"text/plain"}


def test_a_notebook_takes_the_drawings(results: list[Result]) -> None:
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    finding = next(p.finding for p in results[0].properties if p.finding)
    for shown, kind in (
        (Door, "image/svg+xml"),
        (finding, "image/svg+xml"),
        (results[0], "text/html"),
    ):
        assert kind in shell.display_formatter.format(shown)[0]
