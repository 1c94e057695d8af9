"""Fixtures that run the command line in this process, and write models for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotspec.cli import main
from tests.cli.counter import Make, Ran, Run


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``slotspec`` with these arguments."""

    def it(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert isinstance(left.value.code, int)
        return Ran(left.value.code, captured.out, captured.err)

    return it


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a Python file of these parts and return its path."""

    def it(*parts: str, name: str = "counter.py") -> str:
        path = tmp_path / name
        path.write_text("".join(parts), encoding="utf-8")
        return str(path)

    return it
