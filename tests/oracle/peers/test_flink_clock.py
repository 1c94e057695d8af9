"""Class files whose clock is replaced."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from slotspec.oracle.peers.flink_clock import clock_class, redirect

PROGRAM = """
class Asks {
    static final long BIG = 1L << 40;
    static final double HALF = 0.5;
    public static void main(String[] given) throws Exception {
        Class.forName("slotspec.Clock").getField("now").setLong(null, BIG);
        boolean other = System.nanoTime() != BIG;
        System.out.println(System.currentTimeMillis() + " " + HALF + " " + other);
    }
}
"""


@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler")
def test_a_patched_class_asks_the_clock(tmp_path: Path) -> None:
    (tmp_path / "Asks.java").write_text(PROGRAM)
    subprocess.run(["javac", "Asks.java"], cwd=tmp_path, check=True)
    compiled = tmp_path / "Asks.class"
    compiled.write_bytes(redirect(compiled.read_bytes()))
    (tmp_path / "slotspec").mkdir()
    (tmp_path / "slotspec" / "Clock.class").write_bytes(clock_class())
    command = ["java", "-Xverify:all", "-cp", str(tmp_path), "Asks"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(1 << 40), "0.5", "true"]
