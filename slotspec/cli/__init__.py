"""The command line: thin commands over the public interface, one file for each."""

from __future__ import annotations

import sys

from slotspec.cli.exit_codes import FAULT, HOLDS, UNKNOWN, USAGE

CTRL_C = 130
"""What typer makes of Ctrl-C where a command does not handle it itself."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    :param arguments: instead of those of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    try:
        code = _run([a for a in given if a != "--debug"])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = UNKNOWN
    except BrokenPipeError:
        # whoever read our output has gone; nothing is known to be wrong or right
        sys.stderr.close()
        code = UNKNOWN
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    import typer

    from slotspec.cli.app import build

    # the classes are typer's or click's own, which depends on typer's version
    shown = typer.BadParameter.__mro__[2]
    command = typer.main.get_command(build())
    try:
        code = command.main(arguments, prog_name="slotspec", standalone_mode=False)
    except typer.Abort:
        code = CTRL_C
    except Exception as error:
        if not isinstance(error, shown):
            raise
        show = getattr(error, "show", None)
        if show is not None:
            show()
        return USAGE
    if code == CTRL_C:
        print("interrupted", file=sys.stderr)
        return UNKNOWN
    return code if isinstance(code, int) else HOLDS


def _explain(error: Exception) -> int:
    """Say in one line what went wrong; the exit code that tells it."""
    from slotspec.statemachine.errors import SlotspecError

    if isinstance(error, SlotspecError):
        print(f"Error: {error}", file=sys.stderr)
        return USAGE
    print(
        f"slotspec itself failed: {type(error).__name__}: {error}"
        " (this is a fault of slotspec, not of your input; --debug shows where)",
        file=sys.stderr,
    )
    return FAULT
