"""Steps a second of simulations, of each built-in model, compiled and interpreted.

``python benchmarks/simulation.py [MODEL …]``; compiling is not counted.
"""

from __future__ import annotations

import sys
from statistics import median

from slotspec.models import MODELS, load_model
from slotspec.statemachine.simulate import Simulation, simulate

ROUNDS = 5


def line(result: Simulation, rates: list[float]) -> str:
    name = result.instance.title
    checked = (result.steps + result.stutters) / max(1, result.steps)
    return (
        f"{name:32} {result.engine:12} {result.steps:>10,} steps"
        f"  {checked:5.1f} calls a step  {median(rates):>12,.0f} steps/s"
    )


def main() -> None:
    for name in sys.argv[1:] or MODELS:
        instance = load_model(name).instance()
        for engine, runs in (("compiled", 2_000), ("interpreted", 20)):
            made = [
                simulate(instance, engine, runs=runs, seed=seed)  # type: ignore[arg-type]
                for seed in range(ROUNDS)
            ]
            print(line(made[0], [result.rate for result in made]), flush=True)


if __name__ == "__main__":
    main()
