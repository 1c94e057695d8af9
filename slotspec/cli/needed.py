"""Imports what every run of ``check`` needs, in the process that all of them are forked from.

What cannot be imported is no error here: the run that needs it says so.
"""

from __future__ import annotations

import importlib
from contextlib import suppress

from slotspec.models import MODELS, load_model

for _needed in ("slotspec.cli.jobs", "slotspec.statemachine.search.explorer"):
    with suppress(Exception):
        importlib.import_module(_needed)
for _name in MODELS:
    with suppress(Exception):
        load_model(_name)
