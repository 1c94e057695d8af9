"""Low-level operations for the kernels: atomic memory access, prefetching, calls by address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic as numba_intrinsic

intrinsic: Any = numba_intrinsic
_I64 = ir.IntType(64)


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _I64.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def read(typing_context: Any, address: Any) -> Any:
    """Load the cell at `address` (acquire: later reads see values at least as new)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(builder, arguments[0]), "acquire", 8)

    return types.uint64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def swap_if(typing_context: Any, address: Any, old: Any, new: Any) -> Any:
    """Store `new` at `address` if it holds `old`; returns the previous value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(builder, arguments[0])
        pair = builder.cmpxchg(pointer, arguments[1], arguments[2], "acq_rel", "acquire")
        return builder.extract_value(pair, 0)

    return types.uint64(types.uint64, types.uint64, types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def take_number(typing_context: Any, address: Any) -> Any:
    """Add one to the cell at `address`; returns the previous value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(builder, arguments[0])
        return builder.atomic_rmw("add", pointer, ir.Constant(_I64, 1), "monotonic")

    return types.int64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing_context: Any, address: Any) -> Any:
    """Prefetch the cache line of `address` without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        i32 = ir.IntType(32)
        bytes_ = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [bytes_, i32, i32, i32])
        name = "llvm.prefetch.p0" if "opaque" in repr(bytes_) else "llvm.prefetch"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        pointer = builder.inttoptr(arguments[0], bytes_)
        builder.call(function, [pointer, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def call_expand(
    typing_context: Any,
    function: Any,
    buffer: Any,
    words: Any,
    n: Any,
    calls: Any,
    out_words: Any,
    out_source: Any,
    out_call: Any,
) -> Any:
    """Call a compiled model's batch function by its address; all arguments are addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_I64, [_I64] * 7)
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    u = types.uint64
    return types.int64(u, u, u, types.int64, types.int64, u, u, u), generate


def _call_pointers(count: int, doc: str) -> Any:
    """An intrinsic that calls a function by its address; the function returns nothing."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_I64] * count)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    u = types.uint64

    def call(typing_context: Any, function: Any, a: Any, b: Any, c: Any) -> Any:
        return types.void(u, u, u, u), generate

    call.__doc__ = doc
    return intrinsic(call)


call_prepare = _call_pointers(3, "Call a model's ``prepare`` (words, record, colours).")
call_refine = _call_pointers(3, "Call a model's ``refine`` (record, colours, rounds).")
call_image = _call_pointers(3, "Call a model's ``image`` (record, renaming, words).")
