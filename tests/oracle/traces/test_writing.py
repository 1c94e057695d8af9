"""The reader reads what the writer writes, and a copied recording stays the same."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import Expected, RecordedStep, TraceHeader
from slotspec.oracle.traces.writing import TraceWriter, header_line, step_line, write_trace
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import RECORDED, header, step, write
from tests.variants import examples


def read(path: Path) -> tuple[TraceHeader, list[RecordedStep]]:
    with TraceReader(path) as reader:
        return reader.header, list(reader)


@pytest.mark.parametrize("version", ["1.11.4", "1.12.5", "1.13.6"])
def test_recordings_are_written_byte_for_byte(version: str, tmp_path: Path) -> None:
    for path in sorted((RECORDED / version).iterdir())[:30]:
        copy = tmp_path / "copy.jsonl"
        write_trace(copy, *read(path))
        assert copy.read_bytes() == gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_round_trip_of_every_part(name: str, tmp_path: Path) -> None:
    lines = [
        {"op": "start"},
        step("release_slot", request="r1", cause=None, state={"clock": 0}),
        step("close", raises="A", raises_cause="B", effects=[{"effect": "x"}] * 2)
        | {"unordered": [[0, 2]]},
        step("request_timeout", request="r1", attempt=2, result=True, effects=...),
    ]
    first = read(write(tmp_path / "first.jsonl", header(), *lines))
    write_trace(tmp_path / name, *first)
    assert read(tmp_path / name) == first


def test_ending_decides_on_compression(tmp_path: Path) -> None:
    given_header, steps = read(write(tmp_path / "t.jsonl", header(), step()))
    write_trace(tmp_path / "a.jsonl.gz", given_header, steps)
    write_trace(tmp_path / "b.jsonl.gz", given_header, steps)
    packed = (tmp_path / "a.jsonl.gz").read_bytes()
    assert packed.startswith(b"\x1f\x8b")
    assert packed[3:8] == bytes(5), "no name and no time of day"
    assert packed == (tmp_path / "b.jsonl.gz").read_bytes()


def test_steps_written_before_a_failure_can_be_read(tmp_path: Path) -> None:
    given_header, steps = read(write(tmp_path / "t.jsonl", header(), step()))
    writer = TraceWriter(tmp_path / "u.jsonl.gz", given_header)
    writer.write(steps[0])
    writer.__exit__(RuntimeError, RuntimeError(), None)
    assert read(tmp_path / "u.jsonl.gz") == (given_header, steps)


@pytest.mark.parametrize("name", ["", "missing/t.jsonl", "missing/t.jsonl.gz"])
def test_place_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    given_header, steps = read(write(tmp_path / "t.jsonl", header(), step()))
    with pytest.raises(InputError, match=r"TRC023.*cannot be written"):
        write_trace(tmp_path / name, given_header, steps)


def test_step_of_an_expectation() -> None:
    mine = Expected(True, [{"effect": "x"}], [(0, 1)], None, {"clock": 1})
    assert step_line(mine.as_step("close", {"tm": "tm1"})) == (
        b'{"op":"close","tm":"tm1","result":true,"effects":[{"effect":"x"}],'
        b'"unordered":[[0,1]],"state":{"clock":1}}\n'
    )
    assert b"state" not in step_line(mine.as_step("close", {}, state=False))


def test_header_line_keeps_the_order_of_recordings() -> None:
    path = sorted(RECORDED.rglob("*.gz"))[0]
    assert header_line(read(path)[0]) == gzip.decompress(path.read_bytes()).splitlines(True)[0]


NAMES = st.text(min_size=1, max_size=6)
VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(40, 150), deadline=None)
@given(
    request=NAMES,
    result=VALUES,
    state=st.dictionaries(NAMES, VALUES),
    effects=st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3),
)
def test_any_values_come_back(
    request: str,
    result: Any,
    state: Any,
    effects: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl.gz"
    effects = [effect | {"effect": "x"} for effect in effects]
    written = RecordedStep(
        op="release_slot",
        arguments={"request": request, "cause": None},
        result=result,
        effects=effects,
        state=state,
        line=2,
    )
    given_header = TraceHeader(**header())
    write_trace(path, given_header, [written])
    assert read(path) == (given_header, [written])
