"""The benchmark: bugs from Flink's history, and why some of them are not shown here.

Each row either has a known bug or a reason why it has none. In every one a component's view of
a slot, a request or a requirement goes wrong. The issues run from FLINK-5793 (2017) to
FLINK-34434 (2024).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One bug of the benchmark; Flink may have several issues for it.

    :param number: its number in the benchmark.
    :param issues: Flink's issues: the bug and its regressions, if any.
    :param description: what goes wrong, in our own words.
    :param reason: why none of its issues is a known bug here; empty if one is.
    """

    number: int
    issues: tuple[str, ...]
    description: str
    reason: str = ""


BENCHMARK = tuple(
    Row(number, tuple(f"FLINK-{issue}" for issue in issues), description, reason)
    for number, issues, description, reason in (
        (1, (5793,), "A returned slot that serves the next request is not recorded.", ""),
        (2, (5836,), "A task arrives before the answer to the offer of its slot.", ""),
        (3, (7870,), "A request that times out is not cancelled at the ResourceManager.", ""),
        (4, (6434,), "A request that has timed out is given a slot.", ""),
        (5, (8089,), "An offered slot is parked while another request waits.", ""),
        (6, (8389,), "A JobMaster that ends does not free its slots.", ""),
        (7, (8505,), "A slot that is reported in use stays in the list of free slots.", ""),
        (
            8,
            (8748, 8934),
            "A request that another slot serves cancels nothing, or the wrong slot.",
            "",
        ),
        (9, (8749,), "Slots are kept when the scheduling that requested them is cancelled.", ""),
        (10, (9047,), "A slot that could not be freed is kept after its TaskExecutor left.", ""),
        (11, (11059,), "A slot is used again although its TaskExecutor has freed it.", ""),
        (12, (9324,), "A release completes before the owner has the slot back.", ""),
        (13, (9427,), "A slot is requested from a TaskExecutor that is not registered.", ""),
        (14, (9932,), "An accepted offer times out before its answer arrives.", ""),
        (15, (18012,), "An active slot times out.", ""),
        (16, (9456,), "The JobMaster is not told that a TaskExecutor died.", ""),
        (17, (9884,), "A request stays although a reported slot has its allocation.", ""),
        (
            18,
            (9911,),
            "An allocation is failed outside the pool's main thread.",
            "is a race within one operation; the models execute an operation in one step, as"
            " Flink's single-threaded components do",
        ),
        (19, (9912,), "A failed allocation is not freed at its TaskExecutor.", ""),
        (20, (12260,), "A late registration displaces the newer one.", ""),
        (
            21,
            (12736,),
            "A TaskExecutor is released although its slot was given away meanwhile.",
            "",
        ),
        (22, (12765,), "A shared slot is over-subscribed.", ""),
        (23, (13421,), "A task is allocated in a slot that is being released.", ""),
        (24, (14701,), "A release removes the wrong child.", ""),
        (25, (13555,), "A batch request that nobody can fulfil waits for its timeout.", ""),
        (26, (14331,), "The request of a cancelled task is kept.", ""),
        (27, (14589,), "One allocation takes two slots of a TaskExecutor.", ""),
        (28, (15660,), "A repeated allocation is refused.", ""),
        (29, (14859,), "The slot of an outdated deployment is not returned.", ""),
        (30, (17019,), "Requests are fulfilled out of order.", ""),
        (31, (18372, 18407), "An offer fails while no ResourceManager is connected.", ""),
        (32, (18972,), "The timeout check of batch requests is off for every job.", ""),
        (33, (19237,), "A TaskExecutor that is still registered is rejected for ever.", ""),
        (34, (19388,), "Releasing a shared slot changes the map that it iterates over.", ""),
        (35, (20605,), "An answer is processed after it was cancelled.", ""),
        (36, (20694,), "A freed slot is counted for two requirements.", ""),
        (37, (21751, 22180, 31444), "Freed slots go to the job that just ended.", ""),
        (38, (21859,), "The answer to an older offer undoes a newer one.", ""),
        (39, (21874,), "An acknowledgement is matched by its slot alone.", ""),
        (40, (24005,), "A free slot that is released reduces the requirements again.", ""),
        (
            41,
            (26547,),
            "A slot that is accepted without a requirement shifts later requirements.",
            "",
        ),
        (42, (34434,), "The wrong future is completed when a slot is removed.", ""),
    )
)
"""Every bug of the benchmark, ordered by number."""
