"""The benchmark: bugs from Flink's history, and why some of them cannot be shown here.

Numbered so that each can be asked for: a row either has a known bug, or the reason why it has
none. What they have in common is that a view of a slot, a request or a demand goes wrong; they
were gathered from the issues of FLINK-5793 (2017) to FLINK-34434 (2024).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One bug of the benchmark, of which Flink may have more than one issue.

    :param number: its number in the benchmark.
    :param issues: Flink's issues: the bug, and where there were, its regressions.
    :param sentence: what goes wrong, in our own words.
    :param reason: why none of its issues is a known bug here; empty where one is.
    """

    number: int
    issues: tuple[str, ...]
    description: str
    reason: str = ""


DECLARATIVE = (
    "counts requirements of the declarative slot pool (1.13 and later), a class that is not"
    " modelled; SlotPoolImpl has requests and no counts"
)

BENCHMARK = tuple(
    Row(number, tuple(f"FLINK-{issue}" for issue in issues), description, reason)
    for number, issues, description, reason in (
        (1, (5793,), "A returned slot given to the next request is not in the books.", ""),
        (2, (5836,), "A task arrives before the answer to the offer of its slot.", ""),
        (3, (7870,), "A request's timeout is not told to the ResourceManager.", ""),
        (4, (6434,), "A request that has timed out is given a slot.", ""),
        (5, (8089,), "An offered slot is parked although another request waits.", ""),
        (6, (8389,), "The end of the JobMaster frees no slot.", ""),
        (7, (8505,), "A slot reported in use stays among the free ones.", ""),
        (8, (8748, 8934), "What is cancelled when another slot serves: nothing, or the wrong.", ""),
        (9, (8749,), "Slots stay when the scheduling that asked for them is cancelled.", ""),
        (10, (9047,), "A slot whose release failed is kept after its TaskExecutor left.", ""),
        (11, (11059,), "A slot is used again although its TaskExecutor has freed it.", ""),
        (12, (9324,), "A released slot is reported back before its owner has it.", ""),
        (13, (9427,), "A slot is requested of a TaskExecutor that is not registered.", ""),
        (14, (9932,), "The answer to an offer times out although it was a yes.", ""),
        (15, (18012,), "An active slot times out.", ""),
        (16, (9456,), "The JobMaster does not hear of a dead TaskExecutor.", ""),
        (17, (9884,), "A request stays although a slot is reported to hold its allocation.", ""),
        (
            18,
            (9911,),
            "An allocation is failed by another thread than the pool's own.",
            "is a race within one operation; in the models, as in Flink's single-threaded"
            " components, an operation is one step",
        ),
        (19, (9912,), "A failed allocation is not freed at its TaskExecutor.", ""),
        (20, (12260,), "A late registration displaces the newer one.", ""),
        (21, (12736,), "A TaskExecutor is released though it was given away meanwhile.", ""),
        (22, (12765,), "A shared slot is used beyond what it has.", ""),
        (23, (13421,), "A slot that is being released is allocated in.", ""),
        (24, (14701,), "A release removes the wrong child.", ""),
        (25, (13555,), "A batch request that nobody can fulfil waits for its timeout.", ""),
        (26, (14331,), "The request of a cancelled task is kept.", ""),
        (27, (14589,), "One allocation takes two slots of a TaskExecutor.", ""),
        (28, (15660,), "A repeated allocation is refused.", ""),
        (29, (14859,), "The slot of an outdated deployment is not returned.", ""),
        (30, (17019,), "Requests are fulfilled out of order.", ""),
        (31, (18372, 18407), "A slot offered without a ResourceManager ends the offer.", ""),
        (32, (18972,), "The timeout check of batch requests is off for everybody.", ""),
        (33, (19237,), "A TaskExecutor known from before is refused for ever.", ""),
        (34, (19388,), "Releasing a shared slot changes what it goes through.", ""),
        (35, (20605,), "An answer is processed after it was cancelled.", ""),
        (36, (20694,), "A freed slot counts for two requirements.", DECLARATIVE),
        (37, (21751, 22180, 31444), "Freed slots go to the job that just ended.", DECLARATIVE),
        (38, (21859,), "The answer to an older offer undoes a newer one.", ""),
        (39, (21874,), "An acknowledgement is matched by its slot alone.", ""),
        (40, (24005,), "A free slot that is released reduces the requirements again.", DECLARATIVE),
        (41, (26547,), "A slot accepted without a requirement shifts them later.", DECLARATIVE),
        (42, (34434,), "The wrong future is completed when a slot is gone.", ""),
    )
)
"""Every bug of the benchmark, by its number."""
