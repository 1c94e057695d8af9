"""Settings of Hypothesis for all tests: ``dev`` at home, ``ci`` where the variable CI is set."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# a slow or busy machine is no failure
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=10, stateful_step_count=40, **PATIENT)
settings.register_profile(
    "ci", max_examples=40, stateful_step_count=60, derandomize=True, database=None, **PATIENT
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
