"""Slotspec beside SPIN, Rumur, TLC and C on one model: the same states, counted by each.

Each tool runs in its fastest exact form on one core, all properties checked: SPIN compiled
by gcc -O3 without partial-order reduction, Rumur compiled by clang -O3 without symmetry, TLC
with one worker; and a program by hand in C for this one model, compiled by gcc -O3. Rounds
alternate between the tools, so that a busy machine slows all of them; the table shows medians.
*search* is the time of the checker's own run (for TLC with the start of its machine, for
slotspec without start and compilation), *whole* the time of the whole process with everything
compiled before, *CPU* its processor time.

python benchmarks/side_by_side.py [--sizes "2 1 4 2" …] [--rounds 5] [--tools spin …] [--plot FILE]

From PATH: spin, gcc, rumur, clang, java; TLC's jar is named by TLA2TOOLS_JAR. A tool that is
missing is left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
SIZES = ["2 1 4 2", "2 1 4 3", "2 2 3 3"]
HASH_BITS = {"2 1 4 2": 18, "2 1 4 3": 21, "2 2 3 3": 23, "2 1 5 3": 23}
PATIENCE = 30.0
"""Seconds from which on a run is not repeated in every round: once is enough."""


@dataclass
class Run:
    states: int
    transitions: int
    search: float
    whole: float
    cpu: float
    """User and system time of the process: what it took, however busy the machine is."""
    peak: int
    """Largest resident memory of the process, in bytes."""


@dataclass
class Contender:
    """A tool at one size: how to run it and how to read what it prints."""

    name: str
    command: list[str]
    folder: Path
    read: Callable[[str], tuple[int, int, float | None, float | None]]
    runs: list[Run] = field(default_factory=list)
    bytes: float | None = None


def timed(command: list[str], folder: Path) -> tuple[str, float, float, int]:
    """Output, wall time, processor time and peak memory of a command."""
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{text}")
    cpu = usage.ru_utime + usage.ru_stime
    return text, wall, cpu, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"no {pattern!r} in:\n{text}")
    return int(float(found[1].replace(",", "")))


def read_spin(text: str) -> tuple[int, int, None, None]:
    if "errors: 0" not in text or "max search depth too small" in text:
        raise SystemExit(text)
    transitions = number(r"^ *([0-9.e+]+) transitions", text) - 1
    return number(r"^ *([0-9.e+]+) states, stored", text), transitions, None, None


def read_rumur(text: str) -> tuple[int, int, None, None]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    line = r"([0-9,]+) states, ([0-9,]+) rules fired in"
    found = re.findall(line, plain)
    if "No error found" not in plain or not found:
        raise SystemExit(text)
    states, transitions = (int(v.replace(",", "")) for v in found[-1])
    return states, transitions, None, None


def read_tlc(text: str) -> tuple[int, int, None, None]:
    line = r"^([0-9,]+) states generated, ([0-9,]+) distinct states found, 0 states left"
    found = re.search(line, text, re.MULTILINE)
    if "No error has been found" not in text or found is None:
        raise SystemExit(text)
    transitions, states = (int(v.replace(",", "")) for v in found.groups())
    return states, transitions - 1, None, None


def read_c(text: str) -> tuple[int, int, None, None]:
    if "no error" not in text:
        raise SystemExit(text)
    return number(r"^([0-9]+) states", text), number(r" ([0-9]+) transitions", text), None, None


def read_ours(text: str) -> tuple[int, int, float, float]:
    found = json.loads(text.strip().splitlines()[-1])
    return found["states"], found["transitions"], found["seconds"], found["bytes"]


def missing(tool: str) -> str | None:
    needed = {
        "spin": ("spin", "gcc"),
        "rumur": ("rumur", "clang"),
        "tlc": ("java",),
        "c": ("gcc",),
    }[tool]
    gone = [name for name in needed if shutil.which(name) is None]
    if gone:
        return f"{', '.join(gone)} is not on PATH"
    if tool == "tlc" and not Path(os.environ.get("TLA2TOOLS_JAR", "")).is_file():
        return "TLA2TOOLS_JAR does not name tla2tools.jar"
    return None


def peer(tool: str, sizes: str, work: Path) -> Contender:
    """Generate and compile a peer at these sizes; running it once is part of that."""
    folder = work / f"{tool}-{sizes.replace(' ', '-')}"
    settings = {
        **os.environ,
        "KEEP": str(folder),
        "MEM_MB": "12000",
        "HASH_BITS": str(HASH_BITS.get(sizes, 22)),
    }
    command = ["sh", str(HERE / "peers" / "run.sh"), tool, *sizes.split()]
    subprocess.run(command, env=settings, check=True, stdout=subprocess.DEVNULL)
    if tool == "spin":
        bits = settings["HASH_BITS"]
        return Contender("SPIN", ["./pan", "-m3000000", f"-w{bits}"], folder, read_spin)
    if tool == "rumur":
        return Contender("Rumur", ["./m"], folder, read_rumur)
    if tool == "c":
        return Contender("C", ["./c"], folder, read_c)
    jar = os.environ["TLA2TOOLS_JAR"]
    java = ["java", "-Xmx12000m", "-XX:+UseParallelGC", "-cp", jar, "tlc2.TLC", "-deadlock"]
    options = ["-checkpoint", "0", "-metadir", "meta", "-workers", "1", "-config", "c.cfg"]
    command = [*java, *options, "slot_pool_core.tla"]
    return Contender("TLC", command, folder, read_tlc)


def ours(name: str, sizes: str, *options: str) -> Contender:
    command = [sys.executable, str(HERE / "one_search.py"), *sizes.split(), *options]
    return Contender(name, command, HERE.parent, read_ours)


def run(contender: Contender) -> None:
    text, wall, cpu, peak = timed(contender.command, contender.folder)
    states, transitions, seconds, bytes_ = contender.read(text)
    contender.bytes = bytes_
    contender.runs.append(Run(states, transitions, seconds or wall, wall, cpu, peak))


def table(contenders: list[Contender]) -> str:
    """Medians as a Markdown table."""
    first = contenders[0]
    base = median(r.search for r in first.runs)
    base_whole = median(r.whole for r in first.runs)
    base_cpu = median(r.cpu for r in first.runs)
    lines = [
        "| | search s | states/s | whole s | CPU s | bytes a state |"
        " search, times | whole, times | CPU, times |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for c in contenders:
        search, whole = median(r.search for r in c.runs), median(r.whole for r in c.runs)
        cpu = median(r.cpu for r in c.runs)
        states = c.runs[0].states
        bytes_ = c.bytes or median(r.peak for r in c.runs) / states
        mark = "" if c.bytes else " (process)"
        lines.append(
            f"| {c.name} | {search:.2f} | {states / search:,.0f} | {whole:.2f} |"
            f" {cpu:.2f} | {bytes_:.0f}{mark} | {search / base:.1f} |"
            f" {whole / base_whole:.1f} | {cpu / base_cpu:.1f} |"
        )
    return "\n".join(lines)


def plot(rates: dict[str, dict[str, float]]) -> str:
    """States per second of each tool at each size, as bars on a logarithmic scale (SVG)."""
    least, most = 1e3, 1e7
    height = 34 + sum(24 + 20 * len(by_name) for by_name in rates.values())
    left, right = 210, 800

    def across(rate: float) -> float:
        share = (math.log10(rate) - math.log10(least)) / (math.log10(most) - math.log10(least))
        return left + (right - left) * min(1.0, max(0.0, share))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="900" height="{height}" fill="#ffffff"/>',
    ]
    for exponent in range(3, 8):
        x = across(10.0**exponent)
        parts.append(f'<line x1="{x}" y1="22" x2="{x}" y2="{height}" stroke="#d0d0d0"/>')
        parts.append(f'<text x="{x}" y="16" text-anchor="middle">{10**exponent:,}/s</text>')
    y = 34
    for title, by_name in rates.items():
        parts.append(f'<text x="8" y="{y + 12}" font-weight="bold">{title}</text>')
        y += 20
        for name, rate in by_name.items():
            colour = "#0072b2" if name.startswith("slotspec") else "#e69f00"
            parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name}</text>')
            width = across(rate) - left
            parts.append(
                f'<rect x="{left}" y="{y}" width="{width:.0f}" height="15" fill="{colour}"/>'
                f'<text x="{left + width + 6:.0f}" y="{y + 12}">{rate:,.0f}</text>'
            )
            y += 20
        y += 4
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--sizes", nargs="+", default=SIZES, metavar='"T S R A"')
    words.add_argument("--rounds", type=int, default=5)
    tools = ["spin", "rumur", "tlc", "c"]
    words.add_argument("--tools", nargs="*", choices=tools, default=tools)
    words.add_argument("--most", type=int, default=2_000_000, help="states up to which TLC runs")
    words.add_argument("--plot", type=Path, help="SVG file for states per second")
    given = words.parse_args()
    rates: dict[str, dict[str, float]] = {}
    for tool in list(given.tools):
        reason = missing(tool)
        if reason is not None:
            print(f"{tool} is left out: {reason}", file=sys.stderr)
            given.tools.remove(tool)
    with tempfile.TemporaryDirectory() as made:
        for sizes in given.sizes:
            contenders = [
                ours("slotspec, exact", sizes),
                ours("slotspec, fingerprints", sizes, "fingerprints=1"),
                ours("slotspec, exact, 2 workers", sizes, "workers=2"),
                ours("slotspec, compressed", sizes, "compress=1"),
                ours("slotspec, compressed, 2 workers", sizes, "compress=1", "workers=2"),
                ours("slotspec, symmetry", sizes, "symmetry=exact"),
            ]
            run(contenders[0])
            states = contenders[0].runs.pop().states
            for other in contenders[1:]:
                run(other)
                other.runs.clear()
            for tool in given.tools:
                if tool != "tlc" or states <= given.most:
                    contenders.append(peer(tool, sizes, Path(made)))
            for _ in range(given.rounds):
                for contender in contenders:
                    if not contender.runs or contender.runs[0].whole < PATIENCE:
                        run(contender)
            counted = {
                (r.states, r.transitions)
                for c in contenders
                if "symmetry" not in c.name
                for r in c.runs
            }
            if len(counted) != 1:
                raise SystemExit(f"the tools do not agree: {counted}")
            transitions = next(iter(counted))[1]
            print(f"\nT S R A = {sizes}: {states:,} states, {transitions:,} transitions\n")
            print(table(contenders), flush=True)
            rates[f"{states:,} states"] = {
                c.name: c.runs[0].states / median(r.search for r in c.runs)
                for c in contenders
                if "symmetry" not in c.name
            }
    if given.plot is not None:
        given.plot.write_text(plot(rates), encoding="utf-8")


if __name__ == "__main__":
    main()
