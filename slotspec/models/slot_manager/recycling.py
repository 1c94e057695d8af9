"""Frees the records that nothing refers to any more, so that a bounded check can use them again."""

from __future__ import annotations

from slotspec.models.slot_manager.lifecycles import ManagerRequest, SlotCall
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    clear_call,
    clear_request,
    is_call_spare,
    is_entered,
    is_referred_to,
)
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.after_each_step
def settle(s: SlotManagerState) -> None:
    """Clear the records of requests and calls that are over and that nothing refers to.

    A dead request needs its call only while the call is open. Without a clock to follow, a live
    one does not need a spent call either: its state says that it has one.
    """
    for request, state in enumerate(s.request):
        if state == ManagerRequest.UNUSED:
            continue
        entered = is_entered(s, request)
        if not entered:
            s.request_age[request] = 0
        call = s.request_call[request]
        if call != NONE and s.call[call] == SlotCall.SPENT and not (entered and s.follow_clock):
            s.request_call[request] = NONE
        if not entered and not is_referred_to(s, request):
            clear_request(s, request)
    for call, outcome in enumerate(s.call):
        if outcome == SlotCall.SPENT and is_call_spare(s, call):
            clear_call(s, call)
