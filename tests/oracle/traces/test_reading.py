"""The reader reports every fault with file, line, code and fix, and raises nothing else."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from slotspec.oracle.traces import reading
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import RecordedStep
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import RECORDED, SMALL, header, step, write
from tests.variants import examples

OFFER = {"allocation": "a1", "index": 0, "profile": "small"}


def read(path: Path) -> list[RecordedStep]:
    with TraceReader(path) as reader:
        return list(reader)


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read(path)
    return caught.value


def complaint(path: Path) -> str:
    """The error of the reader for a file, if there is one."""
    try:
        read(path)
    except InputError as error:
        return error.message
    return "none"


BAD_STEPS: dict[str, tuple[str, Any, str]] = {
    "not utf-8": ("TRC006", b'{"op":"start","result":"\xff"}\n', "byte 25 is not UTF-8"),
    "not utf-8 in a key": ("TRC006", b'{"op":"start","\xff":1}\n', "not UTF-8"),
    "not json": ("TRC007", b"start\n", "not JSON"),
    "blank": ("TRC007", b"\n", "the line is blank; remove it"),
    "two objects": ("TRC007", b'{"op":"start"}{"op":"close"}\n', "trailing characters"),
    "NaN": ("TRC007", b'{"op":"start","result":NaN}\n', "not JSON"),
    "too deep": ("TRC007", b'{"op":"start","result":' + b"[" * 50_000 + b"\n", "nests too deep"),
    "too large a number": ("TRC007", b'{"op":"start","result":1e999}\n', "out of range"),
    "too long a number": ("TRC007", b'{"op":"start","result":' + b"9" * 9000 + b"}\n", "range"),
    "lone surrogate": ("TRC007", b'{"op":"start","result":"\\ud800"}\n', "not JSON"),
    "byte order mark": ("TRC007", b'\xef\xbb\xbf{"op":"start"}\n', "byte order mark"),
    "array": ("TRC008", [1], "expected a JSON object, found [1]"),
    "null": ("TRC008", None, "expected a JSON object, found null"),
    "no operation": ("TRC015", {"result": None}, 'write "op"'),
    "unknown operation": ("TRC015", step("offer_slot"), "did you mean offer_slots?"),
    "operation that is no text": ("TRC015", step(op=3), "unknown operation 3"),
    "operation null": ("TRC015", step(op=None), "unknown operation null"),
    "missing argument": ("TRC016", step("register_task_manager"), "'tm' is missing"),
    "missing nullable argument": ("TRC016", step("release_slot", request="r1"), "'cause'"),
    "missing field of an offer": (
        "TRC016",
        step("offer_slots", tm="tm1", offers=[OFFER, {"allocation": "a1", "profile": "small"}]),
        "offers[1]: the field 'index' is missing",
    ),
    "unknown field": ("TRC017", step(efects=[]), "did you mean effects?"),
    "argument of another operation": ("TRC017", step("close", tm="tm1"), 'unknown field "tm"'),
    "unknown field of an offer": (
        "TRC017",
        step("offer_slots", tm="tm1", offers=[OFFER | {"since": 1}]),
        'offers[0]: unknown field "since"',
    ),
    "ill-typed argument": ("TRC018", step("register_task_manager", tm=7), "`$.tm` (it is 7)"),
    "empty name": ("TRC018", step("connect_to_resource_manager", rm=""), "length >= 1"),
    "flag for a number": ("TRC018", step("advance_time", ms=True), "got `bool`"),
    "fraction of a millisecond": ("TRC018", step("advance_time", ms=0.5), "got `float`"),
    "back in time": ("TRC018", step("advance_time", ms=-1), ">= 0"),
    "far beyond time": ("TRC018", step("advance_time", ms=2**31), "<= 2147483647"),
    "negative index": (
        "TRC018",
        step("offer_slots", tm="tm1", offers=[OFFER | {"index": -1}]),
        "`$.offers[0].index`",
    ),
    "offers no list": ("TRC018", step("offer_slots", tm="tm1", offers={}), "offers"),
    "offer no object": ("TRC018", step("offer_slots", tm="tm1", offers=["a1"]), "offers"),
    "attempt zero": ("TRC018", step("request_timeout", request="r1", attempt=0), ">= 1"),
    "attempt null": ("TRC018", step("request_timeout", request="r1", attempt=None), "attempt"),
    "cause null": ("TRC018", step("fail_allocation", allocation="a1", cause=None), "cause"),
    "effects null": ("TRC018", step(effects=None), "effects"),
    "effect no object": ("TRC018", step(effects=["x"]), "effects"),
    "effect without name": ("TRC018", step(effects=[{"rm": "rm1"}]), "has no name"),
    "effect with a number for a name": ("TRC018", step(effects=[{"effect": 1}]), "has no name"),
    "raises a number": ("TRC018", step(raises=1), "raises"),
    "raises nothing": ("TRC018", step(raises=""), "raises"),
    "state a list": ("TRC018", step(state=[]), "state"),
    "state null": ("TRC018", step(state=None), "state"),
    "unordered no pairs": ("TRC018", step(unordered=[[0]]), "unordered"),
    "operation twice": ("TRC018", b'{"op":"close","op":"start"}\n', "appears twice"),
    "unlisted profile": (
        "TRC019",
        step("request_new_allocated_slot", request="r1", profile="huge"),
        'profile "huge" is not among the header\'s profiles ("any", "unknown", "small"); add it',
    ),
    "unlisted profile of an offer": (
        "TRC019",
        step("offer_slots", tm="tm1", offers=[OFFER | {"profile": "huge"}]),
        "huge",
    ),
    "unlisted cause": ("TRC019", step("release_slot", request="r1", cause="x"), "causes"),
    "unlisted task manager": ("TRC019", step("register_task_manager", tm="tm2"), "task_managers"),
    "unordered beyond": ("TRC020", step(unordered=[[0, 1]]), "the step has 0 effects"),
    "unordered before": (
        "TRC020",
        step(effects=[{"effect": "x"}], unordered=[[-1, 1]]),
        "out of bounds",
    ),
    "unordered empty": ("TRC020", step(effects=[{"effect": "x"}], unordered=[[1, 1]]), "empty"),
    "unordered without effects": ("TRC020", step(effects=..., unordered=[[0, 2]]), "0 effects"),
    "unordered overlapping": (
        "TRC020",
        step(effects=[{"effect": "x"}] * 3, unordered=[[1, 3], [0, 2]]),
        "[1, 3) overlaps another",
    ),
    "endless timers": (
        "TRC022",
        step("advance_time", ms=2**31 - 1),
        "use several shorter steps",
    ),
}


@pytest.mark.parametrize("name", BAD_STEPS)
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_bad_step(name: str, ending: str, tmp_path: Path) -> None:
    code, line, part = BAD_STEPS[name]
    path = write(tmp_path / f"t.{ending}", header(), step(), line, step("close"))
    error = refused(path)
    assert error.code == code
    assert error.message.startswith(f"{path}:3: ")
    assert part in error.message
    assert len(error.message) < 700 + len(str(path))


BAD_HEADERS: dict[str, tuple[str, Any, str]] = {
    "not json": ("TRC007", b"%PDF-1.7\n", "not JSON"),
    "not an object": ("TRC008", [], "expected a JSON object"),
    "a step": ("TRC012", step(), "the first line is a step"),
    "format 2": ("TRC009", header(format=2), "format 2 is unknown; write format 1"),
    "format true": ("TRC009", header(format=True), "format true"),
    "a recording": (
        "TRC009",
        header(format="slotspec.cluster-recording"),
        "slotspec conform --run-out FILE writes the run",
    ),
    "format text": ("TRC009", header(format="1"), 'format "1"'),
    "no format": ("TRC012", header(format=...), "the field 'format' is missing; add format"),
    "class without its package": (
        "TRC010",
        header(implementation="DeclarativeSlotPoolBridge"),
        "did you mean org.apache.flink DeclarativeSlotPoolBridge?",
    ),
    "a strategy that there is not": (
        "TRC012",
        header(
            implementation="org.apache.flink DeclarativeSlotPoolBridge",
            config={"idle_slot_timeout_ms": 1, "batch_slot_timeout_ms": 1, "strategy": "best"},
        ),
        "use one of simple, preferred, balanced, preferred_balanced",
    ),
    "own class": (
        "TRC010",
        header(implementation="slotspec model mailbox"),
        'unknown implementation "slotspec model mailbox"; name its file, with --model FILE.py',
    ),
    "unknown class": ("TRC010", header(implementation="Pool"), 'unknown implementation "Pool"'),
    "class a number": ("TRC012", header(implementation=1), "implementation"),
    "no class": ("TRC012", header(implementation=...), "implementation"),
    "version empty": ("TRC011", header(version=""), "write one such as 1.12.5"),
    "version a word": ("TRC011", header(version="latest"), 'version "latest"'),
    "version a number": ("TRC012", header(version=1.12), "version"),
    "no config": ("TRC012", header(config=...), "config"),
    "config lacks a timeout": (
        "TRC012",
        header(config={"idle_slot_timeout_ms": 1}),
        "batch_slot_timeout_ms",
    ),
    "config has more": (
        "TRC012",
        header(config={"idle_slot_timeout_ms": 1, "batch_slot_timeout_ms": 1, "x": 1}),
        "config: there is no field 'x'; use one of idle_slot_timeout_ms, batch_slot_timeout_ms",
    ),
    "timeout zero": (
        "TRC013",
        header(config={"idle_slot_timeout_ms": 0, "batch_slot_timeout_ms": 1}),
        "config.idle_slot_timeout_ms is 0; write at least 1",
    ),
    "timeout negative": (
        "TRC013",
        header(config={"idle_slot_timeout_ms": 1, "batch_slot_timeout_ms": -5}),
        "config.batch_slot_timeout_ms is -5",
    ),
    "timeout a text": (
        "TRC012",
        header(config={"idle_slot_timeout_ms": "1", "batch_slot_timeout_ms": 1}),
        "got `str`",
    ),
    "no profiles": ("TRC012", header(profiles=...), "profiles"),
    "profile a word": ("TRC012", header(profiles={"p": "SOME"}), 'profile "p"'),
    "profile lacks cpu": (
        "TRC012",
        header(profiles={"p": {"cpu": 1.0, "extended": {}}}),
        "add task_heap_mb, task_off_heap_mb, managed_mb, network_mb",
    ),
    "profile has more": ("TRC012", header(profiles={"p": SMALL | {"gpu": 1}}), "no field 'gpu'"),
    "profile negative": ("TRC012", header(profiles={"p": SMALL | {"cpu": -1}}), "negative"),
    "profile not in order": (
        "TRC012",
        header(profiles={"p": SMALL, "q": SMALL}, profile_order=["p"]),
        'profile_order is ["p"]; list each of p, q once',
    ),
    "extended negative": (
        "TRC012",
        header(profiles={"p": SMALL | {"extended": {"gpu": -1.0}}}),
        "negative",
    ),
    "cause a number": ("TRC012", header(causes={"other": 1}), "causes"),
    "task manager a text": ("TRC012", header(task_managers={"tm1": "host1"}), "task_managers"),
    "unknown field": ("TRC012", header(causez={}), "did you mean causes?"),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_bad_header(name: str, tmp_path: Path) -> None:
    code, line, part = BAD_HEADERS[name]
    path = write(tmp_path / "t.jsonl", line, step())
    error = refused(path)
    assert error.code == code
    assert error.message.startswith(f"{path}:1: ")
    assert part in error.message


class TestFiles:
    def test_missing(self, tmp_path: Path) -> None:
        error = refused(tmp_path / "t.jsonl")
        assert error.code == "TRC001"
        assert "No such file" in error.message

    def test_name_that_cannot_be_one(self) -> None:
        assert refused(Path("a\0b")).code == "TRC001"

    def test_folder(self, tmp_path: Path) -> None:
        error = refused(tmp_path)
        assert error.code == "TRC001"
        assert "is a folder" in error.message

    @pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
    def test_empty(self, ending: str, tmp_path: Path) -> None:
        error = refused(write(tmp_path / f"t.{ending}"))
        assert error.code == "TRC002"
        assert ":1: " in error.message

    def test_empty_file_of_a_compressed_name(self, tmp_path: Path) -> None:
        path = tmp_path / "t.jsonl.gz"
        path.touch()
        assert refused(path).code == "TRC002"

    def test_without_steps(self, tmp_path: Path) -> None:
        error = refused(write(tmp_path / "t.jsonl", header()))
        assert error.code == "TRC014"
        assert ":2: " in error.message

    @pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
    def test_last_line_cut_off(self, ending: str, tmp_path: Path) -> None:
        path = write(tmp_path / f"t.{ending}", header(), step(), b'{"op":"close","resu')
        error = refused(path)
        assert error.code == "TRC004"
        assert error.message.startswith(f"{path}:3: ")

    def test_steps_before_a_cut_are_given_first(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", header(), step(), b'{"op":"close","resu')
        with TraceReader(path) as reader:
            steps = iter(reader)
            assert next(steps).op == "start"
            with pytest.raises(InputError):
                next(steps)

    def test_last_line_without_its_end_is_whole(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", header(), json.dumps(step("close")).encode())
        assert [s.op for s in read(path)] == ["close"]

    def test_line_too_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "LINE_LIMIT", 1024)
        path = write(tmp_path / "t.jsonl", header(), step(), step(result="x" * 1024))
        error = refused(path)
        assert error.code == "TRC005"
        assert error.message.startswith(f"{path}:3: ")

    def test_line_of_gigabytes_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "t.jsonl"
        with path.open("wb") as file:
            file.truncate(2**33)
        assert refused(path).code == "TRC005"

    def test_truncated_gzip(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl.gz", header(), *[step(result=i) for i in range(999)])
        path.write_bytes(path.read_bytes()[:-20])
        error = refused(path)
        assert error.code == "TRC003"
        assert "is truncated" in error.message

    def test_every_truncation_of_a_gzip(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl.gz", header(), step())
        whole = path.read_bytes()
        for size in range(1, len(whole)):
            path.write_bytes(whole[:size])
            assert refused(path).code == "TRC003"

    def test_damaged_gzip(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl.gz", header(), *[step(result=i) for i in range(99)])
        data = bytearray(path.read_bytes())
        data[-6] ^= 255
        path.write_bytes(data)
        assert refused(path).code == "TRC003"

    def test_gzip_followed_by_something_else(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl.gz", header(), step())
        path.write_bytes(path.read_bytes() + b"more")
        assert refused(path).code == "TRC003"

    def test_not_compressed_in_spite_of_its_name(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", header(), step()).rename(tmp_path / "t.jsonl.gz")
        error = refused(path)
        assert error.code == "TRC003"
        assert "is not gzip" in error.message

    def test_compressed_in_spite_of_its_name(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl.gz", header(), step()).rename(tmp_path / "t.jsonl")
        assert len(read(path)) == 1

    def test_name_that_is_not_utf8(self, tmp_path: Path) -> None:
        path = Path(str(tmp_path) + "/\udcff.jsonl")
        refused(path).message.encode()


class TestSteps:
    def test_all_parts(self, tmp_path: Path) -> None:
        effects = [{"effect": "tm.free_slot", "tm": "tm1", "allocation": a} for a in ("a1", "a2")]
        path = write(
            tmp_path / "t.jsonl",
            header(),
            step(
                "release_task_manager",
                tm="tm1",
                result=True,
                effects=effects,
                unordered=[[0, 2]],
                state={"clock": 0},
            ),
            step(
                "close", raises="NullPointerException", raises_cause="FlinkException", result=None
            ),
        )
        first, second = read(path)
        assert first == RecordedStep(
            op="release_task_manager",
            arguments={"tm": "tm1"},
            result=True,
            effects=effects,
            unordered=((0, 2),),
            state={"clock": 0},
            line=2,
        )
        assert (second.raises, second.raises_cause, second.state) == (
            "NullPointerException",
            "FlinkException",
            UNSET,
        )

    def test_parts_may_be_absent(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", header(), {"op": "start"}, step(state={}))
        first, second = read(path)
        assert (first.result, first.effects, first.raises, first.state) == (UNSET,) * 4
        assert first.silent
        assert second.result is None
        assert not second.silent

    def test_optional_arguments(self, tmp_path: Path) -> None:
        call = {"op": "allocate_available_slot", "request": "r1", "allocation": "a1"}
        path = write(tmp_path / "t.jsonl", header(), call, call | {"profile": "small"})
        assert [s.arguments.get("profile") for s in read(path)] == [None, "small"]
        assert "profile" not in read(path)[0].arguments

    def test_offers_are_plain_objects(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "t.jsonl", header(), step("offer_slots", tm="tm1", offers=[OFFER, OFFER])
        )
        assert read(path)[0].arguments == {"tm": "tm1", "offers": [OFFER, OFFER]}

    def test_header_without_task_managers_allows_all(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "t.jsonl",
            header(task_managers=...),
            step("register_task_manager", tm="anything"),
        )
        assert read(path)[0].arguments == {"tm": "anything"}

    def test_operation_need_not_come_first(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", header(), {"tm": "tm1", "op": "release_task_manager"})
        assert read(path)[0].arguments == {"tm": "tm1"}

    def test_recorded_traces(self) -> None:
        files = sorted(RECORDED.rglob("*.jsonl.gz"))
        assert len(files) == 453
        assert sum(len(read(file)) for file in files) == 36_360

    def test_memory_holds_one_line(self, tmp_path: Path) -> None:
        """The reader never has all thirty megabytes of steps in memory."""
        import tracemalloc

        line = json.dumps(step(result="x" * 10_000)).encode() + b"\n"
        path = tmp_path / "t.jsonl"
        with path.open("wb") as file:
            file.write(json.dumps(header()).encode() + b"\n")
            for _ in range(3000):
                file.write(line)
        tracemalloc.start()
        with TraceReader(path) as reader:
            assert sum(1 for _ in reader) == 3000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        tracemalloc.stop()


SAMPLE = gzip.decompress((RECORDED / "1.12.5" / "seed0003.jsonl.gz").read_bytes())[:12_000]


@settings(
    max_examples=examples(40, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mutated_bytes_give_nothing_but_input_errors(data: st.DataObject, tmp_path: Path) -> None:
    sample = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(sample)))
        size = data.draw(st.integers(0, 12))
        sample[place : place + size] = data.draw(st.binary(max_size=12))
    packed = data.draw(st.booleans())
    path = tmp_path / "t.jsonl"
    path.write_bytes(zlib.compress(bytes(sample), wbits=31) if packed else bytes(sample))
    assert complaint(path).startswith((f"{path}:", "none"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = ["tm", "offers", "request", "allocation", "profile", "cause", "ms", "attempt", "rm"]
PARTS = ["result", "effects", "raises", "raises_cause", "unordered", "state"]


@settings(
    max_examples=examples(40, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    op=st.sampled_from(["offer_slots", "advance_time", "release_slot", "request_timeout"]),
    fields=st.dictionaries(st.sampled_from(FIELDS + PARTS), JSON),
)
def test_any_json_gives_nothing_but_input_errors(
    op: str, fields: dict[str, Any], tmp_path: Path
) -> None:
    path = write(tmp_path / "t.jsonl", header(), {"op": op, **fields})
    assert complaint(path).startswith((f"{path}:2: ", "none"))


@settings(
    max_examples=examples(40, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.dictionaries(st.sampled_from(list(header())), JSON))
def test_any_header_gives_nothing_but_input_errors(changes: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", header(**changes), step())
    assert complaint(path).startswith((f"{path}:1: ", "none"))
