"""Options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SIMULATED = "cluster"
"""The model to simulate if the user names none."""

_NAMES = "Built-in names, or file.py[:attribute]"

Models = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL…", help=f"{_NAMES}; default: all built-in models."),
]
SimulatedModels = Annotated[
    list[str] | None, typer.Argument(metavar="MODEL…", help=f"{_NAMES}; default: {SIMULATED}.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=N", help="Set a bound, such as requests=3; repeatable."),
]
Properties = Annotated[
    list[str] | None,
    typer.Option("--property", metavar="NAME", help="Check only this property; repeatable."),
]
Safety = Annotated[
    bool,
    typer.Option(
        "--safety", help="Check only what a finite run can violate: no leads-to property."
    ),
]
Bugs = Annotated[
    list[str] | None,
    typer.Option(
        "--bug",
        metavar="ISSUE",
        help="Switch on a known bug, such as FLINK-8934, or all; repeatable.",
    ),
]
Engine = Annotated[
    str, typer.Option(metavar="auto|interpreted|compiled", help="How to run the rules.")
]
On = Annotated[
    str | None,
    typer.Option(
        metavar="ray|ray://HOST:PORT", help="Use the processes of a Ray cluster, in parallel."
    ),
]
MaxSeconds = Annotated[
    float | None, typer.Option(metavar="S", help="Stop each run after this many seconds.")
]
JsonTo = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the report as JSON; - for stdout."),
]
TraceOut = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write the first trace found as JSON lines, or to .itf.json as ITF."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print errors only; the exit code has the result.")
]

TARGET_HELP = 'model:GENERATION, flink:VERSION, module:attribute, or a command: "python3 peer.py".'

ModelOfClass = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The class: a model of `slotspec list models`, Flink's name of a class, or your"
        " file.py[:attribute]; default: the slot pool of the generation.",
    ),
]
Operations = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME,…",
        help="The operations that the peer implements, if not all. May be given several times.",
    ),
]

Config = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Draw only configurations with this entry, as in the header of a trace. May be given"
        " several times.",
    ),
]


FlinkJars = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder with Flink's jars.")]
Timeout = Annotated[
    float, typer.Option(metavar="S", help="Seconds that a command has for each answer.")
]
