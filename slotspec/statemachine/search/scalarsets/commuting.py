"""Whether the iterations of a loop commute.

A loop over elements that are renamed runs in another order in a renamed state. Its result is the
same if its iterations commute: each writes only what belongs to its own element, or all write
the same constant, or all count up; and no iteration ends the loop with something of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from slotspec.statemachine.declaration.source import subtree
from slotspec.statemachine.search.scalarsets.kinds import OTHER


@dataclass(frozen=True)
class Access:
    """One use of the state.

    :ivar how: ``read``, ``write``, ``set`` (write a constant), ``count`` (add a constant),
        ``emit``, ``fault`` (may be a fault), ``return``, ``break``.
    :ivar leaves: asks whether it really may be a fault, which takes time; None if it may.
    :ivar path: the field.
    :ivar tag: the local that is the index, or :data:`.kinds.OTHER`.
    :ivar part: the tag of the part that the field is in; empty if it is in no part of several.
    :ivar value: the constant that is written, added or returned, or the number of the effect that
        is emitted; None if there is none.
    """

    how: str
    node: ast.AST
    path: str = ""
    tag: str = OTHER
    value: int | None = None
    part: str = ""
    leaves: Callable[[], bool] | None = field(default=None, compare=False)

    def renamed(self, names: dict[str, str], node: ast.AST) -> Access:
        """The same access as the caller sees it, who calls its own locals by other names."""
        return replace(
            self, tag=names.get(self.tag, OTHER), part=names.get(self.part, OTHER), node=node
        )


EFFECTS = "effects"
"""The path under which the emitted effects are read."""

WRITES = ("write", "set", "count")
ENDS = ("return", "break")


def conflict(accesses: Sequence[Access], own: str | None) -> tuple[ast.AST, str] | None:
    """Why the iterations of a loop do not commute, and where.

    :param accesses: what one iteration does.
    :param own: the local that names the iteration's own element.
    """
    of_path: dict[str, list[Access]] = {}
    for access in accesses:
        if access.path:
            of_path.setdefault(access.path, []).append(access)
    for path, found in of_path.items():
        writes = [access for access in found if access.how in WRITES]
        if not writes or (own is not None and all_own(found, own)):
            continue
        same = {(access.how, access.value) for access in found}
        if len(same) > 1 or writes[0].how == "write" or writes[0].value is None:
            return writes[0].node, f"what one iteration writes to {path}, another may use"
    emitted = next((access for access in accesses if access.how == "emit"), None)
    if emitted is not None and EFFECTS in of_path:
        return emitted.node, "what one iteration emits, another may ask for"
    return early_end(accesses)


def all_own(accesses: Sequence[Access], own: str) -> bool:
    """Whether each access is to what belongs to the loop's own element, by the same index."""
    return all(access.tag == own for access in accesses) or all(
        access.part == own for access in accesses
    )


def early_end(accesses: Sequence[Access]) -> tuple[ast.AST, str] | None:
    """Why it matters which iteration ends the loop."""
    ends = [access for access in accesses if access.how in ENDS]
    if not ends:
        return None
    values = {(access.how, access.value) for access in ends}
    if len(values) > 1 or (ends[0].how == "return" and ends[0].value is None):
        return ends[0].node, "the first match ends the loop"
    for access in accesses:
        if access.how in (*WRITES, "emit"):
            return access.node, "the first match ends the loop, and earlier ones change something"
        if access.how == "fault" and (access.leaves is None or access.leaves()):
            return access.node, "the first match ends the loop, and this may be a fault"
    return None


def carried(
    function: ast.AST, loop: ast.For | ast.While, own: Iterable[str]
) -> tuple[ast.AST, str] | None:
    """A local that one iteration assigns and another, or the code behind the loop, uses."""
    stores: dict[str, list[ast.AST]] = {}
    loads: dict[str, list[ast.Name]] = {}
    for node in (below for statement in loop.body for below in subtree(statement)):
        for name in targets(node):
            stores.setdefault(name, []).append(node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loads.setdefault(node.id, []).append(node)
        for name in bound(node):
            if name in own:
                return loop, f"{name} is the element of two loops"
            if late := unbound(function, name):
                return late, f"{name} is what an inner loop ended with"
    for name in own:
        if name in stores:
            return stores[name][0], f"{name}, the element of the loop, is assigned"
        if late := unbound(function, name):
            return late, f"{name} is used outside of the loop"
    inside = set(map(id, subtree(loop)))
    for name, nodes in stores.items():
        nodes.sort(key=position)
        outside = [
            node
            for node in subtree(function)
            if isinstance(node, ast.Name) and node.id == name and id(node) not in inside
        ]
        breaks = [node for node in subtree(loop) if isinstance(node, ast.Break)]
        if not loads.get(name):
            if not breaks and all(adds(node) for node in nodes):
                continue
            marks = {constant(node) for node in nodes}
            if len(marks) == 1 and None not in marks and each_ends(loop.body, nodes, breaks):
                continue
        if not any(isinstance(node.ctx, ast.Load) for node in outside) and is_temporary(
            loop.body, nodes[0], loads.get(name, [])
        ):
            continue
        return nodes[0], f"{name} passes from one iteration to another, or to what follows"
    return None


def bound(node: ast.AST) -> list[str]:
    """The locals that a loop or a generator binds."""
    if not isinstance(node, ast.For | ast.comprehension):
        return []
    return [n.id for n in subtree(node.target) if isinstance(n, ast.Name)]


def unbound(function: ast.AST, name: str) -> ast.Name | None:
    """A use of a loop's variable outside of all loops and generators that bind it."""
    covered: set[int] = set()
    for node in subtree(function):
        loops = [node] if isinstance(node, ast.For) else getattr(node, "generators", [])
        if any(name in bound(below) for below in loops):
            covered.update(map(id, subtree(node)))
    for node in subtree(function):
        if isinstance(node, ast.Name) and node.id == name and id(node) not in covered:
            return node
    return None


def position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def targets(node: ast.AST) -> list[str]:
    """The locals that a node assigns itself, loops aside."""
    match node:
        case ast.Assign(targets=found):
            names = [n for target in found for n in subtree(target)]
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            names = [target]
        case ast.NamedExpr(target=target):
            names = [target]
        case ast.MatchAs(name=str() as name):
            return [name]
        case _:
            return []
    return [n.id for n in names if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def each_ends(
    body: Sequence[ast.stmt], stores: Sequence[ast.AST], breaks: Sequence[ast.AST]
) -> bool:
    """Whether no ``break`` ends the loop, or each stands with an assignment, and each of these
    with one.
    """
    if not breaks:
        return True
    marked, ended = ({id(block_of(body, node)) for node in nodes} for nodes in (stores, breaks))
    return marked == ended


def adds(node: ast.AST) -> bool:
    return isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.BitOr)


def constant(node: ast.AST) -> str | None:
    """The text of the constant that an assignment assigns."""
    match node:
        case ast.Assign(targets=[ast.Name()], value=ast.Constant() as value):
            return ast.dump(value)
    return None


def is_temporary(body: Sequence[ast.stmt], store: ast.AST, loads: Sequence[ast.Name]) -> bool:
    """Whether all loads follow the first store, within the block that always reaches them."""
    block = block_of(body, store)
    if block is None or isinstance(store, ast.NamedExpr):  # which may be skipped
        return False
    at = next(n for n, statement in enumerate(block) if any(b is store for b in subtree(statement)))
    after = {id(node) for statement in block[at:] for node in subtree(statement)}
    after -= {id(node) for node in subtree(store)}
    return all(id(load) in after and position(load) > position(store) for load in loads)


def block_of(body: Sequence[ast.stmt], wanted: ast.AST) -> Sequence[ast.stmt] | None:
    """The innermost list of statements with this node in it."""
    for statement in body:
        if not any(below is wanted for below in subtree(statement)):
            continue
        for name in ("body", "orelse"):
            inner = getattr(statement, name, None)
            found = block_of(inner, wanted) if isinstance(inner, list) else None
            if found is not None:
                return found
        for case in getattr(statement, "cases", ()):
            found = block_of(case.body, wanted)
            if found is not None:
                return found
        return body
    return None
