"""Results in Python: short in a console, equal if they found the same, and picklable."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import slotspec
from examples.two_phase_commit import model
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import FLAG, Record, scalar
from slotspec.statemachine.errors import UsageError
from tests.blocks import ROOT


@pytest.fixture(scope="module")
def result() -> slotspec.Result:
    return slotspec.check(model.instance({"managers": 2}), engine="interpreted")


def test_what_python_shows_is_short(result: slotspec.Result) -> None:
    witness = result.properties[-1]
    assert repr(result) == ("<Result two_phase_commit: HOLDS, 56 states, 113 transitions, depth 7>")
    assert repr(model) == "<Model two_phase_commit: 4 actions, 6 properties>"
    assert repr(result.instance) == "<Instance two_phase_commit: managers=2>"
    assert repr(witness) == "<PropertyResult prepared_and_refused: HOLDS>"
    assert repr(witness.finding) == "<Finding: 2 steps in two_phase_commit>"
    assert witness.finding is not None
    assert repr(witness.finding.steps[0]) == "<TraceStep vote(manager=0, yes=0) = 0>"
    assert repr(witness.property) == "<Property prepared_and_refused>"
    assert repr(slotspec.Oracle("slot_pool", "1.12")) == "<Oracle slot_pool 1.12: 22 operations>"


def test_what_simulations_and_reports_show_is_short() -> None:
    simulation = slotspec.simulate(model.instance({"managers": 2}), runs=2, steps=9)
    amount = f"{simulation.steps} steps of 2 runs"
    assert repr(simulation) == f"<Simulation two_phase_commit: no violation, {amount}>"
    assert repr(model.instance({"managers": 2}).calls[0]) == "<Call vote(manager=0, yes=0)>"
    trace = next((ROOT / "tests/data/traces/slot_pool/1.12.5").iterdir())
    report = slotspec.conform(trace)
    steps = f"{report.steps} of {report.steps} steps agree"
    assert repr(report) == f"<Report {trace.name}: CONFORMS (1.12), {steps}>"
    assert pickle.loads(pickle.dumps(report)) == report
    everything = slotspec.conform_all([trace])
    assert repr(everything) == "<Summary: CONFORMS, 1 of 1 conform>"
    assert pickle.loads(pickle.dumps(everything)) == everything


def test_a_simulation_comes_back_from_a_pickle() -> None:
    instance = model.instance({"managers": 2})
    simulation = slotspec.simulate(instance, runs=2, steps=9)
    assert pickle.loads(pickle.dumps(simulation)) == simulation
    assert slotspec.simulate(instance, runs=2, steps=9) == simulation
    assert slotspec.simulate(instance, runs=3, steps=9) != simulation


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_result_comes_back_from_a_pickle(result: slotspec.Result, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(result, protocol))
    assert again == result
    assert again.instance.model is model
    witness, other = result.properties[-1].finding, again.properties[-1].finding
    assert witness is not None
    assert other == witness
    assert [step.after for step in other.steps] == [step.after for step in witness.steps]


def test_results_of_the_same_search_are_equal_and_others_are_not(
    result: slotspec.Result,
) -> None:
    assert slotspec.check(model.instance({"managers": 2}), engine="interpreted") == result
    assert slotspec.check(model.instance({"managers": 1}), engine="interpreted") != result
    part = slotspec.check(
        model.instance({"managers": 2}), engine="interpreted", limits=slotspec.Limits(states=9)
    )
    assert part != result
    assert result != "HOLDS"


def test_a_result_of_a_known_bug_comes_back_with_its_rules() -> None:
    from slotspec.bugs import known_bugs

    instance = known_bugs()["FLINK-9932"].instance()
    again = pickle.loads(pickle.dumps(instance))
    assert again.is_as(instance)
    assert again.defect == "FLINK-9932"
    assert not known_bugs()["FLINK-9932"].healthy().is_as(instance)


def test_another_process_reads_an_instance_of_a_built_in_model(tmp_path: Path) -> None:
    instance = slotspec.load_model("cluster").instance(scope="storm")
    file = tmp_path / "instance"
    file.write_bytes(pickle.dumps(instance))
    program = f"import pickle; print(len(pickle.load(open({str(file)!r}, 'rb')).properties))"
    read = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (read.stdout, read.stderr) == (f"{len(instance.properties)}\n", "")


def test_a_model_that_no_module_has_cannot_be_pickled() -> None:
    class Lamp(Record):
        """A lamp."""

        lit: int = scalar(FLAG, "Whether it is lit.")

    with pytest.raises(UsageError, match=r"SET042.*at the top level"):
        pickle.dumps(Model("lamp", "A lamp.", Lamp).instance())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: slotspec.check(model), r"check\(\) takes an instance.*model\.instance\(\)"),
        (lambda: slotspec.check("slot_pool"), r"check\(\) takes an instance, .*not .slot_pool."),
        (lambda: slotspec.simulate(model), r"simulate\(\) takes an instance"),
        (lambda: slotspec.replay(model, []), r"replay\(\) takes an instance"),
        (lambda: slotspec.load_model(3), r"load_model\(\) takes a name or a file\.py, not 3"),
        (lambda: slotspec.conform(3), r"conform\(\) takes a path, not 3"),
        (lambda: model.instance(3), r"instance\(\) takes bounds as a mapping, not 3"),
        (lambda: model.instance({"managers": "2"}), r"bound managers='2': give a number"),
        (lambda: slotspec.check(model.instance(), limits=5), r"check\(\) takes limits=Limits"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_the_method_takes(wrong: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        wrong()  # type: ignore[operator]


def test_a_file_is_loaded_by_its_name() -> None:
    from tests.blocks import ROOT

    assert slotspec.load_model(str(ROOT / "examples/lease.py")).name == "lease"


def test_a_report_of_a_file_that_cannot_be_read_says_why() -> None:
    shown = repr(slotspec.conform("no-such-file.jsonl"))
    assert shown.startswith("<Report no-such-file.jsonl: UNDETERMINED, TRC001: ")
