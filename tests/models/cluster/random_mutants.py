"""Random one-place mutants of a cluster's rules: does `check` notice them, does `conform`?

``python -m tests.models.cluster.random_mutants --count 200 --seed 1`` draws places at random: a
comparison becomes another, a condition is negated, a statement is dropped. It prints what each
mutant changes, what notices it, and the shares. ``--model declarative_cluster`` changes the rules
that the cluster of today has of its own. ``--out`` keeps what it found, and goes on from there.

A mutant is searched only in scopes whose random runs call the changed rule, and held only against
recordings whose explanation calls it; small scopes and the recordings of the tests come first.
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
from itertools import islice
from math import inf
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from unittest.mock import patch

from slotspec.models import load_model
from slotspec.oracle.cluster import world
from slotspec.oracle.conformance.cluster_recordings import validate
from slotspec.oracle.conformance.report import Report
from slotspec.oracle.conformance.trace_validation import Bounds
from slotspec.statemachine import Limits, Result, Verdict
from slotspec.statemachine.compiler.backend import upgrade
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import SlotspecError
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.cluster.touching import called_by_explanation, called_in_runs

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

CLUSTER = "cluster"
ONE = {"task_managers": 1, "slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}
NONE_OF_THEM = {
    "losses": 0,
    "repeats": 0,
    "crashes": 0,
    "leader_changes": 0,
    "failovers": 0,
    "early_timeouts": 0,
}
TWO_SLOTS = {"slots_per_task_manager": 2, "parallelism": 2, "channel_room": 10}
CANCELS = {"failures": 1, "cancels": 1, "overtaking": 2, "cancel_tries": 2}
Run = tuple[str, Mapping[str, int]]
"""A generation, and bounds."""
STATES = 400_000
"""States after which a search ends: a mutant may have more than the healthy model."""

DATA = Path(__file__).parents[2] / "data" / "clusters"
SAMPLE = 40
"""Most recordings that a mutant is held against."""


@dataclass(frozen=True)
class Subject:
    """A model whose rules are changed.

    :param modules: the modules of its own rules.
    :param state: the name of its record.
    :param scopes: small bounds, each with other faults, which a search covers within seconds.
    """

    model: str
    modules: tuple[str, ...]
    state: str
    scopes: Mapping[str, Run]

    def has(self, recording: Path) -> bool:
        """Whether a recording is one of this cluster."""
        today = recording.name.startswith("2.") or recording.parent.name.startswith("2.")
        return today == (self.model != CLUSTER)


SUBJECTS = {
    one.model: one
    for one in (
        Subject(
            "cluster",
            (
                "environment",
                "faults",
                "job_master",
                "messages",
                "resource_manager",
                "scheduler",
                "task_executor",
                "timers",
            ),
            "ClusterState",
            {
                "losses": ("1.12", {"losses": 1, "registrations": 1}),
                "crashes": ("1.12", {"crashes": 1, "overtaking": 2}),
                "cancels": ("1.12", CANCELS),
                "repeats": ("1.12", {"repeats": 1}),
                "vertices": ("1.12", {**TWO_SLOTS, "vertices": 2, "allocations": 3}),
                "early": ("1.13", {"early_timeouts": 1}),
                "leaders": ("1.12", {"leader_changes": 1, "registrations": 1}),
                "resource_managers": ("1.12", {"failovers": 1, "registrations": 1}),
                "regions": (
                    "1.11",
                    {**TWO_SLOTS, "allocations": 3, "regions": 1, "failures": 1, "overtaking": 3},
                ),
                "job_masters": ("1.13", {"leader_changes": 1, "overtaking": 3}),
                "delays": (
                    "1.12",
                    {**CANCELS, "failures": 0, "early_timeouts": 1, "late_slots": 1},
                ),
            },
        ),
        Subject(
            "declarative_cluster",
            (
                "allocation_ids",
                "environment",
                "job_master",
                "resource_manager",
                "task_executor",
                "timers",
                "waiting",
            ),
            "DeclarativeClusterState",
            {
                "losses": ("2.3", {"losses": 1}),
                "sharing": ("2.3", {**TWO_SLOTS, "allocations": 4}),
                "crashes": ("2.3", {"crashes": 1}),
                "repeats": ("2.3", {"repeats": 1}),
                "cancels": ("2.3", {**CANCELS, "overtaking": 3}),
                "failovers": ("2.3", {"failovers": 1}),
                "early": ("2.3", {"early_timeouts": 1}),
                "leaders": ("1.20", {"leader_changes": 1}),
            },
        ),
    )
}
LIMITS = Bounds(steps=1_500, seconds=60.0)
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
    model: str = CLUSTER

    @property
    def rule(self) -> str:
        return f"{self.model}.{self.module}.{self.function}"


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


CALLED: dict[str, list[str]] = {}
"""The rules that something calls: random runs within a scope, or a recording's explanation."""


def walked(scope: str, model: str) -> list[str]:
    """The rules that random runs within a scope call."""
    name = f"{model} {scope}"
    if name not in CALLED:
        CALLED[name] = sorted(called_in_runs(instance_of(scope, model)))
    return CALLED[name]


def explained(path: Path) -> list[str]:
    """The rules that the explanation of a recording calls."""
    if str(path) not in CALLED:
        CALLED[str(path)] = sorted(called_by_explanation(path))
    return CALLED[str(path)]


def module_of(name: str, model: str) -> ModuleType:
    return importlib.import_module(f"slotspec.models.{model}.{name}")


@cache
def tree_of(name: str, model: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module, by name."""
    source = Path(str(module_of(name, model).__file__)).read_text()
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def places(model: str = CLUSTER) -> list[Place]:
    """Every place that may be changed, except in functions that choose what a scope has."""
    found = []
    subject = SUBJECTS[model]
    for module in subject.modules:
        for name, function in tree_of(module, model).items():
            annotated = [ast.unparse(a.annotation) for a in function.args.args if a.annotation]
            if annotated[:1] != [subject.state]:
                continue
            for number, node in enumerate(ast.walk(function)):
                found += [Place(module, name, number, kind, model) for kind in kinds(node)]
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
    function = copy.deepcopy(tree_of(place.module, place.model)[place.function])
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
    module = module_of(place.module, place.model)
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


def replacement(place: Place, original: Any, mutant: Any) -> dict[Any, Any]:
    """What a mutant stands for: the rule, and what the rule itself stands for."""
    stands_for = load_model(place.model).replace
    return {original: mutant} | {old: mutant for old, new in stands_for.items() if new is original}


def instance_of(scope: str, model: str, replace: Mapping[Any, Any] | None = None) -> Instance:
    """A model in one of the small scopes."""
    generation, bounds = SUBJECTS[model].scopes[scope]
    return load_model(model).instance(
        {**ONE, **NONE_OF_THEM, **bounds},
        generation=generation,
        scope="losses",
        replace=replace or {},
    )


def searched(scope: str, model: str, replace: Mapping[Any, Any] | None = None) -> Result:
    """A search of one of the small scopes, with the properties of the whole cluster."""
    instance = instance_of(scope, model, replace)
    with patch.object(upgrade, "PATIENCE", inf):  # each mutant is searched once
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
def healthy(scope: str, model: str) -> tuple[int, int, dict[str, str], bool, bool]:
    """What the model as it is has in a scope."""
    return summary(searched(scope, model))


def noticed(scope: str, result: Result, model: str) -> str | None:
    """What the search of a mutant finds that the model as it is does not have."""
    _, _, before, _, _ = healthy(scope, model)
    if result.fault is not None:
        return "fault"
    if result.deadlock is not None:
        return "deadlock"
    for p in result.properties:
        if p.verdict.value != before[p.property.name]:
            if p.verdict is Verdict.VIOLATED:
                return p.property.name
            if p.verdict is Verdict.HOLDS and result.limit is None:
                return f"{p.property.name} no longer deviates"
    return None


def checked(verdicts: Verdicts, replace: Mapping[Any, Any], most: int | None) -> None:
    """Search the small scopes that call the rule until one notices the mutant.

    :param most: only so many of them.
    """
    place, model = verdicts.place, verdicts.place.model
    scopes = SUBJECTS[model].scopes
    touching = (one for one in scopes if place.rule in walked(one, model))
    for scope in list(islice(touching, most)) or list(scopes)[:most]:
        result = searched(scope, model, replace)
        if (result.states, result.transitions) != healthy(scope, model)[:2]:
            verdicts.changes = True
        found = noticed(scope, result, model)
        if found is not None:
            verdicts.check, verdicts.changes = f"{scope}: {found}", True
            return


def conformed(
    verdicts: Verdicts, replace: Mapping[Any, Any], recordings: Sequence[Path], most: int
) -> None:
    """Hold the mutant against recordings that call the rule until no run explains one.

    :param most: only so many of them.
    """
    place = verdicts.place
    chosen = [path for path in recordings if place.rule in explained(path)]
    world.REPLACED.update(replace)
    world._instance.cache_clear()
    try:
        for path in chosen[:most]:
            _, found = validate(path, Report(str(path)), bounds=LIMITS)
            if not found.complete:
                verdicts.conform, verdicts.changes = path.name, True
                return
    finally:
        world.REPLACED.clear()
        world._instance.cache_clear()


def recordings_of(model: str, folder: Path | None = None) -> list[Path]:
    """The recordings of a cluster in the tests, then others, in an order that means nothing."""
    subject = SUBJECTS[model]
    found = sorted(DATA.glob("*.jsonl.gz"))
    if folder is not None:
        others = sorted(folder.rglob("*.jsonl.gz"))
        found += random.Random(1).sample(others, len(others))
    return [path for path in found if subject.has(path)]


def judged(
    place: Place,
    by: str = "both",
    recordings: Sequence[Path] | None = None,
    scopes: int | None = None,
    sample: int = SAMPLE,
) -> Verdicts:
    """What notices a mutant.

    :param by: ``check``, ``conform`` or ``both``.
    :param scopes: most scopes that are searched; None for all.
    :param sample: most recordings that it is held against.
    """
    original, mutant, text = mutated(place)
    verdicts = Verdicts(place, text)
    replace = replacement(place, original, mutant)
    if recordings is None:
        recordings = recordings_of(place.model)
    try:
        if by != "conform":
            checked(verdicts, replace, scopes)
        if by != "check":
            conformed(verdicts, replace, recordings, sample)
    except SlotspecError as error:
        verdicts.refused = str(error)
    return verdicts


def drawn(count: int, seed: int, model: str = CLUSTER) -> list[Place]:
    """Places drawn at random, each at most once."""
    everywhere = places(model)
    return random.Random(seed).sample(everywhere, min(count, len(everywhere)))


def main() -> None:
    """Draw mutants, judge them, and print what is noticed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--model", choices=SUBJECTS, default=CLUSTER)
    parser.add_argument("--by", choices=("check", "conform", "both"), default="both")
    parser.add_argument("--recordings", type=Path, help="a folder of more recordings")
    parser.add_argument("--out", type=Path, help="a line of JSON for each mutant; kept")
    parser.add_argument("--scopes", type=int, help="most scopes that a mutant is searched in")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="most recordings for each")
    parser.add_argument("--again", action="store_true", help="judge what nothing noticed again")
    parser.add_argument("--called", type=Path, help="which rules are called where; kept")
    options = parser.parse_args()
    chosen = drawn(options.count, options.seed, options.model)
    before = {} if options.out is None else read(options.out)
    if options.again:
        before = {place: v for place, v in before.items() if v.check or v.conform or v.refused}
    recordings = recordings_of(options.model, options.recordings)
    if options.called is not None and options.called.exists():
        CALLED.update(json.loads(options.called.read_text()))
    for path in recordings:
        explained(path)
    for scope in SUBJECTS[options.model].scopes:
        walked(scope, options.model)
    if options.called is not None:
        options.called.write_text(json.dumps(CALLED))
    counts: Counter[str] = Counter()
    for place in chosen:
        if place in before:
            report(before[place], counts)
    left = [place for place in chosen if place not in before]
    with ProcessPoolExecutor(options.jobs) as pool:
        judge = partial(
            judged,
            by=options.by,
            recordings=recordings,
            scopes=options.scopes,
            sample=options.sample,
        )
        for verdicts in pool.map(judge, left):
            report(verdicts, counts)
            if options.out is not None:
                with options.out.open("a") as file:
                    file.write(json.dumps(asdict(verdicts)) + "\n")
    print(dict(counts))


def read(path: Path) -> dict[Place, Verdicts]:
    """What an earlier run has found."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [Verdicts(**json.loads(line)) for line in lines]
    for verdicts in found:
        verdicts.place = Place(**verdicts.place)  # type: ignore[arg-type]
    return {verdicts.place: verdicts for verdicts in found}


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
