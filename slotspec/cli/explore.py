"""``slotspec explore``: step through a model in the browser."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli import options
from slotspec.statemachine.errors import UsageError

if TYPE_CHECKING:
    from socket import socket

HOST = "127.0.0.1"
"""The only address: the page is for the user of this machine."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("explore")(explore)


def explore(
    models: options.Models = None,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port to serve on; 0: any free one.")
    ] = 8765,
) -> None:
    """Step through a model in the browser: see each state and what can happen next.

    Serves on 127.0.0.1 until Ctrl-C. Needs slotspec's extra web (uvicorn and starlette).
    """
    from slotspec.models import MODELS
    from slotspec.models.files import load_model as find_model

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
        raise UsageError("SET061", "two of these models have the same name; name only one of them")
    listener = listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"
    typer.echo(f"slotspec explore: {address} (Ctrl-C stops it)")
    config = uvicorn.Config(
        application(served),
        log_level="warning",
        server_header=False,
        h11_max_incomplete_event_size=65536,
    )
    # Ctrl-C is the normal way to stop the server
    with listener, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def listen(port: int) -> socket:
    """A listening socket at `port` that only this machine can reach.

    :raises UsageError: ``SET062`` if the port cannot be used.
    """
    from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

    # with an explicit protocol, asyncio sends answers at once and does not wait up to 40 ms
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
