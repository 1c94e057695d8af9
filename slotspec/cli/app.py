"""The typer application with all commands."""

from __future__ import annotations

import importlib
from typing import Annotated, Literal

import typer

from slotspec.cli import check, listing

COMMANDS = (
    "conform",
    "draw",
    "explore",
    "flink",
    "fuzz",
    "generate",
    "logs",
    "record",
    "simulate",
)
"""The modules with the other commands, in the order of the help."""
MARKUP: Literal["markdown"] = "markdown"
"""How help is written. In rich's own markup, ``slotspec[web]`` would lose its brackets."""


def build() -> typer.Typer:
    """Build the application with every command."""
    app = typer.Typer(
        name="slotspec",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=MARKUP,
        help="Check, simulate and test Apache Flink's slot protocol as state machines.",
        epilog="Exit codes: 0 holds or conforms, 1 violated or diverges, 2 bad input,"
        " 3 unknown, 4 a fault of slotspec itself.",
    )
    app.callback()(_common)
    check.register(app)
    listing.register(app)
    for name in COMMANDS:
        importlib.import_module(f"slotspec.cli.{name}").register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from slotspec.version import __version__

        typer.echo(f"slotspec {__version__}")
        raise typer.Exit


def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback if slotspec itself fails.")
    ] = False,
) -> None:
    # main() accepts --debug anywhere; it is declared here only so that --help lists it
    pass
