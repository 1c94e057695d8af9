"""The page of a check: its content, and that it is self-contained."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest

from examples import two_phase_commit
from slotspec.diagrams.report import fragment, page
from slotspec.models import load_model
from slotspec.models.registry import MODELS
from slotspec.statemachine import Finding, Limits, Verdict, explore_interpreted
from slotspec.statemachine.results import Result
from tests.diagrams.samples import Door, turnstile
from tests.variants import fast_only

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Checks that every element is closed in its place, and collects ids and addresses."""

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
        explore_interpreted(pool.instance(generation="1.12", scope="reuse"), Limits(states=1000)),
    ]


def test_a_page_is_well_formed_and_loads_nothing(results: list[Result]) -> None:
    text = page(results)
    found = Balanced(text)
    assert found.open == []
    assert found.addresses == []
    assert "script" not in found.tags
    assert "url(" not in text
    assert len(found.ids) == len(set(found.ids))


def test_a_page_shows_the_findings(results: list[Result]) -> None:
    text = page(results)
    for result in results:
        assert f"{result.states:,}" in text
        assert f"{result.transitions:,}" in text
        for found in result.properties:
            assert f"<code>{found.property.name}</code>" in text
    assert "(limit: states)" in text
    assert "request_ids=2" in text
    # the worst verdict comes first: a limit stopped one run
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


def test_a_page_opens_violations_and_names_runs_left_out() -> None:
    result = explore_interpreted(turnstile().instance())
    found = result.properties[0]
    witness = next(p.finding for p in result.properties if p.finding)
    result.properties[0] = type(found)(found.property, Verdict.VIOLATED, witness)
    text = page([result], ["turnstile other"])
    assert "VIOLATED</span> 1 run" in text
    assert re.search(r"<h3>Violations</h3><details open>", text)
    assert "Not run: turnstile other." in text


def test_a_page_without_results_is_unknown() -> None:
    assert "UNKNOWN</span> 0 runs" in page([], ["a"])


def test_text_of_the_user_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert "10 more steps are not drawn" in page([result])


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


def test_a_property_draws_its_trace(results: list[Result]) -> None:
    found = next(p for p in results[0].properties if p.finding)
    assert found.property.description in found._repr_mimebundle_()["image/svg+xml"]
    assert set(replace(found, finding=None)._repr_mimebundle_()) == {"text/plain"}


def test_a_model_shows_what_it_declares() -> None:
    model = two_phase_commit.model
    shown = model._repr_mimebundle_()
    assert shown["text/plain"] == repr(model)
    html = shown["text/html"]
    assert html.count("<svg ") == 1
    assert "<code>vote(manager: managers, yes)</code>" in html
    for declared in (*model.actions.values(), *model.properties.values()):
        assert f"<code>{declared.name}" in html
        assert escape(declared.description) in html


def test_an_instance_shows_its_first_state() -> None:
    instance = two_phase_commit.model.instance({"managers": 3})
    html = instance._repr_mimebundle_()["text/html"]
    assert "<p>managers=3</p>" in html
    assert ">WORKING (3 times)</td>" in html
    for name, spec in instance.record.fields.items():
        assert (f"<code>{name}</code>" in html) is not spec.scratch


@pytest.mark.parametrize("name", fast_only(MODELS, "slot_pool", "cluster"))
def test_every_model_shows_itself(name: str) -> None:
    model = load_model(name)
    assert f"<h3>{name}</h3>" in model._repr_mimebundle_()["text/html"]
    assert "at first" in model.instance()._repr_mimebundle_()["text/html"]


def test_a_trace_without_an_instance_stays_text() -> None:
    assert set(Finding(())._repr_mimebundle_()) == {"text/plain"}


def test_a_notebook_displays_the_drawings(results: list[Result]) -> None:
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    finding = next(p.finding for p in results[0].properties if p.finding)
    for shown, kind in (
        (Door, "image/svg+xml"),
        (finding, "image/svg+xml"),
        (results[0], "text/html"),
    ):
        assert kind in shell.display_formatter.format(shown)[0]
