"""Decide the next action of an agent for one task, from the task's present and its ordered state.

An agent carries out the action, inspects the result, and asks again until the answer is WAIT. Controlled
tasks (direct, fairmq) go from state to state; a basic task has a process while RUNNING, and a state without a
process before and after:

    controlled   (none) -LAUNCH-> STANDBY -CONFIGURE-> CONFIGURED -START-> RUNNING, back by STOP, RESET, EXIT
    basic        STANDBY, CONFIGURED: assumed      RUNNING: LAUNCH     below again: KILL, then assumed
"""

from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.states import ControlMode, TaskEvent, TaskState

_S, _E = TaskState, TaskEvent


class AgentAction(StrEnum):
    """The actions of an agent for a task, besides sending it an event."""

    LAUNCH = "LAUNCH"
    KILL = "KILL"
    ASSUME_GOAL = "ASSUME_GOAL"
    """Report the goal as the state: the agent has nothing to do."""
    WAIT = "WAIT"
    """The task has reached its goal, or can get no nearer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSituation:
    """One task as its agent sees it."""

    mode: ControlMode
    goal: TaskState
    state: TaskState
    """UNKNOWN before the first launch, and between two states."""
    alive: bool
    fresh: bool = False
    """The order carries a launch that has not been used yet: the task may be started (again)."""
    replaced: bool = False
    """The order's launch differs from the launch of the running process."""
    outdated: bool = False
    """The order's properties differ from those that the task was configured with."""
    lost: bool = False
    """The task hangs, or its state is not known any more: only a signal helps."""
    given_up: bool = False
    """A step has failed since the order came, or the task has ended without an order."""
    stuck: bool = False
    """SIGKILL did not end the process."""


CONTROLLED = (ControlMode.DIRECT, ControlMode.FAIRMQ)
DOWN = {_S.RUNNING: _E.STOP, _S.CONFIGURED: _E.RESET, _S.STANDBY: _E.EXIT}
TOWARDS = {
    _S.STANDBY: {_S.RUNNING: _E.STOP, _S.CONFIGURED: _E.RESET, _S.UNKNOWN: _E.RESET},
    _S.CONFIGURED: {_S.STANDBY: _E.CONFIGURE, _S.RUNNING: _E.STOP, _S.UNKNOWN: _E.RESET},
    _S.RUNNING: {_S.STANDBY: _E.CONFIGURE, _S.CONFIGURED: _E.START, _S.UNKNOWN: _E.RESET},
}
"""For a task whose running process matches its launch and its properties."""


def is_reached(mode: ControlMode, goal: TaskState, state: TaskState, *, alive: bool) -> bool:
    """Return whether a task has the state of ``goal``, and has a process exactly if it needs one there."""
    if goal is _S.DONE:
        return state is _S.DONE and not alive
    return state is goal and alive == (mode in CONTROLLED or goal is _S.RUNNING)


def has_finished_work(mode: ControlMode, goal: TaskState, state: TaskState, *, exit_code: int | None) -> bool:
    """Return whether a program that was ordered to RUNNING has ended successfully, without an order."""
    return mode not in CONTROLLED and goal is _S.RUNNING and state is _S.DONE and exit_code == 0


def next_action(task: TaskSituation) -> TaskEvent | AgentAction:
    """Return what to do with ``task`` now."""
    if task.stuck:
        return AgentAction.WAIT
    if task.alive and (task.lost or task.state is _S.DONE or _in_terminal_error(task)):
        return AgentAction.KILL
    if task.goal is _S.DONE:
        return _action_to_end(task)
    if task.given_up:
        return AgentAction.WAIT
    return _controlled_action(task) if task.mode in CONTROLLED else _basic_action(task)


def _in_terminal_error(task: TaskSituation) -> bool:
    """Return whether a FairMQ device is in ERROR: it never leaves ERROR, and would hang at any request."""
    return task.mode is ControlMode.FAIRMQ and task.state is _S.ERROR


def _action_to_end(task: TaskSituation) -> TaskEvent | AgentAction:
    if not task.alive:
        return AgentAction.WAIT if task.state is _S.DONE else AgentAction.ASSUME_GOAL
    return DOWN.get(task.state, AgentAction.KILL) if task.mode in CONTROLLED else AgentAction.KILL


def _controlled_action(task: TaskSituation) -> TaskEvent | AgentAction:
    if not task.alive:
        return AgentAction.LAUNCH if task.fresh or task.state is _S.UNKNOWN else AgentAction.WAIT
    if task.fresh and (task.replaced or task.state is _S.ERROR):
        return DOWN.get(task.state, AgentAction.KILL)
    if task.outdated and task.goal is not _S.STANDBY and task.state in (_S.CONFIGURED, _S.RUNNING):
        return DOWN[task.state]
    return TOWARDS[task.goal].get(task.state, AgentAction.WAIT)


def _basic_action(task: TaskSituation) -> TaskEvent | AgentAction:
    if task.alive:
        if task.goal is not _S.RUNNING or (task.fresh and task.replaced):
            return AgentAction.KILL
        return AgentAction.WAIT if task.state is _S.RUNNING else AgentAction.ASSUME_GOAL
    over = task.state is _S.ERROR or (task.state is _S.DONE and task.goal is _S.RUNNING)
    if over and not task.fresh:
        return AgentAction.WAIT
    if task.goal is _S.RUNNING:
        return AgentAction.LAUNCH
    return AgentAction.WAIT if task.state is task.goal and not task.fresh else AgentAction.ASSUME_GOAL
