"""Text to machine code, with the code generator that Numba brings (llvmlite)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from slotspec.statemachine.compiler.backend import cache


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


INLINING = 50
"""How large a function may be, in LLVM's measure, to be copied to where it is called."""


def _machine() -> Any:
    """A code generator; each use needs its own, since an engine takes it over."""
    name, flags, _ = _host()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=flags, opt=2, reloc="pic", codemodel="default", jit=True
    )


def deposits_bits() -> bool:
    """Whether this processor gathers and spreads bits by itself."""
    return _host()[2]


class Code:
    """Machine code in memory; keeps it alive as long as it is referred to."""

    def __init__(self, code: bytes, cached: bool) -> None:
        self.cached = cached
        self.size = len(code)
        empty = llvm.parse_assembly("")
        self._engine = llvm.create_mcjit_compiler(empty, _machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        found = int(self._engine.get_function_address(name))
        if not found:
            raise KeyError(name)
        return found


def build(text: str, level: int = 2) -> Code:
    """The machine code of `text`, from the cache or compiled and cached."""
    name, flags, _ = _host()
    key = cache.key_of(text, name, flags, llvmlite.__version__, f"{level} {INLINING}")
    code = cache.load(key)
    if code is not None:
        return Code(code, True)
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_default_triple()
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    # the usual 225 makes rules no faster, and compiling a third slower
    options.inlining_threshold = INLINING
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    code = machine.emit_object(module)
    cache.save(key, code)
    return Code(code, False)
