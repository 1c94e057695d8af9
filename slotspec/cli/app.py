"""The commands put together."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

from slotspec.cli import check, listing


def build() -> typer.Typer:
    """The command line with every command that is installed."""
    app = typer.Typer(
        name="slotspec",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Apache Flink's slot protocol as declared, executable, checked state machines.",
        epilog="Exit codes: 0 holds or conforms, 1 violated or diverges, 2 bad input,"
        " 3 unknown, 4 a fault of slotspec itself.",
    )
    app.callback()(_common)
    check.register(app)
    listing.register(app)
    for name in ("conform", "draw", "explore", "fuzz", "generate", "record", "simulate"):
        try:
            module = importlib.import_module(f"slotspec.cli.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"slotspec.cli.{name}":
                raise
        else:
            module.register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from slotspec.version import __version__

        typer.echo(f"slotspec {__version__}")
        raise typer.Exit


def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a fault of slotspec.")
    ] = False,
) -> None:
    # main() takes --debug wherever it stands; it is declared here to be seen in the help
    pass
