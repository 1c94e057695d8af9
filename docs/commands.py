"""Write docs/commands.md: every command with its arguments and options, as ``--help`` says them."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from slotspec.cli.app import build

TARGET = Path(__file__).with_suffix(".md")

HEAD = """# Commands and options

`python docs/commands.py` writes this page from the commands themselves; do not edit.
[The command line](cli.md) explains them.
"""


def page() -> str:
    """The whole page."""
    sections = (section(name, function) for name, function in sorted(commands(build())))
    return "\n".join([HEAD, *sections])


def commands(
    app: typer.Typer, before: str = "slotspec"
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each command's full name and function."""
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"{before} {command.name or command.callback.__name__}", command.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{before} {group.typer_instance.info.name}")


def section(name: str, function: Callable[..., Any]) -> str:
    """A command's heading, description and table."""
    described = inspect.cleandoc(function.__doc__ or "").replace("``", "`")
    lines = [f"## {name}", "", described, ""]
    parameters = inspect.signature(function).parameters
    hints = get_type_hints(function, include_extras=True)
    if parameters:
        lines += ["| argument or option | meaning |", "|---|---|"]
    for parameter in parameters.values():
        kind, info = get_args(hints[parameter.name])
        lines.append(f"| {spelling(parameter, kind, info)} | {meaning(parameter, info)} |")
    return "\n".join([*lines, ""])


def spelling(parameter: inspect.Parameter, kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    """How it is written on the command line."""
    if isinstance(info, ArgumentInfo):
        return f"`{info.metavar or parameter.name.upper()}`"
    # within Annotated, typer takes the first name for a default
    first = [info.default] if isinstance(info.default, str) else []
    names = [*first, *(info.param_decls or ())] or [f"--{parameter.name.replace('_', '-')}"]
    value = "" if kind is bool else f" {info.metavar or values(kind)}"
    return ", ".join(f"`{name}{value}`" for name in names).replace("|", "\\|")


def values(kind: Any) -> str:
    """What to write for a type."""
    if get_origin(kind) in (types.UnionType, Union):
        kind = next(one for one in get_args(kind) if one is not types.NoneType)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(member.value) for member in kind)
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    return {int: "N", float: "S", Path: "FILE"}.get(kind, "TEXT")


def meaning(parameter: inspect.Parameter, info: ArgumentInfo | OptionInfo) -> str:
    """What it does, and its default if it has one that says something."""
    said = re.sub(r"\s+", " ", info.help or "").strip()
    default = parameter.default
    if default not in (inspect.Parameter.empty, None, False, True):
        said += f" Default: `{getattr(default, 'value', default)}`."
    return said.replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
