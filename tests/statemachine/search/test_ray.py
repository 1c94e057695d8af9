"""A search on several machines finds what the search on one finds, even if a machine is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from examples import lease, slot_pool_core, two_phase_commit
from slotspec.cli.app import build
from slotspec.oracle.conformance.batch import conform_all
from slotspec.oracle.peer_target import open_peer
from slotspec.oracle.peers.protocol import PeerError
from slotspec.statemachine import InputError, Limit, Limits, UsageError, check
from slotspec.statemachine.results import Progress
from slotspec.statemachine.search import ray_cluster, ray_search, ray_tasks
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.ray_tasks import Lost, in_order
from slotspec.statemachine.simulate import Simulation, simulate
from tests.statemachine.search.test_disk import COMMIT, core, facts, never, no_commit

ray = pytest.importorskip("ray", reason="Ray is not installed (extra ray)")
if not hasattr(ray, "init"):
    pytest.skip("Ray is not installed (extra ray)", allow_module_level=True)

FILE = str(Path(slot_pool_core.__file__))
pytestmark = [
    pytest.mark.slow,
    # of Ray's own: processes and sockets that its modules leave to the end of the process
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Three nodes on this machine; this program is connected to the first."""
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": 100 << 20}
    made = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    made.add_node(**size)
    made.add_node(**size)
    ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made
    ray.shutdown()
    made.shutdown()


COUNTS = {  # T S R A: states, transitions, depth; of SPIN, Rumur and TLC
    (1, 1, 1, 1): (46, 201, 10),
    (1, 1, 2, 1): (192, 969, 11),
    (2, 1, 2, 1): (764, 5_296, 13),
    (2, 1, 2, 2): (6_220, 56_788, 18),
    (1, 2, 3, 2): (21_488, 200_958, 18),
    (2, 1, 3, 2): (29_320, 289_268, 19),
    (2, 2, 2, 2): (59_148, 757_452, 19),
    (2, 1, 4, 2): (147_916, 1_573_852, 20),
    (2, 2, 3, 2): (279_440, 3_779_188, 20),
    (2, 1, 4, 3): (1_301_020, 16_161_496, 25),
    (2, 2, 3, 3): (7_062_352, 116_272_416, 26),
    (2, 1, 5, 3): (7_710_324, 101_943_408, 26),
}


@pytest.mark.parametrize(
    ("size", "workers"), [*((size, 3) for size in COUNTS), ((2, 1, 3, 2), 1), ((2, 2, 3, 2), 1)]
)
def test_it_counts_what_other_tools_count(
    size: tuple[int, ...], workers: int, cluster: Any, tmp_path: Path
) -> None:
    instance = slot_pool_core.model.instance(dict(zip("TSRA", size, strict=True)))
    result = check(instance, on="ray", workers=workers, disk=tmp_path)
    assert (result.states, result.transitions, result.depth) == COUNTS[size]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "replace",
    [{}, {two_phase_commit.settled: never}, {two_phase_commit.one_decision: no_commit}],
    ids=["holds", "deadlock", "violated"],
)
def test_verdicts_and_traces_are_the_same(replace: dict[Any, Any], cluster: Any) -> None:
    instance = COMMIT.instance({"managers": 3}, replace=replace)
    spread = explore_compiled(instance, on="ray", workers=3)
    assert facts(spread) == facts(explore_compiled(instance))


def test_a_depth_and_a_target_end_it(cluster: Any) -> None:
    for limits in (Limits(depth=7), Limits(until="an_offer_is_orphaned")):
        spread = explore_compiled(core(), limits, on="ray", workers=2)
        plain = explore_compiled(core(), limits)
        assert (spread.limit, spread.states, spread.depth) == (
            plain.limit,
            plain.states,
            plain.depth,
        )


def test_time_ends_it(cluster: Any) -> None:
    part = explore_compiled(core(4), Limits(seconds=0.2), on="ray", workers=2)
    assert part.limit is Limit.SECONDS
    assert part.states == explore_compiled(core(4), Limits(depth=part.depth)).states


class Killer:
    """Does something once the search is deep enough; keeps all progress."""

    def __init__(self, depth: int, act: Callable[[], None]) -> None:
        self.depth, self.act, self.done = depth, act, False
        self.seen: list[Progress] = []

    def __call__(self, at: Progress) -> None:
        self.seen.append(at)
        if at.depth >= self.depth and not self.done:
            self.done = True
            self.act()


def explorers(monkeypatch: pytest.MonkeyPatch) -> list[ray_search.RayExplorer]:
    """The searches that are run from here on."""
    found: list[ray_search.RayExplorer] = []
    run = ray_search.RayExplorer.run
    monkeypatch.setattr(
        ray_search.RayExplorer, "run", lambda self: (found.append(self), run(self))[1]
    )
    monkeypatch.setattr("slotspec.statemachine.search.levels.PROGRESS_SECONDS", 0.0)
    return found


@pytest.mark.parametrize("what", ["a process", "a node"])
def test_what_is_lost_is_made_up_for(
    what: str, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = explorers(monkeypatch)
    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20) if what == "a node" else None

    def kill() -> None:
        if node is None:
            ray.kill(found[0].parts[1])
        else:
            cluster.remove_node(node, allow_graceful=False)

    killer = Killer(9, kill)
    processes = 3 if node is None else 4
    spread = explore_compiled(core(4), reporter=killer, on="ray", workers=processes)
    assert killer.done
    assert len(found[0].alive) == processes - 1
    assert facts(spread) == facts(explore_compiled(core(4)))
    nodes = max((at.nodes for at in killer.seen), key=len)
    assert len(nodes) == processes
    assert len(killer.seen[-1].nodes) == processes - 1


def test_a_level_that_is_lost_with_its_copies_is_no_result(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = explorers(monkeypatch)

    def kill() -> None:
        for part in found[0].parts:
            ray.kill(part)

    with pytest.raises(InputError, match=r"RAY004: 2 processes"):
        explore_compiled(core(4), reporter=Killer(5, kill), on="ray", workers=2)


def test_other_rules_on_a_node_are_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def others(instance: Any, _: Any) -> ray_cluster.Shipped:
        return shipped(core(2), ray)

    shipped = ray_cluster.Shipped.of
    monkeypatch.setattr(ray_search.Shipped, "of", others)
    with pytest.raises(InputError, match=r"RAY003: .*other rules of slot_pool_core"):
        explore_compiled(core(3), on="ray", workers=2)


def test_many_runs_are_tasks(cluster: Any, tmp_path: Path) -> None:
    def documents(*options: str) -> list[dict[str, Any]]:
        file = tmp_path / "found.json"
        arguments = ["check", FILE, FILE, "--set", "R=3", "--engine", "compiled"]
        outcome = CliRunner().invoke(build(), [*arguments, "--json", str(file), *options])
        assert outcome.exit_code == 0, outcome.output
        made: list[dict[str, Any]] = json.loads(file.read_text())
        for one in made:
            for name in ("seconds", "compile_seconds", "bytes_per_state"):
                del one[name]
        return made

    here = documents()
    assert documents("--on", "ray") == here
    assert [one["states"] for one in here] == [29_320, 29_320]


def test_a_simulation_is_the_same(cluster: Any) -> None:
    def made(bound: int, **options: Any) -> Simulation:
        found = simulate(core(bound), "compiled", runs=400, steps=400, **options)
        assert found.workers == (3 if options else 1)
        return replace(found, workers=1)

    assert made(3, on="ray", workers=3) == made(3)
    stuck = COMMIT.instance({"managers": 3}, replace={two_phase_commit.settled: never})
    here = simulate(stuck, runs=400)
    assert here.violation is not None
    assert replace(simulate(stuck, runs=400, on="ray", workers="auto"), workers=1) == here


def test_a_simulation_ends_with_its_time(cluster: Any) -> None:
    found = simulate(core(3), "interpreted", runs=None, seconds=0.5, on="ray", workers=2)
    assert found.limit is Limit.SECONDS


def test_traces_are_replayed_elsewhere(cluster: Any, tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "data" / "traces" / "slot_pool" / "1.12.5"
    (tmp_path / "bad.jsonl").write_text("{}")
    paths = [folder, tmp_path]
    here, there = conform_all(paths), conform_all(paths, on="ray", jobs=None)
    assert here.conforming > 50
    for summary in (here, there):
        summary.seconds = 0.0
        for report in summary.reports:
            report.seconds = 0.0
    assert there.to_json() == here.to_json()


@pytest.mark.parametrize("bug", ["FLINK-8505", None])
def test_a_fuzzer_is_the_same(bug: str | None, cluster: Any, tmp_path: Path) -> None:
    def document(*options: str) -> Any:
        file = tmp_path / "found.json"
        peer = ["--bug", bug] if bug else ["--target", "model:2.3"]
        arguments = ["fuzz", *peer, "--examples", "1200", "--steps", "12", "--json", str(file)]
        outcome = CliRunner().invoke(build(), [*arguments, *options])
        assert outcome.exit_code == (1 if bug else 0), outcome.output
        return json.loads(file.read_text()) | {"seconds": 0}

    assert document("--on", "ray") == document()


def test_a_fuzzer_has_the_configuration_that_was_asked_for(cluster: Any, tmp_path: Path) -> None:
    def document(*options: str) -> Any:
        file = tmp_path / "found.json"
        arguments = ["fuzz", "--bug", "FLINK-8505", "--steps", "12", "--json", str(file)]
        config = ["--config", "max_slots=3", "--config", "spread=true"]
        outcome = CliRunner().invoke(build(), [*arguments, *config, *options])
        assert outcome.exit_code == 1, outcome.output
        return json.loads(file.read_text()) | {"seconds": 0}

    there = document("--on", "ray")
    drawn = there["divergence"]["header"]["config"]
    assert (drawn["max_slots"], drawn["spread"]) == (3, True)
    assert there == document()


def test_what_fails_elsewhere_is_told_here(cluster: Any) -> None:
    (failed,) = in_order(ray, 1, int, [("x",)])
    assert isinstance(failed, Lost)
    assert "invalid literal" in failed.why
    with pytest.raises(PeerError, match="PEE001") as caught:
        list(in_order(ray, 1, open_peer, [("",)]))
    assert caught.value.sequence == []


def test_another_slotspec_on_a_node_is_refused(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_tasks, "__version__", "9.9")
    with pytest.raises(InputError, match=r"RAY006: a node has slotspec .*, and this machine 9\.9"):
        list(in_order(ray, 1, int, [("1",)]))


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"fingerprints": True}, "SET038: .*fingerprints"),
        ({"symmetry": "exact"}, "SET038: .*symmetry"),
        ({"checkpoint": Path("x")}, "SET038: .*a checkpoint"),
        ({"disk": Path("x"), "resume": True}, "SET038: .*resumed"),
        ({"limits": Limits(states=5)}, "SET038: .*a limit on states"),
        ({"workers": 50}, "SET030: .*processors"),
        ({"on": "spark"}, "SET044"),
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, Any], what: str, cluster: Any) -> None:
    with pytest.raises(UsageError, match=what):
        explore_compiled(core(), **{"on": "ray", **options})


def test_leads_to_is_refused() -> None:
    with pytest.raises(UsageError, match=r"SET038: .*leads to"):
        explore_compiled(lease.model.instance(), on="ray")
