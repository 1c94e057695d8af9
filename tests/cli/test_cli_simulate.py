"""``slotspec simulate``: its output, its exit codes, and its seeds."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slotspec.models import MODELS
from tests.cli.counter import DEVIATING, EXAMPLES, FINAL, MODEL, VIOLATED, Make, Run

COMMIT = str(EXAMPLES / "two_phase_commit.py")

FAULT = '''
@model.action(fault=True)
def lose_count(s):
    """Back to nothing."""
    if s.count != 2:
        return DISABLED
    s.count = 0
    return 0
'''


def without_speed(text: str) -> str:
    return re.sub(r"[\d.]+ s \([\d,]+ steps/s\)", "T", text)


def test_no_violation_exits_with_0_and_never_says_holds(run: Run) -> None:
    ran = run("simulate", COMMIT, "--runs", "1000")
    assert ran.code == 0
    last = ran.out.splitlines()[-1]
    assert re.match(r"NO VIOLATION in [\d,]+ steps of 1,000 runs, seed 1, fault rate 0.05, ", last)
    assert last.endswith("a simulation proves nothing")
    assert "HOLDS" not in ran.out
    assert "2 of 2 sometimes properties witnessed" in ran.out
    assert "5 of 5 lifecycle transitions fired" in ran.out
    assert ran.err == ""


def test_a_violation_exits_with_1_and_is_shown_as_check_shows_it(run: Run, make: Make) -> None:
    model = make(MODEL, FINAL, VIOLATED)
    ran, checked = run("simulate", model, "--runs", "5"), run("check", model)
    assert ran.code == 1
    assert "run 0 of seed 1: 2 calls, shortened to 2 (no step can be left out" in ran.out
    begin = checked.out.index("VIOLATED below_two of counter: It stays below two.")
    end = checked.out.index("VIOLATED: 1 run")
    assert checked.out[begin:end] in ran.out
    assert ran.out.splitlines()[-1].startswith("VIOLATED after 2 steps of 1 run, seed 1, ")


def test_a_known_deviation_is_counted_and_stops_nothing(run: Run, make: Make) -> None:
    ran = run("simulate", make(MODEL, FINAL, DEVIATING), "--runs", "5")
    assert ran.code == 0
    assert "known deviation: below_three in 5 of 5 runs" in ran.out


def test_faults_are_counted_and_follow_the_rate(run: Run, make: Make) -> None:
    model = make(MODEL, FINAL, FAULT)
    never = run("simulate", model, "--runs", "20", "--fault-rate", "0")
    often = run("simulate", model, "--runs", "20", "--fault-rate", "0.5")
    assert "never taken: lose_count" in never.out
    assert "never taken" not in often.out
    row = next(line.split() for line in often.out.splitlines() if line.startswith("lose_count"))
    assert row[1] == "fault"
    assert int(row[2]) > 0


def test_a_seed_determines_the_runs(run: Run, make: Make) -> None:
    model = make(MODEL, FINAL, FAULT)
    several = [
        run("simulate", model, "--runs", "40", "--seed", seed, *more).out
        for seed, more in (
            ("3", ["--engine", "interpreted"]),
            ("3", ["--engine", "compiled"]),
            ("3", ["--engine", "compiled", "--workers", "2"]),
            ("4", ["--engine", "compiled"]),
        )
    ]
    bodies = [text[: text.rindex("NO VIOLATION")] for text in several]
    assert bodies[0] == bodies[1] == bodies[2] != bodies[3]


def test_json_has_the_content_of_the_report(run: Run, make: Make, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    ran = run("simulate", make(MODEL, FINAL, VIOLATED), "--json", str(target), "--seed", "7")
    made = json.loads(target.read_text(encoding="utf-8"))
    assert ran.code == 1
    assert (made["format"], made["verdict"], made["seed"]) == (1, "VIOLATED", 7)
    assert made["violation"]["property"] == "below_two"
    assert [step["action"] for step in made["trace"]] == ["count_up", "count_up"]
    ran = run("simulate", COMMIT, "--runs", "3", "--json", "-")
    made = json.loads(ran.out)
    assert (made["verdict"], made["violation"], made["trace"]) == ("NOT VIOLATED", None, None)
    assert made["runs"] == 3
    assert sum(made["moved"].values()) == made["steps"]


def test_a_trace_is_written_as_check_writes_it(run: Run, make: Make, tmp_path: Path) -> None:
    model = make(MODEL, FINAL, VIOLATED)
    written = [tmp_path / "simulated.jsonl", tmp_path / "checked.jsonl"]
    run("simulate", model, "--trace-out", str(written[0]))
    run("check", model, "--trace-out", str(written[1]))
    mine, its = (path.read_text(encoding="utf-8").splitlines() for path in written)
    assert mine[1:] == its[1:]
    header = json.loads(mine[0])
    assert header.pop("seed") == 1
    assert header.pop("scenario") == "run 0 of a simulation, 2 calls shortened"
    assert header == json.loads(its[0])


def test_a_trace_of_a_known_bug_is_read_by_conform(run: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "trace.jsonl")
    ran = run("simulate", "--bug", "FLINK-8934", "--trace-out", target)
    assert ran.code == 1
    # the healthy model behaves differently, so the trace diverges
    conformed = run("conform", target)
    assert conformed.code == 1
    assert "1 diverging" in conformed.out


def test_one_property_can_be_simulated(run: Run, make: Make) -> None:
    model = make(MODEL, FINAL, VIOLATED, DEVIATING)
    assert run("simulate", model, "--property", "below_three", "--runs", "3").code == 0
    assert run("simulate", model, "--property", "below_two", "--runs", "3").code == 1


def test_one_generation_and_scope_is_simulated_by_default(run: Run) -> None:
    ran = run("simulate", "logical_slot", "--runs", "2", "--steps", "3")
    assert [line.split()[1:3] for line in ran.out.splitlines() if line.startswith("logical_")] == [
        ["1.13", "release"]
    ]
    ran = run(
        "simulate", "logical_slot", "--generation", "1.11", "--generation", "1.12", "--runs", "2"
    )
    rows = [line.split()[1] for line in ran.out.splitlines() if line.startswith("logical_slot ")]
    assert rows == ["1.11", "1.12"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "-1"), "SET083"),
        (("--fault-rate", "2"), "SET080: fault rate 2.0: give a number from 0 to 1"),
        (("--runs", "0"), "SET081"),
        (("--steps", "0"), "SET082"),
        (("--workers", "two"), "SET021"),
        (("--set", "managers"), "SET016"),
        (("--property", "unheard_of"), "SET017"),
        (("--trace-out", "/nowhere/at/all.jsonl"), "SET026"),
        (("--bug", "FLINK-1"), "SET070"),
    ],
)
def test_bad_input_exits_with_2(run: Run, arguments: tuple[str, str], message: str) -> None:
    ran = run("simulate", COMMIT, *arguments)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.slow
def test_without_a_model_the_cluster_is_simulated(run: Run) -> None:
    ran = run("simulate", "--runs", "2", "--steps", "20", "--engine", "interpreted")
    if "cluster" not in MODELS:
        assert ran.code == 2
        assert "SET085: which model? There is: slot_pool" in ran.err
    else:
        assert ran.code in (0, 1)
        assert any(line.startswith("cluster ") for line in ran.out.splitlines())


@pytest.mark.slow
def test_ctrl_c_prints_the_results_so_far(make: Make) -> None:
    model = make(
        MODEL.replace(
            "if s.count == 3:\n        return DISABLED\n    s.count += 1", "s.count = 1 - s.count"
        ),
        FINAL,
    )
    command = [sys.executable, "-m", "slotspec", "simulate", model, "--engine", "interpreted"]
    with subprocess.Popen(
        [*command, "--max-seconds", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert re.search(r"NO VIOLATION in [\d,]+ steps of [\d,]+ runs.*; interrupted; ", out)
    assert "Traceback" not in err
