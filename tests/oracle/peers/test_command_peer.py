"""Peers behind a pipe: whatever they do, the report is clear and in time."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from slotspec.oracle.fuzzing.run import fuzz
from slotspec.oracle.peer_target import open_peer
from slotspec.oracle.peers.command import CommandPeer
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.slot_pool.strategies import Swarm
from tests.variants import examples

HEADER = Swarm("1.12", Random(0)).header
EXAMPLE = Path(__file__).parents[3] / "examples" / "peers" / "pool_peer.py"
PYTHON = shlex.quote(sys.executable)

LOOP = """
import json, os, sys, time
asked = 0
for line in sys.stdin:
    question = json.loads(line)
    if "reset" in question:
        print('{"ready": true}', flush=True)
        continue
    asked += 1
    if asked < 3:
        print('{"result": null, "effects": []}', flush=True)
        continue
"""
FAILURES = {
    "dies": ("    sys.exit(7)", "PEE004", "exit code 7"),
    "dies by a signal": ("    os.kill(os.getpid(), 9)", "PEE004", "was killed by SIGKILL"),
    "complains and dies": ("    sys.exit('out of order')", "PEE004", "out of order"),
    "dies and leaves its output to another": (
        "    import subprocess; subprocess.Popen(['sleep', '60']); sys.exit(7)",
        "PEE004",
        "exit code 7",
    ),
    "dies and leaves its output to one that got away": (
        "    import subprocess\n"
        "    subprocess.Popen(['sleep', '20'], start_new_session=True); sys.exit(7)",
        "PEE004",
        "exit code 7",
    ),
    "hangs": ("    time.sleep(60)", "PEE003", "within 1 s; flush standard output after each"),
    "ends in silence": ("    sys.exit()", "PEE004", "ended by itself"),
    "closes its output": ("    os.close(1); time.sleep(60)", "PEE004", "closed its output"),
    "stops within a line": ("    os.write(1, b'{\"result\"'); sys.exit(0)", "PEE006", "middle"),
    "stops in a line": ("    os.write(1, b'{\"res'); time.sleep(60)", "PEE006", "did not finish"),
    "talks nonsense": ("    print('ok', flush=True)", "PEE005", "not JSON"),
    "writes another encoding": (
        '    os.write(1, b\'{"result": "\\xff"}\\n\')',
        "PEE005",
        '\'{"result": "\\xff"}\', which is not JSON (byte 13 is not UTF-8)',
    ),
    "writes a mark": (
        "    os.write(1, b'\\xef\\xbb\\xbf{}\\n')",
        "PEE005",
        "'\\ufeff{}', which is not JSON (it begins with a byte order mark)",
    ),
    "writes no number": ("    print('{\"result\": NaN}', flush=True)", "PEE005", "has no NaN"),
    "writes half a character": (
        '    print(\'{"result": "\\\\ud800"}\', flush=True)',
        "PEE005",
        "half of a surrogate pair",
    ),
    "nests": ("    print('[' * 10**5 + ']' * 10**5, flush=True)", "PEE005", "nests too deep"),
    "writes an empty line": ("    print(flush=True)", "PEE005", "the line is empty"),
    "spews": ("    print('x' * 10**6, flush=True)", "PEE005", "not JSON"),
    "never ends a line": (
        "    while True: os.write(1, b'x' * 65536)",
        "PEE005",
        "more than",
    ),
    "answers a list": ("    print('[]', flush=True)", "PEE005", "answer an object"),
    "answers a wrong type": ("    print('{\"effects\": 1}', flush=True)", "PEE005", "effects"),
    "answers an unknown field": ("    print('{\"r\": 1}', flush=True)", "PEE005", "fields are"),
    "names no effect": ("    print('{\"effects\": [{}]}', flush=True)", "PEE005", "no name"),
    "says an empty range": (
        '    print(\'{"effects": [], "unordered": [[0, 1]]}\', flush=True)',
        "PEE005",
        "unordered",
    ),
    "reports an error": (
        '    print(\'{"error": "no idea"}\', flush=True)',
        "PEE007",
        "no idea; if it lacks",
    ),
    "reports an object": (
        '    print(\'{"error": {"a": null}}\', flush=True)',
        "PEE007",
        '{"a": null}',
    ),
    "answers twice": (
        "    print('{\"result\": null}\\n' * 2, end='', flush=True)",
        "PEE005",
        "after its answer to start; write one line for each request",
    ),
}


@pytest.fixture
def opened() -> Iterator[list[CommandPeer]]:
    peers: list[CommandPeer] = []
    yield peers
    for peer in peers:
        peer.close()


def peer_that(code: str, tmp_path: Path, opened: list[CommandPeer]) -> CommandPeer:
    script = tmp_path / "peer.py"
    script.write_text(LOOP + code + "\n", encoding="utf-8")
    opened.append(CommandPeer(f"{PYTHON} {shlex.quote(str(script))}", timeout=1.0))
    return opened[-1]


def run_steps(peer: CommandPeer, count: int, pause: float) -> None:
    for _ in range(count):
        peer.step("start", {})
        time.sleep(pause)


@pytest.mark.slow
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_peer_is_reported_in_time(
    failure: str, tmp_path: Path, opened: list[CommandPeer]
) -> None:
    code, error, told = FAILURES[failure]
    peer = peer_that(code, tmp_path, opened)
    peer.reset(HEADER)
    begin = time.monotonic()
    # an unexpected answer takes a moment to arrive
    pause = 0.3 if failure == "answers twice" else 0.0
    with pytest.raises(PeerError) as caught:
        run_steps(peer, 4, pause)
    assert time.monotonic() - begin < 8
    assert caught.value.code == error
    assert told in caught.value.message
    assert 3 <= len(caught.value.sequence) <= 4
    peer.reset(HEADER)
    assert peer.step("start", {}).result is None


def test_a_failing_peer_ends_a_fuzz_with_its_sequence(
    tmp_path: Path, opened: list[CommandPeer]
) -> None:
    # the answers of this peer are wrong for any operation with a result, so none is compared
    code = LOOP.replace("asked < 3", "False") + "    sys.exit(7)\n"
    script = tmp_path / "peer.py"
    script.write_text(code, encoding="utf-8")
    opened.append(CommandPeer(f"{PYTHON} {shlex.quote(str(script))}", timeout=1.0))
    with pytest.raises(PeerError) as caught:
        fuzz(opened[-1], "1.12", sequences=10)
    assert caught.value.code == "PEE004"
    assert len(caught.value.sequence) == 1
    assert caught.value.header is not None


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (
            '{"error": "no strategy balanced"}',
            "PEE007",
            "says of reset: no strategy balanced; name",
        ),
        ('{"ready": false}', "PEE005", 'reset with {"ready": false}; answer {"ready": true}'),
        ("null", "PEE005", "answered reset with null;"),
        ('{"x": "' + "x" * 10**6 + '"}', "PEE005", "xxx…; answer"),
    ],
)
def test_a_peer_that_is_not_ready(
    answer: str, code: str, told: str, tmp_path: Path, opened: list[CommandPeer]
) -> None:
    script = tmp_path / "peer.py"
    script.write_text(f"input(); print({answer!r}, flush=True); input()", encoding="utf-8")
    opened.append(CommandPeer(f"{PYTHON} {shlex.quote(str(script))}", timeout=5.0))
    with pytest.raises(PeerError) as caught:
        opened[0].reset(HEADER)
    assert caught.value.code == code
    assert told in caught.value.message
    assert len(caught.value.message) < 400
    # the report says in which configuration it failed
    assert caught.value.header == HEADER


def test_surplus_after_a_sequence_is_blamed_on_that_sequence(
    tmp_path: Path, opened: list[CommandPeer]
) -> None:
    peer = peer_that("    print('{}\\n{}', flush=True)", tmp_path, opened)
    peer.reset(HEADER)
    run_steps(peer, 3, 0.3)
    with pytest.raises(PeerError, match="after its answer to start") as caught:
        peer.reset(HEADER)
    assert len(caught.value.sequence) == 3
    assert caught.value.header == HEADER


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(PeerError, match=r"PEE002.*cannot be started"):
        CommandPeer("no-such-program-anywhere").reset(HEADER)
    with pytest.raises(PeerError, match=r"PEE001.*cannot be split"):
        CommandPeer("python 'x")
    with pytest.raises(PeerError, match=r"PEE001.*empty"):
        open_peer("  ")


def test_the_example_conforms() -> None:
    peer = CommandPeer(f"{PYTHON} {shlex.quote(str(EXAMPLE))}")
    try:
        assert fuzz(peer, "1.12", sequences=examples(20, 100)).found is None
    finally:
        peer.close()


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "steps"), [("lifo", 5), ("remap", 6)])
def test_a_mistake_in_the_example_is_found(bug: str, steps: int) -> None:
    peer = CommandPeer(f"{PYTHON} {shlex.quote(str(EXAMPLE))} --bug {bug}")
    try:
        outcome = fuzz(peer, "1.12")
        assert outcome.found is not None
        assert len(outcome.found.steps) == steps
    finally:
        peer.close()


JAVA = Path(__file__).parents[3] / "examples" / "peers" / "PoolPeer.java"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler")
@pytest.mark.parametrize(("mistake", "steps"), [("", None), (" idle", 4)])
def test_the_example_in_java(mistake: str, steps: int | None) -> None:
    peer = CommandPeer(f"java {shlex.quote(str(JAVA))}{mistake}", timeout=60.0)
    try:
        found = fuzz(peer, "1.12", sequences=60 if steps is None else 1_000).found
        assert (None if found is None else len(found.steps)) == steps
    finally:
        peer.close()
