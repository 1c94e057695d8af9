"""The page of known bugs, and the module that writes it."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "known-bugs.md").read_text(encoding="utf-8")


@cache
def generator() -> ModuleType:
    """docs/known_bugs.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_known_bugs", DOCS / "known_bugs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module
