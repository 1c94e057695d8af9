"""Random models of several processes, to compare reduced searches with whole ones.

    python -m tests.statemachine.search.partial_order_fuzzer --models 500 --seed 1

Each model has processes that mostly work on cells of their own, sometimes on those of a
neighbour or on shared ones, with circles, deadlocks, faults, rules after each step, and random
properties of every kind but ``leads to``. Verdicts, deadlock and fault must be the same with and
without partial-order reduction, and both engines must agree in everything that they report.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from slotspec.statemachine import Instance, Result
from slotspec.statemachine.check import check
from slotspec.statemachine.results import Verdict

HEAD = '''"""A random model."""

from slotspec.statemachine import (
    DISABLED, NONE, Effects, Event, Lifecycle, Model, Record, Sort, State,
    effect, emit, fire, number, part, per, ref, scalar,
)

P = Sort("processes", "Processes.", default={processes})
Q = Sort("things", "Things.", default=2)
NEXT = {next}


class Kind(Effects):
    """Kinds."""

    SENT = effect("by")
    DONE = effect()


class Life(Lifecycle):
    """A life."""

    NEW = State("New.", initial=True)
    OLD = State("Old.")
    GONE = State("Gone.", final=True)

    age = Event("It ages.", (NEW, OLD), (OLD, NEW))
    end = Event("It ends.", (OLD, GONE), (NEW, GONE))


class BoxState(Record):
    """A box."""

    full = per(Q, number(1), "Full.")


box = Model("box", "A box.", BoxState)


class S(Record):
    """All."""

    at = per(P, number({top}), "Places.")
    sees = per(P, number(2), "What each has seen.")
    life = per(P, Life, "Lives.")
    of = per(P, ref(Q), "What each has.")
    taken = per(Q, number(1), "Taken.")
    n = scalar(number(2), "Shared.")
    boxes = part(lambda setting: box.instance({{}}), "Boxes.", per=P)


model = Model("random", "A random model.", S, effects=Kind)
'''


class Writer:
    """Writes one model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self.top = self.random.choice((2, 3, 3))
        self.coupled = self.random.choice((0.0, 0.2, 1.0))
        """How much processes have to do with each other."""
        self.processes = self.random.choice((2, 3, 3))

    def odds(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def index(self, p: str | None) -> str:
        """A process: mostly the own one."""
        if p is None or self.odds(0.06 * self.coupled):
            return str(self.random.randrange(self.processes))
        return f"NEXT[{p}]" if self.odds(0.1 * self.coupled) else p

    def cell(self, p: str | None, s: str = "s") -> tuple[str, int]:
        """Something to read or write, and its largest value."""
        i = self.index(p)
        choices: list[tuple[str, int]] = [(f"{s}.at[{i}]", self.top)] * 5
        choices += [(f"{s}.sees[{i}]", 2)] * 3
        choices += [(f"{s}.boxes[{i}].full[{self.pick(0, 1)}]", 1)] * 2
        if self.odds(0.3 * self.coupled):
            choices += [(f"{s}.taken[{self.pick(0, 1)}]", 1)]
        if self.odds(0.15 * self.coupled):
            choices += [(f"{s}.n", 2)] * 4
        return self.pick(*choices)  # type: ignore[no-any-return]

    def test(self, p: str | None, s: str = "s", depth: int = 1) -> str:
        kind = self.random.randrange(9)
        cell, top = self.cell(p, s)
        if kind < 4:
            return f"{cell} == {self.random.randint(0, top)}"
        if kind == 4:
            return f"{cell} {self.pick('<', '>=')} {self.random.randint(0, top)}"
        if kind == 5:
            return f"{s}.life[{self.index(p)}] == Life.{self.pick('NEW', 'OLD', 'GONE')}"
        if kind == 6 and self.odds(0.4 * self.coupled):
            return f"{self.pick('any', 'all')}({s}.at[q] > 0 for q in {s}.elements(P))"
        if kind == 7 and depth:
            joint = self.pick("and", "or")
            return f"({self.test(p, s, 0)} {joint} {self.test(p, s, 0)})"
        other, _ = self.cell(p, s)
        return f"{cell} {self.pick('==', '!=', '<')} {other}"

    def change(self, p: str | None) -> list[str]:
        kind = self.random.randrange(12)
        cell, top = self.cell(p)
        if kind < 3:
            return [f"{cell} = {self.random.randint(0, top)}"]
        if kind < 6:
            return [f"{cell} = ({cell} + 1) % {top + 1}"]
        if kind == 6:
            return [f"if {cell} < {top}:", f"    {cell} += 1"]
        if kind == 7:
            return ["emit(s, Kind.SENT, by=0)" if self.odds(0.7) else "emit(s, Kind.DONE)"]
        if kind == 8:
            i = self.index(p)
            return [f"if s.life[{i}] != Life.GONE:", f"    fire(s.life, {i}, Life.age)"]
        if kind == 9 and self.odds(0.2):
            return [f"{cell} += 1"]  # may be a fault
        if kind == 10 and self.odds(0.2):
            return [f"fire(s.life, {self.index(p)}, Life.end)"]  # may be a fault
        if kind == 11 and self.odds(0.3):
            other, _ = self.cell(p)
            return [f"{cell} = min({other}, {top})"]
        return [f"if {self.test(p)}:", f"    {cell} = {self.random.randint(0, top)}"]

    def action(self, here: int | None = None) -> list[str]:
        """An action; with `here`, that of each process in this place, mostly to the next."""
        self.count += 1
        own = here is not None or self.odds(0.7)
        p = "p" if own else None
        lines = [f"@model.action({'p=P' if own else ''})"]
        lines += [f"def act{self.count}(s{', p' if own else ''}):", '    """It acts."""']
        if here is not None:
            lines += [f"    if s.at[p] != {here}:", "        return DISABLED"]
        if here is None or self.odds(0.35):
            lines += [f"    if not ({self.test(p)}):", "        return DISABLED"]
        if here is not None:
            there = here + 1 if self.odds(0.85) else self.random.randint(0, self.top)
            lines += [f"    s.at[p] = {there % (self.top + 1)}"]
        for _ in range(self.pick(0, 1, 1, 2)):
            lines += [f"    {line}" for line in self.change(p)]
        return [*lines, f"    return {self.pick(0, 1)}", "", ""]

    def settle(self) -> list[str]:
        lines = ["@model.after_each_step", "def settle(s):", '    """It tidies up."""']
        if self.odds(0.5):
            body = [f"if {self.test('q')}:", *(f"    {line}" for line in self.change("q"))]
            lines += ["    for q in s.elements(P):", *(f"        {line}" for line in body)]
        else:
            lines += [f"    if {self.test(None)}:", *(f"        {x}" for x in self.change(None))]
        return [*lines, "", ""]

    def statement(self) -> list[str]:
        self.count += 1
        name = f"claim{self.count}"
        kind = self.pick("always", "always", "sometimes", "sometimes", "step", "step on")
        own = self.odds(0.5)
        each = ', each={"p": P}' if own else ""
        p = "p" if own else None
        if kind in ("always", "sometimes"):
            test = self.test(p)
            if kind == "always":
                test = f"not ({test} and {self.test(p)})"
            else:
                test = f"{test} and {self.test(p)}"
            lines = [f'@model.{kind}("x"{each})', f"def {name}(s{', p' if own else ''}):"]
        else:
            on = ""
            if kind == "step on":
                on = f", on={self.pick(*self.actions)}"
                each, p, own = "", None, False
            test = f"not ({self.test(p, 'before')} and {self.test(p, 'after')})"
            if self.odds(0.5):  # no statement about steps that change nothing
                cell, _ = self.cell(p, "after")
                test = f"{cell} == {cell.replace('after', 'before')} or {test}"
            if self.odds(0.15):
                test = f"{test} or len(after.effects) == 0" if self.odds(0.5) else test
                test = f"all(e.kind != Kind.DONE or {test} for e in after.effects)"
            lines = [f'@model.step("x"{on}{each})']
            lines += [f"def {name}(before, after{', p' if own else ''}):"]
        return [*lines, '    """It is claimed."""', f"    return {test}", "", ""]

    def text(self) -> str:
        order = [*range(1, self.processes), 0]
        head = HEAD.format(processes=self.processes, next=tuple(order), top=self.top)
        lines: list[str] = []
        first = self.count
        for here in range(self.top + self.odds(0.5)):
            lines += self.action(here)
        for _ in range(self.pick(0, 0, 1, 2)):
            lines += self.action(None if self.coupled else self.random.randint(0, self.top))
        self.actions = [f"act{n}" for n in range(first + 1, self.count + 1)]
        if self.odds(0.2 * self.coupled):
            lines += self.settle()
        if self.odds(0.3):
            lines += ["@model.final_states", "def over(s):", '    """The end."""']
            lines += [f"    return {self.test(None)}", "", ""]
        for _ in range(self.pick(1, 1, 2)):
            lines += self.statement()
        return head + "\n\n" + "\n".join(lines)


def load(text: str, folder: Path, seed: int) -> Instance:
    path = folder / f"ordered_{seed}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    instance: Instance = module.model.instance()
    return instance


def verdicts(result: Result) -> dict[str, Any]:
    """What a search must find whatever it leaves out."""
    return {p.property.name: p.verdict for p in result.properties} | {
        "deadlock": result.deadlock is not None,
        "fault": result.fault is not None,
        "taken": {name: bool(n) for name, n in result.taken.items()},
        "fired": {key: bool(n) for key, n in result.fired.items()},
        "limit": result.limit,
    }


def compare(instance: Instance, compiled: bool = True) -> tuple[Result, Result]:
    """The results of the whole and the reduced search, after checking that they agree.

    :raises AssertionError: they do not agree.
    """
    whole = check(instance, "interpreted")
    reduced = check(instance, "interpreted", partial_order=True)
    assert reduced.states <= whole.states
    assert reduced.transitions <= whole.transitions
    expected, found = verdicts(whole), verdicts(reduced)
    for name, verdict in expected.items():
        if found[name] is Verdict.UNKNOWN and verdict is not Verdict.UNKNOWN:
            assert stutters(instance, name), f"{name}: unknown, and no step is to blame"
            continue
        assert found[name] == verdict, f"{name}: whole {verdict}, reduced {found[name]}"
    if compiled:
        other = check(instance, "compiled", partial_order=True)
        for name in ("states", "transitions", "depth", "taken", "fired"):
            one, two = getattr(other, name), getattr(reduced, name)
            assert one == two, f"{name}: compiled {one}, interpreted {two}"
        assert verdicts(other) == found
    return whole, reduced


def stutters(instance: Instance, name: str) -> bool:
    """Whether it is a property of every step, which a step that changes nothing may break."""
    declared = instance.properties[name]
    return declared.kind.value == "step" and declared.action is None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interpreted", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    states, left, reduced_models, failures, doubted, violated = 0, 0, 0, [], 0, 0
    for seed in range(given.seed, given.seed + given.models):
        instance = load(Writer(seed).text(), folder, seed)
        try:
            whole, reduced = compare(instance, not given.interpreted)
        except AssertionError as error:
            print(f"seed {seed}: {error}", flush=True)
            failures.append(seed)
            continue
        states += whole.states
        left += reduced.states
        reduced_models += reduced.states < whole.states
        doubted += sum(p.verdict is Verdict.UNKNOWN for p in reduced.properties)
        violated += sum(p.verdict is Verdict.VIOLATED for p in whole.properties)
        (folder / f"ordered_{seed}.py").unlink()
    print(
        f"{given.models} models, {reduced_models} reduced, {states} states to {left},"
        f" {violated} violations, {doubted} verdicts unknown, failures: {failures} in {folder}"
    )
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
