"""The fenced blocks of a page: read, run, and compared with the outputs that stand behind them.

A ``text`` block is the output of the block before it. A comment before a block says what is to be
done with it, where it is not simply run:

* ``main``, ``suite``: see tests/test_readme.py;
* ``excerpt: of FILE``: it has to stand in that file;
* ``trace: …``: the test of a finding compares it;
* ``elsewhere: FILE``: the tests in that file run it, or something that differs only in its size.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    first, bar, rest = command.partition("|")
    # pages show parts of what one command prints; of a pipe, the shell asks how its end ended
    alone = not re.search(r"[;&\n]", first.replace("\\\n", "")) and not rest.startswith("|")
    if bar and alone and first.count("'") % 2 == first.count('"') % 2 == 0:
        return _ran(rest, folder, start_of_pipe(first.strip(), folder)).stdout
    return _ran(command, folder).stdout


@cache
def start_of_pipe(command: str, folder: Path) -> str:
    """What a command prints, however it ends; it runs once for all pages."""
    return _ran(command, folder, fails=True).stdout


def _ran(
    command: str, folder: Path, given: str | None = None, *, fails: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command.

    :param fails: whether it may.
    :raises AssertionError: it fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        input=given or "",
    )
    assert fails or ran.returncode == 0, ran.stderr
    return ran


def printed(block: Block, folder: Path, names: dict[str, Any]) -> str:
    """What a block prints.

    :param names: the variables of the page's Python blocks so far.
    """
    if block.language == "sh":
        return shell(block.text, folder)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(block.text, "<page>", "exec"), names)
    return out.getvalue()


def is_run(block: Block) -> bool:
    """Whether a block is run as it stands."""
    return block.language in ("sh", "python") and not block.word


def rewritten(page: str, folder: Path) -> str:
    """`page` with the outputs of its blocks as they are now."""
    names: dict[str, Any] = {}
    for block in filter(is_run, blocks_of(page)):
        now = printed(block, folder, names)
        if block.output is not None and masked(now) != masked(block.output):
            told = "\n".join(line.rstrip() for line in now.splitlines()).strip("\n")
            start = f"```{block.language}\n{block.text}```\n\n```text\n"
            assert f"{start}{block.output}```\n" in page, block.text
            page = page.replace(f"{start}{block.output}```\n", f"{start}{told}\n```\n")
    return page
