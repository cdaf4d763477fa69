"""Drives one process through the steps of a task's transition, and requests only allowed steps.

A FairMQ device never answers an event that is not allowed in its state; after ERROR any request prevents it
from exiting. So the driver requests the state first unless it is known (``ProcessHistory.state``). It sends a
step only if the table has the step for that state. Every call has a deadline, and one transition at a time is
in progress.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping

from salt_o2.core.errors import InvalidRequestError, TaskError, UnreachableError
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import ControlMode, TaskEvent, TaskState
from salt_o2.occ import direct, fairmq
from salt_o2.occ.outcome import Outcome, Remedy
from salt_o2.occ.transition_table import TransitionTable
from salt_o2.occ.transition_walk import Channel, TransitionWalk
from salt_o2.occ.wire.replies import DeviceState

__all__ = ["Channel", "Outcome", "Remedy", "send_event", "wait_ready"]

TABLES = {ControlMode.FAIRMQ: fairmq.TABLE, ControlMode.DIRECT: direct.TABLE}
PidCheck = Callable[[int], bool | Awaitable[bool]]
"""Returns whether the pid that a device reports belongs to the started process; it may do I/O."""
FIRST_PAUSE_S, LAST_PAUSE_S, PAUSE_GROWTH = 0.010, 0.100, 1.1
"""A process is found ready at most a tenth later than it was, and many of them do not load their host."""


async def send_event(
    channel: Channel, mode: ControlMode, event: TaskEvent, arguments: Mapping[str, str], timeout_s: float
) -> Outcome:
    """Take the process through ``event`` within ``timeout_s`` seconds, and return its state then.

    Errors of the process or its host are in the outcome, not raised. STOP, RESET and EXIT of a process that
    is already at their target send no request. CONFIGURE and START of such a process are refused, because
    their arguments would not reach it.

    Raises:
        InvalidRequestError: for a mode without a control channel.
    """
    table = _table(mode)
    deadline = asyncio.get_running_loop().time() + timeout_s
    lock = channel.history.lock
    try:
        async with asyncio.timeout_at(deadline):
            await lock.acquire()
    except TimeoutError:
        reason = f"{channel}: another transition was still under way after {timeout_s:.3g} s"
        return Outcome(TaskState.UNKNOWN, "-", Failure(asked=event, state="-", reason=reason))
    try:
        return await TransitionWalk(channel, table, TaskEvent(event), arguments, deadline).run()
    finally:
        lock.release()


async def wait_ready(channel: Channel, mode: ControlMode, pid_is_ours: PidCheck, timeout_s: float) -> Outcome:
    """Wait until a process that was just started answers and is ready for CONFIGURE.

    ``pid_is_ours`` returns whether a process id belongs to the started process: the process itself, under a
    shell a child of it, or one in a namespace of pids. An unrelated process on the port (its server may share
    it, by SO_REUSEPORT) ends the wait.

    Raises:
        InvalidRequestError: for a mode without a control channel.
    """
    table, clock = _table(mode), asyncio.get_running_loop().time
    deadline, pause, last = clock() + timeout_s, FIRST_PAUSE_S, "no process listens there"
    while (remaining_s := deadline - clock()) > 0:
        try:
            if await channel.listening():
                found = await channel.get_state(remaining_s)
                if (outcome := await _judge(channel, table, found, pid_is_ours)) is not None:
                    return outcome
                last = f"it is {found.state}"
        except UnreachableError as error:
            last = str(error)
        except TaskError as error:
            return _not_ready(str(error), "check which plugin (-P OCC or OCClite) the process was given")
        await asyncio.sleep(min(pause, max(0.0, deadline - clock())))
        pause = min(pause * PAUSE_GROWTH, LAST_PAUSE_S)
    reason = f"{channel} was not ready within {timeout_s:.3g} s: {last}"
    return _not_ready(reason, "see the output of the process; does it take --control-port?")


async def _judge(
    channel: Channel, table: TransitionTable, found: DeviceState, pid_is_ours: PidCheck
) -> Outcome | None:
    ours = pid_is_ours(found.pid)
    if not (await ours if inspect.isawaitable(ours) else ours):
        reason = f"process {found.pid} answers at {channel}, and was not started as this task"
        return _not_ready(reason, "stop that process, or choose another control port")
    state = table.task_state(found.state)
    if state in (TaskState.ERROR, TaskState.DONE):
        failure = Failure(
            asked="launch", state=found.state, reason=f"{channel} is {found.state} from the start"
        )
        return Outcome(state, found.state, failure, Remedy.KILL)
    if found.state != table.ready:
        return None
    channel.history.pid = found.pid
    return Outcome(state, found.state, None)


def _not_ready(reason: str, advice: str) -> Outcome:
    failure = Failure(asked="launch", state="-", reason=reason, advice=advice)
    return Outcome(TaskState.UNKNOWN, "-", failure, Remedy.KILL)


def _table(mode: ControlMode) -> TransitionTable:
    try:
        return TABLES[mode]
    except KeyError:
        raise InvalidRequestError(f"a task of mode {mode} has no control channel") from None
