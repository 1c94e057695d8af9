"""A protocol of one's own: fuzz, conform, record and generate work as for a built-in class."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slotspec.cli import main
from slotspec.models.files import load_model as find_model
from slotspec.models.registry import MODELS
from slotspec.oracle.own.entry import register
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import Record
from slotspec.statemachine.errors import UsageError
from tests.blocks import ROOT
from tests.testing.test_conformance import pytest_run

BUILT_IN = frozenset(MODELS)

LEASE = str(ROOT / "examples" / "lease.py")
SERVER = ["--operations", "handle,tick", "--examples", "60"]


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are those of the checkout."""
    monkeypatch.chdir(ROOT)


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
    told = capsys.readouterr().out
    assert "state.granted.client" in told
    assert "participant server" in told
    assert f"slotspec conform --model {LEASE} {found} replays it" in told
    header, *steps = map(json.loads, found.read_text(encoding="utf-8").splitlines())
    assert header["implementation"] == "slotspec model lease"
    assert [step["op"] for step in steps] == ["ask", "handle", "tick"]
    assert run("conform", "--model", LEASE, str(found)) == 1
    assert "step 3 diverges" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.slow
def test_what_the_fuzzer_finds_is_drawn_with_a_lifeline_for_each_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, drawn = tmp_path / "lease-found.jsonl", tmp_path / "lease-found.svg"
    assert fuzz("hasty", "--operations", "handle,tick", "--out", str(found)) == 1
    assert run("draw", "--model", LEASE, str(found), "--out", str(drawn)) == 0
    picture = drawn.read_text(encoding="utf-8")
    assert picture == (ROOT / "docs/pictures/lease-found.svg").read_text(encoding="utf-8")
    for name in ("client0", "client1", "server", "diverges from the model in step 3"):
        assert f">{name}<" in picture
    # steps after the divergence are drawn without the model
    with found.open("a", encoding="utf-8") as file:
        file.write('{"op":"tick","effects":[]}\n')
    capsys.readouterr()
    assert run("draw", "--model", LEASE, str(found), "--format", "table") == 0
    assert "| 4 |  |  | tick() |" in capsys.readouterr().out


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


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A trace that a check of one's own model wrote."""
    path = tmp_path / "trace.jsonl"
    arguments = ["--property", "everybody_can_have_it", "--trace-out", str(path)]
    assert run("check", LEASE, *arguments) == 0
    return path


def test_a_trace_of_a_check_is_replayed(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("conform", "--model", LEASE, str(trace)) == 0
    assert "1 of 1 trace conforms, 3 steps" in capsys.readouterr().out


def test_a_trace_of_a_check_is_drawn(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("draw", "--model", LEASE, str(trace), "--format", "table") == 0
    drawn = capsys.readouterr().out
    assert "learn(client=client0)" in drawn
    assert run("draw", str(trace), "--format", "table") == 0  # it is known by now
    assert run("draw", LEASE, "--model", LEASE) == 2


def test_a_trace_of_an_unknown_model_names_the_option(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in set(MODELS) - set(BUILT_IN):
        del MODELS[name]
    assert run("draw", str(trace)) == 2
    assert "--model file.py" in capsys.readouterr().err


def test_a_trace_of_a_check_opens_in_the_explorer(trace: Path) -> None:
    pytest.importorskip("starlette", reason="the extra web is not installed")
    from slotspec.explorer.server import application
    from slotspec.explorer.traces import played

    application({"lease": find_model(LEASE)})
    found = played(trace.read_bytes(), None)
    assert (found["model"], len(found["path"]), found["diverges"]) == ("lease", 3, None)


OWN = """
from hypothesis import settings
from slotspec.testing import SlotspecConformance, slotspec_conformance
from examples.lease import model
from examples.lease_server import {server}

settings.register_profile("few", max_examples={examples}, deadline=None)
settings.load_profile("few")

test_model = slotspec_conformance({server}, model=model, operations=["handle", "tick"])
test_file = slotspec_conformance({server}, model={file!r}, operations=["handle", "tick"])

class TestServer(SlotspecConformance):
    model = model
    factory = {server}
    operations = ("handle", "tick")

def test_fixture(slotspec_conformance):
    slotspec_conformance({server}, model=model, operations=["handle", "tick"], steps=20)
"""


def test_the_plugin_takes_a_model_of_ones_own(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, OWN.format(server="Server", file=LEASE, examples=10))
    assert ran.returncode == 0, ran.stdout
    assert "4 passed" in ran.stdout


@pytest.mark.slow
def test_the_plugin_prints_a_program_that_fails(tmp_path: Path) -> None:
    ran = pytest_run(
        tmp_path, OWN.format(server="Hasty", file=LEASE, examples=100), "-k", "test_file"
    )
    assert ran.returncode == 1, ran.stdout
    assert "operations=['handle', 'tick']" in ran.stdout
    assert "lease.tick()" in ran.stdout
    lines = [line.removeprefix("E").strip() for line in ran.stdout.splitlines()]
    begin = lines.index("from slotspec.testing import checked")
    end = next(n for n in range(begin, len(lines)) if lines[n].startswith("lease.tick("))
    (tmp_path / "again.py").write_text("\n".join(lines[begin : end + 1]), encoding="utf-8")
    again = subprocess.run(
        [sys.executable, "again.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "AssertionError: state.granted" in again.stderr
