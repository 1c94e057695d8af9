"""Settings of Hypothesis for all tests: ``dev`` at home, ``ci`` where the variable CI is set.

And Ctrl-C works again where it was inherited as ignored, as from the background of a shell:
tests that send it to a process of their own would wait for ever.
"""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# a slow or busy machine is no failure
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=10, stateful_step_count=40, **PATIENT)
settings.register_profile(
    "ci", max_examples=40, stateful_step_count=60, derandomize=True, database=None, **PATIENT
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
