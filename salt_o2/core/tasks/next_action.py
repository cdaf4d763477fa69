"""What an agent does next with one task: from what the task is and what it should be, one act at a time.

An agent carries out the act, looks at what came of it, and asks again until the answer is REST. Controlled
tasks (direct, fairmq) go from state to state; a basic task is a process while RUNNING and nothing but a word
before and after:

    controlled   (none) -LAUNCH-> STANDBY -CONFIGURE-> CONFIGURED -START-> RUNNING, back by STOP, RESET, EXIT
    basic        STANDBY, CONFIGURED: assumed      RUNNING: LAUNCH     below again: KILL, then assumed
"""

from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.states import ControlMode, TaskEvent, TaskState

_S, _E = TaskState, TaskEvent


class Act(StrEnum):
    """What an agent can do with a task, besides sending it an event."""

    LAUNCH = "LAUNCH"
    KILL = "KILL"
    ASSUME = "ASSUME"
    """Take the goal for the state: nothing has to happen."""
    REST = "REST"
    """The goal is reached, or this is as far as it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One task as its agent sees it."""

    mode: ControlMode
    goal: TaskState
    state: TaskState
    """UNKNOWN before the first launch, and between two states."""
    alive: bool
    fresh: bool = False
    """The order carries a launch that has not been used yet: the task may be started (again)."""
    replaced: bool = False
    """The order's launch is not the one that the living process was started by."""
    outdated: bool = False
    """The order's properties are not the ones that the task was configured with."""
    lost: bool = False
    """It hangs, or what it does is not known any more: only a signal helps."""
    given_up: bool = False
    """A step failed since the order came, or it ended by itself."""
    stuck: bool = False
    """Not even SIGKILL ended it."""


CONTROLLED = (ControlMode.DIRECT, ControlMode.FAIRMQ)
DOWN = {_S.RUNNING: _E.STOP, _S.CONFIGURED: _E.RESET, _S.STANDBY: _E.EXIT}
TOWARDS = {
    _S.STANDBY: {_S.RUNNING: _E.STOP, _S.CONFIGURED: _E.RESET, _S.UNKNOWN: _E.RESET},
    _S.CONFIGURED: {_S.STANDBY: _E.CONFIGURE, _S.RUNNING: _E.STOP, _S.UNKNOWN: _E.RESET},
    _S.RUNNING: {_S.STANDBY: _E.CONFIGURE, _S.CONFIGURED: _E.START, _S.UNKNOWN: _E.RESET},
}
"""For a living task that is where its launch and its properties want it."""


def is_reached(mode: ControlMode, goal: TaskState, state: TaskState, *, alive: bool) -> bool:
    """Return whether a task is where ``goal`` wants it, and has a process exactly if it needs one there."""
    if goal is _S.DONE:
        return state is _S.DONE and not alive
    return state is goal and alive == (mode in CONTROLLED or goal is _S.RUNNING)


def has_done_its_work(mode: ControlMode, goal: TaskState, state: TaskState, *, exit_code: int | None) -> bool:
    """Return whether a program that was to be RUNNING has ended by itself, and well."""
    return mode not in CONTROLLED and goal is _S.RUNNING and state is _S.DONE and exit_code == 0


def next_step(task: Situation) -> TaskEvent | Act:
    """Return what to do with ``task`` now."""
    if task.stuck:
        return Act.REST
    if task.alive and (task.lost or task.state is _S.DONE or _in_terminal_error(task)):
        return Act.KILL
    if task.goal is _S.DONE:
        return _towards_the_end(task)
    if task.given_up:
        return Act.REST
    return _controlled(task) if task.mode in CONTROLLED else _basic(task)


def _in_terminal_error(task: Situation) -> bool:
    """FairMQ never leaves ERROR, any request there would make it hang, and with OCC it hangs anyway."""
    return task.mode is ControlMode.FAIRMQ and task.state is _S.ERROR


def _towards_the_end(task: Situation) -> TaskEvent | Act:
    if not task.alive:
        return Act.REST if task.state is _S.DONE else Act.ASSUME
    return DOWN.get(task.state, Act.KILL) if task.mode in CONTROLLED else Act.KILL


def _controlled(task: Situation) -> TaskEvent | Act:
    if not task.alive:
        return Act.LAUNCH if task.fresh or task.state is _S.UNKNOWN else Act.REST
    if task.fresh and (task.replaced or task.state is _S.ERROR):
        return DOWN.get(task.state, Act.KILL)
    if task.outdated and task.goal is not _S.STANDBY and task.state in (_S.CONFIGURED, _S.RUNNING):
        return DOWN[task.state]
    return TOWARDS[task.goal].get(task.state, Act.REST)


def _basic(task: Situation) -> TaskEvent | Act:
    if task.alive:
        if task.goal is not _S.RUNNING or (task.fresh and task.replaced):
            return Act.KILL
        return Act.REST if task.state is _S.RUNNING else Act.ASSUME
    over = task.state is _S.ERROR or (task.state is _S.DONE and task.goal is _S.RUNNING)
    if over and not task.fresh:
        return Act.REST
    if task.goal is _S.RUNNING:
        return Act.LAUNCH
    return Act.REST if task.state is task.goal and not task.fresh else Act.ASSUME
