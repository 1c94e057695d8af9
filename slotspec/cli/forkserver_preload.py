"""Preload what every run of ``check`` needs into the fork server.

It preloads no models: each run reads the source of its rules, which must match what it has
imported. A failure is not an error here; the run that meets it again reports it.
"""

from __future__ import annotations

import importlib
import signal
from contextlib import suppress

# Ctrl-C is for the runs; it must not end the server while it gets ready
interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
with suppress(Exception):
    importlib.import_module("slotspec.cli.jobs")
    importlib.import_module("slotspec.statemachine.search.warm_up").warm_up()
signal.signal(signal.SIGINT, interrupted)  # the server ignores it from here on, its runs do not
