"""``slotspec explore``: its address, its end, and the input that it rejects."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

from tests.cli.counter import EXAMPLES, Run

pytest.importorskip("uvicorn", reason="the extra web is not installed")
pytest.importorskip("starlette", reason="the extra web is not installed")

TURNSTILE = str(EXAMPLES / "turnstile.py")


def test_it_serves_only_this_machine_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "slotspec", "explore", TURNSTILE, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        address = served.stdout.readline().split()[2]
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address, timeout=20) as answer:
            assert b"slotspec explore" in answer.read()
        served.send_signal(signal.SIGINT)
        out, err = served.communicate(timeout=20)
    assert (served.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_rejected(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ran = run("explore", TURNSTILE, "--port", str(other.getsockname()[1]))
    assert (ran.code, ran.out) == (2, "")
    assert "SET062" in ran.err
    assert "--port" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nobody"], "SET010"), ([TURNSTILE, TURNSTILE], "SET061"), (["--port", "70000"], "65535")],
)
def test_bad_input_is_rejected(run: Run, arguments: list[str], code: str) -> None:
    ran = run("explore", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert code in ran.err


def test_without_the_extra_it_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ran = run("explore", TURNSTILE)
    assert (ran.code, ran.out) == (2, "")
    assert 'pip install "slotspec[web]"' in ran.err
