"""Class files whose clock is replaced."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from slotspec.oracle.peers.flink_clock import clock_class, redirect, request_id_class

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


@pytest.mark.slow
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


ABSTRACT_ID = """
package org.apache.flink.util;
public class AbstractID {
    public final long lower, upper;
    public AbstractID(long lower, long upper) { this.lower = lower; this.upper = upper; }
}
"""
REQUEST_ID = """
package org.apache.flink.runtime.jobmaster;
public class SlotRequestId extends org.apache.flink.util.AbstractID {
    public SlotRequestId() { super(0, 0); }
    public SlotRequestId(long lower, long upper) { super(lower, upper); }
}
"""
ASKS_IDS = """
import org.apache.flink.runtime.jobmaster.SlotRequestId;
class AsksIds {
    public static void main(String[] given) {
        SlotRequestId first = new SlotRequestId(), next = new SlotRequestId();
        SlotRequestId told = new SlotRequestId(7, 9);
        System.out.println(first.lower + " " + first.upper + " " + next.lower + " " + next.upper);
        System.out.println(told.lower + " " + told.upper);
    }
}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler")
def test_new_request_ids_are_numbered(tmp_path: Path) -> None:
    ids = tmp_path / "org" / "apache" / "flink" / "runtime" / "jobmaster"
    base = tmp_path / "org" / "apache" / "flink" / "util"
    for folder in (ids, base, tmp_path / "slotspec"):
        folder.mkdir(parents=True)
    (base / "AbstractID.java").write_text(ABSTRACT_ID)
    (ids / "SlotRequestId.java").write_text(REQUEST_ID)
    (tmp_path / "AsksIds.java").write_text(ASKS_IDS)
    subprocess.run(["javac", "AsksIds.java"], cwd=tmp_path, check=True)
    (ids / "SlotRequestId.class").write_bytes(request_id_class())
    (tmp_path / "slotspec" / "Clock.class").write_bytes(clock_class())
    command = ["java", "-Xverify:all", "-cp", str(tmp_path), "AsksIds"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "2", "2", "7", "9"]
