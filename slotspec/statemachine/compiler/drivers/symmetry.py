"""Symmetry: functions that rename and colour states, as text for the code generator.

The group has one permutation for each base sort that is declared symmetric. It acts on a sum
part by part and on a product component by component; it leaves positions (ordered sorts)
alone. It acts on a field over a sort by moving its elements, and on a reference by renaming its
value. A part for each element of a sort moves as a whole, and the fields in it that are over a
sort move in both ways, like a field over the product of both.

This module writes three functions; all pointers are 64-bit numbers::

    prepare(words, record, colours)   unpack, and give every element its first colour
    refine(record, colours, rounds)   mix the colours of its neighbours into every element's
    image(record, renaming, words)    rename, and pack

Each *node* has a colour: first come the elements of base sorts, then the elements of products,
and last a node that stands for NONE. A colour depends only on the state up to renaming, so
sorting elements by colour renames them in the same way, whatever their names were.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder
from slotspec.statemachine.declaration.model import Instance, ParameterDomain
from slotspec.statemachine.declaration.records import FieldSpec, Ref, Sort
from slotspec.statemachine.layout import Layout, Place

MOST_NUMBERED = 1 << 62
"""With at most this many renamings, the number of each fits into a word."""


@dataclass(frozen=True)
class Column:
    """Cells that a renaming exchanges with each other.

    :ivar over: the sort whose elements they belong to, in order; None for a cell that stays.
    :ivar cells: for each of them, the name of its field and its index there.
    :ivar spec: the declaration of the field, which is the same for all.
    """

    over: Sort | None
    cells: tuple[tuple[str, int], ...]
    spec: FieldSpec


class Symmetry:
    """The interchangeable sorts of an instance, numbered.

    :ivar columns: the fields of the record and its parts, as renaming sees them.
    """

    def __init__(self, instance: Instance) -> None:
        self.bounds = instance.setting.bounds
        self.base: dict[Sort, int] = {}
        self.products: dict[Sort, int] = {}
        at = 0
        sorts = all_sorts(instance)
        for sort in sorts:
            if sort.symmetric and not (sort.parts or sort.factors or sort.ordered):
                self.base[sort] = at
                at += sort.size(self.bounds)
        self.elements = at
        self.columns = list(self._columns(instance))
        over = [column.over for column in self.columns if column.over is not None]
        for sort in dict.fromkeys([*sorts, *over]):
            if sort.factors and self.moves(sort):
                self.products[sort] = at
                at += sort.size(self.bounds)
        self.nothing = at
        self.nodes = at + 1

    @property
    def starts(self) -> list[int]:
        """The first node of each base sort, and the end."""
        return [*self.base.values(), self.elements]

    def moves(self, sort: Sort) -> bool:
        """Whether a renaming may change elements of `sort`."""
        if sort.ordered:
            return False
        if sort.parts or sort.factors:
            return any(self.moves(below) for below in (*sort.parts, *sort.factors))
        return sort in self.base

    def node(self, sort: Sort, value: int) -> int | None:
        """The node of an element, or None if nothing renames it."""
        if not self.moves(sort):
            return None
        for part in sort.parts:
            if value < part.size(self.bounds):
                return self.node(part, value)
            value -= part.size(self.bounds)
        return (self.products if sort.factors else self.base)[sort] + value

    def components(self, sort: Sort, value: int) -> list[int | None]:
        """The nodes of the components of an element of a product."""
        found = []
        for factor in reversed(sort.factors):
            value, below = divmod(value, factor.size(self.bounds))
            found.append(self.node(factor, below))
        return found[::-1]

    def renamed(self, sort: ParameterDomain, value: int, renaming: Sequence[int]) -> int:
        """The new name of an element, given the new names of the nodes of base sorts."""
        if not isinstance(sort, Sort) or not self.moves(sort):
            return value
        start = 0
        for part in sort.parts:
            size = part.size(self.bounds)
            if value - start < size:
                return start + self.renamed(part, value - start, renaming)
            start += size
        if not sort.factors:
            return renaming[self.base[sort] + value]
        new, unit = 0, 1
        for factor in reversed(sort.factors):
            size = factor.size(self.bounds)
            value, below = divmod(value, size)
            new += unit * self.renamed(factor, below, renaming)
            unit *= size
        return new

    def alike(
        self, domains: Sequence[ParameterDomain], one: Sequence[int], other: Sequence[int]
    ) -> bool:
        """Whether some renaming turns one choice of elements into the other."""
        there: dict[int, int] = {}
        for domain, a, b in zip(domains, one, other, strict=True):
            for x, y in zip(self.atoms(domain, a), self.atoms(domain, b), strict=False):
                if type(x) is not type(y) or (isinstance(x, str) and x != y):
                    return False
                if isinstance(x, str) or isinstance(y, str):
                    continue
                if self.sort_of(x) != self.sort_of(y) or there.setdefault(x, y) != y:
                    return False
        return len(set(there.values())) == len(there)

    def sort_of(self, node: int) -> int:
        """The first node of a base element's sort."""
        return max(start for start in self.base.values() if start <= node)

    def atoms(self, sort: ParameterDomain, value: int) -> list[int | str]:
        """What an element consists of: nodes of base sorts, and values that nothing renames."""
        if not isinstance(sort, Sort) or not self.moves(sort):
            return [str(value)]
        for number, part in enumerate(sort.parts):
            if value < part.size(self.bounds):
                return [f"part {number}", *self.atoms(part, value)]
            value -= part.size(self.bounds)
        if not sort.factors:
            return [self.base[sort] + value]
        found: list[int | str] = []
        for factor in reversed(sort.factors):
            value, below = divmod(value, factor.size(self.bounds))
            found += self.atoms(factor, below)
        return found

    def _columns(self, instance: Instance) -> Iterator[Column]:
        record = instance.record
        of_part = {name: part for part in record.parts for name in part.fields}
        pairs: dict[tuple[Sort, Sort], Sort] = {}
        for name, spec in record.fields.items():
            part, size = of_part.get(name), spec.size(self.bounds)
            if spec.scratch or not size:
                continue
            moves = spec.over is not None and self.moves(spec.over)
            whole = None if part is None else record.part_specs[part.attribute].over
            if part is None or whole is None or not self.moves(whole):
                if moves:
                    yield Column(spec.over, tuple((name, i) for i in range(size)), spec)
                else:
                    yield from (Column(None, ((name, i),), spec) for i in range(size))
                continue
            if part.index != 0:
                continue
            own = name.rpartition(".")[2]
            names = [f"{part.attribute}.{i}.{own}" for i in range(whole.size(self.bounds))]
            if not moves:
                for i in range(size):
                    yield Column(whole, tuple((one, i) for one in names), spec)
                continue
            assert spec.over is not None
            both = pairs.setdefault((whole, spec.over), pair_of(whole, spec.over))
            yield Column(both, tuple((one, i) for one in names for i in range(size)), spec)

    @property
    def order(self) -> int:
        """How many renamings there are."""
        product = 1
        for sort in self.base:
            for n in range(2, sort.size(self.bounds) + 1):
                product *= n
        return product


def all_sorts(instance: Instance) -> list[Sort]:
    """The sorts of the whole, and of its parts as the whole sees them."""
    found: dict[Sort, None] = dict.fromkeys(instance.model.sorts)

    def add(sort: Sort) -> None:
        for below in (*sort.parts, *sort.factors):
            add(below)
        found[sort] = None

    for part in instance.record.parts:
        for sort in part.sorts.values():
            add(sort)
    return list(found)


def pair_of(one: Sort, other: Sort) -> Sort:
    """The product of two sorts, for a field of the second in a part for each of the first."""
    return Sort(f"{other.name} of {one.name}", "Elements of parts.", factors=(one, other))


class SymmetryText:
    """Writes the three functions for one instance."""

    def __init__(self, instance: Instance, layout: Layout) -> None:
        self.symmetry = Symmetry(instance)
        self.layout = layout
        self.columns = self.symmetry.columns
        self.tables: dict[str, str] = {}
        self.random = random.Random(0x51075)

    def text(self) -> str:
        bodies = [self.prepare(), self.refine(), self.image()]
        return "\n".join([*self.tables.values(), *bodies])

    def key(self) -> int:
        """A fixed pseudo-random odd number, as a signed constant."""
        return (self.random.getrandbits(64) | 1) - 2**63

    def place(self, column: Column) -> Place:
        """The place of a column's first field; the others are alike."""
        return self.layout.places[column.cells[0][0]]

    def offsets(self, column: Column) -> list[int]:
        """The bytes of a column's cells in a working record."""
        return [self.layout.places[name].offset + i for name, i in column.cells]

    def nodes_of(self, column: Column) -> list[int | None]:
        """The node to which each cell belongs."""
        if column.over is None:
            return [None]
        return [self.symmetry.node(column.over, i) for i in range(len(column.cells))]

    def value_sort(self, column: Column) -> Sort | None:
        """The sort of the field's values, if a renaming changes them."""
        domain = column.spec.domain
        return domain.sort if isinstance(domain, Ref) and self.symmetry.moves(domain.sort) else None

    def node_table(self, column: Column) -> str:
        """A table from a field's bytes to nodes; values that nothing renames count as NONE."""
        place = self.place(column)
        name = f"@nodes_{place.offset}"
        if name in self.tables:
            return name
        sort = self.value_sort(column)
        assert sort is not None
        size = sort.size(self.symmetry.bounds)
        values = []
        for v in range(1 << place.bits):
            node = self.symmetry.node(sort, v) if v < size else None
            values.append(self.symmetry.nothing if node is None else node)
        self.tables[name] = self.table(name, values)
        return name

    @staticmethod
    def table(name: str, values: Sequence[int]) -> str:
        cells = ", ".join(f"i32 {v}" for v in values)
        return f"{name} = internal constant [{len(values)} x i32] [{cells}]"

    @staticmethod
    def byte(builder: FunctionBuilder, offset: int) -> str:
        return builder.load("%record", offset, "i8")

    @staticmethod
    def add(builder: FunctionBuilder, array: str, node: str | int, amount: str) -> None:
        builder.increment(builder.at(array, node), amount)

    def node_of(self, builder: FunctionBuilder, table: str, byte: str) -> str:
        return self.look_up(builder, table, builder.emit(f"zext i8 {byte} to i64"))

    @staticmethod
    def look_up(builder: FunctionBuilder, table: str, index: str) -> str:
        return builder.emit(f"zext i32 {builder.load(table, index, 'i32')} to i64")

    def prepare(self) -> str:
        builder = FunctionBuilder()
        builder.line("call void @unpack(ptr %words, ptr %record)")
        for number in range(self.symmetry.nodes):
            builder.store(0, "%colours", number)
        for column in self.columns:
            key = self.key()
            sort = self.value_sort(column)
            for offset, node in zip(self.offsets(column), self.nodes_of(column), strict=True):
                if sort is None and node is not None:
                    value = builder.emit(f"zext i8 {self.byte(builder, offset)} to i64")
                    self.add(builder, "%colours", node, builder.emit(f"mul i64 {value}, {key}"))
                elif sort is not None and node is None:
                    table = self.node_table(column)
                    target = self.node_of(builder, table, self.byte(builder, offset))
                    self.add(builder, "%colours", target, str(self.key()))
        builder.end("ret void")
        return builder.text("define void @prepare(ptr %words, ptr %record, ptr %colours) nounwind")

    def mix(self, builder: FunctionBuilder, colour: str, key: int) -> str:
        folded = builder.emit(f"xor i64 {colour}, {builder.emit(f'lshr i64 {colour}, 31')}")
        product = builder.emit(f"mul i64 {folded}, {key}")
        return builder.emit(f"xor i64 {product}, {builder.emit(f'lshr i64 {product}, 32')}")

    def refine(self) -> str:
        builder, nodes = FunctionBuilder(), self.symmetry.nodes
        builder.entry.append(f"  %new = alloca [{nodes} x i64], align 8")
        counter = builder.local()
        builder.line(f"store i64 0, ptr {counter}")
        builder.start_block("round")
        done = builder.emit(f"load i64, ptr {counter}")
        builder.end(
            f"br i1 {builder.emit(f'icmp slt i64 {done}, %rounds')}, label %look, label %out"
        )
        builder.start_block("look")
        colours = []
        for node in range(nodes):
            colours.append(builder.load("%colours", node))
            builder.store(colours[-1], "%new", node)
        for column in self.columns:
            nodes_here = self.nodes_of(column)
            if self.value_sort(column) is None or all(n is None for n in nodes_here):
                continue
            table, there, back = self.node_table(column), self.key(), self.key()
            for offset, here in zip(self.offsets(column), nodes_here, strict=True):
                if here is None:
                    continue
                target = self.node_of(builder, table, self.byte(builder, offset))
                seen = self.mix(builder, builder.load("%colours", target), there)
                self.add(builder, "%new", here, seen)
                self.add(builder, "%new", target, self.mix(builder, colours[here], back))
        for sort, first in self.symmetry.products.items():
            keys = [(self.key(), self.key()) for _ in sort.factors]
            for value in range(sort.size(self.symmetry.bounds)):
                parts = self.symmetry.components(sort, value)
                for part, (up, down) in zip(parts, keys, strict=True):
                    if part is None:
                        continue
                    self.add(builder, "%new", first + value, self.mix(builder, colours[part], up))
                    self.add(builder, "%new", part, self.mix(builder, colours[first + value], down))
        for node in range(nodes):
            builder.store(builder.load("%new", node), "%colours", node)
        builder.line(f"store i64 {builder.emit(f'add i64 {done}, 1')}, ptr {counter}")
        builder.jump("round")
        builder.start_block("out")
        builder.end("ret void")
        return builder.text("define void @refine(ptr %record, ptr %colours, i64 %rounds) nounwind")

    def renamed(self, builder: FunctionBuilder, sort: Sort, value: int) -> str:
        """The element that element `value` of `sort` becomes."""
        symmetry = self.symmetry
        if not symmetry.moves(sort):
            return str(value)
        before = 0
        for part in sort.parts:
            size = part.size(symmetry.bounds)
            if value < before + size:
                return builder.emit(
                    f"add i64 {self.renamed(builder, part, value - before)}, {before}"
                )
            before += size
        if sort.factors:
            digits, rest = [], value
            for factor in reversed(sort.factors):
                rest, digit = divmod(rest, factor.size(symmetry.bounds))
                digits.append(digit)
            total = "0"
            for factor, digit in zip(sort.factors, reversed(digits), strict=True):
                scaled = builder.emit(f"mul i64 {total}, {factor.size(symmetry.bounds)}")
                total = builder.emit(f"add i64 {scaled}, {self.renamed(builder, factor, digit)}")
            return total
        new = builder.load("%renaming", symmetry.base[sort] + value, "i8")
        return builder.emit(f"zext i8 {new} to i64")

    def image(self) -> str:
        builder, layout = FunctionBuilder(), self.layout
        builder.entry.append(f"  %copy = alloca [{layout.capacity} x i64], align 8")
        for word in range(layout.capacity):
            builder.store(builder.load("%record", word), "%copy", word)
        places_of: dict[Sort, list[str]] = {}
        values_of: dict[Sort, str] = {}
        for column in self.columns:
            over, sort = column.over, self.value_sort(column)
            if over is None and sort is None:
                continue
            offsets, place = self.offsets(column), self.place(column)
            if over is not None and over not in places_of:
                places_of[over] = [self.renamed(builder, over, i) for i in range(len(offsets))]
            if sort is not None and sort not in values_of:
                values_of[sort] = self.value_table(builder, sort, place)
            for i, offset in enumerate(offsets):
                byte = self.byte(builder, offset)
                if sort is not None:
                    wide = builder.emit(f"zext i8 {byte} to i64")
                    byte = builder.load(values_of[sort], wide, "i8")
                to = "0" if over is None else places_of[over][i]
                start = builder.at("%copy", offsets[0], "i8")
                if offsets != list(range(offsets[0], offsets[0] + len(offsets))):
                    table = f"@offsets_{offsets[0]}"
                    self.tables[table] = self.table(table, [o - offsets[0] for o in offsets])
                    to = self.look_up(builder, table, to)
                builder.store(byte, start, to, "i8")
        builder.line("call void @pack(ptr %copy, ptr %words)")
        builder.end("ret void")
        return builder.text("define void @image(ptr %record, ptr %renaming, ptr %words) nounwind")

    def value_table(self, builder: FunctionBuilder, sort: Sort, place: Place) -> str:
        """A table in memory that maps old to new bytes of a reference."""
        count = 1 << place.bits
        slot = builder.local(f"[{count} x i8]")
        size = sort.size(self.symmetry.bounds)
        for value in range(count):
            new = self.renamed(builder, sort, value) if value < size else str(value)
            builder.store(builder.emit(f"trunc i64 {new} to i8"), slot, value, "i8")
        return slot
