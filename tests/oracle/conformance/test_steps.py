"""Traces in a model's own actions: replay, comparison, errors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slotspec.cli import main
from slotspec.models import load_model
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.conformance.report import Report
from slotspec.oracle.conformance.steps import MOST_CALLS, count_calls, finding_of, is_steps
from slotspec.oracle.traces.export import export, steps_of
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.errors import InputError, StepError, UsageError
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits

ONE = {"task_managers": 1, "slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported() -> tuple[Instance, Finding, Lines]:
    """A trace of the cluster at whose end all tasks run."""
    bounds = {**ONE, "losses": 0, "early_timeouts": 0}
    instance = load_model("cluster").instance(bounds, generation="1.13")
    name = "all_tasks_run"
    instance.properties = {name: instance.properties[name]}
    result = explore_interpreted(instance, Limits(states=20_000, seconds=60, until=name))
    finding = result.properties[0].finding
    assert finding is not None
    return instance, finding, list(export(instance, finding))


@pytest.fixture
def changed(
    exported: tuple[Instance, Finding, Lines], tmp_path: Path
) -> Callable[[Callable[[Lines], Any]], Path]:
    """Writes the trace with a change."""

    def write(change: Callable[[Lines], Any]) -> Path:
        lines: Lines = json.loads(json.dumps(exported[2]))
        change(lines)
        path = tmp_path / "trace.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


Changed = Callable[[Callable[[Lines], Any]], Path]


class Failing(Interpreter):
    """An interpreter whose third step leaves the protocol."""

    taken = 0

    def step(self, call: Call) -> int:
        self.taken += 1
        if self.taken == 3:
            raise StepError("STP001", "undeclared transition")
        return super().step(call)


def test_a_step_that_leaves_the_protocol_does_not_conform(
    changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slotspec.oracle.conformance.steps.Interpreter", Failing)
    for whole in (
        changed(lambda lines: None),
        changed(lambda lines: lines.__delitem__(slice(4, None))),
    ):
        report = conform(whole)
        assert report.fault is not None
        assert report.fault.startswith(f"{whole}:4: ")
        assert "leaves its protocol: STP001: undeclared transition" in report.fault
        assert (report.matched, report.divergence) == (2, None)
        with pytest.raises(SystemExit) as left:
            main(["conform", str(whole)])
        assert left.value.code == 4


def run(*arguments: str | Path) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    return int(left.value.code or 0)


def unchanged(lines: Lines) -> None:
    """Leave it as it is."""


def test_what_is_exported_conforms(
    changed: Changed, exported: tuple[Instance, Finding, Lines]
) -> None:
    instance, finding, lines = exported
    path = changed(unchanged)
    assert is_steps(path)
    report = conform(path)
    assert report.outcome is Conformance.CONFORMS
    assert report.matched == report.steps == len(finding.steps) == len(lines) - 1
    assert (report.implementation, report.version, report.generation) == ("cluster", "1.13", "1.13")
    again = finding_of(path)
    assert again[0].setting.bounds == instance.setting.bounds
    assert [step.after for step in again[1].steps] == [step.after for step in finding.steps]
    packed = path.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert is_steps(packed)
    assert conform(packed).matched == report.matched


@pytest.mark.parametrize("name", ["slot_pool", "task_slot_table"])
def test_other_models_too(name: str, tmp_path: Path) -> None:
    instance = load_model(name).instance()
    finding = explain(instance, instance.calls[:1])
    path = tmp_path / "trace.jsonl"
    lines = steps_of(instance, finding)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert conform(path).outcome is Conformance.CONFORMS


def test_the_first_difference_is_named(changed: Changed) -> None:
    def wrong(lines: Lines) -> None:
        lines[5]["state"]["pool.slot"][0] = 2
        lines[5]["result"] += 1
        lines[5]["effects"].append([1, 2])
        lines[7]["result"] = 7

    report = conform(changed(wrong))
    assert report.outcome is Conformance.DIVERGES
    assert report.divergence is not None
    assert (report.divergence.step, report.divergence.line, report.matched) == (5, 6, 4)
    paths = [difference.path for difference in report.divergence.differences]
    assert paths == ["result", "effects[0]", "state.pool.slot[0]"]
    assert json.dumps(report.to_json())


def test_a_call_that_is_not_possible_diverges(changed: Changed) -> None:
    report = conform(changed(lambda lines: lines.insert(2, lines[1])))
    assert report.divergence is not None
    assert str(report.divergence.differences[0]).startswith('action: expected "not possible here"')
    with pytest.raises(InputError, match=r":3: .* is not possible there"):
        finding_of(changed(lambda lines: lines.insert(2, lines[1])))


def test_what_is_not_said_is_not_compared(changed: Changed) -> None:
    def part(lines: Lines) -> None:
        for step in lines[1:]:
            del step["result"], step["effects"]
            step["state"] = {"job": step["state"]["job"]}

    def silent(lines: Lines) -> None:
        for step in lines[1:]:
            del step["result"], step["effects"], step["state"]

    assert conform(changed(part)).outcome is Conformance.CONFORMS
    report = conform(changed(silent))
    assert report.outcome is Conformance.UNDETERMINED
    assert report.silent == report.steps


def test_a_loop_must_lead_back(changed: Changed, exported: tuple[Instance, Finding, Lines]) -> None:
    def loop(at: int) -> Report:
        return conform(changed(lambda lines: lines[0].update(loop=at)))

    steps = len(exported[2]) - 1
    assert loop(steps).outcome is Conformance.CONFORMS  # it stays there
    report = loop(2)
    assert report.divergence is not None
    assert report.divergence.differences[0].path == "loop"
    assert "TRC012" in str(loop(steps + 1).error)


def at(line: int, **fields: Any) -> Callable[[Lines], None]:
    """Sets fields of a line."""
    return lambda lines: lines[line].update(fields)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (at(0, model="clutser"), "TRC010", ":1: .*did you mean cluster"),
        (at(0, model="mine.py"), "TRC010", "not a built-in model"),
        (at(0, generation="1.31"), "TRC011", "did you mean 1.13"),
        (at(0, generation=None), "TRC011", "no generation"),
        (at(0, bounds={"nonsense": 1}), "TRC012", "no bound 'nonsense'"),
        (at(0, bounds={"task_managers": 99}), "TRC012", "task_managers"),
        (at(0, bounds={"task_managers": "2"}), "TRC012", "header: .*Expected `int`"),
        (at(0, colour="red"), "TRC012", "colour"),
        (at(3, action="task_ent"), "TRC015", ":4: .*did you mean task_ends"),
        (at(3, action=3), "TRC018", ":4: "),
        (at(3, arguments={}), "TRC016", ":4: .* needs the argument tm"),
        (at(3, arguments={"tm": 0, "rm": 1}), "TRC017", "no argument"),
        (at(3, arguments={"tm": 7}), "TRC018", "tm is 7; write a number from 0 to 0"),
        (at(3, state={"jobs": [1]}), "TRC017", "did you mean job"),
        (at(3, state=[1]), "TRC018", ":4: "),
        (at(3, effects=[{"a": 1}]), "TRC018", ":4: "),
        (lambda lines: lines.__delitem__(slice(1, None)), "TRC014", "no step"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    changed: Changed,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Lines], Any],
    code: str,
    words: str,
) -> None:
    def with_an_argument(lines: Lines) -> None:
        """Line 3 is a step with an argument; the reader reports it before any step runs."""
        step = next(line for line in lines if line.get("arguments") == {"tm": 0})
        lines[3] = dict(step)
        change(lines)

    path = changed(with_an_argument)
    with pytest.raises(InputError, match=words) as met:
        finding_of(path)
    assert met.value.code == code
    assert run("conform", path) == 2
    assert code in capsys.readouterr().err


def test_a_generation_can_be_chosen(changed: Changed) -> None:
    path = changed(unchanged)
    assert conform(path, "1.12").generation == "1.12"
    with pytest.raises(UsageError, match="SET101"):
        conform(path, "2.0")


def test_bounds_at_which_nothing_could_be_listed_are_refused(tmp_path: Path) -> None:
    model = load_model("slot_sharing")
    large = {name: bound.maximum for name, bound in model.bounds.items()}
    if count_calls(model, large) <= MOST_CALLS:
        pytest.skip("there are no such bounds")
    path = tmp_path / "trace.jsonl"
    header = {"format": "slotspec.steps", "model": model.name, "bounds": large}
    path.write_text(json.dumps({**header, "generation": list(model.generations)[-1]}) + "\n")
    assert "TRC022" in str(conform(path).error)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x1f\x8bno"])
def test_other_files_are_none_of_these(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, encoding="latin-1")
    assert not is_steps(path)
    assert conform(path).error is not None
    assert not is_steps(tmp_path)


def test_such_a_trace_can_be_drawn(changed: Changed, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("draw", changed(unchanged), "--format", "mermaid") == 0
    assert "TaskExecutor_1-)ResourceManager" in capsys.readouterr().out
