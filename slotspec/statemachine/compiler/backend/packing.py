"""Packs bytes into bits and back (the stored form of a state), as text for the code generator."""

from __future__ import annotations

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder
from slotspec.statemachine.layout import Layout

LARGE = 16
"""Words of a record that is handled out of line, and several words at a time."""

DECLARATIONS = """
declare i64 @llvm.x86.bmi.pext.64(i64, i64)
declare i64 @llvm.x86.bmi.pdep.64(i64, i64)
"""


def _fields(mask: int) -> list[tuple[int, int, int]]:
    """(bit of the word, bit of the gathered number, width) of each byte's share of `mask`."""
    found, at = [], 0
    for byte in range(8):
        width = (mask >> (8 * byte) & 0xFF).bit_length()
        if width:
            found.append((8 * byte, at, width))
            at += width
    return found


def _gather(builder: FunctionBuilder, word: str, mask: int, deposit_bits: bool) -> str:
    if deposit_bits:
        return builder.emit(f"call i64 @llvm.x86.bmi.pext.64(i64 {word}, i64 {mask})")
    total = "0"
    for source, target, width in _fields(mask):
        part = builder.emit(f"lshr i64 {word}, {source}")
        part = builder.emit(f"and i64 {part}, {(1 << width) - 1}")
        total = builder.emit(f"or i64 {total}, {builder.emit(f'shl i64 {part}, {target}')}")
    return total


def _spread(builder: FunctionBuilder, number: str, mask: int, deposit_bits: bool) -> str:
    if deposit_bits:
        return builder.emit(f"call i64 @llvm.x86.bmi.pdep.64(i64 {number}, i64 {mask})")
    total = "0"
    for target, source, width in _fields(mask):
        part = builder.emit(f"lshr i64 {number}, {source}")
        part = builder.emit(f"and i64 {part}, {(1 << width) - 1}")
        total = builder.emit(f"or i64 {total}, {builder.emit(f'shl i64 {part}, {target}')}")
    return total


def pack_text(layout: Layout, deposit_bits: bool) -> str:
    """``@pack(record, words)``: store a working record as words of bits.

    :param deposit_bits: use the processor's instructions to gather and spread bits (x86 BMI2).
    """
    builder = FunctionBuilder()
    words = ["0"] * layout.packed
    at = 0
    for i, mask in enumerate(layout.masks()):
        width = mask.bit_count()
        if not width:
            continue
        bits = _gather(builder, builder.load("%record", i), mask, deposit_bits)
        word, shift = divmod(at, 64)
        low = builder.emit(f"shl i64 {bits}, {shift}") if shift else bits
        words[word] = builder.emit(f"or i64 {words[word]}, {low}")
        if shift + width > 64:
            high = builder.emit(f"lshr i64 {bits}, {64 - shift}")
            words[word + 1] = builder.emit(f"or i64 {words[word + 1]}, {high}")
        at += width
    for i, word_value in enumerate(words):
        builder.store(word_value, "%words", i)
    builder.end("ret void")
    # for every action again, a large one would make up a third of the code
    inline = "alwaysinline" if layout.words < LARGE else "noinline"
    return builder.text(f"define internal void @pack(ptr %record, ptr %words) {inline} nounwind")


def unpack_text(layout: Layout, deposit_bits: bool) -> str:
    """``@unpack(words, record)``: the inverse of ``@pack``; it clears scratch fields."""
    builder = FunctionBuilder()
    at = 0
    for i, mask in enumerate(layout.masks()):
        width = mask.bit_count()
        value = "0"
        if width:
            word, shift = divmod(at, 64)
            value = builder.load("%words", word)
            if shift:
                value = builder.emit(f"lshr i64 {value}, {shift}")
            if shift + width > 64:
                high = builder.emit(f"shl i64 {builder.load('%words', word + 1)}, {64 - shift}")
                value = builder.emit(f"or i64 {value}, {high}")
            value = _spread(builder, value, mask, deposit_bits)
            at += width
        builder.store(value, "%record", i)
    rest = layout.initial()
    for i in range(layout.words, layout.capacity):
        builder.store(int.from_bytes(rest[8 * i : 8 * i + 8], "little"), "%record", i)
    builder.end("ret void")
    return builder.text(
        "define internal void @unpack(ptr %words, ptr %record) alwaysinline nounwind"
    )
