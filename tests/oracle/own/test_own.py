"""A protocol of one's own: fuzz, conform, record and generate work as for a built-in class."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slotspec.cli import main
from slotspec.models.registry import MODELS
from slotspec.oracle.own.entry import register
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import Record
from slotspec.statemachine.errors import UsageError
from tests.blocks import ROOT

LEASE = str(ROOT / "examples" / "lease.py")
SERVER = ["--operations", "handle,tick", "--examples", "60"]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is forgotten after it."""
    monkeypatch.chdir(ROOT)
    before = set(MODELS)
    yield
    for name in set(MODELS) - before:
        del MODELS[name]


def run(*arguments: str) -> int:
    try:
        main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def fuzz(server: str, *more: str) -> int:
    return run("fuzz", "--model", LEASE, "--target", f"examples.lease_server:{server}", *more)


def test_a_good_implementation_of_some_operations_conforms() -> None:
    assert fuzz("server", *SERVER) == 0


def test_a_bug_is_found_shortened_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tmp_path / "found.jsonl"
    assert fuzz("hasty", *SERVER, "--out", str(found)) == 1
    assert 'state.holder  "client' in capsys.readouterr().out
    header, *steps = map(json.loads, found.read_text(encoding="utf-8").splitlines())
    assert header["implementation"] == "slotspec model lease"
    assert [step["op"] for step in steps] == ["ask", "handle", "tick"]
    assert run("conform", "--model", LEASE, str(found)) == 1


def test_what_is_generated_and_recorded_conforms(tmp_path: Path) -> None:
    assert run("generate", "--model", LEASE, "--out", str(tmp_path / "made")) == 0
    recorded = str(tmp_path / "recorded.jsonl")
    target = ["--target", "examples.lease_server:server", "--operations", "handle,tick"]
    assert run("record", "--model", LEASE, *target, "--out", recorded) == 0
    assert run("conform", "--model", LEASE, str(tmp_path)) == 0


def test_a_changed_trace_does_not_conform(tmp_path: Path) -> None:
    assert run("generate", "--model", LEASE, "--out", str(tmp_path)) == 0
    (file,) = tmp_path.rglob("*.jsonl")
    text = file.read_text(encoding="utf-8")
    assert '"HOLDING"' in text
    file.write_text(text.replace('"HOLDING"', '"IDLE"', 1), encoding="utf-8")
    assert run("conform", "--model", LEASE, str(file)) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--operations", "hande"], "SET117"),
        (["--generation", "2.3"], "SET101"),
    ],
)
def test_bad_usage(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz("server", *arguments) == 2
    assert told in capsys.readouterr().err


def test_a_step_beyond_the_bounds_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", "--model", LEASE, "--out", str(tmp_path)) == 0
    (file,) = tmp_path.rglob("*.jsonl")
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub('"client": ?"client."', '"client":"client9"', text), encoding="utf-8")
    assert run("conform", "--model", LEASE, str(file)) == 2
    assert "TRC031" in capsys.readouterr().err


def test_a_built_in_name_is_taken() -> None:
    class Nothing(Record):
        pass

    with pytest.raises(UsageError, match="SET116"):
        register(Model("slot_pool", "Not that one.", Nothing))
