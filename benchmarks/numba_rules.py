"""How long it takes to compile rules: slotspec's compiler beside Numba, on the same source.

``python benchmarks/numba_rules.py [RULES …]`` writes modules with so many rules, and compiles each
in both ways: by slotspec, quick and full, and by Numba, which gets the fields of a state as a
structured array. Both make a function that tries every call. Times are of the processor, in
seconds. Numba has less to do: its code checks no index and no domain. Both must agree on the number
of calls that are possible in the initial state.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from time import process_time
from types import ModuleType

import numpy as np
from numba import from_dtype, njit, types

from slotspec.statemachine.compiler.backend import native
from slotspec.statemachine.compiler.drivers.expand import program_text
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.interpreter.stepping import Interpreter

SIZE = 6
"""Elements of the sort over which arrays and arguments are."""

HEAD = f'''
from slotspec.statemachine import DISABLED, Array, Record, Sort, number, per, scalar

THINGS = Sort("things", "Things.", default={SIZE})


class Store(Record):
    """Things in places."""

    place: Array = per(THINGS, number(3), "Where each thing is.")
    level: Array = per(THINGS, number(9), "How often it was moved.")
    turns: int = scalar(number(9), "How often anything was turned.")
'''

RULE = '''

def full_{n}(s: Store, place: int) -> int:
    """How many things are in a place."""
    count = 0
    for i in range({size}):
        if s.place[i] == place and s.level[i] < {limit}:
            count += 1
    return count


def rule_{n}(s: Store, a: int, b: int) -> int:
    """Move a thing to the place of another one."""
    if a == b or s.level[a] >= {limit} or full_{n}(s, s.place[b]) > {most}:
        return DISABLED
    if s.place[a] == s.place[b]:
        if s.turns >= {limit}:
            return DISABLED
        s.turns += 1
        s.level[b] = 0
    else:
        s.place[a] = s.place[b]
    s.level[a] += 1
    return 0
'''

DRIVER = '''
def try_all(now, next_):
    """How many calls are possible; each begins in the same state."""
    count = 0
    for a in range({size}):
        for b in range({size}):
{calls}
    return count
'''

CALL = """\
            if rule_{n}(next_[0], a, b) != -1:
                count += 1
                next_[0] = now[0]
"""


def module_of(count: int, folder: Path) -> ModuleType:
    """A module with so many rules, and a function that tries them."""
    file = folder / f"rules_{count}.py"
    text = HEAD
    for n in range(count):
        text += RULE.format(n=n, size=SIZE, limit=3 + n % 7, most=1 + n % 5)
    calls = "".join(CALL.format(n=n) for n in range(count))
    file.write_text(text + "\n" + DRIVER.format(size=SIZE, calls=calls), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def by_slotspec(module: ModuleType, count: int) -> tuple[list[float], int]:
    """Seconds to translate the rules, to make quick and full code; how many calls are possible."""
    model = Model("store", "Things in places.", module.Store)
    for n in range(count):
        model.action(a=module.THINGS, b=module.THINGS)(getattr(module, f"rule_{n}"))
    instance = model.instance()
    times = [process_time()]
    _, text = program_text(instance, deposit_bits=native.deposits_bits())
    times.append(process_time())
    for level in (native.QUICK, native.FULL):
        native.generate(text, level)
        times.append(process_time())
    interpreter = Interpreter(instance)
    initial = interpreter.key
    possible = 0
    for call in instance.calls:
        interpreter.load(initial)
        possible += interpreter.functions[call.action.name](interpreter.s, *call.arguments) != -1
    return np.diff(times).tolist(), possible


def by_numba(module: ModuleType, count: int) -> tuple[float, int]:
    """Seconds to compile the rules and the function that tries them; how many are possible."""
    state = np.dtype(
        [("place", np.uint8, (SIZE,)), ("level", np.uint8, (SIZE,)), ("turns", np.uint8)]
    )
    states = types.Array(from_dtype(state), 1, "C")
    for n in range(count):
        for name in (f"full_{n}", f"rule_{n}"):
            function = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
            setattr(module, name, function(getattr(module, name)))
    try_all = njit(error_model="numpy")(module.try_all)
    begun = process_time()
    try_all.compile((states, states))
    seconds = process_time() - begun
    now = np.zeros(1, dtype=state)
    return seconds, int(try_all(now, now.copy()))


def main() -> None:
    print(f"{'rules':>6} {'translated':>11} {'quick':>7} {'full':>7} {'Numba':>7}")
    with tempfile.TemporaryDirectory() as folder:
        module = module_of(1, Path(folder))
        by_numba(module, 1)  # loads what every use of Numba needs
        for count in [int(given) for given in sys.argv[1:]] or [10, 40, 160]:
            module = module_of(count, Path(folder))
            (translated, quick, full), one = by_slotspec(module, count)
            numba, other = by_numba(module, count)
            assert one == other, (one, other)
            print(f"{count:>6} {translated:>11.2f} {quick:>7.2f} {full:>7.2f} {numba:>7.2f}")


if __name__ == "__main__":
    main()
