"""Random one-place mutants of the cluster's rules: does `check` notice them, does `conform`?

``python -m tests.models.cluster.random_mutants --count 200 --seed 1`` draws places at random: a
comparison becomes another, a condition is negated, a statement is dropped. It prints what each
mutant changes, what notices it, and the shares.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import json
import linecache
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from slotspec.models import load_model
from slotspec.oracle.cluster import world
from slotspec.oracle.conformance.cluster_recordings import validate
from slotspec.oracle.conformance.report import Report
from slotspec.oracle.conformance.trace_validation import Bounds
from slotspec.statemachine import Limits, Result, Verdict
from slotspec.statemachine.errors import SlotspecError
from slotspec.statemachine.search.engine import explore_compiled

CLUSTER = load_model("cluster")
MODULES = (
    "environment",
    "faults",
    "job_master",
    "messages",
    "resource_manager",
    "scheduler",
    "task_executor",
    "timers",
)
"""The modules of the cluster's own rules."""
OTHER: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

ONE = {"task_managers": 1, "slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}
NONE_OF_THEM = {
    "losses": 0,
    "repeats": 0,
    "crashes": 0,
    "leader_changes": 0,
    "failovers": 0,
    "early_timeouts": 0,
}
SCOPES: Mapping[str, Mapping[str, int]] = {
    "cancels": {"losses": 1, "failures": 1, "cancels": 1, "overtaking": 2, "cancel_tries": 2},
    "leaders": {"leader_changes": 1, "losses": 1},
    "regions": {
        "slots_per_task_manager": 2,
        "parallelism": 2,
        "allocations": 3,
        "regions": 1,
        "failures": 1,
        "overtaking": 3,
        "channel_room": 10,
    },
    "crashes": {"crashes": 1, "failovers": 1, "overtaking": 2},
    "early": {"early_timeouts": 1},
    "vertices": {
        "slots_per_task_manager": 2,
        "parallelism": 2,
        "vertices": 2,
        "allocations": 3,
        "channel_room": 10,
    },
}
"""Small bounds, each with other faults."""
STATES = 120_000
"""States after which a search ends: a mutant may have more than the healthy model."""

DATA = Path(__file__).parents[2] / "data" / "clusters"
RECORDINGS = tuple(
    DATA / f"{name}.jsonl.gz"
    for name in (
        "1.12.5-seed0026",
        "1.12.5-seed0014",
        "1.12.5-seed0018",
        "1.13.6-seed0034",
        "1.11.4-seed0023",
    )
)
"""Recordings that a mutant is held against: quiet, and with faults."""
LIMITS = Bounds(steps=1_500, seconds=5.0)
"""What an explanation may use up: the model as it is needs a tenth of it."""


@dataclass(frozen=True)
class Place:
    """One place to change.

    :param number: which node of the function, in order of :func:`ast.walk`.
    :param kind: ``comparison``, ``negation`` or ``dropped``.
    """

    module: str
    function: str
    number: int
    kind: str


@dataclass
class Verdicts:
    """What becomes of a mutant.

    :param changes: whether it has other states or transitions than the healthy model.
    :param check: the scope and the finding that notice it; None if none does.
    :param conform: the recording that no run explains any more; None if all are explained.
    """

    place: Place
    text: str
    changes: bool = False
    check: str | None = None
    conform: str | None = None
    refused: str | None = None


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"slotspec.models.cluster.{name}")


@cache
def tree_of(name: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module, by name."""
    source = Path(str(module_of(name).__file__)).read_text()
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def places() -> list[Place]:
    """Every place that may be changed, except in functions that choose what a scope has."""
    found = []
    for module in MODULES:
        for name, function in tree_of(module).items():
            annotated = [ast.unparse(a.annotation) for a in function.args.args if a.annotation]
            if annotated[:1] != ["ClusterState"]:
                continue
            for number, node in enumerate(ast.walk(function)):
                found += [Place(module, name, number, kind) for kind in kinds(node)]
    return found


def kinds(node: ast.AST) -> Iterator[str]:
    """How a node may be changed."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OTHER:
        yield "comparison"
    if isinstance(node, ast.If | ast.IfExp):
        yield "negation"
    if isinstance(node, ast.Assign | ast.AugAssign) and not isinstance(
        node.targets[0] if isinstance(node, ast.Assign) else node.target, ast.Name | ast.Tuple
    ):
        yield "dropped"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "dropped"


def mutated(place: Place) -> tuple[Callable[..., Any], Callable[..., Any], str]:
    """The rule, the rule with the change, and the change in words."""
    function = copy.deepcopy(tree_of(place.module)[place.function])
    node = next(n for i, n in enumerate(ast.walk(function)) if i == place.number)
    before = ast.unparse(node).splitlines()[0]
    line = getattr(node, "lineno", 0)
    if place.kind == "comparison":
        assert isinstance(node, ast.Compare)
        node.ops[0] = OTHER[type(node.ops[0])]()
        after = ast.unparse(node)
    elif place.kind == "negation":
        assert isinstance(node, ast.If | ast.IfExp)
        node.test = ast.UnaryOp(ast.Not(), node.test)
        after = ast.unparse(node).splitlines()[0]
    else:
        after = "(dropped)"
        Dropper(node).visit(function)
    function.decorator_list = []
    module = module_of(place.module)
    text = ast.unparse(ast.fix_missing_locations(function)) + "\n"
    path = f"<mutant {place.module}.{place.function} {place.number} {place.kind}>"
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    space = dict(vars(module))
    exec(compile(f"from __future__ import annotations\n{text}", path, "exec"), space)
    linecache.cache[path] = (
        len(text),
        None,
        ["from __future__ import annotations\n", *text.splitlines(True)],
        path,
    )
    original: FunctionType = vars(module)[place.function]
    return original, space[place.function], f"{place.module}.py:{line}: {before} -> {after}"


class Dropper(ast.NodeTransformer):
    """Replaces one statement by `pass`."""

    def __init__(self, dropped: ast.AST) -> None:
        self.dropped = dropped

    def visit(self, node: ast.AST) -> Any:
        if node is self.dropped:
            return ast.Pass()
        return self.generic_visit(node)


def searched(scope: str, replace: Mapping[Callable[..., Any], Callable[..., Any]]) -> Result:
    """A search of one of the small scopes."""
    instance = CLUSTER.instance(
        {**ONE, **NONE_OF_THEM, **SCOPES[scope]},
        generation="1.12",
        scope="losses",
        replace=replace,
    )
    return explore_compiled(instance, Limits(states=STATES, seconds=120))


def summary(result: Result) -> tuple[int, int, dict[str, str], bool, bool]:
    """States, transitions, and verdicts by property, of a search."""
    verdicts = {p.property.name: p.verdict.value for p in result.properties}
    return (
        result.states,
        result.transitions,
        verdicts,
        result.fault is not None,
        result.deadlock is not None,
    )


@cache
def healthy(scope: str) -> tuple[int, int, dict[str, str], bool, bool]:
    """What the model as it is has in a scope."""
    return summary(searched(scope, {}))


def noticed(scope: str, result: Result) -> str | None:
    """What the search of a mutant finds that the model as it is does not have."""
    _, _, before, _, _ = healthy(scope)
    if result.fault is not None:
        return "fault"
    if result.deadlock is not None:
        return "deadlock"
    for p in result.properties:
        wrong = p.verdict is Verdict.VIOLATED and before[p.property.name] != p.verdict.value
        if wrong:
            return p.property.name
    return None


def checked(verdicts: Verdicts, replace: Mapping[Any, Any]) -> None:
    """Search the small scopes until one notices the mutant."""
    for scope in SCOPES:
        result = searched(scope, replace)
        if (result.states, result.transitions) != healthy(scope)[:2]:
            verdicts.changes = True
        found = noticed(scope, result)
        if found is not None:
            verdicts.check, verdicts.changes = f"{scope}: {found}", True
            return


def conformed(
    verdicts: Verdicts, replace: Mapping[Any, Any], recordings: Sequence[Path] = RECORDINGS
) -> None:
    """Hold the mutant against recordings until no run explains one."""
    world.REPLACED.update(replace)
    world._instance.cache_clear()
    try:
        for path in recordings:
            _, found = validate(path, Report(str(path)), bounds=LIMITS)
            if not found.complete:
                verdicts.conform, verdicts.changes = path.name, True
                return
    finally:
        world.REPLACED.clear()
        world._instance.cache_clear()


def judged(place: Place, by: str = "both", recordings: Sequence[Path] = RECORDINGS) -> Verdicts:
    """What notices a mutant.

    :param by: ``check``, ``conform`` or ``both``.
    """
    original, mutant, text = mutated(place)
    verdicts = Verdicts(place, text)
    replace = {original: mutant}
    try:
        if by != "conform":
            checked(verdicts, replace)
        if by != "check":
            conformed(verdicts, replace, recordings)
    except SlotspecError as error:
        verdicts.refused = str(error)
    return verdicts


def drawn(count: int, seed: int) -> list[Place]:
    """Places drawn at random, each at most once."""
    everywhere = places()
    return random.Random(seed).sample(everywhere, min(count, len(everywhere)))


def main() -> None:
    """Draw mutants, judge them, and print what is noticed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--by", choices=("check", "conform", "both"), default="both")
    parser.add_argument("--recordings", nargs="+", type=Path, default=RECORDINGS)
    parser.add_argument("--out", type=Path, help="a line of JSON for each mutant")
    options = parser.parse_args()
    chosen = drawn(options.count, options.seed)
    counts: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        judge = partial(judged, by=options.by, recordings=options.recordings)
        for verdicts in pool.map(judge, chosen):
            report(verdicts, counts)
            if options.out is not None:
                with options.out.open("a") as file:
                    file.write(json.dumps(asdict(verdicts)) + "\n")
    print(dict(counts))


def report(verdicts: Verdicts, counts: Counter[str]) -> None:
    """Print one mutant, and count it."""
    seen = {"check": verdicts.check, "conform": verdicts.conform}
    counts["mutants"] += 1
    if verdicts.refused:
        counts["refused"] += 1
    elif not verdicts.changes:
        counts["no change"] += 1
    else:
        counts["changes"] += 1
        counts["either"] += any(seen.values())
        for name, found in seen.items():
            counts[name] += found is not None
    how = verdicts.refused or ", ".join(f"{k}: {v}" for k, v in seen.items() if v)
    how = how or ("UNNOTICED" if verdicts.changes else "no change")
    print(f"{verdicts.text}\n    {how}", flush=True)


if __name__ == "__main__":
    main()
