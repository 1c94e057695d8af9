"""The fenced blocks of a page: read, run, and compared with the outputs that stand behind them.

A ``text`` block is the output of the block before it. A comment before a block says what is to be
done with it, where it is not simply run: ``main``, ``suite`` (see tests/test_readme.py), or
``excerpt: of FILE`` for what has to stand in that file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the word of the comment before it, what it prints."""

    language: str
    word: str
    text: str
    note: str
    output: str | None


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page of Markdown, in their order."""
    found = BLOCK.findall(page)
    made = []
    for place, (note, language, text) in enumerate(found):
        follower = found[place + 1] if place + 1 < len(found) else ("", "", "")
        output = follower[2] if follower[1] == "text" else None
        made.append(Block(language, note.partition(":")[0], text, note, output))
    return made


def masked(text: str) -> str:
    """Seconds, speeds, and the blanks that their width makes are not compared."""
    text = re.sub(r"\d+\.\d(?= s\b|  )", "T", text)
    text = re.sub(r"[\d,]+(?= steps/s)", "N", text)
    return "\n".join(re.sub(r" {2,}", "  ", line).strip() for line in text.strip().splitlines())


def prepare(folder: Path) -> None:
    """Put what the commands of a page name into an empty folder."""
    for name in ("examples", "tests"):
        (folder / name).symlink_to(ROOT / name)


def shell(command: str, folder: Path) -> str:
    """What a command prints.

    :raises AssertionError: it fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def rewritten(page: str, folder: Path) -> str:
    """`page` with the outputs of its commands as they are now."""
    for block in blocks_of(page):
        if block.language == "sh" and not block.word and block.output is not None:
            printed = "\n".join(line.rstrip() for line in shell(block.text, folder).splitlines())
            old = f"```sh\n{block.text}```\n\n```text\n{block.output}```\n"
            new = f"```sh\n{block.text}```\n\n```text\n{printed.strip(chr(10))}\n```\n"
            assert old in page, block.text
            if masked(printed) != masked(block.output):
                page = page.replace(old, new)
    return page
