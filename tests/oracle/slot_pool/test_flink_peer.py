"""The real SlotPoolImpl as a peer, if Java, JPype and the jars are installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slotspec.oracle.peers.flink_jars import JARS_VARIABLE, find_jar, release_of
from slotspec.oracle.peers.protocol import PeerError
from tests.oracle.trace_files import RECORDED

ROOT = Path(__file__).parents[3]


def missing(version: str) -> str | None:
    """Why this release cannot run here."""
    if importlib.util.find_spec("jpype") is None:
        return "JPype is not installed (the extra flink)"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "there is no Java"
    try:
        find_jar(version, None)
    except PeerError:
        return f"there are no jars of Flink {version}; set {JARS_VARIABLE}"
    return None


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("version", ["1.11.4", "1.12.5", "1.13.6"])
def test_the_real_class_does_what_was_recorded(version: str) -> None:
    reason = missing(version)
    if reason:
        pytest.skip(reason)
    script = str(ROOT / "tests" / "oracle" / "slot_pool" / "flink_check.py")
    assert run(script, version, str(RECORDED), "15").strip() == str(15 * 80)


@pytest.mark.parametrize("generation", ["1.11", "1.12", "1.13"])
def test_the_real_class_does_what_the_model_does(generation: str, tmp_path: Path) -> None:
    reason = missing(generation)
    if reason:
        pytest.skip(reason)
    told = run(*("-m", "slotspec", "fuzz", "--target", f"flink:{generation}", "--examples", "60"))
    assert "no divergence" in told


def test_jars_are_found_by_release(tmp_path: Path) -> None:
    for name in ("a/flink-dist_2.11-1.12.5.jar", "b/flink-dist_2.11-1.12.10.jar", "x-1.12.5.jar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert release_of(find_jar("1.12", tmp_path)) == "1.12.10"
    assert release_of(find_jar("1.12.5", tmp_path)) == "1.12.5"
    with pytest.raises(PeerError, match=r"PEE008: no jar flink-dist-1\.1\* .*1\.12\.10, 1\.12\.5"):
        find_jar("1.1", tmp_path)
