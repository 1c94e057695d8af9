"""The agent is compiled, and records a small real cluster, where Java and the jars are there."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from slotspec.cli import main
from slotspec.logs.line_kinds import Level
from slotspec.oracle.cluster.reading import read
from slotspec.oracle.conformance.batch import conform_all
from slotspec.oracle.peers.flink_jars import JARS_VARIABLE, is_complete
from slotspec.recorder.building import SOURCES, build_agent, build_cluster
from slotspec.recorder.cluster import Event, Plan, record
from slotspec.statemachine.errors import InputError, UsageError
from tests.logs.agreement import compare

JARS = Path(os.environ.get(JARS_VARIABLE, Path.home() / ".cache" / "slotspec" / "flink"))

needs_javac = pytest.mark.skipif(shutil.which("javac") is None, reason="needs a JDK")


def releases() -> list[str]:
    """Releases whose jars suffice for a JobManager."""
    found = []
    for version in ("1.13.6", "2.3.0"):
        folder = JARS / version
        zookeeper = version == "2.3.0" or list(folder.glob("flink-shaded-zookeeper*.jar"))
        if is_complete(folder) and zookeeper:
            found.append(version)
    return found


@pytest.mark.slow
@needs_javac
def test_the_agent_is_one_jar_for_all_releases(tmp_path: Path) -> None:
    jar = build_agent(tmp_path / "recorder.jar")
    with zipfile.ZipFile(jar) as opened:
        manifest = opened.read("META-INF/MANIFEST.MF").decode()
        names = opened.namelist()
    assert "Premain-Class: slotspec.recorder.Agent" in manifest
    assert "slotspec/recorder/Hooks.class" in names
    # it is compiled without a jar of Flink
    assert not any(
        "org.apache.flink." in path.read_text() and "import org" in path.read_text()
        for path in (SOURCES / "recorder").glob("*.java")
    )


def test_without_a_jdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="REC001"):
        build_agent(tmp_path / "recorder.jar")


def test_without_the_jar_of_zookeeper(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "flink-dist.jar", "w") as jar:
        jar.writestr("x", "")
    with pytest.raises(InputError, match="REC005"):
        build_cluster(tmp_path / "cluster.jar", [tmp_path / "flink-dist.jar"])


def test_events() -> None:
    assert Event.of("kill:tm1@0.5") == Event("kill", "tm1", 0.5)
    assert Event.of("cancel@2") == Event("cancel", None, 2.0)
    for text in ("kill@1", "kill:jm@1", "cancel", "kill:tm1@-1", "rm -rf /"):
        with pytest.raises(UsageError, match="SET140"):
            Event.of(text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["merge", "nowhere", "--out", "x.jsonl"], "SET142"),
        (["merge", ".", "--out", "x.jsonl"], "SET142"),
        (["record-cluster", "0.1.0", "--out", "new"], "PEE008"),
        (["record-cluster", "1.13.6", "--out", "full"], "SET141"),
        (["record-cluster", "1.13.6", "--out", "new", "--event", "explode"], "SET140"),
    ],
)
def test_bad_input_ends_with_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(SystemExit) as left:
        main(["flink", *arguments])
    assert left.value.code == 2
    assert code in capsys.readouterr().err


@needs_javac
@pytest.mark.slow
@pytest.mark.parametrize("version", releases() or ["none"])
def test_a_small_real_cluster_is_recorded_and_explained(version: str, tmp_path: Path) -> None:
    """Its recording is sound, its logs tell the same story, and the model explains it."""
    if version == "none":
        pytest.skip("needs the jars of a release")
    run = record(Plan(version, records=10), tmp_path / "run", JARS)
    assert run.result in ("SUCCEEDED", "FINISHED")
    assert run.recording is not None
    recorded = read(run.recording)
    assert {"request_slot", "offer_slots", "submit_task"} <= {
        call.name for call in recorded.calls.values()
    }
    for level in (Level.DEBUG, Level.INFO):
        assert compare(tmp_path / "run" / "logs", run.recording, level).wrong == []
    if recorded.generation == "1.13":
        summary = conform_all([str(run.recording)], None, 1, lambda report: None)
        assert summary.conforming == 1
