"""The cluster's own lifecycles: processes, connections, the job and its tasks."""

from __future__ import annotations

from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class Leader(Lifecycle):
    """Whether a JobMaster or a ResourceManager leads. Flink: LeaderContender."""

    STANDBY = State("It waits for leadership.", initial=True)
    LEADING = State("It leads.")
    RETIRED = State("Its job has ended.", final=True)

    gain = Event("It is granted leadership, for the first time or again.", (STANDBY, LEADING))
    lose = Event("Its leadership is revoked, or it crashes.", (LEADING, STANDBY))
    retire = Event("The job has ended.", (LEADING, RETIRED))


class Process(Lifecycle):
    """The process of a TaskExecutor. It restarts under the same ResourceID."""

    DOWN = State("Not running.", initial=True)
    UP = State("Running.")

    start = Event("It starts with empty memory.", (DOWN, UP))
    crash = Event("It is killed, with its slots and tasks.", (UP, DOWN))


class Registration(Lifecycle):
    """A TaskExecutor's own view of a connection. Flink: RegisteredRpcConnection."""

    NONE = State("Not connected.", initial=True)
    TRYING = State("It has sent its registration and waits for the answer.")
    DONE = State("Its registration is confirmed.")

    register = Event(
        "It sends its registration, for the first time or again.", ((NONE, TRYING), TRYING)
    )
    succeed = Event("The registration is confirmed.", (TRYING, DONE))
    close = Event("It gives the connection up.", ((TRYING, DONE), NONE))


class Job(Lifecycle):
    """The job, as its scheduler sees it, or one region of it that restarts alone.

    Flink: ExecutionGraph's JobStatus and SchedulingPipelinedRegion, simplified.
    """

    CREATED = State("Not submitted, or its JobMaster does not lead.", initial=True)
    SCHEDULING = State("It waits for slots.")
    RUNNING = State("Every share has its slot; tasks are deployed, running or finished.")
    CANCELLING = State("Something failed: its tasks are cancelled, then it restarts.")
    FINISHED = State("Every task has finished, or the job was cancelled.")

    submit = Event("The JobMaster leads and begins to schedule it.", (CREATED, SCHEDULING))
    deploy = Event("The last slot has arrived.", (SCHEDULING, RUNNING))
    fail = Event(
        "A slot request, a slot or a task has failed.", ((SCHEDULING, RUNNING), CANCELLING)
    )
    restart = Event(
        "No task is deployed any more; it requests slots again.", (CANCELLING, SCHEDULING)
    )
    finish = Event("The last task has finished.", (RUNNING, FINISHED))
    end = Event(
        "It was cancelled by its user, and no task is deployed any more.", (CANCELLING, FINISHED)
    )
    rerun = Event(
        "Results are lost that it has written and another region needs, or that it has read.",
        (FINISHED, CANCELLING),
    )
    suspend = Event(
        "Its JobMaster loses its leadership.",
        ((SCHEDULING, RUNNING, CANCELLING, FINISHED), CREATED),
    )


class Share(Lifecycle):
    """The slot that one subtask of each vertex shares. Flink: ExecutionSlotSharingGroup."""

    IDLE = State("It has no slot, and requests none.", initial=True)
    WAITING = State("It has requested a slot.")
    ASSIGNED = State("It has a slot.")

    ask = Event("It requests a slot.", (IDLE, WAITING))
    assign = Event("It gets a slot.", ((IDLE, WAITING), ASSIGNED))
    give_up = Event(
        "Its request failed or was withdrawn, or its slot was returned or lost.",
        ((WAITING, ASSIGNED), IDLE),
    )


class Execution(Lifecycle):
    """The current attempt of a task. Flink: ExecutionState."""

    CREATED = State("Not deployed.", initial=True)
    DEPLOYING = State("It has been submitted to the TaskExecutor.")
    RUNNING = State("The TaskExecutor runs it.")
    FINISHED = State("It has finished.")
    CANCELING = State("It has been told to stop.")

    deploy = Event("It is submitted.", (CREATED, DEPLOYING))
    run = Event("The TaskExecutor reports that it runs.", (DEPLOYING, RUNNING))
    finish = Event(
        "It has done its work; maybe the message that it runs was lost.",
        ((DEPLOYING, RUNNING), FINISHED),
    )
    cancel = Event("The job fails.", ((DEPLOYING, RUNNING), CANCELING))
    end = Event(
        "It failed, was cancelled, or was lost with its TaskExecutor.",
        ((DEPLOYING, RUNNING, CANCELING), CREATED),
    )
    reset = Event("The job restarts.", (FINISHED, CREATED))
