"""A record that grows: its rules see the elements that were added."""

from __future__ import annotations

from slotspec.models import load_model
from slotspec.models.slot_manager.lifecycles import ManagerRequest
from slotspec.models.slot_manager.state import requests, slots
from slotspec.models.slot_manager.timers import elapse
from slotspec.oracle.conformance.elastic import ElasticRecord
from slotspec.statemachine.declaration.rules import fire


def test_rules_loop_over_added_elements() -> None:
    instance = load_model("slot_manager").instance(choices={"follow_clock": 1})
    elastic = ElasticRecord(instance)
    s = elastic.record
    size = len(s.request)
    elastic.grow(requests, 2 * size)
    assert s.elements(requests) == range(2 * size) == range(len(s.request))
    assert s.elements(slots) == range(len(s.slot))
    fire(s.request, 2 * size - 1, ManagerRequest.register)
    elapse(s, 5)
    assert s.request_age[2 * size - 1] == 5
    assert instance.fresh().elements(requests) == range(size)
