"""The Java machine with the classes of one Flink release in it, by way of JPype."""

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
"""Environment variable that names a folder of jars where no option does."""

_HOW = (
    "get them with `pip download --no-deps apache-flink==1.12.5` and unzip pyflink/lib"
    " (docs/fuzzing.md says more), and name the folder with --flink-jars"
)
_QUIET = (
    "-Dlog4j2.level=OFF",
    "-Dorg.apache.logging.log4j.simplelog.StatusLogger.level=OFF",
    "-Xshare:auto",
    "-Xss4m",
)

_started: tuple[str, Path] | None = None


def installed_folders() -> Iterator[Path]:
    """Where the PyPI packages of Flink put their jars, if they are installed."""
    for package, inside in (("pyflink", "lib"), ("pyflink", "../deps/lib")):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            folder = (Path(place) / inside).resolve()
            if folder.is_dir():
                yield folder


def release_of(jar: Path) -> str:
    """``1.12.5`` of ``flink-dist_2.11-1.12.5.jar``."""
    return jar.stem.rpartition("-")[2]


def find_jar(version: str, folder: str | Path | None) -> Path:
    """The jar of a release with everything in it: ``flink-dist``.

    :param version: ``1.12`` for any release of it, or ``1.12.5`` for that one.
    :param folder: where to look, to any depth; None: the environment variable, then the
        installed packages.
    :raises PeerError: ``PEE008`` where there is none.
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
    there = ", ".join(sorted({release_of(jar) for jar in jars})) or "none at all"
    where = ", ".join(map(str, folders)) or "the installed packages"
    raise PeerError("PEE008", f"no jar flink-dist-{version}* in {where}, which has {there}; {_HOW}")


def start(jar: Path) -> Any:
    """The module ``jpype`` with the Java machine running on this jar.

    A process has one Java machine, and it keeps the classes that it began with.

    :raises PeerError: ``PEE008`` where JPype or Java is missing, or another release runs.
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
            f"this process runs Java with {running} already, so {release_of(jar)} cannot be"
            " loaded; use a process for each release",
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
