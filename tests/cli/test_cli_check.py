"""``slotspec check``: its output and its exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.counter import DEVIATING, EXAMPLES, FINAL, MODEL, VIOLATED, Make, Run

TURNSTILE = str(EXAMPLES / "turnstile.py")
COMMIT = str(EXAMPLES / "two_phase_commit.py")


def cells(text: str, word: str) -> list[str]:
    """The cells of the table row that starts with `word`."""
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [word])


def test_a_model_that_holds_exits_with_0_and_shows_its_counts(run: Run) -> None:
    ran = run("check", TURNSTILE)
    assert ran.code == 0
    row = cells(ran.out, "turnstile")
    assert row[:6] == ["turnstile", "-", "default", "22", "40", "6"]
    assert row[-1] == "HOLDS"
    assert cells(ran.out, "coin_lost") == ["coin_lost", "sometimes", "HOLDS"]
    assert "2 of 2 lifecycle transitions fired" in ran.out
    assert ran.err == ""


def test_a_violation_exits_with_1_and_shows_the_shortest_sequence(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL, FINAL, VIOLATED))
    assert ran.code == 1
    assert "VIOLATED below_two of counter: It stays below two." in ran.out
    steps = ran.out[ran.out.index("step ") :]
    assert cells(steps, "1") == ["1", "count_up()", "count:", "0", "->", "1"]
    assert cells(steps, "2") == ["2", "count_up()", "count:", "1", "->", "2"]
    assert ran.out.rstrip().splitlines()[-1].startswith("VIOLATED: 1 run, ")


def test_a_deadlock_exits_with_1(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL))
    assert ran.code == 1
    assert "VIOLATED no deadlock of counter" in ran.out
    assert "count: 2 -> 3" in ran.out


def test_a_fault_exits_with_1_and_says_what_it_is(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL.replace("s.count == 3", "s.count == 4"), FINAL))
    assert ran.code == 1
    assert "STP003: count is 4; it may be 0 to 3" in ran.out


def test_a_known_deviation_exits_with_0_and_gives_its_reason(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL, FINAL, DEVIATING))
    assert ran.code == 0
    assert cells(ran.out, "below_three") == ["below_three", "always", "DEVIATES"]
    assert "3 (default)" in ran.out
    assert "it was built so" in ran.out
    assert "count: 2 -> 3" not in ran.out
    assert "count: 2 -> 3" in run("check", make(MODEL, FINAL, DEVIATING), "--verbose").out


def test_a_limit_exits_with_3_and_names_it(run: Run) -> None:
    ran = run("check", COMMIT, "--max-states", "20")
    assert ran.code == 3
    assert "UNKNOWN (limit: states)" in ran.out
    assert "not fired before the limit: Manager PREPARED --commit-->" in ran.out
    assert "dead" not in ran.out


@pytest.mark.slow
def test_unfired_transitions_of_parts_take_one_line(run: Run) -> None:
    bounds = ("slots_per_task_manager=1", "parallelism=1", "allocations=1", "losses=0")
    bounds += ("early_timeouts=0",)
    given = [part for bound in bounds for part in ("--set", bound)]
    ran = run("check", "cluster", "--generation", "1.12", "--engine", "interpreted", *given)
    assert "dead: Process UP --crash-->" in ran.out
    assert "dead in its parts: Pool " in ran.out
    assert "PhysicalSlot PENDING --store-->" not in ran.out


@pytest.mark.parametrize(
    "limit", [("--max-depth", "2"), ("--max-seconds", "0.000001"), ("--max-memory", "1K")]
)
def test_each_limit_can_be_given(run: Run, limit: tuple[str, str]) -> None:
    assert run("check", COMMIT, "--engine", "interpreted", *limit).code == 3


def test_bounds_can_be_set(run: Run) -> None:
    ran = run("check", COMMIT, "--set", "managers=4", "--no-symmetry")
    assert cells(ran.out, "two_phase_commit")[3:6] == ["1,568", "5,633", "13"]


def test_one_property_can_be_chosen(run: Run) -> None:
    ran = run("check", TURNSTILE, "--property", "paid")
    assert ran.code == 0
    assert "paid" in ran.out
    assert "coin_lost" not in ran.out


def test_a_model_is_found_by_its_attribute(run: Run, make: Make) -> None:
    path = make(MODEL, FINAL, "\nother = Model('other', 'Another.', Row)\nmodel_too = model\n")
    assert run("check", f"{path}:model_too").code == 0
    assert "SET086: other has no action" in run("check", f"{path}:other").err
    assert cells(run("check", path).out, "counter")[0] == "counter"


def test_the_only_model_needs_no_name(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL.replace("model", "thing")))
    assert ran.code == 1
    assert "counter" in ran.out


def test_a_file_may_import_its_neighbours(run: Run, make: Make) -> None:
    make("LAST = 3\n", name="neighbour_of_counter.py")
    path = make("from neighbour_of_counter import LAST\n", MODEL, FINAL)
    assert run("check", path).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["slot_poll"], "SET010", "file.py:attribute); did you mean slot_pool?\n"),
        (["xyz"], "SET010", "file.py:attribute); use one of slot_pool, slot_manager"),
        (["nowhere.py"], "SET011", "nowhere.py does not exist"),
        ([f"{TURNSTILE}:gate"], "SET013", "no Model called 'gate'; Models in it: model"),
        ([TURNSTILE, "--set", "gate=2"], "SET001", "no bound 'gate'; did you mean gates?"),
        ([TURNSTILE, "--set", "gates=0"], "SET002", "gates=0: choose from 1 to 254"),
        ([TURNSTILE, "--set", "gates=255"], "SET002", "gates=255"),
        ([TURNSTILE, "--set", "gates"], "SET016", "write NAME=NUMBER"),
        ([TURNSTILE, "--set", "gates=many"], "SET016", "gates=many"),
        ([TURNSTILE, "--scope", "large"], "SET003", "no scope 'large'; use one of default"),
        ([TURNSTILE, "--generation", "1.12"], "SET004", "no generation '1.12'; there is none"),
        ([TURNSTILE, "--property", "payed"], "SET017", "did you mean paid?"),
        ([TURNSTILE, "--engine", "fast"], "SET020", "fast"),
        ([TURNSTILE, "--engine", "interpreted", "--workers", "2"], "SET022", "worker"),
        ([TURNSTILE, "--workers", "two"], "SET021", "two"),
        ([TURNSTILE, "--resume"], "SET023", "checkpoint"),
        ([TURNSTILE, "--max-states", "0"], "SET024", "states 0"),
        ([TURNSTILE, "--max-memory", "much"], "SET025", "500M"),
        ([TURNSTILE, "--json", "no/such/folder.json"], "SET026", "folder"),
        ([TURNSTILE, COMMIT, "--checkpoint", "x"], "SET027", "one run"),
    ],
)
def test_bad_input_is_one_clear_line_and_exits_with_2(
    run: Run, arguments: list[str], code: str, says: str
) -> None:
    ran = run("check", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert ran.err.startswith(f"Error: {code}: ")
    assert says in ran.err


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("def broken(:\n", "SET012", "counter.py:1: not valid Python: "),
        ("import json\n\n1 / 0\n", "SET012", "counter.py:3: loading the file failed: ZeroDiv"),
        ("raise SystemExit(0)\n", "SET012", "counter.py:1: loading the file failed: SystemExit"),
        ("nothing = 1\n", "SET013", "declares no Model"),
        (MODEL.replace("number(3), ", "number(3), '' and "), "SET012", "MDL001"),
        (
            "from slotspec.statemachine import Model, Record\n"
            "a = Model('a', 'A.', Record)\nb = Model('b', 'B.', Record)\n",
            "SET014",
            "several Models: a, b",
        ),
    ],
)
def test_a_file_without_a_model_is_reported(
    run: Run, make: Make, text: str, code: str, says: str
) -> None:
    ran = run("check", make(text))
    assert ran.code == 2
    assert ran.err.startswith(f"Error: {code}: ")
    assert says in ran.err


def test_a_failing_rule_is_an_error_of_the_model(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL.replace("s.count += 1", "s.count += len")))
    assert ran.code == 2
    assert "RUL100" in ran.err
    assert "in count_up, counter.py:" in ran.err


def test_a_name_that_nothing_defines_is_an_error_of_the_model(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL.replace("s.count += 1", "s.count += 1 or nothing")))
    assert ran.code == 2
    assert "RUL004" in ran.err
    assert "in count_up: nothing is not defined" in ran.err


def test_unknown_options_exit_with_2(run: Run) -> None:
    ran = run("check", "--maximum", "3")
    assert ran.code == 2
    assert "--maximum" in ran.err


def test_a_fault_of_slotspec_exits_with_4_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slotspec.cli.plan.find_model", lambda name: 1 / 0)
    ran = run("check", TURNSTILE)
    assert ran.code == 4
    assert ran.err.startswith("slotspec itself failed: ZeroDivisionError")
    assert len(ran.err.splitlines()) == 1


def test_debug_shows_where_slotspec_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    from slotspec.cli import main

    monkeypatch.setattr("slotspec.cli.plan.find_model", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["check", TURNSTILE, "--debug"])


def test_json_of_one_run_is_an_object(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL, FINAL, VIOLATED, DEVIATING), "--json", "-")
    assert ran.code == 1
    made = json.loads(ran.out)
    assert {k: made[k] for k in ("verdict", "states", "transitions", "depth", "limit")} == {
        "verdict": "VIOLATED",
        "states": 4,
        "transitions": 3,
        "depth": 3,
        "limit": None,
    }
    first, second = made["properties"]
    assert (first["name"], first["kind"], first["verdict"]) == ("below_two", "always", "VIOLATED")
    assert (second["verdict"], second["reason"]) == ("DEVIATES", "it was built so")
    assert made["trace"] == first["trace"]
    assert [step["changed"] for step in made["trace"]] == [{"count": [0, 1]}, {"count": [1, 2]}]
    assert made["taken"] == {"count_up": 3}


def test_json_of_several_runs_is_a_list(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "runs.json"
    ran = run("check", TURNSTILE, COMMIT, "--json", str(target))
    assert ran.code == 0
    assert "turnstile" in ran.out
    assert [made["model"] for made in json.loads(target.read_text())] == [
        "turnstile",
        "two_phase_commit",
    ]


def test_every_key_of_the_json_is_documented(run: Run) -> None:
    text = (EXAMPLES.parent / "docs" / "json.md").read_text(encoding="utf-8")
    made = json.loads(run("check", TURNSTILE, "--json", "-").out)
    steps = next(p["trace"] for p in made["properties"] if p["trace"])
    for found in (made, made["properties"][0], made["coverage"][0], steps[0], steps[0]["words"]):
        for key in found:
            assert f"`{key}`" in text


def test_a_trace_is_written_as_json_lines(run: Run, make: Make, tmp_path: Path) -> None:
    target = tmp_path / "trace.jsonl"
    assert run("check", make(MODEL, FINAL, VIOLATED), "--trace-out", str(target)).code == 1
    header, *steps = [json.loads(line) for line in target.read_text().splitlines()]
    assert header["model"] == "counter"
    assert [step["state"] for step in steps] == [{"count": 1}, {"count": 2}]


def test_a_model_may_have_its_own_formatter(run: Run, make: Make) -> None:
    own = """
from slotspec.statemachine.formatting import TraceFormatter

class Own(TraceFormatter):
    def call(self, call):
        return "one more!"

model.formatter = Own
"""
    ran = run("check", make(MODEL, FINAL, VIOLATED, own))
    assert ran.code == 1
    assert "one more!" in ran.out


def test_no_file_is_written_without_a_trace(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "trace.jsonl"
    ran = run("check", TURNSTILE, "--trace-out", str(target))
    assert ran.code == 0
    assert "no trace to write" in ran.err
    assert not target.exists()


def test_the_witness_of_a_chosen_property_can_be_written(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "trace.jsonl"
    run("check", TURNSTILE, "--property", "all_open", "--trace-out", str(target))
    assert len(target.read_text().splitlines()) == 3


def test_ctrl_c_prints_what_was_covered_and_exits_with_3() -> None:
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "slotspec", "check", COMMIT),
            *("--set", "managers=9", "--engine", "interpreted"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "UNKNOWN (limit: interrupted)" in out
    assert int(cells(out, "two_phase_commit")[3].replace(",", "")) > 1
    assert err == ""


def test_ctrl_c_before_the_first_run_exits_with_3(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("slotspec.cli.plan.find_model", interrupt)
    ran = run("check", TURNSTILE)
    assert (ran.code, ran.out, ran.err) == (3, "", "interrupted\n")


def test_interrupted_runs_name_those_that_have_not_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    module = sys.modules["slotspec.statemachine.check"]
    monkeypatch.setattr(module, "explore_interpreted", interrupt)
    ran = run("check", TURNSTILE, COMMIT, "--jobs", "1")
    assert ran.code == 3
    assert "not run: turnstile" in ran.out
    assert "not run: two_phase_commit" in ran.out
    assert ran.out.rstrip().splitlines()[-1].startswith("UNKNOWN: 0 of 2 runs")
