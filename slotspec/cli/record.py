"""``slotspec record``: write down what a live implementation does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slotspec.cli.fuzz import MODEL_HELP, TARGET_HELP


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("record")(record)


def record(
    target: Annotated[str, typer.Option(metavar="PEER", help=TARGET_HELP)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The trace; .gz is compressed.")],
    model: Annotated[str, typer.Option(metavar="NAME", help=MODEL_HELP)] = "slot_pool",
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same trace.")] = 0,
    steps: Annotated[int, typer.Option(metavar="N", help="Length of the trace.")] = 80,
    generation: Annotated[
        str | None,
        typer.Option(metavar="V", help="Choose operations of this one; else its own, if known."),
    ] = None,
    flink_jars: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with the jars of Flink.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="S", help="How long a command may take for one answer.")
    ] = 10.0,
) -> None:
    """Record what a peer does with a random sequence, without judging it.

    Exits with 0, or with 2 if the peer failed.
    """
    from slotspec.cli.fuzz import explain_peer, generation_for, subject_and_peer
    from slotspec.oracle.fuzzing.recording import Recording
    from slotspec.oracle.peers.protocol import PeerError
    from slotspec.oracle.traces.writing import TraceWriter
    from slotspec.statemachine.errors import UsageError

    if steps < 1:
        raise UsageError("SET110", f"{steps} steps are no trace; give at least 1")
    about, peer = subject_and_peer(target, model, None, flink_jars, timeout)
    written = 0
    try:
        held = generation_for(peer, generation, about)
        recording = Recording(peer, held, seed, steps, model=about.model)
        with TraceWriter(out, recording.header) as writer:
            for step in recording:
                writer.write(step)
                written += 1
    except PeerError as error:
        explain_peer(error, None)
        raise typer.Exit(2) from None
    finally:
        peer.close()
    typer.echo(f"{out}: {written} steps of {peer.name}")
