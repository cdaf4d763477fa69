"""
One task's control channel, by hand: where it is, and one transition or step of it.

Speaks with the OCC server on a port of this host, whoever started it. What the process may not be asked in
its state is refused here: a FairMQ device never answers it, and may hang after it.
"""

import asyncio

import salt.exceptions

import salt_o2.agent.device.manual_control
import salt_o2.core.errors
import salt_o2.core.plan.overrides

__virtualname__ = "occ"


def __virtual__():
    return __virtualname__


def get_state(port, codec="OCClite", host="127.0.0.1", timeout=5):
    """
    Return the state of a process, in its own words, and its pid.

    port
        Its control port.

    codec
        ``OCClite`` (FairMQ devices mostly) or ``OCC`` (protobuf; all tasks of mode direct).

    host
        Where it runs.

    timeout
        Seconds that it may take.

    CLI Example:

    .. code-block:: bash

        salt flp1 occ.get_state 30000
        salt flp1 occ.get_state 30001 codec=OCC
    """
    return _ask(salt_o2.agent.device.manual_control.get_state(_port(port), codec, host, _seconds(timeout)))


def transition(port, event, arguments=None, codec="OCClite", host="127.0.0.1", timeout=30, mode=None):
    """
    Take a process through one transition, or one step of FairMQ's, and return where it is then.

    port
        Its control port.

    event
        CONFIGURE, START, STOP, RESET, EXIT, RECOVER, or a step such as ``INIT DEVICE`` or ``BIND``.

    arguments
        What it is given with it, as a map; for CONFIGURE ``chans.<name>.0.address`` and so on.

    codec
        ``OCClite`` or ``OCC``; with ``OCC`` both FairMQ devices and tasks of mode direct are understood.

    host
        Where it runs.

    timeout
        Seconds that it may take. A device that takes longer is lost: kill it.

    mode
        ``fairmq`` or ``direct``, where its state does not tell.

    CLI Example:

    .. code-block:: bash

        salt flp1 occ.transition 30000 CONFIGURE '{chans.data.0.address: "tcp://*:9000"}'
        salt flp1 occ.transition 30000 "RESET DEVICE"
    """
    if not isinstance(arguments or {}, dict):
        raise salt.exceptions.SaltInvocationError(f"arguments must be a map, not {arguments!r}")
    texts = salt_o2.core.plan.overrides.variable_texts(arguments or {})
    asked = salt_o2.agent.device.manual_control.transition(
        _port(port), str(event).upper(), texts, codec, host, _seconds(timeout), mode
    )
    return _ask(asked)


def _ask(asked):
    """Wait for the answer; errors of ours become errors of Salt's."""
    try:
        return asyncio.run(asked)
    except salt_o2.core.errors.InvalidRequest as error:
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


def _seconds(timeout):
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise salt.exceptions.SaltInvocationError(f"timeout must be 1 to 3600 seconds, not {timeout!r}")
    return seconds
