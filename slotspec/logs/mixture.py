"""Refuses logs of several clusters, or of several versions of Flink: their stories would mix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotspec.logs.line_kinds import Party, minor
from slotspec.statemachine.errors import InputError

if TYPE_CHECKING:
    from slotspec.logs.events import ProcessLog

IDS = ("allocation", "job", "instance", "request", "leader", "execution")
"""Fields whose values no two clusters share."""
MOST_SHOWN = 4
_CURE = "give the logs of one cluster, of one version, per call"


def check_one_cluster(logs: Sequence[ProcessLog]) -> None:
    """Refuse a mixture.

    :raises InputError: ``LOG004`` if processes say different minor versions of Flink, or if
        they are of clusters that have no id in common.
    """
    whole = [group for group in clusters(logs) if is_cluster(group)]
    if len(whole) > 1:
        told = "; ".join(
            f"Flink {version_of(group) or 'of an unknown version'}: {_some(group)}"
            for group in whole[:MOST_SHOWN]
        )
        more = "; …" if len(whole) > MOST_SHOWN else ""
        raise InputError("LOG004", f"the logs are of {len(whole)} clusters ({told}{more}); {_CURE}")
    versions: dict[str, list[ProcessLog]] = {}
    for log in logs:
        for said in sorted({"{}.{}".format(*minor(said)) for said in log.versions}):
            versions.setdefault(said, []).append(log)
    if any(minor(said) < (1, 13) for said in versions):
        # 1.13 has both slot pools, so lines alone tell nothing of it
        for log in logs:
            if not log.versions and minor(version_of([log]) or "0.0") >= (1, 14):
                versions.setdefault("1.14 or later", []).append(log)
    if len(versions) > 1:
        told = "; ".join(f"Flink {said}: {_some(of)}" for said, of in versions.items())
        raise InputError("LOG004", f"the logs are of several versions ({told}); {_CURE}")


def version_of(logs: Sequence[ProcessLog]) -> str | None:
    """Flink's version: as the logs say, else the newest that has a kind of line found."""
    said = [log.version for log in logs if log.version]
    if said:
        return max(said, key=lambda text: [int(part) for part in text.split(".")])
    firsts = {e.kind.versions[0] for log in logs for e in log.events if e.kind.versions[1] is None}
    if "1.14" in firsts:
        return "2.3"
    lasts = {e.kind.versions for log in logs for e in log.events if e.kind.versions[1]}
    if ("1.11", "1.11") in lasts:
        return "1.11"
    return "1.12" if any(last == "1.13" for _, last in lasts) else None


def clusters(logs: Sequence[ProcessLog]) -> list[list[ProcessLog]]:
    """The processes, those together that have ids in common."""
    from networkx.utils import UnionFind  # importing it takes longer than starting the command line

    first_with: dict[tuple[str, str], int] = {}
    pairs = {
        (first_with.setdefault((name, event.fields[name]), number), number)
        for number, log in enumerate(logs)
        for event in log.events
        for name in IDS
        if event.fields.get(name, "").strip("0-")
    }
    joined = UnionFind(range(len(logs)))
    for pair in pairs:
        joined.union(*pair)
    return [[logs[number] for number in group] for group in sorted(map(sorted, joined.to_sets()))]


def is_cluster(group: Sequence[ProcessLog]) -> bool:
    """Whether processes include a JobManager and a TaskManager."""
    parties = set[Party]().union(*(log.parties for log in group))
    return Party.TASK_MANAGER in parties and len(parties) > 1


def _some(logs: Sequence[ProcessLog]) -> str:
    more = f" and {len(logs) - MOST_SHOWN} more" if len(logs) > MOST_SHOWN else ""
    return ", ".join(log.files[0] for log in logs[:MOST_SHOWN]) + more
