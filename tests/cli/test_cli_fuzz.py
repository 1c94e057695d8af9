"""``slotspec fuzz`` and ``slotspec record``: output, files and exit codes."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from slotspec.cli import main
from slotspec.oracle.conformance.replay import conform

EXAMPLE = Path(__file__).parents[2] / "examples" / "peers" / "pool_peer.py"
COMMAND = f"{shlex.quote(sys.executable)} {shlex.quote(str(EXAMPLE))}"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def test_no_divergence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fuzz", "--target", "model:1.13", "--examples", "40") == 0
    output = capsys.readouterr().out
    assert "model:1.13 against generation 1.13" in output
    assert "no divergence" in output
    assert "operations 21/21" in output
    assert "never fired:" in output


def test_a_divergence_is_reported_drawn_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, report = tmp_path / "found.jsonl", tmp_path / "report.json"
    target = ("--target", f"{COMMAND} --bug lifo", "--generation", "1.12")
    assert run("fuzz", *target, "--out", str(trace), "--json", str(report)) == 1
    output = capsys.readouterr().out
    assert "diverges at step 5" in output
    assert "request.fulfilled(r2, x1)" in output
    assert "sequenceDiagram" in output
    header = json.loads(trace.read_text(encoding="utf-8").splitlines()[0])
    idle, batch = header["config"].values()
    assert f"SlotPoolImpl, idle_slot_timeout_ms={idle}, batch_slot_timeout_ms={batch}\n" in output
    found = conform(trace).divergence
    assert found is not None
    assert found.step == 5
    document = json.loads(report.read_text(encoding="utf-8"))
    assert document["verdict"] == "DIVERGES"
    assert document["divergence"]["header"]["config"] == header["config"]
    assert len(document["divergence"]["steps"]) == 5
    assert document["divergence"]["differences"][0]["path"] == "effects[0].request"


def test_all_kinds_of_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = ("--target", "model:1.12", "--generation", "1.13", "--all", "--examples", "150")
    assert run("fuzz", *target, "--out", str(tmp_path / "kinds")) == 1
    output = capsys.readouterr().out
    assert "1.13 has no operation suspend" in output
    assert "1. explained by matching" in output
    assert "\nSlotPoolImpl, idle_slot_timeout_ms=" in output
    assert conform(tmp_path / "kinds" / "01.jsonl").divergence is not None


def test_a_peer_that_dies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "so_far.jsonl"
    code = "import sys; input(); print('{\\\"ready\\\": true}', flush=True); input(); sys.exit(3)"
    target = f'{shlex.quote(sys.executable)} -c "{code}"'
    given = ("--generation", "1.12", "--out", str(trace), "--timeout", "5")
    assert run("fuzz", "--target", target, *given) == 2
    output = capsys.readouterr().err
    assert "PEE004: the peer ended with exit code 3 on the request for" in output
    assert "the configuration: SlotPoolImpl, idle_slot_timeout_ms=" in output
    assert "the sequence so far, 1 operation:" in output
    assert len(trace.read_text(encoding="utf-8").splitlines()) == 2


LONG_ANSWERS = """
import sys
for line in sys.stdin:
    ready = line.startswith('{"reset"')
    print('{"ready": true}' if ready else '{"result": "' + 'x' * 2_000_000 + '"}', flush=True)
"""


def test_a_result_of_megabytes_does_not_fill_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer = tmp_path / "peer.py"
    peer.write_text(LONG_ANSWERS, encoding="utf-8")
    target = shlex.join([sys.executable, str(peer)])
    assert run("fuzz", "--target", target, "--generation", "1.12") == 1
    output = capsys.readouterr().out
    assert "… (2,000,002 characters)" in output
    assert len(output) < 20_000


CAT = ("--target", "cat", "--generation", "1.12")


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("--target", "model:1.12", "--generation", "2.0"), "SET101"),
        (("--target", "model:1.12", "--examples", "0"), "SET110"),
        (("--target", "model:1.12", "--steps", "0"), "SET110"),
        (("--target", "model:1.12", "--seconds", "-1"), "SET024: limit on seconds -1.0"),
        (("--target", "model:1.12", "--seconds", "nan"), "SET024: limit on seconds nan"),
        ((*CAT, "--timeout", "inf"), "SET115: --timeout inf"),
        ((*CAT, "--timeout", "nan"), "SET115: --timeout nan"),
        ((*CAT, "--timeout", "0"), "SET115: --timeout 0"),
        (("--target", "model:none"), "PEE001"),
        (("--target", "flink:1.12", "--flink-jars", "nowhere"), "PEE008"),
        ((), "SET113"),
        (("--target", "model:1.12", "--bug", "FLINK-8505"), "SET113"),
        (("--bug", "FLINK-8505", "--model", "slot_pool"), "SET113"),
        (("--bug", "FLINK-8505", "--flink-jars", "."), "SET113"),
        (("--bug", "FLINK-850"), "SET070: no known bug 'FLINK-850'; did you mean"),
        (("--bug", "all"), "SET113: fuzz one known bug at a time"),
        (("--target", "model:1.12", "--model", "no_model"), "SET112"),
        (("--target", "model:1.13", "--model", "slot_sharing"), "PEE001"),
        (("--target", "model:1.12", "--model", "slot_sharing", "--generation", "1.13"), "SET101"),
        (("--target", "flink:9.9", "--model", "slot_manager"), "PEE001: no model of Flink 9.9"),
    ],
)
def test_bad_usage(
    arguments: tuple[str, ...], output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fuzz", *arguments) == 2
    assert output in capsys.readouterr().err


def test_a_recording_is_the_same_for_its_seed(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl.gz")]
    for file in files:
        given = ("--target", COMMAND, "--generation", "1.12", "--seed", "4", "--steps", "30")
        assert run("record", *given, "--out", str(file)) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert conform(files[2]).matched == 30


@pytest.mark.slow
def test_another_model(capsys: pytest.CaptureFixture[str]) -> None:
    target = ("--target", "model:1.12", "--model", "logical_slot")
    assert run("fuzz", *target, "--examples", "40") == 0
    output = capsys.readouterr().out
    assert "logical_slot model:1.12 against generation 1.12" in output
    assert "operations 9/9" in output
    assert "no divergence" in output


@pytest.mark.slow
def test_a_known_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "found.jsonl"
    # the number of the issue is enough
    assert run("fuzz", "--bug", "9324", "--out", str(trace)) == 1
    output = capsys.readouterr().out
    assert "logical_slot with FLINK-9324 against generation" in output
    assert "participant slots" in output
    found = conform(trace).divergence
    assert found is not None
    assert f"diverges at step {found.step} " in output


def test_a_failing_sequence_is_shortened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "so_far.jsonl"
    code = (
        "import sys, json\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    if asked.get('op') == 'is_alive': sys.exit(3)\n"
        "    ready = json.dumps({'ready': True})\n"
        "    print(ready if 'reset' in asked else '{}', flush=True)\n"
    )
    script = tmp_path / "peer.py"
    script.write_text(code, encoding="utf-8")
    target = ("--target", f"{shlex.quote(sys.executable)} {script}", "--generation", "1.12")
    given = ("--model", "logical_slot", "--out", str(trace))
    assert run("fuzz", *target, *given) == 2
    output = capsys.readouterr().err
    assert "the sequence so far, 2 operations (shortened from " in output
    assert "  2  is_alive(s1)" in output
    assert len(trace.read_text(encoding="utf-8").splitlines()) == 3


def test_a_recording_of_another_model(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    target = ("--target", "model:1.11", "--model", "slot_manager")
    assert run("record", *target, "--steps", "30", "--out", str(file)) == 0
    assert conform(file).matched == 30


def test_sequences_for_another_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--model", "slot_sharing", "--cover", "states", "--generation", "1.11")
    assert run("generate", *given, "--out", str(tmp_path)) == 0
    assert "states: " in capsys.readouterr().out
    traces = sorted((tmp_path / "1.11").glob("*.jsonl"))
    assert traces
    assert all(conform(trace).divergence is None for trace in traces)
    assert run("generate", *given[:4], "--generation", "1.13", "--out", str(tmp_path)) == 2
    assert "SET101" in capsys.readouterr().err


LAZY = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"ready": True} if "reset" in json.loads(line) else {}), flush=True)
"""


def test_a_peer_that_tells_nothing_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lazy = tmp_path / "lazy.py"
    lazy.write_text(LAZY)
    target = ["--target", f"{shlex.quote(sys.executable)} {lazy}", "--generation", "1.12"]
    assert run("fuzz", *target, "--examples", "30") == 3
    assert "nothing was compared" in capsys.readouterr().out


POOL = """
class Pool:
    def __init__(self, header): ...
    def effects(self): return []
    def start(self): ...
    def register_task_manager(self, tm): return True
"""


def test_a_class_with_a_few_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few_operations.py").write_text(POOL)
    monkeypatch.syspath_prepend(tmp_path)
    target = ["--target", "few_operations:Pool", "--generation", "1.12"]
    assert run("fuzz", *target, "--operations", "start,register_task_manager") == 1
    assert "diverges at step" in capsys.readouterr().out


def test_a_module_without_a_class_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fuzz", "--target", "few_operations", "--generation", "1.12") == 2
    assert "write module:Class" in capsys.readouterr().err
