"""The explorer's responses: right results, and a clear 4xx for bad requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from slotspec.bugs import known_bugs
from slotspec.cli.bugs import search
from slotspec.diagrams.composition import Dice
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.traces.export import export, steps_of
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Finding
from tests.diagrams.samples import TRACE, turnstile

TURNSTILE = {"model": "turnstile"}


def view(client: Any, path: list[int], **query: str) -> dict[str, Any]:
    answer = client.get("/api/view", params={**query, "path": ".".join(map(str, path))})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def states(found: dict[str, Any], name: str) -> list[str]:
    machine = next(m for m in found["machines"] if m["field"] == name)
    return [element["state"] for element in machine["elements"]]


def call(found: dict[str, Any], begin: str) -> int:
    return int(next(c["index"] for c in found["calls"] if c["text"].startswith(begin)))


def test_the_initial_state_and_what_is_possible_in_it(client: Any) -> None:
    found = view(client, [], **TURNSTILE)
    assert states(found, "gate") == ["LOCKED", "LOCKED"]
    assert [c["text"] for c in found["calls"]] == ["insert(gate=gate0)", "insert(gate=gate1)"]
    assert (found["length"], found["last"], found["sequence"]) == (0, None, "")
    assert found["machines"][0]["states"] == ["LOCKED", "OPEN"]


def test_a_step_changes_the_state_and_lists_its_changes(client: Any) -> None:
    found = view(client, [call(view(client, [], **TURNSTILE), "insert(gate=gate1)")], **TURNSTILE)
    assert states(found, "gate") == ["LOCKED", "OPEN"]
    assert found["last"]["changes"] == ["gate[gate1]: LOCKED -> OPEN"]
    assert "insert(gate=gate1)" in found["steps"]
    changed = [e["changed"] for e in found["machines"][0]["elements"]]
    assert changed == [False, True]
    assert 'data-step="1"' in found["sequence"]


def test_every_state_that_can_be_reached_by_clicking_is_a_reachable_state(client: Any) -> None:
    """Following every enabled call finds exactly the states of the exhaustive search."""
    seen = {}
    frontier: list[list[int]] = [[]]
    while frontier:
        path = frontier.pop(0)
        found = view(client, path, **TURNSTILE)
        key = json.dumps([found["machines"], found["values"]], sort_keys=True).replace(
            '"changed": true', '"changed": false'
        )
        if key not in seen:
            seen[key] = path
            frontier += [[*path, c["index"]] for c in found["calls"]]
    assert len(seen) == explore_interpreted(turnstile().instance()).states == 22


def test_queues_and_maps_of_the_pool(client: Any) -> None:
    path: list[int] = []
    for begin in (
        "start",
        "request_new_allocated_slot(request_id=r1, profile=small)",
        "request_new_allocated_slot(request_id=r2, profile=large)",
    ):
        path.append(call(view(client, path, generation="1.12"), begin))
    found = view(client, path, generation="1.12")
    queues = {queue["field"]: queue["items"] for queue in found["queues"]}
    assert queues == {"pending": [], "waiting": ["a1", "a2"]}
    table = next(m for m in found["maps"] if m["sort"] == "requests")
    column = [c["field"] for c in table["columns"]].index("request_id")
    assert [row["cells"][column]["text"] for row in table["rows"]] == ["r1", "r2"]
    assert found["broken"] == []


def test_a_property_that_does_not_hold_is_named(client: Any) -> None:
    query = {"generation": "1.12", "scope": "reuse"}
    name = "a_request_is_in_one_place"
    found = client.get("/api/find", params={**query, "property": name}).json()
    assert found["verdict"] == "KNOWN DEVIATION"
    here = view(client, found["path"], **query)
    assert name in [b["name"] for b in here["broken"]]
    before = view(client, found["path"][:-1], **query)
    assert name not in [b["name"] for b in before["broken"]]


@pytest.mark.slow
def test_a_path_of_200_steps(client: Any) -> None:
    dice, path = Dice(5), []
    for _ in range(200):
        calls = view(client, path)["calls"]
        useful = [c for c in calls if not c["nothing"]] or calls
        path.append(useful[dice.below(len(useful))]["index"])
    found = view(client, path)
    assert found["length"] == len(found["steps"]) == 200
    assert "The first 140 steps are not drawn." in found["sequence"]
    # any path can follow any other: no response depends on earlier requests
    view(client, [])
    assert view(client, path) == found


# ------------------------------------------------------------------------------------ goals


def test_the_shortest_path_to_a_state(client: Any) -> None:
    params = {"generation": "1.12", "where": "slot:ALLOCATED, registration[0]:REGISTERED"}
    found = client.get("/api/find", params=params).json()
    assert found["verdict"] == "FOUND"
    assert len(found["path"]) == 4
    assert "ALLOCATED" in states(view(client, found["path"], generation="1.12"), "slot")


def test_a_search_starts_from_the_path(client: Any) -> None:
    first = client.get("/api/find", params={**TURNSTILE, "where": "passed:1"}).json()
    path = ".".join(map(str, first["path"]))
    second = client.get("/api/find", params={**TURNSTILE, "path": path, "where": "passed:3"}).json()
    assert second["path"][:2] == first["path"]
    assert len(second["path"]) == 6


def test_unreachable_is_reported_only_after_an_exhaustive_search(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {**TURNSTILE, "set": "coins=3", "where": "passed:3, lost:1"}
    assert client.get("/api/find", params=params).json()["verdict"] == "UNREACHABLE"
    monkeypatch.setattr("slotspec.explorer.goals.STATES", 5)
    found = client.get("/api/find", params=params).json()
    assert (found["verdict"], found["path"]) == ("UNKNOWN", None)


def test_a_property_that_holds_has_no_path(client: Any) -> None:
    found = client.get("/api/find", params={**TURNSTILE, "property": "paid"}).json()
    assert (found["verdict"], found["path"], found["states"]) == ("HOLDS", None, 22)
    witness = client.get("/api/find", params={**TURNSTILE, "property": "coin_lost"}).json()
    assert (witness["verdict"], len(witness["path"])) == ("HOLDS", 2)


# ----------------------------------------------------------------------------------- traces


def test_an_exported_path_conforms(client: Any, tmp_path: Path) -> None:
    found = client.get("/api/find", params={"generation": "1.12", "where": "slot:ALLOCATED"})
    path = ".".join(map(str, found.json()["path"]))
    answer = client.get("/api/export", params={"generation": "1.12", "path": path})
    assert answer.headers["content-disposition"].endswith('.jsonl"')
    written = tmp_path / "exported.jsonl"
    written.write_bytes(answer.content)
    report = conform(written)
    assert (report.outcome, report.matched) == (Conformance.CONFORMS, len(found.json()["path"]))


def test_a_recorded_trace_is_played_to_its_end(client: Any) -> None:
    found = client.post("/api/trace", content=TRACE.read_bytes()).json()
    assert (len(found["steps"]), found["diverges"], found["generation"]) == (80, None, "1.12")
    assert all(step["compared"] and not step["wrong"] for step in found["steps"])
    assert found["steps"][0]["state"]["started"] is True


def test_a_diverging_trace_names_its_first_divergence(client: Any) -> None:
    lines = gzip.decompress(TRACE.read_bytes()).decode().splitlines()
    step = json.loads(lines[9])
    step["result"] = []
    lines[9] = json.dumps(step)
    found = client.post("/api/trace", content="\n".join(lines).encode() + b"\n").json()
    assert found["diverges"] == 9
    wrong = found["steps"][8]["wrong"]
    assert len(wrong) == 1
    assert wrong[0].startswith("result[0]: expected")
    assert [s["number"] for s in found["steps"] if s["wrong"]] == [9]
    assert not any(s["compared"] for s in found["steps"][9:])
    assert len(found["steps"]) == 80


# -------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("/api/view?path=0.x", 400, "step 2 is 'x'"),
        ("/api/view?path=0..1", 400, "step 2 is ''"),
        ("/api/view?path=-1", 400, "step 1 is '-1'"),
        ("/api/view?path=٣", 400, "step 1"),
        ("/api/view?path=99999999999999999999", 400, "give the number of a call"),
        ("/api/view?path=5000", 400, "has calls 0 to"),
        ("/api/view?path=0.1.2.3.4.5.6.7.8.9.10.11", 400, "is not possible in that state"),
        ("/api/view?path=" + ".".join(["0"] * 1001), 414, "the limit is 1,000"),
        ("/api/view?set=" + "x" * 20_000, 414, "at most 16,000 characters"),
        ("/api/view?model=nobody", 404, "use one of slot_pool, turnstile"),
        ("/api/view?model=../../etc/passwd", 404, "no model"),
        ("/api/view?model=examples/turnstile.py", 404, "no model"),
        ("/api/view?generation=9.9", 400, "1.11, 1.12, 1.13"),
        ("/api/view?scope=nowhere", 400, "use one of matching"),
        ("/api/view?set=requests", 400, "requests=3"),
        ("/api/view?set=requests=-1", 400, "requests=3"),
        ("/api/view?set=requests=900", 400, "choose from 1 to"),
        (
            "/api/view?set=requests=254,task_managers=254,foreign_allocations=254",
            400,
            "choose smaller bounds",
        ),
        ("/api/view?set=colour=3", 400, "no bound 'colour'"),
        ("/api/view?colour=blue", 400, "unknown parameter"),
        ("/api/view?path=0&path=1", 400, "give it once"),
        ("/api/lifecycle?name=Nothing", 404, "PhysicalSlot"),
        ("/api/lifecycle", 404, "PhysicalSlot"),
        ("/api/find", 400, "either property"),
        ("/api/find?property=a&where=b", 400, "either property"),
        ("/api/find?property=nobody", 404, "use one of no_allocation"),
        ("/api/find?where=", 400, "1 to 8 conditions"),
        ("/api/find?where=slot", 400, "is not field:VALUE"),
        ("/api/find?where=judged:0", 400, "is not field:VALUE"),
        ("/api/find?where=__class__:0", 400, "is not field:VALUE"),
        ("/api/find?where=slot:NOWHERE", 400, "AVAILABLE"),
        ("/api/find?where=slot[9]:ALLOCATED", 400, "elements 0 to 2"),
        ("/api/find?where=gateway:17", 400, "cannot be '17'"),
        ("/api/export", 400, "take a step"),
        ("/nothing", 404, "there is no /nothing"),
        ("/page.py", 404, "there is no"),
        ("/../server.py", 404, "there is no"),
        ("/api/trace", 405, "does not accept GET"),
    ],
)
def test_a_wrong_address_gets_a_clear_answer(
    client: Any, address: str, status: int, message: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert message in error["message"]
    assert error["code"]


def packed(size: int) -> bytes:
    return gzip.compress(b"0" * size, mtime=0)  # part of the test's name


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "empty"),
        (b"hello\n", 400, "the trace:1: not JSON"),
        (b"{}\n", 400, "the trace:1"),
        (b"[" * 100_000 + b"\n", 400, "the trace:1"),
        (b"\xff\xfe\n", 400, "the trace:1"),
        (b"x" * (3 << 20), 413, "at most 2 MiB"),
        (packed(20 << 20), 413, "at most 16 MiB"),
        (packed(1000)[:-9], 400, "is incomplete"),
        (b"\x1f\x8bnonsense", 400, "not a valid gzip"),
        (b"{}\n" * 3000, 413, "plays at most 2,000"),
    ],
)
def test_a_wrong_body_gets_a_clear_answer(
    client: Any, body: bytes, status: int, message: str
) -> None:
    answer = client.post("/api/trace", content=body)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]
    assert "/tmp" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/", "/api/models", "/api/view", "/api/find", "/api/export", "/api/lifecycle"]
)
def test_nothing_can_be_written(client: Any, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 405


def test_the_one_post_keeps_nothing(
    client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert client.post("/api/trace", content=TRACE.read_bytes()).status_code == 200
    assert client.post("/api/trace", content=b"{}\n").status_code == 400
    assert list(tmp_path.iterdir()) == []


def test_other_hosts_and_pages_are_rejected(client: Any) -> None:
    answer = client.get("/api/models", headers={"host": "somebody.example"})
    assert answer.status_code == 400
    answer = client.post(
        "/api/trace", content=TRACE.read_bytes(), headers={"origin": "http://somebody.example"}
    )
    assert answer.status_code == 403


def test_one_search_at_a_time(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []

    def slow(*_: object) -> dict[str, object]:
        inside.append(client.get("/api/find", params={"where": "slot:LEAKED"}).status_code)
        return {}

    monkeypatch.setattr("slotspec.explorer.goals.property_path", slow)
    assert client.get("/api/find", params={"property": "x"}).status_code == 200
    assert inside == [429]


def test_the_page_works_during_a_search(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []

    def slow(ready: Any, name: str) -> dict[str, object]:
        inside.append(client.get("/api/view", params={"path": ""}).status_code)
        return {}

    monkeypatch.setattr("slotspec.explorer.goals.property_path", slow)
    assert client.get("/api/find", params={"property": "x"}).status_code == 200
    assert inside == [200]


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/api/models", "/nothing"])
def test_every_response_forbids_outside_content(client: Any, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_refers_to_nothing_outside(client: Any) -> None:
    for path in ("/", "/page.js", "/page.css"):
        text = client.get(path).text
        assert "http:" not in text
        assert "https:" not in text
        assert "//cdn" not in text


def test_the_colours_of_the_page_are_those_of_the_diagrams(client: Any) -> None:
    from slotspec.diagrams.palette import DARK, LIGHT

    css = client.get("/page.css").text
    for colours in (LIGHT, DARK):
        for role, colour in colours.items():
            assert f"--{role}: {colour};" in css


def test_a_fault_is_an_answer_and_no_traceback(
    client: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("of slotspec \x1b[2J")

    monkeypatch.setattr("slotspec.explorer.views.view", broken)
    answer = client.get("/api/view", params=TURNSTILE)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "WEB500"
    told = capfd.readouterr().err
    assert "slotspec explore: /api/view: slotspec itself failed: KeyError" in told
    assert "Traceback" not in told
    assert "\x1b" not in told


# ------------------------------------------------------------------ traces of known bugs


@pytest.fixture(scope="session")
def with_bug() -> tuple[Instance, Finding]:
    """A known bug of the pool, and its shortest trace."""
    instance = known_bugs()["FLINK-8934"].instance()
    return instance, search(instance, 50_000)[1]


def lines_of(lines: Iterable[Any]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def test_a_trace_of_a_known_bug_opens_in_the_model_that_has_it(
    client: Any, with_bug: tuple[Instance, Finding]
) -> None:
    instance, finding = with_bug
    lines = list(steps_of(instance, finding))
    lines[0]["bug"] = instance.defect
    found = client.post("/api/trace", content=lines_of(lines)).json()
    assert (found["bug"], found["diverges"], len(found["path"])) == ("FLINK-8934", None, 5)
    assert found["without"]["step"] <= 5
    about = {name: found[name] for name in ("model", "generation", "scope", "set", "bug")}
    seen = client.get("/api/view", params={**about, "path": ".".join(map(str, found["path"]))})
    assert seen.status_code == 200, seen.text
    assert "FLINK-8934" in seen.json()["title"]
    assert seen.json()["last"]["call"] == formatter_of(instance).format_step(finding.steps[-1])


def test_a_trace_that_is_not_as_the_model_says_so(
    client: Any, with_bug: tuple[Instance, Finding]
) -> None:
    lines = list(steps_of(*with_bug))
    found = client.post("/api/trace", content=lines_of(lines)).json()
    # without the name of its bug
    assert found["bug"] == ""
    assert found["diverges"]["step"] <= 5
    assert found["diverges"]["wrong"]


def test_a_recording_with_a_known_bug_names_where_it_leaves_the_model(
    client: Any, with_bug: tuple[Instance, Finding]
) -> None:
    lines = list(export(*with_bug))
    assert lines[0]["bug"] == "FLINK-8934"
    found = client.post("/api/trace", content=lines_of(lines)).json()
    assert (found["bug"], found["diverges"]) == ("FLINK-8934", None)
    assert found["without"] in range(1, len(found["steps"]) + 1)


def test_a_bug_of_another_model_is_refused(client: Any) -> None:
    answer = client.get("/api/view", params={**TURNSTILE, "bug": "FLINK-8934"})
    assert answer.status_code == 404
    assert "has no known bug" in answer.json()["error"]["message"]


def test_known_bugs_are_offered(client: Any) -> None:
    pool, turnstiles = client.get("/api/models").json()
    assert "FLINK-8934" in [bug["name"] for bug in pool["bugs"]]
    assert turnstiles["bugs"] == []
