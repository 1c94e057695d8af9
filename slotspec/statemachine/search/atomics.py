"""Low-level operations for the kernels: atomic memory access, prefetching, calls by address."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic as numba_intrinsic

intrinsic: Any = numba_intrinsic
_I64 = ir.IntType(64)


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _I64.as_pointer())


def _half_pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.IntType(32).as_pointer())


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
def add(typing_context: Any, address: Any, more: Any) -> Any:
    """Add to the cell at `address`; returns the previous value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", _pointer(builder, arguments[0]), arguments[1], "acq_rel")

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def read_half(typing_context: Any, address: Any) -> Any:
    """Load the cell of 32 bits at `address`, as :func:`read` does."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_half_pointer(builder, arguments[0]), "acquire", 4)

    return types.uint32(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def swap_half_if(typing_context: Any, address: Any, old: Any, new: Any) -> Any:
    """As :func:`swap_if`, for a cell of 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _half_pointer(builder, arguments[0])
        pair = builder.cmpxchg(pointer, arguments[1], arguments[2], "acq_rel", "acquire")
        return builder.extract_value(pair, 0)

    return types.uint32(types.uint64, types.uint32, types.uint32), generate


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


def _call(result: Any, doc: str, *takes: Any) -> Any:
    """An intrinsic that calls a function by its address, with arguments of these types."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing = result is types.void
        kind = ir.FunctionType(ir.VoidType() if nothing else _I64, [_I64] * len(takes))
        address = builder.inttoptr(arguments[0], kind.as_pointer())
        value = builder.call(address, arguments[1:])
        return context.get_dummy_value() if nothing else value

    def call(typing_context: Any, *given: Any) -> Any:
        return result(types.uint64, *takes), generate

    names = ["typing_context", "function", *(f"a{i}" for i in range(len(takes)))]
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    call.__doc__ = doc
    return intrinsic(call)


_AT, _N = types.uint64, types.int64
"""An address, and a number."""

call_expand = _call(
    _N,
    "Call a model's ``expand`` (buffer, words, n, calls, out_words, out_source, out_call).",
    *(_AT, _AT, _N, _N, _AT, _AT, _AT),
)
call_predicate = _call(_N, "Call a predicate of a model (buffer, words, elements).", _AT, _AT, _AT)
call_attempt = _call(
    _N,
    "Call a model's ``attempt`` (buffer, now, next, calls, tries).",
    *(_AT, _AT, _AT, _AT, _AT),
)
call_look = _call(types.void, "Call a model's ``look`` (buffer, now, changed).", _AT, _AT, _AT)
call_may_end = _call(_N, "Call a model's ``may_end`` (buffer, now).", _AT, _AT)
call_stuck = _call(types.void, "Call a model's ``stuck`` (buffer, now).", _AT, _AT)
call_prepare = _call(
    types.void, "Call a model's ``prepare`` (words, record, colours).", _AT, _AT, _AT
)
call_refine = _call(
    types.void, "Call a model's ``refine`` (record, colours, rounds).", _AT, _AT, _AT
)
call_image = _call(types.void, "Call a model's ``image`` (record, renaming, words).", _AT, _AT, _AT)
