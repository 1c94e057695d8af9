"""``slotspec record``: record what a live implementation does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slotspec.cli import options
from slotspec.cli.exit_codes import USAGE
from slotspec.cli.peers import explain_peer, generation_for, target_and_peer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("record")(record)


def record(
    target: Annotated[str, typer.Option(metavar="PEER", help=options.TARGET_HELP)],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Write the trace here; .gz compresses it.")
    ],
    model: options.ModelOfClass = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed makes the same trace.")] = 0,
    steps: Annotated[int, typer.Option(metavar="N", help="Length of the trace.")] = 80,
    generation: Annotated[
        str | None,
        typer.Option(metavar="V", help="Use operations of this generation; default: the peer's."),
    ] = None,
    operations: options.Operations = None,
    config: options.Config = None,
    flink_jars: options.FlinkJars = None,
    timeout: options.Timeout = 10.0,
) -> None:
    """Record what a peer does with a random sequence, without judging it.

    Exit codes: 0 recorded, 2 the peer or the input failed.
    """
    from slotspec.cli.output import check_writable
    from slotspec.oracle.fuzzing.recording import Recording
    from slotspec.oracle.peer_target import implementing
    from slotspec.oracle.peers.protocol import PeerError
    from slotspec.oracle.traces.writing import TraceWriter
    from slotspec.statemachine.errors import UsageError

    if steps < 1:
        raise UsageError("SET110", f"--steps {steps}: give at least 1")
    check_writable(out)
    subject, peer = target_and_peer(target, model, None, flink_jars, timeout, generation)
    written = 0
    try:
        compared = generation_for(peer, generation, subject)
        peer = implementing(peer, operations or None, subject, config)
        recording = Recording(peer, compared, seed, steps, model=subject.model)
        with TraceWriter(out, recording.header) as writer:
            for step in recording:
                writer.write(step)
                written += 1
    except PeerError as error:
        explain_peer(error, None)
        raise typer.Exit(USAGE) from None
    finally:
        peer.close()
    typer.echo(f"{out}: {written} steps of {peer.name}")
