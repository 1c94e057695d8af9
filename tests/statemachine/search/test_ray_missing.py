"""Without Ray, and with an address that is none, --on is refused."""

from __future__ import annotations

from importlib import util
from typing import Any

import pytest

from slotspec.statemachine import UsageError, check
from tests.statemachine.search.test_disk import core


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "ray" else find(name, *more)

    monkeypatch.setattr(util, "find_spec", without)
    with pytest.raises(UsageError, match=r"SET045: .*slotspec\[ray\]"):
        check(core(), on="ray")


def test_another_address_is_refused() -> None:
    with pytest.raises(UsageError, match=r"SET044: --on spark"):
        check(core(), on="spark")


def test_the_interpreter_refuses_it() -> None:
    with pytest.raises(UsageError, match=r"SET022: .*several machines"):
        check(core(), "interpreted", on="ray")
