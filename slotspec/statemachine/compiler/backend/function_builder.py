"""Writes LLVM's textual form: blocks, registers, and the values they compute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reg:
    """A computed value: an SSA register of type ``i64``, or ``i1`` for a condition.

    :param nothing: it comes from a function that may return None, so only its truth counts.
    """

    name: str
    condition: bool = False
    nothing: bool = False

    def __str__(self) -> str:
        return self.name


Value = Reg | int
"""A computed value, or one that is known at compile time."""


class FunctionBuilder:
    """The blocks of one function under construction."""

    def __init__(self) -> None:
        self.entry: list[str] = []
        self.lines: list[str] = []
        self.count = 0
        self.open = True

    def name(self, hint: str = "v") -> str:
        self.count += 1
        return f"%{hint}{self.count}"

    def increment(self, pointer: str, by: str = "1") -> None:
        """Add to the 64-bit cell at `pointer`."""
        old = self.emit(f"load i64, ptr {pointer}")
        self.line(f"store i64 {self.emit(f'add i64 {old}, {by}')}, ptr {pointer}")

    def label(self, hint: str = "b") -> str:
        self.count += 1
        return f"{hint}{self.count}"

    def line(self, text: str) -> None:
        if self.open:
            self.lines.append("  " + text)

    def emit(self, text: str, hint: str = "v") -> str:
        register = self.name(hint)
        self.line(f"{register} = {text}")
        return register

    def at(self, pointer: str, index: int | str, type_: str = "i64") -> str:
        """The address of a cell of an array."""
        return self.emit(f"getelementptr {type_}, ptr {pointer}, i64 {index}")

    def load(self, pointer: str, index: int | str, type_: str = "i64") -> str:
        """The content of a cell of an array."""
        return self.emit(f"load {type_}, ptr {self.at(pointer, index, type_)}")

    def store(self, value: str | int, pointer: str, index: int | str, type_: str = "i64") -> None:
        """Write to a cell of an array."""
        self.line(f"store {type_} {value}, ptr {self.at(pointer, index, type_)}")

    def start_block(self, label: str) -> None:
        """Start block `label`; an open block before it falls through."""
        if self.open:
            self.lines.append(f"  br label %{label}")
        self.lines.append(f"{label}:")
        self.open = True

    def end(self, text: str) -> None:
        """End the current block with a terminator."""
        self.line(text)
        self.open = False

    def jump(self, label: str) -> None:
        self.end(f"br label %{label}")

    def local(self, type_: str = "i64") -> str:
        """A stack slot for a local variable, allocated in the entry block."""
        register = self.name("a")
        self.entry.append(f"  {register} = alloca {type_}")
        return register

    def i64(self, value: Value) -> str:
        """`value` as an ``i64`` operand."""
        if isinstance(value, int):
            return str(int(value))
        if value.condition:
            return self.emit(f"zext i1 {value} to i64")
        return value.name

    def i1(self, value: Value) -> str:
        """Truth of `value` as an ``i1`` operand."""
        if isinstance(value, int):
            return "true" if value else "false"
        if value.condition:
            return value.name
        return self.emit(f"icmp ne i64 {value}, 0")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        if isinstance(condition, int):
            self.jump(yes if condition else no)
        else:
            self.end(f"br i1 {self.i1(condition)}, label %{yes}, label %{no}")

    def text(self, head: str) -> str:
        return "\n".join([f"{head} {{", "entry:", *self.entry, *self.lines, "}", ""])
