"""Natural mistakes in rules, refused with what to write instead, before either engine runs.

The compiler would refuse some of them, but a small instance is never compiled; others are
plain Python that means something else than its author thinks.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial, partialmethod
from types import BuiltinFunctionType, FunctionType

from slotspec.statemachine.declaration import containers, queues, rules
from slotspec.statemachine.declaration.effects import Effects
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle
from slotspec.statemachine.declaration.names import Names
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.records import FieldSpec, Record, Sort
from slotspec.statemachine.declaration.source import Source, parameters_of, read, reject, subtree
from slotspec.statemachine.errors import RuleError, suggest

Known = Callable[[ast.expr], object]
"""The global object that an expression names; None if it names none."""

WRAPPERS = (partial, partialmethod, type(lru_cache(len)))
"""What wraps a function: a cached one would remember its result for another state."""

ROUTES = "slotspec.statemachine.routes"
"""The module of the rules on messages, which builds on this one."""

TAKE_ELEMENT = (
    *(queues.append, queues.remove, queues.place_of),
    *(containers.add, containers.discard),
)
"""Rules that take an element of a sequence or a set."""

OF_CONTAINER = (
    *((rule, "sequence") for rule in (queues.append, queues.remove, queues.place_of)),
    *((rule, "sequence") for rule in (queues.length, containers.take_first)),
    *((rule, "subset") for rule in (containers.add, containers.discard, containers.size)),
)
"""Rules on sequences and sets: the kind of field that they are for."""

FUNCTION = FunctionType | BuiltinFunctionType
CHANGES = (rules.fire, rules.recycle, rules.emit, restart)
"""Words of the rule language that change the state, or tell the outside."""

IDLE = ast.Compare | ast.Name | ast.Attribute | ast.Subscript | ast.BoolOp | ast.UnaryOp | ast.BinOp
"""Expressions that do nothing by themselves."""

METHODS = {
    "append": "sl.append({}, x)",
    "pop": "sl.take_first({})",
    "popleft": "sl.take_first({})",
    "remove": "sl.remove({}, x)",
    "index": "sl.place_of({}, x)",
    "add": "sl.add({}, x)",
    "discard": "sl.discard({}, x)",
}
"""What to write for a method of Python's lists and sets."""


@dataclass(frozen=True)
class StateFields:
    """What mistakes in rules depend on of the state, over the fields of a model and of its parts.

    Parts may have fields of one name and different kinds; such a name tells less.

    :ivar names: all fields.
    :ivar containers: the fields that are sets and sequences, with ``subset`` or ``sequence``.
    :ivar bags: the fields that hold messages in flight.
    :ivar arrays: the fields that are arrays.
    :ivar single: the fields that are one value.
    :ivar lifecycles: the fields that hold states of a lifecycle, with that; with None if that
        differs, or some hold something else.
    :ivar has_effects: whether the model, or a part of it, declares effects.
    """

    names: frozenset[str]
    containers: frozenset[tuple[str, str]]
    bags: frozenset[str]
    arrays: frozenset[str]
    single: frozenset[str]
    lifecycles: frozenset[tuple[str, type[Lifecycle] | None]]
    has_effects: bool

    @classmethod
    def of(cls, record: type[Record]) -> StateFields:
        """What a record tells."""
        specs: dict[str, list[FieldSpec]] = {}
        for name, spec in record.fields.items():
            specs.setdefault(name.rpartition(".")[2], []).append(spec)
        records = (record, *(part.record for part in record.parts))
        constants = {name for one in records for name in one.constants}
        scalars = {name for name, of in specs.items() if not any(one.array for one in of)}
        return cls(
            names=frozenset(specs),
            containers=frozenset(
                (name, of[0].container)
                for name, of in specs.items()
                if of[0].container and all(s.container == of[0].container for s in of)
            ),
            bags=frozenset(name for name, of in specs.items() if any(s.route for s in of)),
            arrays=frozenset(name for name, of in specs.items() if all(s.array for s in of))
            - constants,
            single=frozenset(scalars | (constants - specs.keys())),
            lifecycles=frozenset(lifecycles_of(specs)),
            has_effects=bool(record.effect_names),
        )


def lifecycles_of(
    specs: Mapping[str, Sequence[FieldSpec]],
) -> Iterator[tuple[str, type[Lifecycle] | None]]:
    """Each name of fields of which some hold states of a lifecycle, and that if all do."""
    for name, of in specs.items():
        found = [spec.domain for spec in of if isinstance(spec.domain, type)]
        if found:
            yield name, found[0] if all(spec.domain is found[0] for spec in of) else None


@lru_cache(maxsize=8192)
def check_slips(function: FunctionType, state: StateFields, action: bool, asked: bool) -> None:
    """Refuse natural mistakes in a rule; once for all instances with such a state.

    :raises RuleError: with file and line.
    """
    Slips(read(function), Names(function).known, state).check(action, asked)


class Slips:
    """Looks for mistakes in one rule."""

    def __init__(self, source: Source, known: Known, state: StateFields) -> None:
        self.source, self.known, self.state = source, known, state
        self.containers, self.lifecycles = dict(state.containers), dict(state.lifecycles)
        self.parameters = set(parameters_of(source.tree))

    def check(self, action: bool, asked: bool) -> None:
        """Refuse the first mistake.

        :param action: whether the rule is an action, which returns a number.
        :param asked: whether a property calls the rule, or is it.
        :raises RuleError: with file and line.
        """
        for node in nodes_in(self.source.tree):
            match node:
                case ast.Call():
                    self._call(node)
                    if asked and self.known(node.func) in CHANGES:
                        word = ast.unparse(node.func)
                        raise self._refused(
                            "RUL009", node, f"a property may not change the state; remove {word}"
                        )
                case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                    for target in targets_of(node):
                        if asked:
                            self._kept(target)
                        self._assigned(target, node)
                case ast.Delete():
                    raise self._refused(
                        "RUL002",
                        node,
                        "'delete' is no statement of a rule; assign 0 or NONE instead",
                    )
                case ast.Subscript(value=below, slice=ast.Slice(), ctx=ast.Load()):
                    if self._field(below) in self.state.arrays:
                        raise self._refused(
                            "RUL003", node, "a slice allocates; loop over the elements"
                        )
                case ast.Expr(value=value):
                    self._alone(value)
                case ast.MatchSingleton(value=value):
                    raise self._refused(
                        "RUL002",
                        node,
                        f"case {value} is no pattern of a rule; match numbers and members of"
                        " enumerations, with | and _",
                    )
                case ast.Try() | ast.TryStar():
                    raise self._refused(
                        "RUL002",
                        node,
                        "a rule catches nothing, since it would hide a fault; return DISABLED or a"
                        " value instead",
                    )
                case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                    raise self._refused(
                        "RUL003",
                        node,
                        "rules know + - * // % & | ^ on integers; write it with these: // divides",
                    )
                case ast.Compare(left=left, comparators=others, ops=ops):
                    if any(isinstance(operator, ast.Is | ast.IsNot) for operator in ops):
                        raise self._refused(
                            "RUL003",
                            node,
                            "'is' compares objects; rules know integers: use ==, and NONE for no"
                            " element",
                        )
                    for side in (left, *others):
                        self._compared(side, (left, *others))
                    for side in compared(left, ops, others):
                        self._number(side)
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    self._truth(operand)
                case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                    self._truth(test)
                case ast.BoolOp(values=values):
                    for value in values:
                        self._truth(value)
        if asked:
            for given in returned(self.source.tree):
                self._number(given)
        if action:
            for given in returned(self.source.tree):
                if isinstance(given, ast.Constant) and isinstance(given.value, bool):
                    raise self._refused(
                        "RUL015",
                        given,
                        f"an action that returns {given.value} has taken its step; return"
                        " sl.DISABLED where it is not possible, and a number where it is",
                    )

    def _refused(self, code: str, node: ast.AST, message: str) -> RuleError:
        return reject(code, self.source, node, message)

    def _field(self, node: ast.expr) -> str | None:
        """The field that ``s.name`` or ``s.part.name`` reads."""
        if not isinstance(node, ast.Attribute) or node.attr not in self.state.names:
            return None
        root = node.value
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        # an argument of an effect may have the name of a field
        there = isinstance(root, ast.Name) and root.id in self.parameters
        return node.attr if there else None

    def _container(self, node: ast.expr) -> str | None:
        return self.containers.get(self._field(node) or "")

    def _is_length(self, node: ast.expr) -> bool:
        """Whether this is ``len`` of a set or a sequence, which is the room that it has."""
        return (
            isinstance(node, ast.Call)
            and self.known(node.func) is len
            and len(node.args) == 1
            and self._container(node.args[0]) is not None
        )

    def _misread(self, node: ast.expr, field: ast.expr) -> RuleError:
        name, kind = ast.unparse(field), self._container(field)
        right = f"sl.length({name})" if kind == "sequence" else f"sl.size({name})"
        return self._refused(
            "RUL007",
            node,
            f"{ast.unparse(node)} is about the room of the {kind}, which is fixed; write {right}"
            " for how many elements it has",
        )

    def _kept(self, target: ast.expr) -> None:
        """Refuse an assignment to a field in what a property asks."""
        root = target
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if root is not target and isinstance(root, ast.Name) and root.id in self.parameters:
            raise self._refused(
                "RUL009",
                target,
                f"a property may not change the state; it assigns {ast.unparse(target)}",
            )

    def _assigned(self, target: ast.expr, node: ast.AST) -> None:
        """Refuse an assignment of a whole array, or of something that is no integer."""
        if isinstance(target, ast.Attribute) and self._field(target) in self.state.arrays:
            raise self._refused(
                "RUL008", target, f"{ast.unparse(target)} is an array; assign its elements"
            )
        cell = target.value if isinstance(target, ast.Subscript) else target
        value = getattr(node, "value", None)
        if self._field(cell) is None or not isinstance(value, ast.Constant):
            return
        if not isinstance(value.value, int):
            cure = ": write NONE" if value.value is None else ""
            raise self._refused(
                "RUL006", value, f"{value.value!r} is no integer; rules know integers only{cure}"
            )

    def _alone(self, value: ast.expr) -> None:
        """Refuse an expression of which nothing is done."""
        if isinstance(value, IDLE):
            text = ast.unparse(value)
            cure = "return it, or compare with it"
            if isinstance(value, ast.Compare) and isinstance(value.ops[0], ast.Eq):
                cure = f"return it, or assign with = ({text.replace('==', '=', 1)})"
            elif self.known(value) == rules.DISABLED or isinstance(self.known(value), FUNCTION):
                cure = f"write return {text}" if isinstance(self.known(value), int) else "call it"
            raise self._refused("RUL002", value, f"{text} by itself does nothing; {cure}")

    def _number(self, node: ast.expr) -> None:
        """Refuse an array, a function or another object where a number is needed."""
        if not isinstance(node, ast.Name | ast.Attribute | ast.Constant):
            return
        text = ast.unparse(node)
        if isinstance(node, ast.Constant) and node.value is None:
            raise self._refused(
                "RUL006", node, "None is no integer; rules know integers only: write NONE"
            )
        if self._field(node) in self.state.arrays:
            raise self._refused(
                "RUL007", node, f"{text} is an array; index it, where a number is needed"
            )
        named = self.known(node)
        if isinstance(named, FUNCTION):
            raise self._refused(
                "RUL007", node, f"{text} is a function, where a number is needed; call it"
            )
        if isinstance(named, Event):
            raise self._refused(
                "RUL007", node, f"{text} is an event, where a number is needed; name a state"
            )
        if isinstance(named, Sort):
            raise self._refused("RUL007", node, f"{text} is a sort, where a number is needed")
        if isinstance(named, Enum) and not isinstance(named, int):
            name = type(named).__name__
            raise self._refused(
                "RUL007",
                node,
                f"{text} is no integer, and equal to none; declare class {name}(IntEnum)",
            )

    def _truth(self, node: ast.expr) -> None:
        if self._container(node) is not None:
            raise self._misread(node, node)
        if self._is_length(node):
            assert isinstance(node, ast.Call)
            raise self._misread(node, node.args[0])
        self._number(node)

    def _compared(self, side: ast.expr, sides: tuple[ast.expr, ...]) -> None:
        # a text may be compared with a text from outside; the compiler alone refuses that
        place = side.value if isinstance(side, ast.Subscript) else side
        if self._field(place) is not None:
            for other in sides:
                if isinstance(self.known(other), str):
                    raise self._refused(
                        "RUL006",
                        other,
                        f"{ast.unparse(other)} is {self.known(other)!r}; rules know integers only",
                    )
        texts = any(isinstance(self.known(other), str) for other in sides)
        if isinstance(side, ast.Constant) and isinstance(side.value, str) and not texts:
            raise self._refused(
                "RUL006",
                side,
                f"{side.value!r} is no integer; rules know integers only: compare with a state or"
                " a member of an enumeration",
            )
        if self._is_length(side) and any(isinstance(other, ast.Constant) for other in sides):
            assert isinstance(side, ast.Call)
            raise self._misread(side, side.args[0])

    def _call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Attribute(value=below, attr=method) if method in METHODS:
                if self._container(below) is not None:
                    write = METHODS[method].format(ast.unparse(below))
                    raise self._refused(
                        "RUL007", node, f"a {self._container(below)} has no methods; write {write}"
                    )
        word = self.known(node.func)
        if isinstance(word, WRAPPERS):
            raise self._refused(
                "RUL005",
                node,
                f"{ast.unparse(node.func)} is made by {type(word).__name__.strip('_')}, which a"
                " rule cannot call; call a plain function",
            )
        name = str(getattr(word, "__name__", ""))
        is_route = getattr(word, "__module__", "") == ROUTES
        if word in TAKE_ELEMENT or (is_route and name in ("send", "receive")):
            self._no_element(node, name)
        if word in (rules.fire, rules.recycle):
            self._fires(node)
        wanted = next((kind for one, kind in OF_CONTAINER if one is word), None)
        if wanted is not None and node.args:
            self._kind_of_container(node, wanted)
        if word is rules.emit:
            self._emit(node)
        elif is_route:
            self._message(node, name)

    def _fires(self, node: ast.Call) -> None:
        """Refuse an event of something that has no lifecycle, or has another one."""
        field = self._field(node.args[0]) if node.args else None
        if field is None:
            return
        name, lifecycle = ast.unparse(node.args[0]), self.lifecycles.get(field)
        if field not in self.lifecycles:
            raise self._refused(
                "RUL013", node, f"{name} is no array of lifecycle states; assign it instead"
            )
        event = self.known(node.args[2]) if len(node.args) > 2 else None
        if lifecycle is None or not isinstance(event, Event):
            return
        if not any(event is one for one in lifecycle.events):
            raise self._refused(
                "RUL013",
                node,
                f"{event!r} is no event of {lifecycle.__name__}, which the field holds",
            )

    def _kind_of_container(self, node: ast.Call, wanted: str) -> None:
        """Refuse a rule on sequences that is given a set, or a scalar, and so on."""
        field = self._field(node.args[0])
        if field is None:
            return
        name, word = ast.unparse(node.args[0]), ast.unparse(node.func)
        if field in self.containers and self.containers[field] != wanted:
            raise self._refused(
                "RUL013",
                node,
                f"{name} is a {self.containers[field]}, and {word} is for a {wanted}; a sequence"
                " has append, remove, take_first, place_of and length, a subset add, discard and"
                " size",
            )
        if field in self.state.single:
            raise self._refused(
                "RUL013", node, f"{name} is no {wanted}; declare {field} = {wanted}(…)"
            )

    def _no_element(self, node: ast.Call, word: str) -> None:
        """Refuse a visible NONE where an element of a set, a sequence or a bag is wanted."""
        for given in (*node.args[1:2], *(k.value for k in node.keywords)):
            for one in branches(given):
                if self.known(one) == rules.NONE or is_literal(one, rules.NONE):
                    raise self._refused(
                        "RUL021",
                        node,
                        f"{ast.unparse(one)} is no element; give {word} an element, and call it"
                        " only where there is one",
                    )

    def _message(self, node: ast.Call, word: str) -> None:
        field = self._field(node.args[0]) if node.args else None
        if word in ("send", "receive") and field is not None and field not in self.state.bags:
            raise self._refused(
                "RUL013",
                node,
                f"{ast.unparse(node.args[0])} holds no messages; declare {field} ="
                " messages(…), or write " + ("add" if word == "send" else "discard") + " for a set",
            )

    def _emit(self, node: ast.Call) -> None:
        if node.args and isinstance(self.known(node.args[0]), Effects):
            kind = ast.unparse(node.args[0])
            raise self._refused(
                "RUL010", node, f"emit takes the state first; write emit(s, {kind}, …)"
            )
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        effect = node.args[1] if len(node.args) > 1 else named.pop("effect", None)
        if effect is None or None in named or any(isinstance(a, ast.Starred) for a in node.args):
            return
        if isinstance(effect, ast.Constant) and isinstance(effect.value, str):
            raise self._refused(
                "RUL006",
                effect,
                f"{effect.value!r} is no effect; give a member of the model's Effects, as in"
                f" Effect.{effect.value.upper()}",
            )
        given = [*node.args[2:], *(v for name, v in named.items() if name != "s")]
        for one in branches(effect):
            member = self.known(one)
            if not isinstance(member, Effects):
                continue
            if not self.state.has_effects:
                name = type(member).__name__
                raise self._refused(
                    "RUL010",
                    node,
                    f"the model declares no effects; write Model(…, effects={name})",
                )
            wrong = member.miscounted(len(given))
            if wrong is not None:
                raise self._refused("RUL010", node, wrong)
            for value in given:
                self._argument(value, member)

    def _argument(self, value: ast.expr, member: Effects) -> None:
        negative = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub)
        if self.known(value) == rules.DISABLED or (
            negative and isinstance(getattr(value, "operand", None), ast.Constant)
        ):
            raise self._refused(
                "RUL010",
                value,
                f"{type(member).__name__}.{member.name} is given {ast.unparse(value)}; an argument"
                " is an element or an amount, or NONE",
            )


def check_answer(source: Source, effects_of: str | None) -> None:
    """Refuse a property that answers nothing, or reads effects where there are none.

    :param effects_of: the argument that is a state without a step, if any.
    :raises RuleError: ``RUL015``, ``RUL014``, with file and line.
    """
    generator = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in subtree(source.tree))
    if not generator and not any(True for _ in returned(source.tree)):
        raise reject(
            "RUL015",
            source,
            source.tree,
            "it returns nothing, which is as good as False; return what has to hold",
        )
    for node in subtree(source.tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="effects") if name == effects_of:
                raise reject(
                    "RUL014", source, node, "only the state after a step has effects; read those"
                )


def check_fields(
    source: Source, states: frozenset[str], known: Sequence[str], inherited: Sequence[str]
) -> None:
    """Refuse a field that the state does not have, also where no run comes by.

    :param states: the arguments that are the whole state.
    :param known: the fields of the state.
    :param inherited: what else its class has, such as a method.
    :raises RuleError: ``RUL007``, with file and line.
    """
    nodes = subtree(source.tree)
    states -= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in states:
                if attr not in known and attr not in inherited and attr != "effects":
                    raise reject(
                        "RUL007",
                        source,
                        node,
                        f"the state has no field {attr}; {suggest(attr, known)}",
                    )


def compared(
    left: ast.expr, operators: Sequence[ast.cmpop], others: Sequence[ast.expr]
) -> Iterator[ast.expr]:
    """The sides of a comparison that must be numbers: not what something is asked to be in."""
    yield left
    for operator, side in zip(operators, others, strict=True):
        if not isinstance(operator, ast.In | ast.NotIn):
            yield side


def targets_of(node: ast.AST) -> Iterator[ast.expr]:
    """What an assignment assigns to."""
    given = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    for target in given:
        if isinstance(target, ast.Tuple | ast.List):
            yield from target.elts
        elif target is not None:
            yield target


def is_literal(node: ast.expr, value: int) -> bool:
    """Whether an expression is this number, written out."""
    return isinstance(node, ast.Constant) and node.value is not True and node.value == value


@lru_cache(maxsize=4096)
def nodes_in(tree: ast.FunctionDef) -> tuple[ast.AST, ...]:
    """The nodes of a rule's body that a mistake can be in; instances of a model share its rules.

    What decorates the rule is no part of it, and runs as plain Python.
    """
    kinds = ast.Call | ast.BinOp | ast.AugAssign | ast.Compare | ast.UnaryOp | ast.BoolOp
    tests = ast.If | ast.While | ast.IfExp | ast.Expr | ast.Try | ast.TryStar
    tests |= ast.Assign | ast.AnnAssign | ast.MatchSingleton | ast.Delete | ast.Subscript
    body = (node for statement in tree.body for node in subtree(statement))
    return tuple(node for node in body if isinstance(node, kinds | tests))


def branches(node: ast.expr) -> Iterator[ast.expr]:
    """The values that ``a if c else b`` may have; of any other expression, itself."""
    if isinstance(node, ast.IfExp):
        yield from branches(node.body)
        yield from branches(node.orelse)
    else:
        yield node


def returned(tree: ast.FunctionDef) -> Iterator[ast.expr]:
    """What the returns of a rule give."""
    for node in subtree(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from branches(node.value)
