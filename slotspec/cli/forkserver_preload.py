"""Preload the modules that every run of ``check`` needs into the fork server.

It preloads no models: each run reads the source of its rules, which must match what it has
imported. A module that cannot be imported is not an error here; the run that needs it fails.
"""

from __future__ import annotations

import importlib
from contextlib import suppress

for _module in ("slotspec.cli.jobs", "slotspec.statemachine.search.explorer"):
    with suppress(Exception):
        importlib.import_module(_module)
