"""Starts a Java virtual machine with the classes of one Flink release, through JPype."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.names import natural

JARS_VARIABLE = "SLOTSPEC_FLINK_JARS"
"""Environment variable that names the folder of jars if no option does."""

_HOW = (
    "get them with `pip download --no-deps apache-flink==1.12.5` and unzip pyflink/lib"
    " (see docs/fuzzing.md), and name the folder with --flink-jars"
)
_QUIET = (
    "-Dlog4j2.level=OFF",
    "-Dorg.apache.logging.log4j.simplelog.StatusLogger.level=OFF",
    "-Xshare:auto",
    "-Xss4m",
)

_started: tuple[str, Path] | None = None


def installed_folders() -> Iterator[Path]:
    """The folders of jars in the installed PyPI packages of Flink."""
    for package, inside in (("pyflink", "lib"), ("pyflink", "../deps/lib")):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            folder = (Path(place) / inside).resolve()
            if folder.is_dir():
                yield folder


def release_of(jar: Path) -> str:
    """The release of a jar: ``1.12.5`` for ``flink-dist_2.11-1.12.5.jar``."""
    return jar.stem.rpartition("-")[2]


def find_jar(version: str, folder: str | Path | None) -> Path:
    """The ``flink-dist`` jar of a release, which contains all of Flink.

    :param version: ``1.12`` for its latest release, or ``1.12.5``.
    :param folder: folder to search, to any depth; None: the one in the environment variable,
        else the installed packages.
    :raises PeerError: ``PEE008`` if there is none.
    """
    given = folder or os.environ.get(JARS_VARIABLE)
    folders = [Path(given)] if given else list(installed_folders())
    jars = sorted({jar for place in folders for jar in place.rglob("flink-dist*.jar")})
    jars.sort(key=lambda jar: natural(release_of(jar)))
    fitting = [
        j for j in jars if release_of(j) == version or release_of(j).startswith(f"{version}.")
    ]
    if fitting:
        return fitting[-1]
    there = ", ".join(sorted({release_of(jar) for jar in jars})) or "none"
    where = ", ".join(map(str, folders)) or "the installed packages"
    raise PeerError("PEE008", f"no jar flink-dist-{version}* in {where} (found: {there}); {_HOW}")


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
        jpype.startJVM(*_QUIET, classpath=[str(jar), *beside], convertStrings=False)
    except Exception as error:
        raise PeerError(
            "PEE008", f"Java cannot be started ({error}); install Java 11 or 17, or set JAVA_HOME"
        ) from None
    _started = (release_of(jar), jar)
    return jpype
