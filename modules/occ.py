"""
The control channel of one process, used manually: its state, and one transition or step.

These functions use the OCC server on a port of this host, also of processes that no agent has started. A
device of this project has a Unix socket instead, which they find by its port. They refuse requests that the
state of the process does not allow: a FairMQ device never answers them, and may hang.
"""

import asyncio
import pathlib

import salt.exceptions

import salt_o2.agent.device.manual_control
import salt_o2.core.errors
import salt_o2.core.plan.overrides
import salt_o2.where

__virtualname__ = "occ"


def __virtual__():
    return __virtualname__


def get_state(port, codec="OCClite", host="127.0.0.1", timeout=5):
    """
    Return the state of a process, as its own name, and its PID.

    port
        Control port of the process.

    codec
        ``OCClite`` (FairMQ devices mostly) or ``OCC`` (protobuf; all tasks of mode direct).

    host
        Address of the process.

    timeout
        Seconds to wait for the answer.

    CLI Example:

    .. code-block:: bash

        salt flp1 occ.get_state 30000
        salt flp1 occ.get_state 30001 codec=OCC
    """
    asked = salt_o2.agent.device.manual_control.get_state(
        _port(port), codec, host, _seconds(timeout), _socket(_port(port), host)
    )
    return _ask(asked)


def transition(port, event, arguments=None, codec="OCClite", host="127.0.0.1", timeout=30, mode=None):
    """
    Send one transition, or one step of FairMQ, to a process and return its state afterwards.

    port
        Control port of the process.

    event
        CONFIGURE, START, STOP, RESET, EXIT, RECOVER, or a step such as ``INIT DEVICE`` or ``BIND``.

    arguments
        Arguments as a map; for CONFIGURE ``chans.<name>.0.address`` and so on.

    codec
        ``OCClite`` or ``OCC``. ``OCC`` works for FairMQ devices and tasks of mode direct.

    host
        Address of the process.

    timeout
        Seconds to wait for the answer. Kill a device that takes longer.

    mode
        ``fairmq`` or ``direct``, if its state does not show it.

    CLI Example:

    .. code-block:: bash

        salt flp1 occ.transition 30000 CONFIGURE '{chans.data.0.address: "tcp://*:9000"}'
        salt flp1 occ.transition 30000 "RESET DEVICE"
    """
    if not isinstance(arguments or {}, dict):
        raise salt.exceptions.SaltInvocationError(f"arguments must be a map, not {arguments!r}")
    texts = salt_o2.core.plan.overrides.variable_texts(arguments or {})
    asked = salt_o2.agent.device.manual_control.transition(
        _port(port),
        str(event).upper(),
        texts,
        codec,
        host,
        _seconds(timeout),
        mode,
        _socket(_port(port), host),
    )
    return _ask(asked)


def _ask(asked):
    """Wait for the answer; translate our errors to errors of Salt."""
    try:
        return asyncio.run(asked)
    except salt_o2.core.errors.InvalidRequestError as error:
        raise salt.exceptions.SaltInvocationError(str(error)) from error
    except salt_o2.core.errors.O2Error as error:
        raise salt.exceptions.CommandExecutionError(str(error)) from error


def _port(given):
    try:
        port = int(given)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise salt.exceptions.SaltInvocationError(f"a port is 1 to 65535, not {given!r}")
    return port


def _socket(port, host):
    """Return the Unix socket of the task with this control port, if it is a device of this project."""
    if host != "127.0.0.1":
        return None
    configured = __opts__.get("o2", {}).get("directory")
    directory = pathlib.Path(configured or salt_o2.where.state_directory(__opts__, "agent"))
    return salt_o2.agent.device.manual_control.private_socket(directory, port)


def _seconds(timeout):
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise salt.exceptions.SaltInvocationError(f"timeout must be 1 to 3600 seconds, not {timeout!r}")
    return seconds
