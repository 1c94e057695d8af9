"""Machine code is cached by content, and never mistaken for other code."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import slot_pool_core
from slotspec.statemachine.compiler.backend import cache
from slotspec.statemachine.compiler.compile import Compiled, compile_instance


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def compiled(slots: int = 1) -> Compiled:
    return compile_instance(slot_pool_core.model.instance({"T": slots, "S": 1, "R": 1, "A": 1}))


def test_the_second_time_comes_from_the_cache(home: Path) -> None:
    assert not compiled().code.cached
    assert compiled().code.cached
    assert len(list((home / "slotspec").glob("*.o"))) == 1


def test_different_bounds_give_different_code(home: Path) -> None:
    compiled()
    assert not compiled(slots=2).code.cached


def test_a_replaced_rule_gives_different_code(home: Path) -> None:
    def never(s: slot_pool_core.Pool, k: int) -> int:
        return -1

    compiled()
    bounds = {"T": 1, "S": 1, "R": 1, "A": 1}
    replaced = slot_pool_core.model.instance(bounds, replace={slot_pool_core.idle_timeout: never})
    assert not compile_instance(replaced).code.cached


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"slotspec object 1\n" + bytes(40)])
def test_damaged_code_is_recompiled(damage: bytes, home: Path) -> None:
    compiled()
    (file,) = (home / "slotspec").glob("*.o")
    file.write_bytes(damage)
    assert not compiled().code.cached
    assert compiled().code.cached


def test_one_flipped_bit_is_detected(home: Path) -> None:
    compiled()
    (file,) = (home / "slotspec").glob("*.o")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert not compiled().code.cached


def test_a_home_that_is_not_writable_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    assert not compiled().code.cached
    assert compiled().code.cached
    assert cache.folder().parent == tmp_path


def test_old_code_is_deleted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 2)
    for slots in (1, 2, 3):
        compiled(slots)
    assert len(list((home / "slotspec").glob("*.o"))) == 2
