"""What the modelled classes do, step by step: ask it by hand, or hold recordings against it.

By hand::

    from slotspec.oracle import Oracle

    pool = Oracle("1.12")
    pool.step("start")
    pool.step("request_new_allocated_slot", request="r1", profile="small")
    print(pool.step("connect_to_resource_manager", rm="rm1").effects)

``slotspec.oracle.conform_all`` replays traces, ``slotspec.oracle.fuzzing.stateful`` makes Hypothesis
tests. The names here are imported when they are asked for: the command line shall not wait
for what it does not use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slotspec.oracle.conformance.batch import conform_all
    from slotspec.oracle.conformance.report import Report, Summary
    from slotspec.oracle.slot_pool.adapter import SlotPoolOracle as Oracle
    from slotspec.oracle.traces.reading import TraceReader
    from slotspec.oracle.traces.trace import Expected, TraceHeader, TraceStep
    from slotspec.oracle.traces.writing import TraceWriter, write_trace

__all__ = [
    "Expected",
    "Oracle",
    "Report",
    "Summary",
    "TraceHeader",
    "TraceReader",
    "TraceStep",
    "TraceWriter",
    "conform_all",
    "write_trace",
]

_PLACES = {
    "Expected": "traces.trace",
    "Oracle": "slot_pool.adapter:SlotPoolOracle",
    "Report": "conformance.report",
    "Summary": "conformance.report",
    "TraceHeader": "traces.trace",
    "TraceReader": "traces.reading",
    "TraceStep": "traces.trace",
    "TraceWriter": "traces.writing",
    "conform_all": "conformance.batch",
    "write_trace": "traces.writing",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), attribute or name)
