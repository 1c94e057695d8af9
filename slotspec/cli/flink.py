"""``slotspec flink``: fetch the jars of Flink's releases, and list those that are there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli import flink_recorder, options

if TYPE_CHECKING:
    from slotspec.oracle.peers.flink_jars import Progress

flink = typer.Typer(
    name="flink",
    no_args_is_help=True,
    help="Fetch the jars of Flink's releases, for `--target flink:VERSION`; record real clusters.",
)

_TO_HELP = "Folder of jars; default: $SLOTSPEC_FLINK_JARS, or slotspec's cache."
Folder = Annotated[Path | None, typer.Option("--flink-jars", metavar="DIR", help=_TO_HELP)]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(flink)


@flink.command("fetch")
def fetch(
    versions: Annotated[
        list[str], typer.Argument(metavar="VERSION…", help="Such as 2.3.0, or 2.3 for its latest.")
    ],
    flink_jars: Folder = None,
    again: Annotated[
        bool, typer.Option("--again", help="Download a release even if it is there.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Download the jars of releases from the Python package index, with pip.

    Exit codes: 0 all are there, 2 one could not be downloaded.
    """
    from slotspec.cli.output import Output
    from slotspec.oracle.peers.flink_jars import fetch as download
    from slotspec.oracle.peers.flink_jars import is_complete, jars_folder

    printed = Output(quiet)
    for version in versions:
        there = jars_folder(flink_jars) / version
        if not again and is_complete(there):
            printed.line(f"Flink {version} is in {there}")
            continue
        with _progress_bar(f"Flink {version}") as progress:
            made = download(version, flink_jars, progress)
        printed.line(f"Flink {made.name} fetched into {made}")


@flink.command("list")
def list_jars(flink_jars: Folder = None) -> None:
    """List the releases whose jars are there."""
    from slotspec.cli.output import Output
    from slotspec.oracle.peers.flink_jars import found_jars, jars_folder, release_of

    printed = Output()
    jars = found_jars(flink_jars)
    if not jars:
        printed.line(f"no jars in {jars_folder(flink_jars)}; see slotspec flink fetch --help")
        return
    printed.table(
        ("release", "MB", "jar"),
        [(release_of(jar), f"{jar.stat().st_size / 1e6:,.0f}", str(jar)) for jar in jars],
        ("MB",),
    )


@contextmanager
def _progress_bar(title: str) -> Iterator[Progress]:
    """Shows the progress on a terminal."""
    if not sys.stderr.isatty():
        yield lambda what, done, size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)

        def show(what: str, done: int, size: int | None) -> None:
            bar.update(task, description=f"{title}: {what}", completed=done, total=size)

        yield show


flink_recorder.register(flink)
