"""Manual control of one process by a user: no agent and no record, but the same transition tables.

grpc is imported in the functions, in the process that runs them, because Salt forks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salt_o2.agent.storage.task_directory import SOCKETS
from salt_o2.core.errors import InvalidRequestError, TaskError
from salt_o2.core.states import ControlMode, TaskEvent
from salt_o2.occ.transition_table import Move

if TYPE_CHECKING:
    # The module imports grpc.
    from salt_o2.occ.channel import OccChannel

CODECS = ("OCClite", "OCC")


def private_socket(directory: Path, port: int) -> Path | None:
    """Return the Unix socket of the task with this control port, of the agent that uses ``directory``.

    A device that was killed leaves a socket at which no process listens.
    """
    from salt_o2.occ.control_socket import pin

    for path in (directory / "tasks").glob(f"*/{SOCKETS}/{port}"):
        if (found := pin(path)) is not None:
            found.close()
            return path
    return None


async def get_state(
    port: int, codec: str, host: str, timeout_s: float, private: Path | None = None
) -> dict[str, Any]:
    """Return ``{state, pid}`` of the process that listens on ``port``, or at its ``private`` Unix socket.

    Raises:
        InvalidRequestError: the codec does not exist.
        UnreachableError: no process answers in time.
        TaskError: the process speaks the other codec.
    """
    channel = _open(port, codec, host, private)
    try:
        found = await channel.get_state(timeout_s)
    finally:
        await channel.close()
    return {"state": found.state, "pid": found.pid}


async def transition(
    port: int,
    event: str,
    arguments: Mapping[str, str],
    codec: str,
    host: str,
    timeout_s: float,
    mode: str | None = None,
    private: Path | None = None,
) -> dict[str, str]:
    """Take the process through ``event``, a task's transition or one FairMQ step; see :func:`get_state`.

    Raises:
        InvalidRequestError: the process cannot do that in its present state; no request was sent.
        UnreachableError: no process answers in time.
        TaskError: the transition failed.
    """
    channel = _open(port, codec, host, private)
    try:
        state = (await channel.get_state(timeout_s)).state
        driven = _mode(mode, codec, state)
        if event in set(TaskEvent):
            return await _fire(channel, driven, TaskEvent(event), arguments, timeout_s)
        return await _step(channel, _move(driven, state, event), arguments, timeout_s)
    finally:
        await channel.close()


async def _fire(
    channel: "OccChannel", mode: ControlMode, event: TaskEvent, arguments: Mapping[str, str], timeout_s: float
) -> dict[str, str]:
    from salt_o2.occ import driver

    outcome = await driver.send_event(channel, mode, event, arguments, timeout_s)
    if outcome.failure is not None:
        raise TaskError(f"{outcome.failure.reason}; {outcome.failure.advice}")
    return {"state": outcome.device_state, "task_state": outcome.state}


async def _step(
    channel: "OccChannel", move: Move, arguments: Mapping[str, str], timeout_s: float
) -> dict[str, str]:
    reply = await channel.transition(move.source, move.event, arguments, timeout_s)
    if not reply.ok or reply.state != move.target:
        raise TaskError(
            f"{move.event} from {move.source} led to {reply.state}, by {reply.trigger.name}; see its output"
        )
    return {"state": reply.state}


def _open(port: int, codec: str, host: str, private: Path | None) -> "OccChannel":
    from salt_o2.occ.channel import OccChannel

    if codec not in CODECS:
        raise InvalidRequestError(f"codec is one of {', '.join(CODECS)}, not {codec!r}")
    return OccChannel(port, codec, host, private)


def _mode(mode: str | None, codec: str, state: str) -> ControlMode:
    """Return the mode, FairMQ or libOCC, by the state's name. A wrong guess could make a device hang."""
    from salt_o2.occ.driver import TABLES

    if mode is not None:
        if mode not in set(TABLES):
            raise InvalidRequestError(f"mode is one of {', '.join(TABLES)}, not {mode!r}")
        return ControlMode(mode)
    if codec == "OCClite":
        return ControlMode.FAIRMQ
    speakers = [each for each, table in TABLES.items() if state in table.task_states or _moves(each, state)]
    if len(speakers) == 2:
        raise InvalidRequestError(
            f"{state} is a state of both kinds of processes: give mode=direct or mode=fairmq"
        )
    return speakers[0] if speakers else ControlMode.FAIRMQ


def _move(mode: ControlMode, state: str, event: str) -> Move:
    moves = _moves(mode, state)
    if event not in moves:
        here = ", ".join(moves) or "nothing"
        raise InvalidRequestError(f"{event!r} is not possible in {state}, nothing was sent; possible: {here}")
    return moves[event]


def _moves(mode: ControlMode, state: str) -> dict[str, Move]:
    from salt_o2.occ.driver import TABLES

    walks = (walk for table in TABLES[mode].walks.values() for walk in table.values())
    return {move.event: move for walk in walks for move in walk if move.source == state}
