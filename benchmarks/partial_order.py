"""Partial-order reduction beside the whole search, in the scopes of the built-in models.

python benchmarks/partial_order.py [MODEL …] [--every-generation] [--most 1000000] [--derive]

Each scope is searched twice without symmetry and without ``leads to`` properties: as a whole, and
with ``partial_order=True``. Verdicts, deadlock and fault must be the same, or the script ends with
an error. It prints how many pairs of calls are independent by the text of the rules, the states
of both searches, and which traces of the reduced one are longer. Scopes of more than `most` states
are left out. ``--derive`` only reads the rules, and searches nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from slotspec.models import MODELS, load_model
from slotspec.statemachine import Limits
from slotspec.statemachine.check import check
from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.results import NO_LIMITS, Result
from slotspec.statemachine.search.partial_order.relations import relations


def safety(instance: Instance) -> Instance:
    """The instance without properties that a reduced search refuses."""
    kept = {n: p for n, p in instance.properties.items() if p.kind is not Kind.LEADS_TO}
    instance.properties = kept
    return instance


def verdicts(result: Result) -> dict[str, Any]:
    """What both searches must find."""
    return {one.property.name: one.verdict for one in result.properties} | {
        "deadlock": result.deadlock is not None,
        "fault": result.fault is not None,
    }


def lengths(result: Result) -> dict[str, int]:
    """How long each trace is."""
    found = {p.property.name: p.finding for p in result.properties}
    found |= {"deadlock": result.deadlock, "fault": result.fault}
    return {name: len(one.steps) for name, one in found.items() if one is not None}


def compared(instance: Instance, most: int) -> tuple[Result, Result] | None:
    """Both searches, after a comparison; None if there are more than `most` states (0: no limit).

    :raises AssertionError: they do not agree.
    """
    limits = Limits(states=most) if most else NO_LIMITS
    whole = check(instance, "compiled", limits, symmetry=False)
    if whole.limit is not None:
        return None
    reduced = check(instance, "compiled", partial_order=True)
    assert verdicts(reduced) == verdicts(whole), instance.title
    assert lengths(reduced).keys() == lengths(whole).keys(), instance.title
    assert reduced.states <= whole.states, instance.title
    return whole, reduced


def longer(whole: Result, reduced: Result) -> dict[str, tuple[int, int]]:
    """The traces whose length differs: how long they are, whole and reduced."""
    one, other = lengths(whole), lengths(reduced)
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL")
    parser.add_argument("--every-generation", action="store_true", help="not only the newest")
    parser.add_argument("--most", type=int, default=1_000_000, help="states of a scope")
    parser.add_argument("--derive", action="store_true", help="search nothing")
    given = parser.parse_args()
    print(
        "| model | generation | scope | independent | states | reduced | factor | longer traces |"
    )
    print("|---|---|---|---|--:|--:|--:|---|")
    for name in given.models:
        model = load_model(name)
        known = list(model.generations) or [None]
        for generation in known if given.every_generation else known[-1:]:
            for scope in model.scopes.values():
                if scope.simulation_only:
                    continue
                instance = safety(model.instance(generation=generation, scope=scope.name))
                start = f"| `{name}` | {generation} | `{scope.name}` | {independent(instance)}"
                pair = None if given.derive else compared(instance, given.most)
                if pair is None:
                    print(start, "| | | | |", flush=True)
                    continue
                whole, reduced = pair
                factor = whole.states / reduced.states
                differ = ", ".join(
                    f"`{one}` {a} → {b}" for one, (a, b) in longer(whole, reduced).items()
                )
                counts = f"{whole.states:,} | {reduced.states:,} | {factor:.2f}"
                print(start, f"| {counts} | {differ} |", flush=True)


def independent(instance: Instance) -> str:
    """How many pairs of calls are independent by the text of the rules."""
    found = relations(instance)
    if found.idle:
        return "none"
    count = len(found.moving)
    pairs = sum(count - needed.bit_count() for needed in found.moving)
    share = pairs / (count * (count - 1))
    return "<0.1%" if share < 0.0005 else f"{share:.1%}"


if __name__ == "__main__":
    main()
