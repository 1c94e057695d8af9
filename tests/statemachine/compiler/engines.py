"""Runs both engines on one instance and compares their results, including fault locations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

import slotspec.statemachine
from slotspec.statemachine import Instance, Result, explore_interpreted
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.compiler.drivers.expand import Expansion, program_text
from slotspec.statemachine.compiler.drivers.single_steps import SingleSteps
from slotspec.statemachine.results import NO_LIMITS, Limits, silent
from slotspec.statemachine.search.canonicalizer import PLAIN
from slotspec.statemachine.search.explorer import Explorer

ENGINE = str(Path(slotspec.statemachine.__file__).parent)


def verify(instance: Instance) -> None:
    """Check that LLVM accepts the translation as well-formed.

    :raises RuntimeError: it does not.
    """
    llvm.initialize_native_target()
    for writer in (Expansion, SingleSteps):
        symmetric = writer is Expansion
        _, text = program_text(instance, True, symmetric, writer)
        llvm.parse_assembly(text).verify()


def compiled_with_site(instance: Instance, limits: Limits = NO_LIMITS) -> tuple[Result, str | None]:
    """The result of the compiled search, and where its machine code locates the first fault."""
    compiled = compile_instance(instance)
    explorer = Explorer(compiled, limits, silent, 1, False, PLAIN, None)
    result = explorer.run()
    met = explorer.found.get(compiled.result_buffer.fault)
    return result, None if met is None else str(compiled.sites[met.site])


def place_in(fault: str) -> tuple[str, str, int] | None:
    """Code, file and line of a fault; None if it names no line."""
    code = re.match(r"([A-Z]{3}\d{3})?", fault)
    line = re.search(r"([\w.]+\.py):(\d+)", fault)
    return (code[0], line[1], int(line[2])) if code and line else None


def compare(instance: Instance, limits: Limits = NO_LIMITS) -> tuple[Result, Result]:
    """The results of both engines, after checking that they agree in everything they report.

    :raises AssertionError: they do not agree.
    """
    verify(instance)
    interpreted = explore_interpreted(instance, limits)
    compiled, site = compiled_with_site(instance, limits)
    for name in ("states", "transitions", "depth", "taken", "fired", "dead", "verdict"):
        one, two = getattr(compiled, name), getattr(interpreted, name)
        assert one == two, f"{name}: compiled {one}, interpreted {two}"
    for first, second in zip(compiled.properties, interpreted.properties, strict=True):
        name = first.property.name
        assert first.verdict is second.verdict, f"{name}: {first.verdict}, {second.verdict}"
        assert first.finding == second.finding, f"{name}: {first.finding}, {second.finding}"
    assert compiled.deadlock == interpreted.deadlock
    assert (compiled.fault is None) == (interpreted.fault is None), (
        f"faults: compiled {site}, interpreted {fault_of(interpreted)}"
    )
    if compiled.fault is not None and interpreted.fault is not None:
        expected = fault_of(interpreted)
        assert site is not None
        assert expected is not None
        if compiled.fault.calls != interpreted.fault.calls and expected.startswith("property"):
            # the interpreter checks a property when it finds a state, the compiled search when
            # it expands the state; in between, it may meet another fault
            assert 0 <= len(compiled.fault.calls) - len(interpreted.fault.calls) <= 1
            return compiled, interpreted
        assert compiled.fault.calls == interpreted.fault.calls
        there, here = place_in(site), place_in(expected)
        assert there is not None
        # a scratch field that is not cleared shows at the end of a step, not at a rule's line
        assert site[:6] == expected[:6] or not expected.startswith("STP"), f"{site} / {expected}"
        # the interpreter locates a fault of a rule of the language, such as add, at its caller
        if here is not None and ENGINE not in site:
            assert there[1:] == here[1:], f"{site} / {expected}"
    return compiled, interpreted


def fault_of(result: Result) -> Any:
    return None if result.fault is None else result.fault.fault
