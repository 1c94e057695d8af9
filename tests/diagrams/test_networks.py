"""The messages between the processes of a cluster: all that the rules send, and no others."""

from __future__ import annotations

import pytest

from slotspec import load_model
from slotspec.diagrams.gallery import WALKED
from slotspec.diagrams.networks import network, role
from slotspec.models.cluster.state import Message
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.message_formatting import MessageFormatter
from tests.variants import fast_only


@pytest.mark.parametrize("name", WALKED)
def test_every_kind_of_message_is_named(name: str) -> None:
    model = load_model(name)
    for generation in model.generations:
        formatter = formatter_of(model.instance(generation=generation))
        assert isinstance(formatter, MessageFormatter)
        assert {kind for _, _, kind in formatter.routes()} == set(formatter.kinds())


@pytest.mark.parametrize("name", fast_only(WALKED, "cluster"))
def test_walks_see_nothing_that_the_rules_do_not_send(name: str) -> None:
    model = load_model(name)
    instance = model.instance(WALKED[name], generation=list(model.generations)[-1])
    formatter = formatter_of(instance)
    assert isinstance(formatter, MessageFormatter)
    sent = {(role(source), role(target), kind) for source, target, kind in formatter.routes()}
    channels = network([instance], walks=6).channels
    assert {(c.source, c.target, kind) for c in channels for kind in c.messages} == sent
    assert sum(len(c.messages) - len(c.unseen) for c in channels) > 12
    assert any(c.unseen for c in channels)


def test_who_may_send_what() -> None:
    instance = load_model("cluster").instance(generation="1.13")
    formatter = formatter_of(instance)
    assert isinstance(formatter, MessageFormatter)
    to_job_master = {
        kind
        for source, target, kind in formatter.routes()
        if (source, target) == ("ResourceManager", "JobMaster")
    }
    assert to_job_master == {
        Message.ALLOCATION_FAILED.name.lower(),
        Message.DISCONNECT.name.lower(),
        Message.REQUEST_ACKNOWLEDGED.name.lower(),
        Message.REQUEST_REFUSED.name.lower(),
    }
