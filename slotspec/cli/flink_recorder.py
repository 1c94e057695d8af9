"""``slotspec flink agent``, ``merge`` and ``record-cluster``: record real clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slotspec.cli import options

_JARS_HELP = "Folder of jars; default: $SLOTSPEC_FLINK_JARS, or slotspec's cache."


def register(flink: typer.Typer) -> None:
    """Add the commands to those of ``slotspec flink``."""
    flink.command("agent")(agent)
    flink.command("merge")(merge)
    flink.command("record-cluster")(record_cluster)


def agent(
    jar: Annotated[Path, typer.Argument(metavar="FILE", help="Write the agent here.")],
    quiet: options.Quiet = False,
) -> None:
    """Compile the recorder into a jar that JobManagers and TaskManagers take as an agent.

    Exit codes: 0 it was written, 2 there is no JDK.
    """
    from slotspec.cli.output import Output, check_writable
    from slotspec.recorder.building import build_agent

    check_writable(jar)
    build_agent(jar)
    printed = Output(quiet)
    printed.line(f"wrote {jar}; attach it to every JobManager and TaskManager, for instance by")
    printed.line(f"  env.java.opts.all: -javaagent:{jar.resolve()}=out=FOLDER")


def merge(
    parts: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Folders or files that the agents wrote.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the recording here.")],
    quiet: options.Quiet = False,
) -> None:
    """Make one recording of what the agents of a cluster wrote, for ``slotspec conform``.

    Exit codes: 0 it was written, 2 the files are not the agents' or contradict each other.
    """
    import gzip
    import json

    from slotspec.cli.output import Output, check_writable, write
    from slotspec.recorder.merging import cost, merge_parts, read_part
    from slotspec.statemachine.errors import UsageError
    from slotspec.statemachine.plurals import counted

    check_writable(out)
    files: list[Path] = []
    for part in parts:
        found = sorted(part.glob("*.jsonl")) if part.is_dir() else [part]
        if not found or not all(path.is_file() for path in found):
            raise UsageError("SET142", f"{part} has no file of an agent; name its out= folder")
        files += found
    read = [read_part(path) for path in sorted(files)]
    lines = merge_parts(read)
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    write(out, gzip.compress(text.encode(), mtime=0) if out.suffix == ".gz" else text)
    Output(quiet).line(
        f"wrote {out}: {counted(len(lines) - 1, 'line')} of {counted(len(files), 'file')},"
        f" Flink {lines[0]['flink']}"
    )
    spent = cost(read)
    if spent is not None:
        Output(quiet).line(f"recording took {spent}")


def record_cluster(
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="A release whose jars are there, as 1.13.6.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write the run into this new folder.")],
    task_managers: Annotated[int, typer.Option(metavar="N", min=1, max=9)] = 2,
    slots: Annotated[
        int, typer.Option(metavar="N", min=1, max=8, help="Slots of each TaskManager.")
    ] = 1,
    parallelism: Annotated[int, typer.Option(metavar="N", min=1, max=8, help="Of the job.")] = 1,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, max=60, help="How long the job works.")
    ] = 0.5,
    apart: Annotated[
        bool, typer.Option("--apart", help="The vertices of the job may not share slots.")
    ] = False,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="WHAT",
            help="kill:tm1@0.5, stop:…, continue:…, start:…, or cancel@2: seconds after the job"
            " was submitted; repeatable.",
        ),
    ] = None,
    states: Annotated[
        bool, typer.Option("--states/--no-states", help="Record what endpoints remember.")
    ] = True,
    tasks: Annotated[
        bool, typer.Option("--tasks", help="Record names of tasks; this delays their submission.")
    ] = False,
    flink_jars: Annotated[
        Path | None, typer.Option("--flink-jars", metavar="DIR", help=_JARS_HELP)
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Run a small real cluster of Java processes with one job, and record it.

    The folder gets the recording, the ordinary logs, and what each process wrote.

    Exit codes: 0 it was recorded, 2 bad input: no JDK, no jars, or the cluster does not start.
    """
    from slotspec.cli.output import Output
    from slotspec.recorder.cluster import Event, Plan, record

    pace = 20
    plan = Plan(
        version=version,
        task_managers=task_managers,
        slots=slots,
        parallelism=parallelism,
        records=max(1, round(seconds * 1000 / pace)) * parallelism,
        ms=pace,
        apart=apart,
        events=tuple(Event.of(text) for text in events or ()),
        states=states,
        tasks=tasks,
    )
    run = record(plan, out, flink_jars)
    printed = Output(quiet)
    spent = f"; recording took {run.cost}" if run.cost else ""
    printed.line(f"job {run.result} after {run.seconds:.1f} s; {run.lines:,} lines{spent}")
    printed.line(f"  slotspec conform {run.recording}")
    printed.line(f"  slotspec logs {run.folder / 'logs'}")
