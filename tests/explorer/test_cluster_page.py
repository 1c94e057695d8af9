"""The cluster in the explorer: its parts, its channels, goals and exported paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotspec.explorer.errors import RequestError
from slotspec.explorer.goals import property_path, state_path
from slotspec.explorer.settings import Models, Ready
from slotspec.explorer.traces import exported, played
from slotspec.explorer.views import view
from slotspec.models import load_model
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform

SET = "slots_per_task_manager=1,parallelism=1,allocations=2,losses=1,early_timeouts=0"


@pytest.fixture(scope="module")
def served() -> Models:
    return Models({"cluster": load_model("cluster")})


@pytest.fixture(scope="module")
def ready(served: Models) -> Ready:
    return served.ready({"model": "cluster", "generation": "1.13", "set": SET})


def take(ready: Ready, *begins: str) -> tuple[int, ...]:
    """The path of calls whose texts begin with these."""
    path: tuple[int, ...] = ()
    for begin in begins:
        calls = view(ready, path)["calls"]
        path = (*path, next(c["index"] for c in calls if c["text"].startswith(begin)))
    return path


def by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["field"]: one for one in things}


def test_fields_are_grouped_by_process(ready: Ready) -> None:
    found = view(ready, ())
    assert found["parts"] == [
        {"name": "pool", "title": "JobMaster: slot pool"},
        {"name": "manager", "title": "ResourceManager: slot manager"},
        {"name": "tables.0", "title": "TaskExecutor 1: slot table"},
    ]
    machines = by_name(found["machines"])
    assert machines["tables.0.slot"]["part"] == "tables.0"
    assert machines["pool.slot"]["part"] == "pool"
    assert machines["job"]["part"] == ""
    assert [one["name"] for one in machines["tables.0.slot"]["elements"]] == ["a1", "a2"]
    for kind in ("machines", "maps"):
        assert {one["part"] for one in found[kind]} == {"", "pool", "manager", "tables.0"}
    for table in found["maps"]:
        inside = f"{table['part']}." if table["part"] else ""
        assert all(column["field"].startswith(inside) for column in table["columns"])


def test_messages_in_flight_are_rendered(ready: Ready) -> None:
    path = take(
        ready,
        "ResourceManager gains",
        "JobMaster gains",
        "TaskExecutor 1 starts",
        "JobMaster finds",
        "JobMaster requests a slot",
    )
    found = view(ready, path)
    queues = by_name(found["queues"])
    assert queues["JobMaster to ResourceManager"]["items"] == ["request for a slot, a1"]
    assert queues["JobMaster to ResourceManager"]["changed"]
    assert queues["ResourceManager to JobMaster"]["items"] == []
    assert not queues["ResourceManager to JobMaster"]["changed"]
    assert "subject" not in queues
    texts = [call["text"] for call in found["calls"]]
    assert "ResourceManager receives JobMaster: request for a slot, a1" in texts
    assert "lost from JobMaster to ResourceManager: request for a slot, a1" in texts
    assert found["last"]["effects"] == ["JobMaster to ResourceManager: request for a slot, a1"]
    assert "request for a slot" in found["sequence"]


def test_a_state_of_a_part_is_found(ready: Ready) -> None:
    found = state_path(ready, (), "tables.0.slot[0]:ALLOCATED, pool.slot:PENDING")
    assert found["verdict"] == "FOUND"
    machines = by_name(view(ready, tuple(found["path"]))["machines"])
    assert machines["tables.0.slot"]["elements"][0]["state"] == "ALLOCATED"
    # conditions on a number and on a reference
    assert state_path(ready, (), "pool.slot_tm:TaskExecutor 1")["verdict"] == "FOUND"
    with pytest.raises(RequestError, match=r"tables\.0\.slot has no state"):
        state_path(ready, (), "tables.0.slot:NOWHERE")
    with pytest.raises(RequestError, match="WEB011"):
        state_path(ready, (), "tables.7.slot:ACTIVE")


@pytest.mark.slow
def test_the_path_of_a_property_is_exported_replayed_and_opened(
    ready: Ready, tmp_path: Path
) -> None:
    found = property_path(ready, "a_loss_is_overcome")
    path = tuple(found["path"])
    assert found["verdict"] == "HOLDS"
    body = exported(ready, path)
    file = tmp_path / "path.jsonl"
    file.write_bytes(body)
    report = conform(file)
    assert (report.outcome, report.matched) == (Conformance.CONFORMS, len(path))
    again = played(body, None)
    assert tuple(again["path"]) == path
    assert (again["model"], again["generation"]) == ("cluster", "1.13")
    assert "losses=1" in again["set"]
    other = Models({"cluster": load_model("cluster")}).ready(
        {name: str(again[name]) for name in ("model", "generation", "scope", "set")}
    )
    assert view(other, path)["last"] == view(ready, path)["last"]


def test_a_wrong_path_is_rejected_at_its_step(ready: Ready) -> None:
    header, *steps = exported(ready, take(ready, "JobMaster gains")).splitlines()
    with pytest.raises(RequestError, match="is not possible there"):
        played(b"\n".join([header, *steps, *steps]) + b"\n", None)
