"""Private fields, methods and constructors of Java classes, looked up once."""

from __future__ import annotations

from typing import Any


class Reflection:
    """Reads and calls what is not public in Flink's classes.

    :param jpype: the module, with its Java virtual machine running.
    """

    def __init__(self, jpype: Any) -> None:
        self._class = jpype.java.lang.Class.forName
        self._wrapper = jpype.java.lang.reflect.InvocationTargetException
        self._found: dict[tuple[str, ...], Any] = {}

    def get(self, owner: str, name: str, target: Any) -> Any:
        """The value of a field of `target`, whose class is `owner` or extends it."""
        return self._field(owner, name).get(target)

    def set(self, owner: str, name: str, target: Any, value: Any) -> None:
        """Replace the value of a field, even of a final one."""
        self._field(owner, name).set(target, value)

    def has(self, owner: str, name: str) -> bool:
        """Whether a class declares a field of this name."""
        return any(field.getName() == name for field in self._class(owner).getDeclaredFields())

    def call(self, owner: str, name: str, target: Any, *arguments: Any) -> Any:
        """The result of a method, found by its name and number of arguments."""
        methods = (m for m in self._class(owner).getDeclaredMethods() if m.getName() == name)
        return self._invoke(("method", owner, name), methods, arguments, target)

    def new(self, owner: str, *arguments: Any) -> Any:
        """A new object of a class, from its constructor with this number of arguments."""
        constructors = iter(self._class(owner).getDeclaredConstructors())
        return self._invoke(("new", owner), constructors, arguments)

    def _field(self, owner: str, name: str) -> Any:
        found = self._found.get((owner, name))
        if found is None:
            found = self._class(owner).getDeclaredField(name)
            found.setAccessible(True)
            self._found[owner, name] = found
        return found

    def _invoke(
        self, what: tuple[str, ...], candidates: Any, arguments: tuple[Any, ...], *target: Any
    ) -> Any:
        key = (*what, str(len(arguments)))
        found = self._found.get(key)
        if found is None:
            found = next(
                c
                for c in candidates
                if c.getParameterCount() == len(arguments) and not c.isSynthetic()
            )
            found.setAccessible(True)
            self._found[key] = found
        try:
            if target:
                return found.invoke(target[0], list(arguments))
            return found.newInstance(list(arguments))
        except self._wrapper as error:
            raise error.getCause() from None
