"""Imports what every run of ``check`` needs, in the process that all of them are forked from.

Not the models: each run reads its rules' source, which must be what it has imported. What
cannot be imported is no error here: the run that needs it says so.
"""

from __future__ import annotations

import importlib
from contextlib import suppress

for _needed in ("slotspec.cli.jobs", "slotspec.statemachine.search.explorer"):
    with suppress(Exception):
        importlib.import_module(_needed)
