"""Times ``conform`` on recordings of clusters, and says how it grows with their length.

Usage: ``python benchmarks/cluster_recordings.py FILE… [--slowest N]``. It measures processor time:
of reading, of building the model with the recording's bounds, and of looking for a run.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import linear_regression, median
from time import process_time

from slotspec.oracle.cluster.reading import read
from slotspec.oracle.conformance.cluster_recordings import explainer_of
from slotspec.oracle.conformance.trace_validation import explain

CLASSES = (200, 400, 800, 1_600, 3_200, 6_400)
"""Lines up to which a recording belongs to a class of the table."""


@dataclass(frozen=True)
class Measured:
    """One recording: lines, processor seconds, explanations that were tried."""

    name: str
    lines: int
    read: float
    build: float
    search: float
    tried: int
    explained: bool

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.read + self.build + self.search


def measured(path: Path) -> Measured:
    """Time one recording."""
    start = process_time()
    recording = read(path)
    opened = process_time()
    explainer = explainer_of(recording.generation)(recording, recording.generation)
    built = process_time()
    found = explain(explainer.lanes, explainer)
    return Measured(
        f"{recording.header.flink} {path.name.removesuffix('.jsonl.gz')}",
        len(recording.lines),
        opened - start,
        built - opened,
        process_time() - built,
        found.tried,
        found.complete,
    )


def table(all_of_them: list[Measured]) -> str:
    """Median and largest time of each class of length, and the exponent of growth."""
    rows = ["| lines | recordings | seconds, median | largest | lines a second |"]
    rows.append("|--:|--:|--:|--:|--:|")
    low = 0
    for high in CLASSES:
        some = [one for one in all_of_them if low < one.lines <= high]
        if some:
            rate = sum(one.lines for one in some) / sum(one.seconds for one in some)
            rows.append(
                f"| {low + 1} to {high} | {len(some)} | {median(one.seconds for one in some):.2f}"
                f" | {max(one.seconds for one in some):.2f} | {rate:,.0f} |"
            )
        low = high
    explained = [one for one in all_of_them if one.explained]
    if len({one.lines for one in explained}) > 1:
        growth = linear_regression(
            [log(one.lines) for one in explained], [log(one.search) for one in explained]
        )
        rows.append(f"\nThe search grows with length to the power of {growth.slope:.2f}.")
    return "\n".join(rows)


def main() -> None:
    """Time the files, and print the table and the slowest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--slowest", type=int, default=5)
    options = parser.parse_args()
    found = [measured(path) for path in options.files]
    print(table(found))
    for one in sorted(found, key=lambda m: -m.seconds)[: options.slowest]:
        print(
            f"{one.name}: {one.lines} lines, {one.seconds:.2f} s"
            f" (built in {one.build:.2f} s, {one.tried:,} explanations tried)"
        )


if __name__ == "__main__":
    main()
