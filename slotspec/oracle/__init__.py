"""What the modelled classes do, step by step: ask an oracle, or compare recordings with it.

Ask an oracle::

    from slotspec.oracle import Oracle

    pool = Oracle("1.12")  # short for Oracle("slot_pool", "1.12")
    pool.step("start")
    pool.step("request_new_allocated_slot", request="r1", profile="small")
    print(pool.step("connect_to_resource_manager", rm="rm1").effects)

:func:`conform_all` replays recordings. ``slotspec.oracle.fuzzing`` compares live implementations
with the model, and ``slotspec.oracle.fuzzing.stateful`` makes Hypothesis tests of a model.

How to add a class
------------------

``traces``, ``conformance``, ``fuzzing`` and ``peers`` know no single class. A class ``NAME`` has a
folder ``slotspec/oracle/NAME`` with four files, next to its model in ``slotspec/models/NAME``:

``schema.py`` defines ``SCHEMA``, a :class:`~slotspec.oracle.traces.schema.TraceSchema`: the
    operations of a trace, the types of their arguments and results, the configuration, and the
    prefix of each kind of names. Everything below decodes and encodes from it.
``adapter.py`` defines ``ORACLE``, a :class:`~slotspec.oracle.conformance.adapter.ModelOracle`:

    1. ``configure`` turns a header into bounds and choices of the model;
    2. ``declare_names`` gives each kind of names a sort of the model, as a
       :class:`~slotspec.oracle.conformance.name_tables.NameTable`, or the list in the header;
    3. ``_effect`` and ``snapshot`` encode effects and state;
    4. a method ``_op`` handles an operation that is not simply the rule of the same name with
       decoded arguments. Most operations need none.
``export.py`` defines ``EXPORTER``, an :class:`~slotspec.oracle.conformance.exporting.Exporter`: the
    header of a recording, and a method ``_action`` for each action of the environment that is
    not simply the operation of the same name.
``fuzzing.py`` defines ``TARGET``, a :class:`~slotspec.oracle.fuzzing.targets.FuzzTarget`:
    configurations, bounds, names. The default strategy mixes walks of the model's environment
    with random operations from the schema, so a class needs no strategy of its own.

``flink.py`` (optional) defines ``FlinkPeer``, which runs Flink's own class for ``flink:VERSION``.

Finally add an entry to ``slotspec/models/registry.py``. Its ``implementation`` is the one in the
headers of traces, and selects the folder. Operations that only some versions have are declared
with ``absent_in``; everything else that differs between versions is a choice of the model.

To test a class, replay recordings of the real one (``slotspec conform``), replay exported traces
of every scope, and fuzz each generation against the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slotspec.oracle.conformance.batch import conform_all
    from slotspec.oracle.conformance.oracles import Oracle
    from slotspec.oracle.conformance.report import Report, Summary
    from slotspec.oracle.traces.reading import TraceReader
    from slotspec.oracle.traces.trace import Expected, RecordedStep, TraceHeader
    from slotspec.oracle.traces.writing import TraceWriter, write_trace

__all__ = [
    "Expected",
    "Oracle",
    "RecordedStep",
    "Report",
    "Summary",
    "TraceHeader",
    "TraceReader",
    "TraceWriter",
    "conform_all",
    "write_trace",
]

_MODULES = {
    "Expected": "traces.trace",
    "Oracle": "conformance.oracles",
    "RecordedStep": "traces.trace",
    "Report": "conformance.report",
    "Summary": "conformance.report",
    "TraceHeader": "traces.trace",
    "TraceReader": "traces.reading",
    "TraceWriter": "traces.writing",
    "conform_all": "conformance.batch",
    "write_trace": "traces.writing",
}


def __getattr__(name: str) -> Any:
    # imported on first use, so that the command line does not wait for what it does not need
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
