"""``slotspec explore``: step through a model on a page in the browser."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.statemachine.errors import UsageError

if TYPE_CHECKING:
    from socket import socket

HOST = "127.0.0.1"
"""The only address: what is served is for the person at this machine."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("explore")(explore)


def explore(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL…]",
            help="Built-in names, or file.py[:attribute]; default: all built-in.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="0: any that is free.")
    ] = 8765,
) -> None:
    """Step through a model on a page: see each state, and what can happen next.

    Serves on 127.0.0.1 until Ctrl-C. Needs the extra web: pip install "slotspec[web]".
    """
    from slotspec.cli.modules import find_model
    from slotspec.models import MODELS

    try:
        import uvicorn

        from slotspec.explorer.server import application
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise UsageError(
            "SET060",
            f'{error.name} is not installed; the explorer needs it: pip install "slotspec[web]"',
        ) from error

    found = [find_model(name) for name in models or MODELS]
    served = {model.name: model for model in found}
    if len(served) < len(found):
        raise UsageError("SET061", "two of these models have the same name; give one of them")
    listener = listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"
    typer.echo(f"slotspec explore: {address} (Ctrl-C ends it)")
    config = uvicorn.Config(
        application(served),
        log_level="warning",
        server_header=False,
        h11_max_incomplete_event_size=65536,
    )
    # to end a server with Ctrl-C is no failure
    with listener, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def listen(port: int) -> socket:
    """A socket at `port` of this machine; no other can reach it."""
    from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

    # with the protocol named, asyncio sends answers at once instead of collecting them for 40 ms
    listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(
            "SET062", f"port {port} cannot be used: {error.strerror}; choose another with --port"
        ) from error
    return listener
