"""Text to machine code, with the code generator that Numba brings (llvmlite).

Code is generated twice for a search that lasts: at once in a twentieth of the time (``QUICK``),
and then as fast as it can be made (``FULL``), by a process beside the search::

    python -m slotspec.statemachine.compiler.backend.native FOLDER NAME

The text waits in the cache for that. See :mod:`.upgrade` for when.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from functools import lru_cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from slotspec.statemachine.compiler.backend import cache

QUICK, FULL = 0, 2
"""Levels of optimization. What is quick comes in a twentieth of the time and runs at a third to
half of the speed."""

INLINING = 50
"""How large a function may be, in LLVM's measure, to be copied to where it is called."""


@lru_cache(maxsize=1)
def _host() -> tuple[str, str, bool]:
    """Name and features of this processor, and whether it gathers and spreads bits."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name = llvm.get_host_cpu_name()
    features = llvm.get_host_cpu_features()
    flags = features.flatten()
    deposit = bool(features.get("bmi2")) and llvm.get_default_triple().startswith("x86_64")
    return name, flags, deposit


def host() -> str:
    """What code depends on besides the text: processor, code generator, its settings."""
    name, flags, _ = _host()
    return f"{name} {flags} {llvmlite.__version__} {INLINING}"


def _machine(level: int = FULL) -> Any:
    """A code generator; each use needs its own, since an engine takes it over."""
    name, flags, _ = _host()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=flags, opt=level, reloc="pic", codemodel="default", jit=True
    )


def deposits_bits() -> bool:
    """Whether this processor gathers and spreads bits by itself."""
    return _host()[2]


class Code:
    """Machine code in memory; keeps it alive as long as it is referred to."""

    def __init__(self, code: bytes, cached: bool, level: int = FULL) -> None:
        self.cached, self.level = cached, level
        self.size = len(code)
        # its parts side by side, however full of a search's memory the address space is
        empty = llvm.parse_assembly("")
        self._engine = llvm.create_mcjit_compiler(empty, _machine(), use_lmm=True)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        found = int(self._engine.get_function_address(name))
        if not found:
            raise KeyError(name)
        return found


def name_of(text: str) -> str:
    """The name under which the code of `text` is kept."""
    return cache.key_of(hashlib.sha256(text.encode()).hexdigest(), host())


def load(name: str, *levels: int) -> Code | None:
    """The code of this name from the cache, at the first of these levels that is there."""
    for level in levels or (FULL, QUICK):
        code = cache.load(f"{name}.{level}.o")
        if code is not None:
            return Code(code, True, level)
    return None


def build(text: str, level: int = FULL) -> Code:
    """The machine code of `text`, from the cache or compiled and cached."""
    name = name_of(text)
    found = load(name, *([FULL] if level == FULL else [FULL, QUICK]))
    if found is not None:
        return found
    code = generate(text, level)
    if level == QUICK:
        cache.save(f"{name}.ll", zlib.compress(text.encode(), 1))
    cache.save(f"{name}.{level}.o", code)
    return Code(code, False, level)


def generate(text: str, level: int) -> bytes:
    """The machine code of `text`, as the content of an object file."""
    machine = _machine(level)
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_default_triple()
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    # the usual 225 makes rules no faster, and compiling a third slower
    options.inlining_threshold = INLINING
    builder = llvm.create_pass_builder(machine, options)
    if level == QUICK:
        passes = llvm.create_new_module_pass_manager()
        passes.add_sroa_pass()  # locals into registers: a third of the time of what follows
        passes.add_simplify_cfg_pass()
    else:
        passes = builder.getModulePassManager()
    passes.run(module, builder)
    return bytes(machine.emit_object(module))


def improve(name: str) -> None:
    """Generate full code of what has been generated quickly, for others to load."""
    packed = cache.load(f"{name}.ll")
    if packed is None:
        return
    cache.save(f"{name}.{FULL}.o", generate(zlib.decompress(packed).decode(), FULL))
    for done in ("ll", f"{QUICK}.o"):
        cache.drop(f"{name}.{done}")


if __name__ == "__main__":
    cache.use(sys.argv[1])
    improve(sys.argv[2])
