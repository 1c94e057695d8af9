"""Random small models: where the rules are found symmetric, renaming must really change nothing.

    python -m tests.statemachine.search.scalarset_fuzzer --models 5000 --seed 1

writes models with a symmetric sort into a file, asks for the obstacles of each, and renames random
states of those that have none: each call must have the renamed result.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import tempfile
from itertools import permutations
from pathlib import Path
from typing import Any

from slotspec.statemachine import DISABLED, NONE, Instance, Model, RuleError, StepError
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.search.scalarsets.proof import obstacles

HEAD = '''"""A random model."""

from slotspec.statemachine import (
    FLAG, NONE, DISABLED, Effects, Event, Lifecycle, Model, Record, Sort, State,
    constant, effect, emit, fire, number, only, part, per, recycle, ref, restart, scalar,
)

T = Sort("ts", "Ts.", default=3, symmetric=True)


class Kind(Effects):
    """Kinds."""

    P = effect("one", "two")
    Q = effect("one")


class Life(Lifecycle):
    """A life."""

    NEW = State("New.", initial=True)
    OLD = State("Old.")
    GONE = State("Gone.", final=True)

    age = Event("It ages.", (NEW, OLD), (OLD, OLD))
    end = Event("It ends.", (OLD, GONE))


class P(Record):
    """What each T has of its own."""

    h = scalar(number(3), "A number.")
    q = scalar(ref(T), "A reference.")
    m = per(T, FLAG, "Flags.")
    z = per(T, ref(T), "References.")


inner = Model("inner", "A part.", P)


class S(Record):
    """All."""

    f = per(T, FLAG, "Flags.")
    g = per(T, number(3), "Numbers.")
    r = per(T, ref(T), "References.")
    life = per(T, Life, "Lives.")
    k = scalar(ref(T), "A reference.")
    n = scalar(number(9), "A number.")
    p = part(lambda g: inner.instance({"ts": 3}), "Parts.", per=T)


model = Model("random", "A random model.", S, effects=Kind)


def first(s, x):
    """A helper."""
    s.f[x] = 1
    return s.r[x]


def seen(s, x, y):
    """Another."""
    return s.r[x] == y or s.f[y]


def own(s, x):
    """A part."""
    return s.p[x]


def of(s, x):
    """Another part."""
    x = s.r[x]
    return s.p[x]


def put(one, x):
    """A rule of a part."""
    one.m[x] = 1
    one.q = x
    return one.z[x]


def clear(one):
    """A rule of a part that goes through its own."""
    for x in one.elements(T):
        if one.m[x] and one.z[x] != x:
            one.m[x] = 0
    one.h = sum(one.m)
    return one.h
'''


class Writer:
    """Writes one random rule over elements `names`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fresh = 0
        self.parts: list[str] = []

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def element(self, names: list[str]) -> str:
        own = self.pick(*names) if names else "s.k"
        rare = [str(self.rng.randrange(3)), "s.n"] if self.rng.random() < 0.04 else []
        nested = [f"s.r[{own}]"] if self.rng.random() < 0.3 else []
        if self.rng.random() < 0.3:
            nested = [f"{self.part(names)}.q", f"{self.part(names)}.z[{own}]"]
        return self.pick(own, own, own, "NONE", "s.k", *nested, *rare)

    def part(self, names: list[str]) -> str:
        """One of the parts, or a local that holds one."""
        own = self.pick(*names) if names else "s.k"
        held = [name for name in self.parts if self.rng.random() < 0.7]
        return self.pick(f"s.p[{own}]", f"s.p[{own}]", *held, f"own(s, {own})", f"of(s, {own})")

    def number(self, names: list[str]) -> str:
        own = self.pick(*names) if names else "s.k"
        wild = [own] if self.rng.random() < 0.04 else []
        if self.rng.random() < 0.2:
            return self.pick(f"{self.part(names)}.h", f"{self.part(names)}.m[{own}]")
        return self.pick("0", "1", "2", "s.n", f"s.g[{own}]", f"s.f[{own}]", *wild)

    def run(self, name: str) -> str:
        if self.rng.random() < 0.25:
            self.parts = [f"v{name}", *self.parts]
            return self.pick(
                f"for {name}, v{name} in enumerate(s.p)",
                f"for {name}, v{name} in zip(s.elements(T), s.p)",
            )
        return self.pick(
            f"for {name} in s.elements(T)",
            f"for {name} in range(len(s.f))",
            f"for {name}, v{name} in enumerate(s.g)",
            f"for {name}, v{name} in enumerate(s.f)",
            f"for {name}, v{name} in zip(s.elements(T), s.g)",
        )

    def test(self, names: list[str], deep: int = 2) -> str:
        rng = self.rng
        if rng.random() < 0.08:
            own = self.pick(*names) if names else "s.k"
            return self.pick(
                "any(e.kind == Kind.P for e in s.effects)",
                "len(s.effects) > 1",
                "next((i for i, e in enumerate(s.effects) if e.kind == Kind.Q), 9) < 2",
                f"any(e.kind == Kind.P and e.one == {own} for e in s.effects)",
                "next((i for i, e in enumerate(s.effects) if e.kind == Kind.P"
                f" and e.one == {own}), 9) < 1",
                "any(i < j and e.kind == Kind.P and f.kind == Kind.Q"
                " for i, e in enumerate(s.effects) for j, f in enumerate(s.effects))",
            )
        kind = rng.randrange(9 if deep else 4)
        if kind < 2:
            return f"{self.element(names)} {self.pick('==', '!=')} {self.element(names)}"
        if kind == 2:
            return f"{self.number(names)} {self.pick('==', '<', '!=')} {self.number(names)}"
        if kind == 3:
            own = self.pick(*names) if names else "s.k"
            return self.pick(f"{own} in s.r", f"s.f[{own}]", f"seen(s, {own}, {own})", f"{own} < 1")
        if kind == 4:
            return f"({self.test(names, 0)} {self.pick('and', 'or')} {self.test(names, deep - 1)})"
        if kind == 5:
            return f"not {self.test(names, 0)}"
        self.fresh += 1
        name = f"x{self.fresh}"
        held, run = self.parts, self.run(name)
        inner = self.test([*names, name], deep - 1)
        self.parts = held
        return f"{self.pick('any', 'all')}({inner} {run})"

    def block(self, names: list[str], indent: str, deep: int) -> list[str]:
        lines: list[str] = []
        names, held = list(names), self.parts
        for _ in range(self.rng.randint(1, 2)):
            lines += self.statement(names, indent, deep)
        self.parts = held
        return lines

    def statement(self, names: list[str], indent: str, deep: int) -> list[str]:
        rng = self.rng
        own = self.pick(*names) if names else "s.k"
        if rng.random() < 0.35:
            return self.on_part(names, own, indent)
        kind = rng.randrange(13 if deep else 9)
        if kind == 0:
            return [f"{indent}s.f[{own}] = {self.pick('0', '1')}"]
        if kind == 1:
            return [f"{indent}s.r[{own}] = {self.element(names)}"]
        if kind == 2:
            return [f"{indent}s.k = {self.element(names)}"]
        if kind == 3:
            amount = self.pick("1", "1", self.number(names))
            return [f"{indent}s.n = min(s.n + {amount}, 9)", f"{indent}s.n %= 5"][
                : rng.randint(1, 2)
            ]
        if kind == 4:
            return [f"{indent}s.g[{own}] = min({self.number(names)}, 3)"]
        if kind == 5:
            return [f"{indent}fire(s.life, {own}, Life.age)"]
        if kind == 6:
            return [
                indent
                + self.pick(
                    f"emit(s, Kind.P, {self.element(names)}, {self.number(names)})",
                    f"emit(s, Kind.Q, {self.element(names)})",
                )
            ]
        if kind == 7:
            self.fresh += 1
            name, x = f"y{self.fresh}", f"z{self.fresh}"
            held = self.parts
            value = self.pick(
                self.element(names),
                f"first(s, {own})",
                f"{self.pick('next', 'only')}(({x} {self.run(x)}"
                f" if {self.test([*names, x], 1)}), NONE)",
            )
            self.parts = held
            names.append(name)
            return [f"{indent}{name} = {value}"]
        if kind == 8:
            mark = self.pick(
                "seen_one = 1", "total += 1", "total += s.g[" + own + "]", "last = " + own
            )
            return [f"{indent}{mark}"]
        if kind == 9:
            lines = [
                f"{indent}if {self.test(names)}:",
                *self.block(names, indent + "    ", deep - 1),
            ]
            if rng.random() < 0.3:
                lines += [f"{indent}else:", *self.block(names, indent + "    ", deep - 1)]
            return lines
        self.fresh += 1
        name = f"w{self.fresh}"
        inside = [*names, name]
        held = self.parts
        lines = [f"{indent}{self.run(name)}:"]
        if kind == 12:
            end = self.pick("break", "return 1", "return 0", f"return {name}", "continue")
            lines += [f"{indent}    if {self.test(inside)}:", f"{indent}        {end}"]
        lines += self.block(inside, indent + "    ", deep - 1)
        self.parts = held
        return lines

    def on_part(self, names: list[str], own: str, indent: str) -> list[str]:
        """A statement about one of the parts."""
        one = self.part(names)
        self.fresh += 1
        if self.rng.random() < 0.25:
            name = f"p{self.fresh}"
            self.parts = [name, *self.parts]
            return [f"{indent}{name} = {one}"]
        return [
            indent
            + self.pick(
                f"{one}.h = min({self.number(names)}, 3)",
                f"{one}.h = 0",
                f"{one}.q = {self.element(names)}",
                f"{one}.m[{own}] = {self.pick('0', '1')}",
                f"{one}.z[{own}] = {self.element(names)}",
                f"put({one}, {own})",
                f"clear({one})",
                f"restart({one})",
                f"s.k = put({one}, {own})",
            )
        ]

    def action(self, name: str, parameters: list[str]) -> str:
        given = ", ".join(f"{p}=T" for p in parameters)
        takes = ", ".join(["s", *parameters])
        body = self.block(parameters, "    ", 2)
        guard = f"    if {self.test(parameters)}:\n        return DISABLED\n"
        ends = ["s.n", "0", "total", "seen_one", *parameters, "last"]
        if "last = " not in "".join(body) and self.rng.random() < 0.9:
            ends.remove("last")
        return (
            f'\n\n@model.action({given})\ndef {name}({takes}):\n    """Acts."""\n{guard}'
            "    seen_one = total = 0\n    last = NONE\n"
            + "\n".join(body)
            + "\n    s.n = min(total + seen_one, 9)\n    s.k = last\n"
            + f"    return {self.pick(*ends)}\n"
        )


def text(seed: int) -> str:
    """A random model."""
    rng = random.Random(seed)
    return (
        HEAD
        + Writer(rng).action("one", ["t"])
        + Writer(rng).action("two", ["t", "u"] if rng.random() < 0.5 else [])
    )


def load(folder: Path, seed: int) -> Model:
    path = folder / f"scalarset_{seed}.py"
    path.write_text(text(seed))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model: Model = module.model
    return model


def renamed(instance: Instance, state: dict[str, Any], names: tuple[int, ...]) -> dict[str, Any]:
    """A state with its elements renamed."""

    def value(name: str, old: int) -> int:
        return names[old] if name in ("r", "k", "q", "z") and old != NONE else old

    made: dict[str, Any] = {}
    for name, old in state.items():
        own, to = name, name
        if name.startswith("p."):
            _, number, own = name.split(".")
            to = f"p.{names[int(number)]}.{own}"
        if isinstance(old, list):
            made[to] = [0] * len(old)
            for at, one in enumerate(old):
                made[to][names[at]] = value(own, one)
        else:
            made[to] = value(own, old)
    return {name: made[name] for name in state}


def key_of(state: dict[str, Any]) -> bytes:
    values = [
        v for value in state.values() for v in (value if isinstance(value, list) else [value])
    ]
    return b"".join(v.to_bytes(2, "little") for v in values)


def outcome(run: Interpreter, state: dict[str, Any], call: Any) -> Any:
    """The next state; ``fault`` for a fault, None if the call is refused."""
    run.load(key_of(state))
    try:
        if run.step(call) == DISABLED:
            return None
    except StepError:
        return "fault"
    return run.snapshot()


def difference(instance: Instance, rng: random.Random, states: int) -> str | None:
    """A state and a call for which renaming makes a difference."""
    run = Interpreter(instance)
    calls = {(call.action.name, call.arguments): call for call in instance.calls}
    for _ in range(states):
        state: dict[str, Any] = {
            "f": [rng.randrange(2) for _ in range(3)],
            "g": [rng.randrange(4) for _ in range(3)],
            "r": [rng.choice([0, 1, 2, NONE]) for _ in range(3)],
            "life": [rng.randrange(2) for _ in range(3)],
            "k": rng.choice([0, 1, 2, NONE]),
            "n": rng.randrange(10),
        }
        for at in range(3):
            state[f"p.{at}.h"] = rng.randrange(4)
            state[f"p.{at}.q"] = rng.choice([0, 1, 2, NONE])
            state[f"p.{at}.m"] = [rng.randrange(2) for _ in range(3)]
            state[f"p.{at}.z"] = [rng.choice([0, 1, 2, NONE]) for _ in range(3)]
        names = rng.choice(list(permutations(range(3)))[1:])
        other = renamed(instance, state, names)
        for (action, arguments), call in calls.items():
            twin = calls[action, tuple(names[a] for a in arguments)]
            one, two = outcome(run, state, call), outcome(run, other, twin)
            if (renamed(instance, one, names) if isinstance(one, dict) else one) != two:
                return f"{call} in {state} renamed by {names}: {one}, but {two}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    proven = wrong = asymmetric = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.seed, given.seed + given.models):
            found, why = examine(Path(folder), seed)
            proven += found
            wrong += found and why is not None
            asymmetric += not found and why is not None
            if found and why is not None:
                print(f"seed {seed}: {why}")
    print(
        f"{given.models} models: {proven} found symmetric, {wrong} of them are not;"
        f" {asymmetric} of the others are seen not to be"
    )


def examine(folder: Path, seed: int, states: int = 40) -> tuple[bool, str | None]:
    """Whether a random model is found symmetric, and a difference that renaming makes in it."""
    try:
        instance = load(folder, seed).instance()
        found = not obstacles(instance, most=1)
    except RuleError:
        return False, None
    return found, difference(instance, random.Random(seed), states)


if __name__ == "__main__":
    main()
