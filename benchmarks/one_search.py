"""One search of the slot pool core, for a benchmark to time: prints a line of JSON.

python benchmarks/one_search.py T S R A [workers=2] [fingerprints=1] [symmetry=exact] [compress=1]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from examples.slot_pool_core import model
from slotspec.statemachine.search.engine import explore_compiled


def main() -> None:
    sizes = dict(zip("TSRA", map(int, sys.argv[1:5]), strict=True))
    given = dict(word.split("=") for word in sys.argv[5:])
    result = explore_compiled(
        model.instance(sizes),
        workers=int(given.get("workers", 1)),
        fingerprints=bool(int(given.get("fingerprints", 0))),
        symmetry=given.get("symmetry", False),
        compress=bool(int(given.get("compress", 0))),
    )
    assert result.verdict.value == "HOLDS"
    print(
        json.dumps(
            {
                "states": result.states,
                "transitions": result.transitions,
                "seconds": result.seconds,
                "bytes": result.bytes_per_state,
            }
        )
    )


if __name__ == "__main__":
    main()
