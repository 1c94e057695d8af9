"""Errors of requests, each with a status and a suggested fix."""

from __future__ import annotations

from slotspec.statemachine.errors import SlotspecError


class RequestError(SlotspecError):
    """A bad request (``WEB…``).

    :param status: HTTP status, from 400 to 499.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status
