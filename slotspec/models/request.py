"""Lifecycle of a slot request: one call of request_new_allocated_slot or its batch form."""

from __future__ import annotations

from slotspec.statemachine.lifecycle import Event, Lifecycle, State


class SlotRequest(Lifecycle):
    """The future that a request for a slot has returned.

    It says what the caller knows. Whether the pool still has the request queued is another
    matter: reused request ids can leave a finished request in a queue. Flink:
    SlotPoolImpl.PendingRequest.
    """

    UNUSED = State("No request.", initial=True)
    WAITING = State("Queued until a ResourceManager is connected.")
    PENDING = State("Sent to the ResourceManager; waits for a slot.")
    FORGOTTEN = State("The pool dropped it without telling its caller.")
    FULFILLED = State("The caller has a slot.", final=True)
    FAILED = State("The caller was told that there is no slot.", final=True)
    TIMED_OUT = State("The caller was told that it took too long.", final=True)
    CANCELLED = State("The caller gave it up.", final=True)
    UNANSWERED = State("Forgotten and without a timeout: the caller never hears.", final=True)

    stash = Event("Asked for while no ResourceManager is connected.", (UNUSED, WAITING))
    send = Event(
        "Sent to the ResourceManager under an allocation id of its own.",
        (UNUSED, PENDING),
        (WAITING, PENDING),
    )
    fulfil = Event("A slot serves it.", (WAITING, FULFILLED), (PENDING, FULFILLED))
    fail = Event("Its allocation, or the ResourceManager, fails.", (PENDING, FAILED))
    time_out = Event(
        "Its own timeout fires, or the batch check gives up.",
        (WAITING, TIMED_OUT),
        (PENDING, TIMED_OUT),
        (FORGOTTEN, TIMED_OUT),
    )
    cancel = Event(
        "The job releases it before it has a slot.", (WAITING, CANCELLED), (PENDING, CANCELLED)
    )
    forget = Event(
        "Suspend, close or another request with the same id drops it.",
        (WAITING, FORGOTTEN),
        (PENDING, FORGOTTEN),
    )
    abandon = Event("Nothing can answer it any more.", (FORGOTTEN, UNANSWERED))
