"""``slotspec conform`` as users see it: output, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slotspec.cli import main
from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.oracle.traces.trace import Expected, TraceHeader
from tests.oracle.trace_files import RECORDED, header, step, write

Captured = pytest.CaptureFixture[str]


class Null:
    """Answers every operation with null."""

    def __init__(self, generation: str, header: TraceHeader | None = None) -> None: ...

    def step(self, op: str, **arguments: Any) -> Expected:
        if op == "close":
            raise ZeroDivisionError("by nobody")
        return Expected(None, state={"clock": 0})


@pytest.fixture(autouse=True)
def _null_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotspec.oracle.slot_pool.adapter.ORACLE", Null)


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main(["conform", *map(str, arguments)])
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture
def right(tmp_path: Path) -> Path:
    return write(tmp_path / "right.jsonl", header(), step(), step())


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    call = step("register_task_manager", tm="tm1", state={"clock": 6})
    return write(tmp_path / "wrong.jsonl", header(version="1.13.6"), step(), call)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write(tmp_path / "bad.jsonl", header(), step(), b"{\n")


def test_conforms(right: Path, capsys: Captured) -> None:
    assert run(right) == 0
    out, err = capsys.readouterr()
    assert "1 of 1 trace conforms, 2 steps" in out
    assert "slot pool   1.12.5    1.12" in out
    assert "1 of 22" in out
    assert err == ""


def test_diverges(right: Path, wrong: Path, capsys: Captured) -> None:
    assert run(right, wrong) == 1
    out = capsys.readouterr().out
    assert f"{wrong}:3: step 2 diverges from 1.13 after 1 matching step" in out.replace("\n", "")
    assert 'register_task_manager(tm="tm1")' in out
    assert "state.clock   0          6" in out
    assert "1 of 2 traces conform, 3 steps; 1 diverging" in out


def test_bad_file_does_not_hide_the_others(
    right: Path, wrong: Path, bad: Path, capsys: Captured
) -> None:
    assert run(bad, wrong, right) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"Error: TRC007: {bad}:3: not JSON")
    assert err.count("\n") == 1
    assert "step 2 diverges" in out
    assert "1 of 3 traces conform, 4 steps; 1 diverging; 1 bad" in out


def test_undetermined(tmp_path: Path, capsys: Captured) -> None:
    path = write(tmp_path / "t.jsonl", header(), {"op": "start"})
    assert run(path) == 3
    out = capsys.readouterr().out
    assert f"{path}: undetermined: no step records a result" in out
    assert "0 of 1 trace conforms, 1 step; 1 of them with nothing to compare" in out


def test_fault_of_slotspec(tmp_path: Path, capsys: Captured) -> None:
    path = write(tmp_path / "t.jsonl", header(), step("close"))
    assert run(path) == 4
    err = capsys.readouterr().err
    assert f"Fault of slotspec: {path}:2: close: the model fails with ZeroDivisionError" in err
    assert "Traceback" not in err


def test_quiet(wrong: Path, bad: Path, capsys: Captured) -> None:
    assert run(wrong, "--quiet") == 1
    assert capsys.readouterr() == ("", "")
    assert run(bad, "-q") == 2
    assert "TRC007" in capsys.readouterr().err


def test_generation(right: Path, capsys: Captured) -> None:
    assert run(right, "--generation", "1.11") == 0
    assert "1.12.5    1.11" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--generation", "2"], "SET101: there is no generation '2'; use one of 1.11, 1.12, 1.13"),
        (["--jobs", "0"], "SET102"),
        (["--jobs", "many"], "SET102: --jobs 'many': give a number"),
    ],
)
def test_options_that_cannot_be_honoured(
    arguments: list[str], part: str, right: Path, capsys: Captured
) -> None:
    assert run(right, *arguments) == 2
    out, err = capsys.readouterr()
    assert part in err
    assert out == ""


def test_without_a_trace(capsys: Captured) -> None:
    assert run() == 2


def test_folder_without_traces(tmp_path: Path, capsys: Captured) -> None:
    assert run(tmp_path) == 2
    assert f"TRC021: {tmp_path}: the folder has no trace" in capsys.readouterr().err


def test_json_to_a_file(right: Path, wrong: Path, bad: Path, tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    assert run(right, wrong, bad, "--json", place) == 2
    report = json.loads(place.read_text(encoding="utf-8"))
    assert (report["verdict"], report["exit_code"], report["interrupted"]) == ("DIVERGES", 2, False)
    assert (report["traces"], report["conforming"], report["steps"]) == (3, 1, 4)
    assert [file["verdict"] for file in report["files"]] == [
        "CONFORMS",
        "DIVERGES",
        "UNDETERMINED",
    ]
    assert report["files"][1]["divergence"]["differences"] == [
        {"path": "state.clock", "expected": 0, "seen": 6}
    ]
    assert report["files"][2]["error"]["code"] == "TRC007"
    assert report["classes"][0]["operations"] == {"start": 3}


def test_json_to_standard_output(right: Path, capsys: Captured) -> None:
    assert run(right, "--json", "-") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["verdict"] == "CONFORMS"
    assert "1 of 1 trace conforms" in err


def test_json_to_a_place_that_cannot_be_written(
    right: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert run(right, "--json", tmp_path / "none" / "report.json") == 2
    assert "SET103" in capsys.readouterr().err


def test_recordings(monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path) -> None:
    monkeypatch.setattr("slotspec.oracle.slot_pool.adapter.ORACLE", SlotPoolOracle)
    for path in sorted((RECORDED / "1.12.5").iterdir())[:20]:
        (tmp_path / path.name).symlink_to(path)
    assert run(tmp_path, "--jobs", "2") == 0
    assert "20 of 20 traces conform, 1,600 steps" in capsys.readouterr().out


def test_the_place_of_an_error_is_no_emoji(tmp_path: Path, capsys: Captured) -> None:
    """For rich, ``:100:`` is the name of one."""
    path = write(tmp_path / "t.jsonl", header(), *(step("start") for _ in range(98)), b"{\n")
    assert run(path) == 2
    assert f"{path}:100: not JSON" in capsys.readouterr().err
