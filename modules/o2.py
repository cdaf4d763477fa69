"""
Tasks of this host: show them, and control them manually.

The engine ``o2_agent`` must run in the minion. These functions use its socket in ``sock_dir``.
"""

import contextlib
import pathlib

import salt.exceptions

import salt_o2.agent.launch.accounts
import salt_o2.agent.process.orphan_audit
import salt_o2.client.agent_client
import salt_o2.core.errors
import salt_o2.core.plan.overrides
import salt_o2.where

__virtualname__ = "o2"
__func_alias__ = {"log_": "log"}


def __virtual__():
    return __virtualname__


def tasks(environment=None, timeout=10):
    """
    Return all tasks of this host, by name.

    environment
        Only tasks of the environment with this ID.

    timeout
        Seconds to wait for the agent.

    CLI Example:

    .. code-block:: bash

        salt -L flp1,flp2 o2.tasks
        salt -L flp1,flp2 o2.tasks 2oDvieFrVTi
    """
    with _agent(timeout) as agent:
        found = agent.tasks()
    return {about["task"]: about for about in found if environment in (None, about["environment"])}


def deliver(message, timeout=10):
    """
    Give the agent an encrypted message of control. Control calls this if an agent does not acknowledge a
    message on the publish channel. Only control can encrypt such a message.

    message
        A map from the kind of the message to its bytes in base 64.

    timeout
        Seconds to wait until the agent has accepted it.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.deliver '{sealed: "AAEC..."}'
    """
    if not isinstance(message, dict):
        raise salt.exceptions.SaltInvocationError(f"message must be a map, not {message!r}")
    with _agent(timeout) as agent:
        return agent.deliver(message)


def drive(command, timeout=10):
    """
    Give the agent a command manually, as an administrator. Control encrypts its commands, see ``deliver``.

    command
        A ``Command`` (salt_o2/core/messages/commands.py): host, environment, revision, goal, orders, ...

    timeout
        Seconds to wait until the agent has accepted it.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.drive '{host: flp1, environment: 2oDvieFrVTi, revision: 9, goal: DONE, orders: [...]}'
    """
    if not isinstance(command, dict):
        raise salt.exceptions.SaltInvocationError(f"command must be a map, not {command!r}")
    with _agent(timeout) as agent:
        return agent.drive(command)


def transition(event, tasks, arguments=None, timeout=30):
    """
    Send one transition to some tasks manually, and return the state that each one reached.

    event
        CONFIGURE, START, STOP, RESET, EXIT or RECOVER.

    tasks
        Names of tasks on this host.

    arguments
        Arguments of the transition for the devices, as a map.

    timeout
        Seconds that each task may take. A slower task is killed.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.transition START '[readout, stfb]' arguments='{runNumber: 42}'
    """
    with _agent(timeout) as agent:
        return agent.transition(_names(tasks), _upper(event), _texts(arguments), _seconds(timeout))


def kill(tasks, timeout=30):
    """
    Stop the processes of some tasks, with stronger signals step by step; return whether each has ended.

    The goal of their environment does not change. It sees a failure.

    tasks
        Names of tasks on this host.

    timeout
        Seconds to wait for the answer, at least 30.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.kill readout
    """
    with _agent(timeout) as agent:
        return agent.kill(_names(tasks))


def log_(task, lines=20, timeout=10, after=None, wait=0):
    """
    Return the last lines of stdout and stderr of a task, also of one that has ended recently.

    With ``after`` return later output instead, as soon as there is some.

    task
        Name of the task.

    lines
        Number of lines of each.

    timeout
        Seconds to wait for the agent.

    after
        Places in the output: ``at`` of an earlier result.

    wait
        Seconds to wait for new output, up to 60.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.log readout lines=100
        salt flp1 o2.log readout after='{stdout: 5120, stderr: 0}' wait=30
    """
    with _agent(timeout) as agent:
        return agent.log(_names(task)[0], lines, after, wait)


def info(timeout=10):
    """
    Return facts of the agent of this host: start time, number of tasks, resources.

    timeout
        Seconds to wait for the agent.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.info
    """
    with _agent(timeout) as agent:
        return agent.info()


def records(environment, timeout=10):
    """
    Return the records on disk of the agent of this host about the tasks of an environment.

    environment
        ID of the environment.

    timeout
        Seconds to wait for the agent.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.records 2oDvieFrVTi
    """
    with _agent(timeout) as agent:
        return agent.records(str(environment))


def audit():
    """
    Return leftovers on this host that belong to no task: processes with their ports, sockets, shared memory.
    ``clean`` is true if there are none. Without a running agent each process of a task is a leftover.

    CLI Example:

    .. code-block:: bash

        salt flp1 o2.audit
    """
    configured = __opts__.get("o2", {}).get("directory")
    directory = configured or salt_o2.where.state_directory(__opts__, "agent")
    users = tuple(__opts__.get("o2", {}).get("task_users") or salt_o2.agent.launch.accounts.DEFAULT)
    return salt_o2.agent.process.orphan_audit.audit(pathlib.Path(directory), users) | {"host": __opts__["id"]}


@contextlib.contextmanager
def _agent(timeout):
    """Connect to the agent; translate our errors to errors of Salt."""
    try:
        with salt_o2.client.agent_client.connect(__opts__["sock_dir"], _seconds(timeout)) as agent:
            yield agent
    except (salt_o2.core.errors.InvalidRequestError, salt_o2.core.errors.UnknownNameError) as error:
        raise salt.exceptions.SaltInvocationError(str(error)) from error
    except salt_o2.core.errors.O2Error as error:
        raise salt.exceptions.CommandExecutionError(str(error)) from error


def _names(given):
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise salt.exceptions.SaltInvocationError(f"name one task or a list of them, not {given!r}")
    return [name.strip() for name in names]


def _upper(event):
    return str(event).upper()


def _texts(arguments):
    if not isinstance(arguments or {}, dict):
        raise salt.exceptions.SaltInvocationError(f"arguments must be a map, not {arguments!r}")
    return salt_o2.core.plan.overrides.variable_texts(arguments or {})


def _seconds(timeout):
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise salt.exceptions.SaltInvocationError(f"timeout must be 1 to 3600 seconds, not {timeout!r}")
    return seconds
