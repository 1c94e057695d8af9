"""The shortest trace of each finding, taken on Flink's real class."""

from __future__ import annotations

import pytest

from slotspec.models import MODELS
from tests.oracle.peers.flink_findings import FATAL, findings
from tests.oracle.peers.test_flink import run, skip_without

VERSIONS = {"1.12": "1.12.5", "1.13": "1.13.6", "1.20": "1.20.5", "2.3": "2.3.0"}


@pytest.mark.slow
@pytest.mark.parametrize("generation", sorted({known.generation for known in findings()}))
def test_the_real_class_does_what_a_finding_says(generation: str) -> None:
    version = VERSIONS[generation]
    skip_without(version)
    told = run("-m", "tests.oracle.peers.flink_findings", version)
    names = [
        known.name
        for known in findings()
        if known.generation == generation
        and known.name not in FATAL
        and MODELS[known.model].flink_peer() is not None
    ]
    assert [line.split()[0] for line in told.splitlines()] == names


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FATAL))
def test_a_fatal_finding_ends_the_process(name: str) -> None:
    skip_without("2.3.0")
    with pytest.raises(AssertionError, match="exit code 239"):
        run("-m", "tests.oracle.peers.flink_findings", "2.3.0", name)
