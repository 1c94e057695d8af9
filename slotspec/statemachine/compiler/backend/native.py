"""Turns text into machine code, with the code generator that Numba brings (llvmlite).

A long search generates its code twice: at once, in a twentieth of the time (``QUICK``), and
then fully optimized (``FULL``), by a separate process::

    python -m slotspec.statemachine.compiler.backend.native FOLDER NAME

That process reads the text from the cache. :mod:`.upgrade` decides when to start it.
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
from slotspec.statemachine.processes import end_with_input

QUICK, FULL = 0, 2
"""Levels of optimization. Quick code takes a twentieth of the time to generate, and runs at a
third to half of the speed; at an eighth where rules try every order of a table."""

INLINING = 50
"""LLVM's inlining threshold."""

QUICK_PASSES = ("sroa", "jump_threading", "lower_switch")
"""What LLVM does to quick code before it selects instructions. With locals in registers, the rest
takes a third of the time, and less still without the branches that jump threading resolves. It
makes switches on the way, which LLVM's fast instruction selection leaves to the slow one."""


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
    """What code depends on besides the text: the processor, and the code generator's settings."""
    name, flags, _ = _host()
    return f"{name} {flags} {llvmlite.__version__} {INLINING} {' '.join(QUICK_PASSES)}"


def _machine(level: int = FULL) -> Any:
    """A code generator; each use needs its own, since an engine takes ownership of it."""
    name, flags, _ = _host()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=flags, opt=level, reloc="pic", codemodel="default", jit=True
    )


def deposits_bits() -> bool:
    """Whether this processor has instructions that gather and spread bits (x86 BMI2)."""
    return _host()[2]


class Code:
    """Machine code in memory; the code lives as long as this object."""

    def __init__(self, code: bytes, cached: bool, level: int = FULL) -> None:
        self.cached, self.level = cached, level
        self.size = len(code)
        # keep its sections close together, even if a search has filled the address space
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
    """The name under which the code of `text` is cached."""
    return cache.key_of(hashlib.sha256(text.encode()).hexdigest(), host())


def load(name: str, *levels: int) -> Code | None:
    """The cached code with this name, at the first of these levels that is available."""
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
    # LLVM's usual 225 does not make rules faster, and makes compiling a third slower
    options.inlining_threshold = INLINING
    builder = llvm.create_pass_builder(machine, options)
    if level == QUICK:
        passes = llvm.create_new_module_pass_manager()
        for name in QUICK_PASSES:
            getattr(passes, f"add_{name}_pass")()
    else:
        passes = builder.getModulePassManager()
    passes.run(module, builder)
    return bytes(machine.emit_object(module))


def improve(name: str) -> None:
    """Generate fully optimized code for a cached text, for another process to load."""
    packed = cache.load(f"{name}.ll")
    if packed is None:
        return
    cache.save(f"{name}.{FULL}.o", generate(zlib.decompress(packed).decode(), FULL))
    for done in ("ll", "spent", f"{QUICK}.o"):
        cache.drop(f"{name}.{done}")


if __name__ == "__main__":
    end_with_input()
    cache.use(sys.argv[1])
    improve(sys.argv[2])
