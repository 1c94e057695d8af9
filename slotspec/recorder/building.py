"""Compiles the recorder with the ``javac`` of a JDK."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from slotspec.statemachine.errors import InputError

SOURCES = Path(__file__).parent / "java" / "slotspec"
MANIFEST = "Manifest-Version: 1.0\nPremain-Class: slotspec.recorder.Agent\n"
ASM = "java.base/jdk.internal.org.objectweb.asm=ALL-UNNAMED"
OLDEST = 11
"""The oldest Java that the recorder runs with."""
ZOOKEEPER = re.compile(r"org/apache/flink/shaded/curator\d/.*/framework/api/ACLProvider\.class")
"""A JobManager loads it without using ZooKeeper. Until 1.14 ``flink-dist`` does not have it."""
_SECONDS = 120


def javac() -> str:
    """The compiler.

    :raises InputError: ``REC001`` if there is none.
    """
    found = shutil.which("javac")
    if found is None:
        raise InputError(
            "REC001",
            "javac is not there; install a JDK (such as openjdk-17-jdk-headless), a JRE is not"
            " enough",
        )
    return found


def compile_java(sources: list[Path], target: Path, options: list[str]) -> None:
    """Compile Java files into a folder.

    :raises InputError: ``REC001`` without a compiler, ``REC002`` if it fails.
    """
    command = [javac(), "-nowarn", "-Xlint:-options", "-d", str(target), *options]
    done = subprocess.run(
        [*command, *map(str, sources)],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        first = (done.stderr or done.stdout).strip().splitlines()[:3]
        raise InputError(
            "REC002", f"javac fails: {' / '.join(first)}; use a JDK of version 11, 17 or 21"
        )


def build_agent(target: Path) -> Path:
    """Compile the agent into a jar. It is the same for all releases of Flink.

    :raises InputError: see :func:`compile_java`.
    """
    with TemporaryDirectory() as folder:
        options = ["-source", str(OLDEST), "-target", str(OLDEST), "--add-exports", ASM]
        compile_java(sorted((SOURCES / "recorder").glob("*.java")), Path(folder), options)
        return _packed(Path(folder), target, MANIFEST)


def build_cluster(target: Path, jars: list[Path]) -> Path:
    """Compile the job and the JobManager of :mod:`cluster` for one release of Flink.

    :raises InputError: ``REC005`` without the jar of ZooKeeper; see also :func:`compile_java`.
    """
    if not any(_contains(jar, ZOOKEEPER) for jar in jars):
        raise InputError(
            "REC005",
            f"a JobManager of this release needs flink-shaded-zookeeper, which is not in"
            f" {jars[0].parent}; run: slotspec flink fetch --again VERSION",
        )
    with TemporaryDirectory() as folder:
        options = ["--release", str(OLDEST), "-cp", ":".join(map(str, jars))]
        compile_java(sorted((SOURCES / "cluster").glob("*.java")), Path(folder), options)
        return _packed(Path(folder), target, "Manifest-Version: 1.0\n")


def _contains(jar: Path, entry: re.Pattern[str]) -> bool:
    with zipfile.ZipFile(jar) as opened:
        return any(entry.fullmatch(name) for name in opened.namelist())


def _packed(folder: Path, target: Path, manifest: str) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr("META-INF/MANIFEST.MF", manifest)
        for path in sorted(folder.rglob("*.class")):
            jar.write(path, path.relative_to(folder).as_posix())
    return target
