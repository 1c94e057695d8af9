"""``slotspec check`` with several processes: same results, and no lost run."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

import pytest

from slotspec.cli import jobs
from slotspec.cli.check import share_out
from slotspec.cli.durations import known_as_large, longest_first, remember
from slotspec.cli.jobs import packed, unpacked
from slotspec.cli.plan import plan
from slotspec.statemachine import UsageError, check
from slotspec.statemachine.results import NO_LIMITS, Limit, Limits, Result
from slotspec.statemachine.search.warm_up import warm_up
from tests.cli.counter import EXAMPLES, MODEL, VIOLATED, Make, Run

TURNSTILE = str(EXAMPLES / "turnstile.py")
COMMIT = str(EXAMPLES / "two_phase_commit.py")
APART = ("--engine", "interpreted", "--jobs", "2")

DIES = '''
import ctypes

libc = ctypes.CDLL(None)

@model.action()
def die(s):
    """The process goes."""
    libc.kill(libc.getpid(), 9)
    return 0
'''


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d", "T", text)


def test_several_processes_print_the_same_as_one(run: Run, make: Make) -> None:
    models = [TURNSTILE, make(MODEL, VIOLATED), COMMIT]
    apart = run("check", *models, *APART, "--verbose")
    here = run("check", *models, "--engine", "interpreted", "--jobs", "1", "--verbose")
    # rows come as runs end; the rest of the report has an order
    rows, report = without_times(apart.out).split("\n\n", 1)
    rows_here, report_here = without_times(here.out).split("\n\n", 1)
    assert (apart.code, report) == (here.code, report_here)
    assert sorted(rows.splitlines()) == sorted(rows_here.splitlines())
    assert (apart.code, apart.err) == (1, "")
    assert "count: 1 -> 2" in apart.out


def test_a_dead_process_is_reported_and_the_other_runs_finish(run: Run, make: Make) -> None:
    ran = run("check", TURNSTILE, make(MODEL, DIES), COMMIT, *APART)
    assert ran.code == 4
    assert "FAULT OF SLOTSPEC in counter: its process was killed by signal SIGKILL" in ran.out
    assert ran.out.splitlines()[-1].startswith("UNKNOWN: 2 of 3 runs")
    for name in ("turnstile", "two_phase_commit"):
        assert any(line.split()[:1] == [name] and "HOLDS" in line for line in ran.out.splitlines())


def test_a_dead_process_is_reported_with_json_too(run: Run, make: Make) -> None:
    ran = run("check", make(MODEL, DIES), TURNSTILE, *APART, "--json", "-")
    assert ran.code == 4
    assert "FAULT OF SLOTSPEC in counter" in ran.err


def test_an_error_of_a_run_is_the_error_of_the_command(run: Run) -> None:
    ran = run("check", TURNSTILE, COMMIT, *APART, "--max-states", "0")
    assert (ran.code, ran.out) == (2, "")
    assert "SET024" in ran.err


@pytest.mark.slow
def test_ctrl_c_prints_what_each_process_has_seen() -> None:
    warm_up()  # nothing is left to compile that would delay the start
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "slotspec", "check", COMMIT, COMMIT),
            *("--set", "managers=9", "--no-symmetry", *APART),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        time.sleep(6)
        # to every process of the group, as a terminal does
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (3, "")
    assert out.count("UNKNOWN (limit: interrupted)") == 2


def test_unpacking_restores_a_packed_result() -> None:
    instance = plan([TURNSTILE])[0]
    result = check(instance)
    again = unpacked(packed(result), instance)
    assert packed(again) == packed(result)
    assert [p.finding for p in again.properties] == [p.finding for p in result.properties]


def test_the_longest_run_starts_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    short, long, new = (plan([COMMIT], settings=[f"managers={n}"])[0] for n in (2, 4, 3))
    remember([Result(short, "compiled", seconds=1.0), Result(long, "compiled", seconds=2.0)])
    assert longest_first([short, long, new]) == [2, 1, 0]
    for damaged in ("{", "[1]", '{"a": "b"}'):
        (tmp_path / "slotspec" / "durations.json").write_text(damaged)
        assert longest_first([short, long]) == [1, 0]


@pytest.mark.parametrize(
    ("jobs", "workers", "runs", "shared"),
    [
        ("auto", 1, 15, (4, 1)),
        ("auto", 1, 3, (3, 1)),
        ("auto", 2, 15, (2, 2)),
        ("auto", "auto", 15, (4, 1)),
        ("auto", 8, 15, (1, 8)),
        ("2", "auto", 15, (2, 2)),
        ("2", 2, 15, (2, 2)),
        ("8", 1, 15, (8, 1)),
        ("2", 4, 1, (1, 4)),
    ],
)
def test_processors_are_shared_out(
    monkeypatch: pytest.MonkeyPatch, jobs: str, workers: object, runs: int, shared: object
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert share_out(jobs, workers, runs) == shared  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("jobs", "workers", "code"), [("2", 4, "SET029"), ("0", 1, "SET028"), ("many", 1, "SET028")]
)
def test_too_many_threads_or_a_bad_number_is_an_error(
    monkeypatch: pytest.MonkeyPatch, jobs: str, workers: int, code: str
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    with pytest.raises(UsageError) as met:
        share_out(jobs, workers, 2)
    assert met.value.code == code


def test_small_runs_get_no_process(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotspec.cli.jobs.run_in_processes", None)
    assert run("check", TURNSTILE, TURNSTILE).code == 0


def test_a_run_that_was_compiled_is_compiled_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    small, large, new = (plan([COMMIT], settings=[f"managers={n}"])[0] for n in (2, 3, 4))
    remember([Result(small, "interpreted"), Result(large, "compiled", seconds=2.0)])
    assert known_as_large([small, large, new]) == {1}
    (tmp_path / "slotspec" / "durations.json").write_text('{"a": 1.0, "b": [1], "c": [1, 2]}')
    assert known_as_large([small, large, new]) == set()


@pytest.mark.slow
def test_a_second_check_prints_the_same_as_the_first(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = ["check", COMMIT, COMMIT, "--set", "managers=8", "--jobs", "2", "--verbose"]
    first, second = (without_times(run(*command).out) for _ in range(2))
    assert first == second
    assert "compiled" in second.splitlines()[-1]


def test_a_run_imports_nothing_from_the_current_folder(tmp_path: Path) -> None:
    for name in ("numba", "queue", "slotspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__name__} of the folder')\n")
    # like the installed command, whose path has its own folder and not the current one
    start = "import sys; sys.path.remove(''); from slotspec.cli import main; main()"
    command = (sys.executable, "-c", start, "check", COMMIT, COMMIT, *APART)
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")


class RunInThread(threading.Thread):
    """In place of a process: runs of the first model need more than half of the memory."""

    exitcode = 0

    def __init__(self, target: object, args: tuple[Connection, jobs.Request, int, bool, object]):
        super().__init__()
        sender, self.request, self.place = args[:3]
        self.pipe = Connection(os.dup(sender.fileno()))  # the pool closes its own

    def run(self) -> None:
        instance = self.request.plan()[self.place]
        short = instance.model.name == "turnstile" and self.request.jobs > 1
        limits = Limits(states=1) if short else NO_LIMITS
        result = check(instance, engine="interpreted", limits=limits)
        if short:
            result.limit = Limit.MEMORY
        self.pipe.send(("result", packed(result)))
        self.pipe.close()

    def terminate(self) -> None: ...

    kill = terminate


@pytest.mark.parametrize("limits", [NO_LIMITS, Limits(memory=10**9)])
def test_a_run_that_is_short_of_memory_is_made_again_alone(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = SimpleNamespace(Pipe=multiprocessing.Pipe, Process=RunInThread)
    monkeypatch.setattr(jobs, "_context", lambda: context)
    request = jobs.Request((TURNSTILE, COMMIT), (), (), (), (), {"limits": limits}, jobs=2)
    instances = request.plan()
    ended: list[tuple[str, Limit | None]] = []
    found = jobs.run_in_processes(
        request,
        instances,
        [0, 1],
        lambda done, running: None,
        lambda result: ended.append((result.instance.model.name, result.limit)),
    )
    first = None if limits is NO_LIMITS else Limit.MEMORY  # who names a limit gets it
    assert sorted(ended, key=str) == [("turnstile", first), ("two_phase_commit", None)]
    assert found.results[0].limit is first
    assert not found.faults
