"""Pipes as input, and output that is full, closed, or that nobody reads."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slotspec.oracle.traces import opening

TRACE = Path(__file__).parents[1] / "data/traces/slot_pool/1.12.5/seed0125.jsonl.gz"
LISTED = ["list", "models"]

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and /dev")


def run(
    arguments: list[str], data: bytes = b"", script: str = ""
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "slotspec", *arguments]
    if script:
        command = ["sh", "-c", script, "sh", *command]
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("data", [TRACE.read_bytes(), gzip.decompress(TRACE.read_bytes())])
def test_standard_input(data: bytes) -> None:
    done = run(["conform", "/dev/stdin"], data)
    assert done.returncode == 0, done.stderr
    assert b"1 of 1 trace conforms, 80 steps" in done.stdout


def test_a_pipe_whose_writer_comes_later(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Timer(1.0, lambda: pipe.write_bytes(gzip.decompress(TRACE.read_bytes())))
    writer.start()
    done = run(["conform", str(pipe)])
    writer.join()
    assert done.returncode == 0, done.stderr


def test_a_pipe_without_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run(["conform", str(pipe)])
    assert done.returncode == 2
    assert b"TRC001" in done.stderr
    assert b"nobody writes to this pipe" in done.stderr


def test_a_pipe_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LARGEST", 1 << 20)
    with pytest.raises(OSError, match="gives more than 1 MiB"):
        opening.open_bytes("/dev/zero")


@pytest.mark.parametrize(
    "arguments",
    [LISTED, ["conform", str(TRACE)], ["check", "logical_slot", "--max-states", "50", "--help"]],
)
def test_a_full_disk(arguments: list[str]) -> None:
    done = run(arguments, script='"$@" > /dev/full')
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "Error: SET038: the output cannot be written: No space left on device"
    ]


def test_closed_output() -> None:
    done = run(LISTED, script='"$@" >&-')
    assert (done.returncode, done.stderr) == (0, b"")
    done = run(["list", "nonsense"], script='"$@" >&- 2>&-')
    assert done.returncode == 2


def test_a_reader_that_goes_away() -> None:
    script = '{ "$@"; echo "code $?" >&2; } | true'
    done = run(["list", "properties"], script=script)
    assert done.stderr.decode().splitlines() in (["code 3"], ["code 0"])


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("--workers=\N{ARABIC-INDIC DIGIT THREE}", "SET021"),
        ("--jobs=\N{FULLWIDTH DIGIT FIVE}", "SET028"),
        ("--max-memory=\N{FULLWIDTH DIGIT FIVE}M", "SET025"),
        ("--set=slots=\N{ARABIC-INDIC DIGIT THREE}", "SET016"),
        ("--set=slots=1_0", "SET016"),
    ],
)
def test_digits_of_other_scripts(option: str, code: str) -> None:
    done = run(["check", "logical_slot", option])
    assert done.returncode == 2
    assert code.encode() in done.stderr
