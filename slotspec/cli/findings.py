"""What is found in today's Flink; ``python docs/findings.py`` writes this file."""

# ruff: noqa: E501

FINDINGS: dict[str, tuple[str, str]] = {
    "D1": (
        "a requirement that nobody needs stays declared",
        "declarative_slot_pool --generation 2.3 --scope idle",
    ),
    "D2": (
        "deferred requests hang beside their slots",
        "declarative_slot_pool --generation 2.3 --scope deferral",
    ),
    "D3": (
        "steady changes postpone a declaration without limit",
        "declarative_slot_pool --generation 2.3 --scope delay",
    ),
    "D4": (
        "a lost slot leaves its request behind",
        "declarative_slot_pool --generation 2.3 --scope core",
    ),
    "D5": (
        "the books are wrong after errors",
        "declarative_slot_pool --generation 2.3 --scope mistakes",
    ),
    "D6": (
        "an UNKNOWN slot is accepted and cannot be looked at",
        "declarative_slot_pool --generation 2.3 --scope unknown_slots",
    ),
    "D7": (
        "a held allocation is acknowledged to anybody",
        "declarative_slot_pool --generation 2.3 --scope core",
    ),
    "D8": (
        "requests whose preferred allocation is gone come last",
        "declarative_slot_pool --generation 2.3 --scope preferences",
    ),
    "D9": (
        "balanced without deferral serves nothing unless one message covers all",
        "declarative_slot_pool --generation 2.3 --scope balanced",
    ),
    "D10": (
        "batch requests never time out",
        "declarative_slot_pool --generation 1.13 --scope batch",
    ),
    "M1": (
        "a worker in reserve beyond the maximum stops all checks for ever",
        "fine_grained_slot_manager --generation 2.3 --scope redundancy",
    ),
    "M2": (
        "after a batch of slot requests, only the first failure is followed by a check",
        "fine_grained_slot_manager --generation 2.3 --scope requests",
    ),
    "M3": (
        "lowering a requirement that slots of two profiles fulfil raises an exception",
        "fine_grained_slot_manager --generation 2.3 --scope profiles",
    ),
    "M4": (
        "a TaskExecutor that is about to be given away gets slots",
        "fine_grained_slot_manager --generation 2.3 --scope workers",
    ),
    "M5": (
        "a declaration that is due after suspend is lost, and none follows",
        "fine_grained_slot_manager --generation 2.3 --scope restarts",
    ),
    "M6": (
        "an acknowledgement that no longer fits ends the process",
        "fine_grained_slot_manager --generation 2.3 --scope reports",
    ),
    "M7": (
        "the index of expected workers survives suspend",
        "fine_grained_slot_manager --generation 2.3 --scope restarts",
    ),
    "M8": (
        "smaller ones: an occupied slot stays PENDING, and what else is left behind",
        "fine_grained_slot_manager --generation 2.3 --scope reports --set reports=1",
    ),
    "M9": (
        "a standalone cluster that is to keep workers in reserve stops all checks for ever",
        "fine_grained_slot_manager --generation 2.3 --scope redundancy --set allocator=0 --set max_slots=0",
    ),
    "M10": (
        "a blocked TaskExecutor gets the slots planned for an expected worker",
        "fine_grained_slot_manager --generation 2.3 --scope refusals --set redundant_task_managers=0 --set iteration_order=0",
    ),
    "M11": (
        "a worker that registers is not given to the job that waits",
        "fine_grained_slot_manager --generation 2.3 --scope refusals --set redundant_task_managers=0 --set min_slots=1 --set blocking=0 --set iteration_order=0",
    ),
    "S1": (
        "a bulk that times out cancels one group and forgets the others",
        "slot_sharing_allocator --generation 2.3 --scope bulks",
    ),
    "S2": (
        "one failed request ends the checking of the whole bulk",
        "slot_sharing_allocator --generation 2.3 --scope bulks",
    ),
    "S3": (
        "a bulk cancels requests that another call has made",
        "slot_sharing_allocator --generation 2.3 --scope bulks",
    ),
    "S4": (
        "a vertex that asks again gets the slot that is being released",
        "slot_sharing_allocator --generation 2.3 --scope executions",
    ),
    "S5": (
        "a slot that is lost while its requests complete leaves a dead logical slot behind",
        "slot_sharing_allocator --generation 2.3 --scope reactions",
    ),
    "S6": (
        "a termination future that fails ends the process",
        "slot_sharing_allocator --generation 2.3 --scope terminations",
    ),
    "S7": (
        "free slots that a call has taken are lost if the pool then raises",
        "slot_sharing_allocator --generation 2.3 --scope pool",
    ),
    "S8": (
        "a slot that could serve a bulk keeps it waiting without limit",
        "slot_sharing_allocator --generation 2.3 --scope reactions",
    ),
    "S9": (
        "a call with a wrong vertex leaves slots that nobody can return",
        "slot_sharing_allocator --generation 2.3 --scope pool --set modes=1 --set foreigners=0",
    ),
    "S10": (
        "a bulk times out beside slots that could serve it",
        "slot_sharing_allocator --generation 2.3 --scope greedy",
    ),
    "T1": (
        "a slot report has more slots than the TaskExecutor",
        "task_slot_table --generation 2.3 --scope slots",
    ),
    "C1": (
        "a cancelled task runs, because its submission arrives after the calls that cancel it",
        "cluster --generation 1.13 --scope cancels",
    ),
}
