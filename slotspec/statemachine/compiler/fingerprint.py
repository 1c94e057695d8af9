"""A checksum of everything that compiled code depends on, without translating anything.

The fingerprint hashes all that a rule can reach: its bytecode and source file, its defaults,
its closure, and the value of every global that it names, followed through modules, classes,
lifecycles, enumerations and other rules. It also hashes the fields, sorts, constants and parts
of the instance, its bounds and choices, its actions and properties with their domains, and the
sources of slotspec's own engine.

So equal fingerprints mean equal code. The reverse need not hold: changing a comment changes
the fingerprint too. An instance that reaches something unhashable has no fingerprint.
"""

from __future__ import annotations

import functools
import hashlib
import linecache
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from slotspec.statemachine.declaration.lifecycle import State
from slotspec.statemachine.declaration.model import Action, Instance, Model, Property
from slotspec.statemachine.declaration.records import ConstantSpec, Number, PartSpec
from slotspec.version import __version__

MACHINE = "slotspec.statemachine"
"""The package whose sources are hashed as a whole."""

APART = frozenset({"formatter", "scopes", "generations", "description", "operations", "home"})
"""Attributes of a model that compiled code does not depend on."""

SELECTED = frozenset({"actions", "properties"})
"""Attributes of a model for which the instance has its own selection."""

DERIVED = frozenset(
    {"model", "replace", "calls", "scope", "defect", "ranges", "checks", "_made", "_guarded"}
)
"""Attributes of an instance that follow from the others."""

TOLD = frozenset({"description", "source", "when", "deviation", "owner", "kind_of"})
"""Attributes of an action or property that are for readers, or already decided."""

UNREAD = frozenset(
    (
        *("__dict__", "__weakref__", "__doc__", "__slotnames__", "__firstlineno__"),
        *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
        *("__dataclass_fields__", "__dataclass_params__", "__static_attributes__"),
        *("__abstractmethods__", "_abc_impl", "__orig_bases__", "__parameters__"),
        "__type_params__",
    )
)
"""Attributes of a class that belong to Python itself; the class's file is hashed anyway."""

ATOMS = (int, bool, str, bytes, float, complex, type(None), type(Ellipsis), type(NotImplemented))
BUILTIN = (
    types.BuiltinFunctionType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodWrapperType,
)
CODE = (
    *("co_code", "co_flags", "co_firstlineno", "co_linetable", "co_exceptiontable"),
    *("co_filename", "co_name", "co_qualname", "co_names", "co_varnames", "co_freevars"),
    *("co_cellvars", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
)
HOOKS = ("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__")


class Unknown(Exception):
    """A rule reaches something that cannot be hashed, so a change would go unnoticed."""


def fingerprint(instance: Instance, *more: str) -> str | None:
    """The checksum of all that the code of `instance` depends on; None if there is none.

    :param more: what else distinguishes the code, such as the driver.
    """
    try:
        return _Walk().of(instance, more)
    except Unknown:
        return None


@functools.lru_cache(maxsize=1)
def machine_sources() -> str:
    """The checksum of slotspec's own engine."""
    digest = hashlib.sha256(f"{__version__} {sys.version}".encode())
    root = Path(__file__).parents[1]
    for file in sorted(root.rglob("*.py")):
        data = file.read_bytes()
        digest.update(f"{file.relative_to(root)} {len(data)} ".encode() + data)
    return digest.hexdigest()


_files: dict[str, tuple[Any, str]] = {}


def _file(name: str, space: dict[str, Any] | None = None) -> str:
    """The checksum of the source file with this name, empty if it cannot be read.

    Code without a source file needs no checksum: Python itself generated it (such as the
    methods of a dataclass), and a rule without source is refused.
    """
    lines = linecache.getlines(name, space)
    if not lines:
        return ""
    entry = linecache.cache.get(name)
    found = _files.get(name)
    if found is None or found[0] is not entry:
        text = "".join(lines).encode("utf-8", "surrogatepass")
        found = _files[name] = (entry, hashlib.sha256(text).hexdigest())
    return found[1]


def _standard(value: Any) -> bool:
    """Whether a function or class is, under its own name, part of Python or of the engine."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):
        return False
    root = module.partition(".")[0]
    if root not in sys.stdlib_module_names and not f"{module}.".startswith(f"{MACHINE}."):
        return False
    at: Any = sys.modules.get(module)
    for name in value.__qualname__.split("."):
        at = getattr(at, name, None)
    return at is value and root != "__main__"


def _in_module(module: types.ModuleType, names: list[str]) -> list[str]:
    """Those of the names that mean something in a module."""
    space = vars(module)
    if type(module) is types.ModuleType and "__getattr__" not in space:
        # there are many modules and names, and raising an AttributeError for most takes long
        return [name for name in names if name in space]
    return [name for name in names if hasattr(module, name)]


class _Walk:
    """Visits everything once; numbers objects in the order of visits."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.numbers: dict[int, int] = {}
        self.met: list[Any] = []
        self.names: dict[str, None] = {}
        self.modules: dict[types.ModuleType, int] = {}
        """Modules, and how many of the names have been looked up in each."""
        self.checked: set[str] = set()

    def of(self, instance: Instance, more: Iterable[str]) -> str:
        model = instance.model
        self.tell("for", machine_sources(), *more)
        self.tell("model", *self.items(vars(model), APART | SELECTED))
        self.tell("instance", *self.items(vars(instance), DERIVED | SELECTED))
        self.tell(
            "replace", *(self.ref(rule) for pair in instance.replace.items() for rule in pair)
        )
        for name, spec in instance.record.fields.items():
            sizes = instance.largest(spec), spec.size(instance.setting.bounds)
            self.tell("field", name, self.ref(spec), *sizes)
        rules: list[Any] = [model.settle, model.final]
        for action in instance.actions:
            rules.append(action.function)
            values = [list(instance.values(domain)) for domain in action.parameters.values()]
            self.tell("action", self.ref(action), repr(values))
        for declared in instance.properties.values():
            rules += [declared.function, declared.to]
            values = [list(instance.values(domain)) for domain in declared.parameters.values()]
            self.tell("property", self.ref(declared), repr(values))
        if instance.replace:
            replaced = (rule and instance.rule(rule) for rule in rules)
            self.tell("rules", *(self.ref(rule) for rule in replaced))
        self.finish()
        return self.digest.hexdigest()[:40]

    def finish(self) -> None:
        """Describe everything visited; modules again, for names that turn up later."""
        done = 0
        while True:
            while done < len(self.met):
                self.content(done, self.met[done])
                done += 1
            names = list(self.names)
            for module, asked in self.modules.items():
                self.modules[module] = len(names)
                for name in _in_module(module, names[asked:]):
                    self.tell(module.__name__, name, self.ref(getattr(module, name)))
            if done == len(self.met):
                return

    def tell(self, *what: Any) -> None:
        self.digest.update(repr(what).encode("utf-8", "surrogatepass"))

    def ref(self, value: Any) -> Any:
        """The representation of a value: itself, or its number."""
        cls = type(value)
        if cls in ATOMS:
            return cls.__name__, value
        if cls is tuple:
            return "tuple", *(self.ref(v) for v in value)
        if cls is frozenset or cls is set:
            return cls.__name__, *sorted(repr(self.atom(v)) for v in value)
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.met)
            self.met.append(value)
        return number

    def atom(self, value: Any) -> Any:
        if type(value) not in ATOMS:
            raise Unknown("a set has no order")
        return type(value).__name__, value

    def items(self, values: Mapping[str, Any], without: Iterable[str]) -> list[Any]:
        return [(name, self.ref(v)) for name, v in values.items() if name not in without]

    def content(self, number: int, value: Any) -> None:
        self.tell("#", number, type(value).__qualname__)
        for cls, of in _CONTENTS:
            if isinstance(value, cls):
                of(self, value)
                return
        self.object(value)

    def source(self, name: str, space: dict[str, Any] | None = None) -> str:
        if name not in self.checked:
            self.checked.add(name)
            linecache.checkcache(name)
        return _file(name, space)

    def function(self, value: types.FunctionType) -> None:
        if _standard(value):
            self.tell(value.__module__, value.__qualname__)
            return
        code = value.__code__
        self.tell(value.__module__, value.__qualname__, value.__name__)
        self.tell(self.source(code.co_filename, value.__globals__))
        self.tell(self.ref(code), self.ref(value.__defaults__), self.ref(value.__kwdefaults__))
        self.tell(*self.items(vars(value), ()))
        for cell in value.__closure__ or ():
            try:
                self.tell("cell", self.ref(cell.cell_contents))
            except ValueError:
                self.tell("no value")
        space = value.__globals__
        for name in _names(code):
            self.names[name] = None
            self.tell(name, self.ref(space[name]) if name in space else "not global")

    def code(self, value: types.CodeType) -> None:
        self.tell(*(getattr(value, name) for name in CODE), self.ref(value.co_consts))

    def builtin(self, value: Any) -> None:
        bound = getattr(value, "__self__", getattr(value, "__objclass__", None))
        self.tell(value.__qualname__, self.ref(bound))

    def cls(self, value: type) -> None:
        self.tell(value.__module__, value.__qualname__)
        if _standard(value):
            return
        file = getattr(sys.modules.get(value.__module__), "__file__", None)
        if isinstance(file, str):
            self.tell(self.source(file))
        self.tell(self.ref(type(value)), self.ref(value.__bases__))
        if issubclass(value, Enum):
            members = value.__members__
            self.tell("members", *((n, self.ref(m)) for n, m in members.items()))
            own = {n: v for n, v in vars(value).items() if n not in members and n[0] != "_"}
            self.tell(*self.items(own, ()))
        else:
            self.tell(*self.items(vars(value), UNREAD))

    def member(self, value: Enum) -> None:
        more = {n: v for n, v in vars(value).items() if n[:2] != "__"}
        self.tell(self.ref(type(value)), *self.items(more, {"_sort_order_"}))

    def module(self, value: types.ModuleType) -> None:
        self.tell(value.__name__)
        self.modules[value] = 0

    def written(self, function: Callable[..., Any] | int | None) -> Any:
        """The place of a declaring function, whose results are described separately."""
        if not isinstance(function, types.FunctionType):
            return function if isinstance(function, int) else type(function).__qualname__
        code = function.__code__
        return self.source(code.co_filename, function.__globals__), code.co_firstlineno

    def object(self, value: Any) -> None:
        """Any other object, as the copy protocol reduces it."""
        cls = type(value)
        for name in HOOKS:
            hook = getattr(cls, name, None)
            if isinstance(hook, types.FunctionType) and not _standard(hook):
                module = hook.__module__.partition(".")[0]
                if module not in sys.stdlib_module_names:
                    raise Unknown(f"{cls.__qualname__} has a {name} of its own")
        try:
            state = value.__reduce_ex__(2)
        except Exception as error:
            raise Unknown(f"{cls.__qualname__}: {error}") from None
        if isinstance(state, str):
            self.tell(getattr(value, "__module__", ""), state)
            return
        parts = [tuple(p) if hasattr(p, "__next__") else p for p in state]
        self.tell(self.ref(cls), *(self.ref(part) for part in parts))


def _names(code: types.CodeType) -> dict[str, None]:
    """Every name that a function, or one nested in it, looks up."""
    found = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _tell(*what: str) -> Callable[[_Walk, Any], None]:
    """Describes these attributes."""
    return lambda walk, value: walk.tell(*(walk.ref(getattr(value, name)) for name in what))


_CONTENTS: tuple[tuple[Any, Callable[[_Walk, Any], None]], ...] = (
    (types.FunctionType, _Walk.function),
    (types.CodeType, _Walk.code),
    (types.ModuleType, _Walk.module),
    (State, _tell("lifecycle", "name", "real", "initial", "final", "inside")),
    (Enum, _Walk.member),
    (type, _Walk.cls),
    (types.MappingProxyType, lambda walk, value: walk.tell(walk.ref(dict(value)))),
    (property, _tell("fget", "fset", "fdel")),
    ((classmethod, staticmethod), _tell("__func__")),
    (functools.cached_property, _tell("func", "attrname")),
    (BUILTIN, _Walk.builtin),
    (ConstantSpec, lambda walk, value: walk.tell(walk.written(value.value))),
    (
        PartSpec,
        lambda walk, value: walk.tell(
            walk.written(value.instance), walk.ref(value.over), value.effects_from
        ),
    ),
    (Number, lambda walk, value: walk.tell(walk.written(value.limit))),
    (Model, lambda walk, value: walk.tell(*walk.items(vars(value), APART))),
    ((Action, Property), lambda walk, value: walk.tell(*walk.items(vars(value), TOLD))),
)
