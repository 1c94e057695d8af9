"""Random small symmetric models with ``leads to`` properties: symmetry must not change a verdict.

    python -m tests.statemachine.search.liveness_fuzzer --models 500 --seed 1

writes models with a symmetric sort into files, and checks each with and without symmetry.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import tempfile
from pathlib import Path
from typing import Any

from slotspec.statemachine import Finding, Limits, Model, Result, check
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.search.engine import explore_compiled

FEW = 30
"""Models with fewer states are left out."""

HEAD = '''"""A random model."""

from slotspec.statemachine import (
    DISABLED, FLAG, NONE, Fairness, Model, Record, Sort, number, part, per, ref, scalar,
)

T = Sort("ts", "Ts.", default=3, symmetric=True)
U = Sort("us", "Us.", default=2, symmetric=True)


class P(Record):
    """What each T has of its own."""

    own = scalar(FLAG, "A flag.")


inner = Model("inner", "A part.", P)


class S(Record):
    """All."""

    pc = per(T, number(2), "Where each one is.")
    at = per(U, ref(T), "Who is there.")
    k = scalar(ref(T), "One of them.")
    x = scalar(FLAG, "A flag.")
    part = part(lambda g: inner.instance(), "Its own.", per=T)


model = Model("random", "A random model.", S)


@model.final_states
def rest(s):
    """Any."""
    return True
'''


class Writer:
    """Writes random guards and effects for parameters `ts` and `us`."""

    def __init__(self, rng: random.Random, ts: list[str], us: list[str]) -> None:
        self.rng, self.ts, self.us = rng, ts, us

    def test(self) -> str:
        rng = self.rng
        v = rng.randrange(3)
        found = [
            f"s.x == {v % 2}",
            rng.choice(["s.k == NONE", "s.k != NONE"]),
            f"any(p == {v} for p in s.pc)",
            f"all(p != {v} for p in s.pc)",
        ]
        for t in self.ts:
            found += [f"s.pc[{t}] == {v}"] * 3
            found += [f"s.k == {t}", f"s.k != {t}", f"s.part[{t}].own == {v % 2}"]
            found += [f"s.at[{u}] == {t}" for u in self.us]
        for u in self.us:
            found.append(f"s.at[{u}] == NONE")
        if len(self.ts) > 1:
            found += [f"{self.ts[0]} != {self.ts[1]}"] * 3
        return rng.choice(found)

    def effect(self) -> str:
        rng = self.rng
        v = rng.randrange(3)
        found = [f"s.x = {v % 2}", "s.k = NONE"]
        for t in self.ts:
            found += [f"s.pc[{t}] = {v}"] * 3 + [f"s.part[{t}].own = {v % 2}"]
            found.append(f"s.k = {t}")
            found += [f"s.at[{u}] = {t}" for u in self.us]
        found += [f"s.at[{u}] = NONE" for u in self.us]
        found.append(
            f"for one, p in enumerate(s.pc):\n        if p == {v}:\n"
            f"            s.pc[one] = {rng.randrange(3)}"
        )
        return rng.choice(found)

    def action(self, name: str, step: int) -> str:
        """An action; with a parameter, it moves that element on, so that runs go round."""
        rng = self.rng
        given = [f"{t}=T" for t in self.ts] + [f"{u}=U" for u in self.us]
        fair = rng.choice(["", "fair=Fairness.WEAK", "fair=Fairness.WEAK", "fair=Fairness.STRONG"])
        if not fair and rng.random() < 0.3:
            fair = "fault=True"
        moves = self.ts[:1]
        tests = [f"s.pc[{t}] == {step % 3}" for t in moves]
        tests += [f"({self.test()})" for _ in range(rng.randint(0 if moves else 1, 1))]
        if len(self.ts) > 1:
            tests.append("t != o")
        effects = [f"s.pc[{t}] = {(step + 1) % 3}" for t in moves]
        effects += [self.effect() for _ in range(rng.randint(0 if moves else 1, 1))]
        return (
            f"\n\n@model.action({', '.join([*given, fair] if fair else given)})\n"
            f"def {name}({', '.join(['s', *self.ts, *self.us])}):\n"
            f'    """Acts."""\n    if not ({" and ".join(tests)}):\n        return DISABLED\n'
            + "".join(f"    {effect}\n" for effect in effects)
            + "    return 0\n"
        )

    def claim(self, name: str) -> str:
        given = [f'"{t}": T' for t in self.ts] + [f'"{u}": U' for u in self.us]
        takes = ", ".join(["s", *self.ts, *self.us])
        each = f", each={{{', '.join(given)}}}" if given else ""
        return (
            f'\n\ndef {name}_to({takes}):\n    """It ends."""\n    return {self.test()}\n'
            f'\n\n@model.leads_to("A test.", {name}_to{each})\ndef {name}({takes}):\n'
            f'    """It leads to that."""\n    return {self.test()}\n'
        )


PARAMETERS: list[tuple[list[str], list[str]]] = [
    ([], []),
    (["t"], []),
    (["t"], []),
    (["t", "o"], []),
    (["t"], ["u"]),
]


def text(seed: int) -> str:
    """A random model."""
    rng = random.Random(seed)
    found = HEAD
    for n in range(rng.randint(3, 5)):
        found += Writer(rng, *rng.choice(PARAMETERS[n < 3 :])).action(f"act{n}", n)
    for n in range(6):
        found += Writer(rng, *rng.choice(PARAMETERS)).claim(f"claim{n}")
    return found


def load(folder: Path, seed: int) -> Model:
    path = folder / f"liveness_{seed}.py"
    path.write_text(text(seed))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model: Model = module.model
    return model


def facts(result: Result) -> list[Any]:
    """Verdicts, elements, and how long it takes to get to where it begins to go wrong."""
    return [
        (
            p.property.name,
            p.verdict,
            p.reason,
            None if p.finding is None else (p.finding.since, p.finding.elements),
        )
        for p in result.properties
    ]


def examine(folder: Path, seed: int) -> tuple[Result, list[str]] | None:
    """The result with symmetry, and what differs without it; None for a model of few states."""
    instance = load(folder, seed).instance()
    if explore_interpreted(instance, Limits(states=FEW)).states < FEW:
        return None
    plain = check(instance, "compiled", symmetry=False)
    reduced = check(instance, "compiled")
    results = {
        "symmetry": reduced,
        "two workers": explore_compiled(instance, symmetry="exact", workers=2),
    }
    if reduced.symmetry != "exact":
        return reduced, [str(reduced.symmetry_note)]
    different = []
    for how, result in results.items():
        for one, other in zip(facts(result), facts(plain), strict=True):
            if one != other:
                different.append(f"{how}: {one}, but without {other}")
    return reduced, different


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    wrong = violated = held = count = round_ = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.seed, given.seed + given.models):
            examined = examine(Path(folder), seed)
            if examined is None:
                continue
            count += 1
            result, different = examined
            for why in different:
                print(f"seed {seed}: {why}")
            wrong += bool(different)
            violated += sum(p.finding is not None for p in result.properties)
            round_ += sum(goes_round(p.finding) for p in result.properties)
            held += sum(p.finding is None and p.reason is None for p in result.properties)
    print(
        f"{count} models: {violated} claims violated, {round_} of them by a run that goes round,"
        f" {held} hold; {wrong} models differ"
    )


def goes_round(finding: Finding | None) -> bool:
    """Whether a run goes round a loop of several states."""
    return finding is not None and finding.loop is not None and len(finding.calls) > finding.loop


if __name__ == "__main__":
    main()
