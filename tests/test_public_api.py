"""What ``import slotspec`` offers."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import slotspec

CONSTANTS = {"DISABLED", "FLAG", "NONE", "Array", "__version__"}
HEAVY = ("numba", "llvmlite", "hypothesis", "networkx", "pygraphviz", "numpy", "rich", "typer")


@pytest.mark.parametrize("name", sorted(set(slotspec.__all__) - CONSTANTS))
def test_every_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(slotspec, name))


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_every_constant_is_there(name: str) -> None:
    assert getattr(slotspec, name) is not None


def test_the_names_are_listed() -> None:
    assert dir(slotspec) == sorted(slotspec.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        slotspec.chekc  # noqa: B018


def test_a_bare_import_loads_nothing_heavy() -> None:
    code = f"import slotspec, sys; print([m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_notebooks_are_drawn_for() -> None:
    from slotspec.statemachine import display

    forms = display.bundle(slotspec.load_model("slot_pool").instance().lifecycles["slot"])
    assert {"image/svg+xml", "text/markdown", "text/plain"} <= set(forms)
