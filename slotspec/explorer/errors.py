"""Requests that cannot be answered, each with its status and its mend."""

from __future__ import annotations

from slotspec.statemachine.errors import SlotspecError


class RequestError(SlotspecError):
    """A request is wrong (``WEB…``).

    :param status: HTTP status, from 400 to 499.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status
