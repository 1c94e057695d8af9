"""Find the models that a user names: built-in ones and those in Python files."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from slotspec.models import load_model as built_in
from slotspec.statemachine.declaration.arguments import wants
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import SlotspecError, UsageError, suggest


def load_model(name: str | os.PathLike[str]) -> Model:
    """The model called `name`: built-in, or ``file.py[:attribute]``.

    :raises UsageError: ``SET010`` no such model, ``SET011`` no such file, ``SET012`` the file
        cannot be loaded, ``SET013`` it has no model, ``SET014`` it has several.
    """
    wants("load_model", "a name or a file.py", name, str | os.PathLike)
    name = os.fspath(name)
    # only a colon after .py separates: a Windows path has one after its drive letter
    place, colon, attribute = name.rpartition(".py:")
    if colon:
        return _in_file(Path(place + ".py"), attribute)
    if name.endswith(".py"):
        return _in_file(Path(name), None)
    return built_in(name)


def _in_file(path: Path, attribute: str | None) -> Model:
    module = _load(path)
    models = {name: value for name, value in vars(module).items() if isinstance(value, Model)}
    known = ", ".join(models) or "none"
    if attribute is not None:
        if attribute not in models:
            raise UsageError(
                "SET013", f"{path} has no Model called {attribute!r}; Models in it: {known}"
            )
        return models[attribute]
    if "model" in models:
        return models["model"]
    different = {id(model) for model in models.values()}
    if not different:
        raise UsageError(
            "SET013",
            f"{path} declares no Model; assign one at its top level, as in model = Model(…)",
        )
    if len(different) > 1:
        raise UsageError(
            "SET014", f"{path} declares several Models: {known}; choose one, as in {path}:NAME"
        )
    return next(iter(models.values()))


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise UsageError("SET011", f"{path} {what}; give the path of a Python file with a Model")
    name = f"slotspec_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # let the file import its neighbours, as Python does for a script
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SlotspecError as error:
        raise UsageError("SET012", f"{_line(error, path)}: {error}") from error
    except SyntaxError as error:
        at = f"{path}:{error.lineno}" if error.filename == str(path.resolve()) else str(path)
        raise UsageError("SET012", f"{at}: not valid Python: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(
            "SET012",
            f"{_line(error, path)}: loading the file failed: {type(error).__name__}:"
            f" {error}{_meant(error)}",
        ) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _line(error: BaseException, path: Path) -> str:
    """The last line of the user's file that led to `error`."""
    own = [
        f.lineno
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename == str(path.resolve())
    ]
    return f"{path}:{own[-1]}" if own else str(path)


def _meant(error: BaseException) -> str:
    """What may be meant by an attribute that a model or another declaration does not have."""
    if not isinstance(error, AttributeError) or not error.name or error.obj is None:
        return ""
    known = [name for name in dir(error.obj) if not name.startswith("_")]
    found = suggest(error.name, known)
    return f"; {found}" if found.startswith("did you mean") else ""
