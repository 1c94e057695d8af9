"""Starts a Java virtual machine with the classes of one Flink release, through JPype."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_clock import patched_classes
from slotspec.oracle.peers.flink_jars import release_of
from slotspec.oracle.peers.protocol import PeerError

_OPTIONS = (
    "-Dlog4j2.level=OFF",
    "-Dorg.apache.logging.log4j.simplelog.StatusLogger.level=OFF",
    "-Xshare:auto",
    "-Xss4m",
    # all identity hash codes are equal, so what hashes objects by identity is in order of insertion
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:hashCode=2",
)

_started: tuple[str, Path] | None = None


def start(jar: Path) -> Any:
    """The module ``jpype``, with the Java virtual machine running on this jar.

    A process has only one virtual machine, which keeps the classes that it started with.

    :raises PeerError: ``PEE008`` if JPype or Java is missing, or if another release is loaded.
    """
    global _started
    try:
        jpype = importlib.import_module("jpype")
    except ImportError:
        raise PeerError(
            "PEE008", "the module jpype is missing; install the extra: pip install slotspec[flink]"
        ) from None
    if jpype.isJVMStarted():
        if _started is not None and _started[1] == jar:
            return jpype
        running = _started[0] if _started else "something else"
        raise PeerError(
            "PEE008",
            f"this process already runs Java with {running}, so it cannot load"
            f" {release_of(jar)}; use one process per release",
        )
    beside = sorted(map(str, jar.parent.glob("log4j*.jar")))
    try:
        classpath = [str(patched_classes(jar)), str(jar), *beside]
        jpype.startJVM(*_OPTIONS, classpath=classpath, convertStrings=False)
    except Exception as error:
        raise PeerError(
            "PEE008", f"Java cannot be started ({error}); install Java 11 or 17, or set JAVA_HOME"
        ) from None
    _started = (release_of(jar), jar)
    return jpype
