"""Pipes as input, and output that is full, closed, or that nobody reads."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import typer

from slotspec.cli.app import MARKUP
from slotspec.oracle.traces import opening
from tests.cli.counter import Run

TRACE = Path(__file__).parents[1] / "data/traces/slot_pool/1.12.5/seed0125.jsonl.gz"
LISTED = ["list", "models"]

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and /dev")


def start(
    arguments: list[str], data: bytes = b"", script: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run ``slotspec`` in a process of its own, whose streams are what `script` makes them."""
    command = [sys.executable, "-m", "slotspec", *arguments]
    if script:
        command = ["sh", "-c", script, "sh", *command]
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("data", [TRACE.read_bytes(), gzip.decompress(TRACE.read_bytes())])
def test_standard_input(data: bytes) -> None:
    done = start(["conform", "/dev/stdin"], data)
    assert done.returncode == 0, done.stderr
    assert b"1 of 1 trace conforms, 80 steps" in done.stdout


def test_a_pipe_whose_writer_comes_later(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Timer(1.0, lambda: pipe.write_bytes(gzip.decompress(TRACE.read_bytes())))
    writer.start()
    done = start(["conform", str(pipe)])
    writer.join()
    assert done.returncode == 0, done.stderr


def test_a_pipe_without_a_writer(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run("conform", str(pipe))
    assert done.code == 2
    assert "TRC001" in done.err
    assert "nobody writes to this pipe" in done.err


def test_a_pipe_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LARGEST", 1 << 20)
    with pytest.raises(OSError, match="gives more than 1 MiB"):
        opening.open_bytes("/dev/zero")


@pytest.mark.parametrize(
    "arguments",
    [LISTED, ["conform", str(TRACE)], ["check", "logical_slot", "--max-states", "50", "--help"]],
)
def test_a_full_disk(arguments: list[str]) -> None:
    done = start(arguments, script='"$@" > /dev/full')
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "Error: SET038: the output cannot be written: No space left on device"
    ]


def test_closed_output() -> None:
    done = start(LISTED, script='"$@" >&-')
    assert (done.returncode, done.stderr) == (0, b"")
    done = start(["list", "nonsense"], script='"$@" >&- 2>&-')
    assert done.returncode == 2


def test_a_reader_that_goes_away() -> None:
    script = '{ "$@"; echo "code $?" >&2; } | true'
    done = start(["list", "properties"], script=script)
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
def test_digits_of_other_scripts(run: Run, option: str, code: str) -> None:
    done = run("check", "logical_slot", option)
    assert done.code == 2
    assert code in done.err


@pytest.mark.parametrize(
    "command",
    [
        ["fuzz", "--target", "model:1.12"],
        ["record", "--target", "model:1.12"],
        ["draw", "logical_slot"],
    ],
)
def test_out_is_looked_at_before_the_work(run: Run, command: list[str], tmp_path: Path) -> None:
    done = run(*command, "--out", str(tmp_path / "missing" / "file.svg"))
    assert done.code == 2
    assert "SET026" in done.err
    assert not done.out


@pytest.mark.parametrize(
    "command",
    [
        ["generate", "--model", "logical_slot"],
        ["fuzz", "--model", "logical_slot", "--target", "model:1.12", "--all"],
    ],
)
def test_a_folder_is_made_before_the_work(run: Run, command: list[str]) -> None:
    done = run(*command, "--out", "/proc/nothing")
    assert done.code == 2
    assert "SET103" in done.err
    assert not done.out


@pytest.mark.parametrize("seconds", ["inf", "1e300", "nan", "-1"])
def test_seconds_beyond_all_clocks(run: Run, seconds: str) -> None:
    done = run("check", "logical_slot", "--max-seconds", seconds)
    assert done.code == 2
    assert "SET024" in done.err


def test_standard_input_is_drawn() -> None:
    done = start(["draw", "/dev/stdin", "--format", "table"], script=f'zcat {TRACE} | "$@"')
    assert done.returncode == 0, done.stderr
    assert b"# stdin: org.apache.flink" in done.stdout


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A trace with names that clear the screen and turn text around."""
    lines = gzip.decompress(TRACE.read_bytes()).decode().splitlines()[:4]
    told = json.loads(lines[1])
    told["effects"] = [{"effect": "tm.\x1b[2Jfree\u202e", "tm": "\x1b]0;owned\x07"}]
    lines[1] = json.dumps(told)
    path = tmp_path / "trace.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "command",
    [["conform"], ["draw", "--format", "svg"], ["draw", "--format", "table"], ["conform", "-q"]],
)
def test_control_characters_of_others_are_written_out(
    run: Run, command: list[str], hostile: Path
) -> None:
    done = run(*command, str(hostile))
    shown = done.out + done.err
    assert done.code in (0, 1, 2)
    assert not any(sign in shown for sign in "\x1b\x07\u202e")
    assert "x1b[2J" in shown or "u001b[2J" in shown or command[-1] == "-q"


def test_control_characters_in_arguments_are_written_out(run: Run, tmp_path: Path) -> None:
    done = run("conform", str(tmp_path / "\x1b[31mred.jsonl"))
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\\x1b[31mred.jsonl" in done.err


COMMANDS = ["check", "conform", "draw", "explore", "fuzz", "generate", "list", "record", "simulate"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_all_that_is_written(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # what stands in brackets would be markup to rich
    from typer.testing import CliRunner

    from slotspec.cli.app import build

    app = build()
    found = next(c for c in typer.main.get_command(app).commands.values() if c.name == command)  # type: ignore[attr-defined]
    texts = [found.help or "", *(getattr(p, "help", None) or "" for p in found.params)]
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("TERMINAL_WIDTH", "1000")
    shown = " ".join(CliRunner().invoke(app, [command, "--help"]).output.replace("`", "").split())
    for text in texts:
        for line in text.split("\n\n"):
            assert " ".join(line.replace("`", "").split()) in shown


def test_brackets_in_help_are_no_markup() -> None:
    app = typer.Typer(rich_markup_mode=MARKUP)

    @app.command()
    def install() -> None:
        """Needs slotspec[web]."""

    from typer.testing import CliRunner

    assert "slotspec[web]" in CliRunner().invoke(app, ["--help"]).output
