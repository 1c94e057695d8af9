"""How long the explorer takes to answer a click: prints a line of JSON for each path length.

python benchmarks/explorer.py [clicks]

The default pool (first scope, newest generation), over a real connection to a server in this
process. A click is one request for the state behind one further step.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvicorn

from slotspec.cli.explore import HOST, listen
from slotspec.diagrams.composition import Dice
from slotspec.explorer.server import application
from slotspec.models import load_model

LENGTHS = (10, 50, 100, 200)
TRACE = Path(__file__).parents[1] / "tests/data/traces/slot_pool/1.12.5/seed0125.jsonl.gz"


def main() -> None:
    clicks = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    server = uvicorn.Server(
        uvicorn.Config(
            application({"slot_pool": load_model("slot_pool")}), log_level="warning", lifespan="off"
        )
    )
    with listen(0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        measure(HTTPConnection(HOST, listener.getsockname()[1]), clicks)
        server.should_exit = True
        thread.join(10)


def measure(connection: HTTPConnection, clicks: int) -> None:
    dice = Dice(1)
    path: list[int] = []
    taken: list[float] = []
    while len(path) < max(LENGTHS):
        started = time.perf_counter()
        connection.request("GET", f"/api/view?path={'.'.join(map(str, path))}")
        answer = json.loads(connection.getresponse().read())
        taken.append(1000 * (time.perf_counter() - started))
        useful = [call for call in answer["calls"] if not call["nothing"]] or answer["calls"]
        path.append(useful[dice.below(len(useful))]["index"])
        if len(path) in LENGTHS:
            say(f"click after {len(path)} steps", taken[-clicks:])
    jumps = []
    for i in range(clicks):
        # another path each time, so that nothing of the last answer can be used again
        started = time.perf_counter()
        begin = path[: 200 - i]
        connection.request("GET", "/api/view")
        connection.getresponse().read()
        started = time.perf_counter()
        connection.request("GET", f"/api/view?path={'.'.join(map(str, begin))}")
        connection.getresponse().read()
        jumps.append(1000 * (time.perf_counter() - started))
    say("link to a state 200 steps away", jumps)
    plays = []
    for _ in range(min(clicks, 10)):
        started = time.perf_counter()
        connection.request("POST", "/api/trace", TRACE.read_bytes())
        connection.getresponse().read()
        plays.append(1000 * (time.perf_counter() - started))
    say("trace of 80 steps", plays)


def say(what: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    print(
        json.dumps(
            {
                "what": what,
                "median_ms": round(statistics.median(ordered), 1),
                "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
                "requests": len(ordered),
            }
        )
    )


if __name__ == "__main__":
    main()
