"""The whole slot pool at growing bounds: states, time, memory, with and without symmetry.

python benchmarks/growth.py [--generation 1.12] [--seconds 600] [--gigabytes 16]

Each row is a search of its own in a process of its own, all properties checked, one worker.
A search that meets a limit says so and is not a verdict. The last table sets the compiled
search beside the interpreted one, an object of the ``transitions`` package for each lifecycle
transition, and one run of the rules after another as a fuzzer takes them.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from slotspec.models import load_model
from slotspec.statemachine import Limits, explore_interpreted
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.search.engine import explore_compiled

GROWTH: list[dict[str, int]] = [
    {"task_managers": 1, "requests": 2, "foreign_allocations": 0, "profiles": 1},
    {"task_managers": 1, "requests": 2, "foreign_allocations": 1, "profiles": 2},
    {"task_managers": 2, "requests": 2, "foreign_allocations": 1, "profiles": 2},
    {"task_managers": 1, "requests": 3, "foreign_allocations": 0, "profiles": 1},
    {"task_managers": 1, "requests": 3, "foreign_allocations": 1, "profiles": 1},
    {"task_managers": 2, "requests": 3, "foreign_allocations": 0, "profiles": 1},
    {"task_managers": 2, "requests": 3, "foreign_allocations": 1, "profiles": 1},
    {"task_managers": 2, "requests": 3, "foreign_allocations": 1, "profiles": 2},
]


def instance(generation: str, bounds: dict[str, int]) -> Any:
    # as many request ids as requests: no id is used for two records
    ids = {"request_ids": bounds["requests"]}
    model = load_model("slot_pool")
    known = {k: v for k, v in {**bounds, **ids}.items() if k in model.bounds}
    return model.instance(known, generation=generation)


def one(text: str) -> None:
    """Search once, in this process, and print what came of it."""
    given = json.loads(text)
    result = explore_compiled(
        instance(given["generation"], given["bounds"]),
        Limits(seconds=given["seconds"], memory=given["memory"]),
        symmetry=given["symmetry"],
    )
    print(
        json.dumps(
            {
                "states": result.states,
                "transitions": result.transitions,
                "depth": result.depth,
                "seconds": result.seconds,
                "compile": result.compile_seconds,
                "bytes": result.bytes_per_state,
                "limit": result.limit and result.limit.value,
                "verdict": result.verdict.value,
            }
        )
    )


def growth(generation: str, seconds: float, memory: int) -> None:
    print("| bounds | symmetry | states | transitions | depth | s | states/s | bytes | |")
    print("|---|---|--:|--:|--:|--:|--:|--:|---|")
    for bounds in GROWTH:
        short = " ".join(f"{name[:4]}={value}" for name, value in bounds.items())
        for symmetry in (False, "exact"):
            given = {
                "generation": generation,
                "bounds": bounds,
                "seconds": seconds,
                "memory": memory,
                "symmetry": symmetry,
            }
            command = [sys.executable, __file__, "--one", json.dumps(given)]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            if found.returncode:
                print(f"| {short} | {symmetry or '-'} | {found.stderr.splitlines()[-1]} |")
                continue
            r = json.loads(found.stdout)
            print(
                f"| {short} | {symmetry or '-'} | {r['states']:,} | {r['transitions']:,} |"
                f" {r['depth']} | {r['seconds']:.2f} | {r['states'] / r['seconds']:,.0f} |"
                f" {r['bytes']:.0f} | {r['limit'] or r['verdict']} |",
                flush=True,
            )


def proportion(generation: str) -> None:
    subject = instance(generation, GROWTH[1])
    compiled = explore_compiled(subject)
    interpreted = explore_interpreted(subject, Limits(states=20_000))
    fast = compiled.states / compiled.seconds
    slow = interpreted.states / interpreted.seconds

    lifecycle = next(iter(subject.lifecycles.values()))
    machine = lifecycle.machine()
    fired, started = 0, time.perf_counter()
    chance = random.Random(1)
    while time.perf_counter() - started < 1:
        moves = [m for m in lifecycle.transitions if m.source.name == machine.state]
        if not moves:
            machine.set_state(lifecycle.initial.name)
            continue
        machine.trigger(chance.choice(moves).event.name)
        fired += 1
    objects = fired / (time.perf_counter() - started)

    interpreter = Interpreter(subject)
    steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < 1:
        interpreter.step(chance.choice(subject.calls))
        steps += 1
    walked = steps / (time.perf_counter() - started)

    print("\n| | a second | of the compiled search |\n|---|--:|--:|")
    rows = [
        ("compiled search, states", fast, fast),
        ("interpreted search, states", slow, fast),
        ("compiled search, transitions", compiled.transitions / compiled.seconds, 0),
        ("interpreted search, transitions", interpreted.transitions / interpreted.seconds, 0),
        ("random calls of the rules, interpreted", walked, 0),
        ("events of one `transitions` object", objects, 0),
    ]
    for name, value, base in rows:
        share = f"1/{base / value:,.0f}" if base else ""
        print(f"| {name} | {value:,.0f} | {share} |")


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--generation", default="1.12")
    words.add_argument("--seconds", type=float, default=600)
    words.add_argument("--gigabytes", type=float, default=16)
    words.add_argument("--one", help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.one:
        one(given.one)
        return
    growth(given.generation, given.seconds, int(given.gigabytes * 2**30))
    proportion(given.generation)


if __name__ == "__main__":
    main()
