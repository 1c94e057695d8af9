"""What every class declares in its schema can be decoded, run and encoded."""

from __future__ import annotations

from inspect import signature

import pytest

from slotspec.models.registry import Entry, recorded
from slotspec.oracle.traces.schema import Operation, TraceSchema

OPERATIONS = [
    pytest.param(entry, operation, id=f"{entry.name}.{operation.name}")
    for entry in recorded().values()
    for operation in entry.schema().operations
]


@pytest.mark.parametrize(("entry", "operation"), OPERATIONS)
def test_each_operation_can_be_run(entry: Entry, operation: Operation) -> None:
    oracle = entry.oracle()
    special = getattr(oracle, f"_{operation.name}", None)
    if special is not None:
        named = {
            p.name for p in signature(special).parameters.values() if p.kind is not p.VAR_KEYWORD
        }
        open_ended = any(p.kind is p.VAR_KEYWORD for p in signature(special).parameters.values())
        assert named - {"self"} <= operation.accepted
        assert open_ended or operation.accepted <= named
        return
    rule = getattr(oracle.rules, operation.name)
    decoded = [argument for argument in operation.arguments if not argument.ignored]
    assert len(signature(rule).parameters) == 1 + len(decoded)
    names = oracle(entry.schema().generations[-1]).names
    assert all(a.kind in names for a in decoded if a.known_only)
    assert not isinstance(operation.result, str) or operation.result in names


@pytest.mark.parametrize("entry", recorded().values(), ids=lambda entry: entry.name)
def test_names_are_declared_once(entry: Entry) -> None:
    schema: TraceSchema = entry.schema()
    kinds = {
        part.kind
        for operation in schema.operations
        for argument in operation.arguments
        for part in (argument, *(argument.items or ()))
    }
    unused = {kind for kind, names in schema.names.items() if not names.generated} - kinds
    listed = {kind for kind in unused if f"{kind}s" in schema.required}  # in headers alone
    assert unused - listed <= {names.within for names in schema.names.values()}
    assert {names.within for names in schema.names.values()} <= {None, *schema.names}
    own = [n.prefix for n in schema.names.values() if n.generated]
    assert len(own) == len(set(own))
