"""The command line: one file for each command, each a thin layer over the public interface."""

from __future__ import annotations

import sys

from slotspec.cli.closed_output import open_missing, swallow_output, why_not_written
from slotspec.cli.exit_codes import FAULT, HOLDS, UNKNOWN, USAGE

CTRL_C = 130
"""The exit code typer uses for a Ctrl-C that the command does not handle itself."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its exit code.

    :param arguments: use these instead of the arguments of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    open_missing()
    try:
        code = _run([a for a in given if a != "--debug"])
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = UNKNOWN
    except BrokenPipeError:
        # the reader of our output has gone, so the result is incomplete
        swallow_output()
        code = UNKNOWN
    except Exception as error:
        why = why_not_written(error)
        if why is not None:
            swallow_output()
            print(f"Error: SET038: the output cannot be written: {why}", file=sys.stderr)
            code = USAGE
        elif debug:
            raise
        else:
            code = _explain(error)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    import typer

    from slotspec.cli.app import build

    # depending on typer's version these classes are typer's own or click's
    shown = typer.BadParameter.__mro__[2]
    command = typer.main.get_command(build())
    try:
        code = command.main(arguments, prog_name="slotspec", standalone_mode=False)
    except typer.Abort:
        code = CTRL_C
    except Exception as error:
        if not isinstance(error, shown):
            raise
        message = getattr(error, "message", None)
        if isinstance(message, str):
            # the wording of a library below typer
            error.message = message.removeprefix("Value error, ")  # type: ignore[attr-defined]
        show = getattr(error, "show", None)
        if show is not None:
            show()
        return USAGE
    if code == CTRL_C:
        print("interrupted", file=sys.stderr)
        return UNKNOWN
    return code if isinstance(code, int) else HOLDS


def _explain(error: Exception) -> int:
    """Print one line about the error and return the exit code for it."""
    from slotspec.statemachine.errors import SlotspecError
    from slotspec.statemachine.visible import visible

    if isinstance(error, SlotspecError):
        print(f"Error: {error}", file=sys.stderr)
        return USAGE
    print(
        f"slotspec itself failed: {type(error).__name__}: {visible(str(error))}"
        " (this is a fault of slotspec, not of your input; --debug shows where)",
        file=sys.stderr,
    )
    return FAULT
