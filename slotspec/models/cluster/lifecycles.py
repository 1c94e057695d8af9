"""Lifecycles that only the cluster has: processes, connections, the job and its tasks."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class Leader(Lifecycle):
    """Whether a JobMaster or a ResourceManager leads. Flink: LeaderContender."""

    STANDBY = State("It does nothing.", initial=True)
    LEADING = State("It serves.")
    RETIRED = State("Its job is over.", final=True)

    gain = Event("It is granted leadership, for the first time or again.", (STANDBY, LEADING))
    lose = Event("Its leadership is revoked, or it crashes.", (LEADING, STANDBY))
    retire = Event("The job has ended.", (LEADING, RETIRED))


class Process(Lifecycle):
    """The process of a TaskExecutor. It comes back under the same ResourceID."""

    DOWN = State("Not running.", initial=True)
    UP = State("Running.")

    start = Event("It starts, with nothing remembered.", (DOWN, UP))
    crash = Event("It is killed: slots and tasks are gone.", (UP, DOWN))


class Registration(Lifecycle):
    """A TaskExecutor's own view of a connection. Flink: RegisteredRpcConnection."""

    NONE = State("Not connected.", initial=True)
    TRYING = State("It has sent its registration and waits for the answer.")
    DONE = State("It was told that it is registered.")

    register = Event("It asks to be registered, maybe again.", (NONE, TRYING), (TRYING, TRYING))
    succeed = Event("The registration is confirmed.", (TRYING, DONE))
    close = Event("The connection is given up.", (TRYING, NONE), (DONE, NONE))


class Job(Lifecycle):
    """The job, as its scheduler sees it. Flink: ExecutionGraph's JobStatus, simplified."""

    CREATED = State("Not submitted, or its JobMaster does not lead.", initial=True)
    SCHEDULING = State("Its slots are asked for, and not all of them are there.")
    RUNNING = State("Every share has its slot; tasks are deployed, running or finished.")
    CANCELLING = State("Something failed: tasks are cancelled, then it starts anew.")
    FINISHED = State("Every task has finished.", final=True)

    submit = Event("The JobMaster leads and begins to schedule.", (CREATED, SCHEDULING))
    deploy = Event("The last slot has come.", (SCHEDULING, RUNNING))
    fail = Event(
        "A slot request, a slot or a task has failed.",
        (SCHEDULING, CANCELLING),
        (RUNNING, CANCELLING),
    )
    restart = Event("No task is left; slots are asked for anew.", (CANCELLING, SCHEDULING))
    finish = Event("The last task has finished.", (RUNNING, FINISHED))
    suspend = Event(
        "The JobMaster loses its leadership.",
        (SCHEDULING, CREATED),
        (RUNNING, CREATED),
        (CANCELLING, CREATED),
    )


class Share(Lifecycle):
    """The slot that one subtask of each vertex shares. Flink: ExecutionSlotSharingGroup."""

    IDLE = State("No slot, and none asked for.", initial=True)
    WAITING = State("Its slot was asked for.")
    ASSIGNED = State("It has a slot.")

    ask = Event("A slot is asked for.", (IDLE, WAITING))
    assign = Event("A slot has come.", (IDLE, ASSIGNED), (WAITING, ASSIGNED))
    give_up = Event(
        "The request has failed or is withdrawn, or the slot is returned or lost.",
        (WAITING, IDLE),
        (ASSIGNED, IDLE),
    )


class Execution(Lifecycle):
    """The present attempt of a task. Flink: ExecutionState."""

    CREATED = State("Not deployed.", initial=True)
    DEPLOYING = State("It was submitted to the TaskExecutor.")
    RUNNING = State("The TaskExecutor has it.")
    FINISHED = State("It has finished.")
    CANCELING = State("It was told to stop.")

    deploy = Event("It is submitted.", (CREATED, DEPLOYING))
    run = Event("The TaskExecutor confirms it.", (DEPLOYING, RUNNING))
    finish = Event(
        "It has done its work, maybe before its submission was confirmed.",
        (DEPLOYING, FINISHED),
        (RUNNING, FINISHED),
    )
    cancel = Event("The job fails.", (DEPLOYING, CANCELING), (RUNNING, CANCELING))
    end = Event(
        "It failed, was cancelled, or is given up with its TaskExecutor.",
        (DEPLOYING, CREATED),
        (RUNNING, CREATED),
        (CANCELING, CREATED),
    )
    reset = Event("The job starts anew.", (FINISHED, CREATED))
