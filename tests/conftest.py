"""Settings of Hypothesis for all tests: ``dev`` at home, ``ci`` where the variable CI is set.

Compiled code is shared by all tests of all runs, in pytest's own cache folder unless
``XDG_CACHE_HOME`` names another; .ci/run names an empty one.

Tests of one file run in one process, since they share what they search and draw; those of one
model do, since its findings are found by the same searches as its counts, and those of all files
that replay the recordings.

A search in a test runs once, so no process of its own improves its code meanwhile: that would
take the processor from the other tests, and mostly end too late.

Models of its own that a test uses are forgotten.

And Ctrl-C works again where it was inherited as ignored, as from the background of a shell:
tests that send it to a process of their own would wait for ever.
"""

from __future__ import annotations

import os
import re
import signal

import pytest
from hypothesis import HealthCheck, settings

from slotspec.models.registry import MODELS
from slotspec.statemachine.compiler.backend import upgrade

# a slow or busy machine is no failure
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=5, stateful_step_count=40, **PATIENT)
settings.register_profile(
    "ci", max_examples=40, stateful_step_count=60, derandomize=True, database=None, **PATIENT
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


upgrade.SECONDS_PER_CHARACTER = 1.0  # as if improving took hours


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled code from run to run, for all workers and for processes that tests start."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if cache is not None:  # -p no:cacheprovider takes it away
        os.environ.setdefault("XDG_CACHE_HOME", str(cache.mkdir("compiled")))


REPLAYING = re.compile(
    r"tests/oracle/(\w+/test_\w+_oracle|conformance/test_conform|test_recordings)\.py"
)
"""The files whose tests replay all recordings, once for all of them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give each worker whole files, as ``--dist loadfile`` does, and whole folders of models."""
    from xdist.scheduler import LoadFileScheduling

    class LoadModelScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.rpartition("/")[0]
            if REPLAYING.fullmatch(file):
                return "recordings"
            return folder if folder.startswith("tests/models/") else file

    return LoadModelScheduling(config, log)


BUILT_IN = frozenset(MODELS)


def pytest_runtest_teardown() -> None:
    """What a test registers is forgotten after it: others look at all models."""
    for name in MODELS.keys() - BUILT_IN:
        del MODELS[name]


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
