"""
Functions of agents on their hosts, through the master. A part of the runner ``o2``, see o2.py.

No role may call functions on hosts itself (``salt HOST ...``): Salt permits a list of functions if one of
them is permitted, and the caller chooses the returner. Here the function is fixed, the hosts are exact IDs,
and values of the user are named arguments.
"""

import salt.client
from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.host_targets import exact_ids, seconds

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def host_tasks(hosts, environment=None, timeout=10):
    """
    Return the tasks of hosts, as their agents report them.

    hosts
        Exact IDs of hosts, as a list or separated by commas.

    environment
        Only tasks of the environment with this ID.

    timeout
        Seconds to wait for an agent.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_tasks flp1,flp2
        salt-run o2.host_tasks flp1 2oDvieFrVTi
    """
    return _reach(hosts, "o2.tasks", timeout, environment=environment)


def host_log(hosts, task, lines=20, timeout=10):
    """
    Return the last lines of stdout and stderr of a task, also of one that has ended recently.

    hosts
        Exact ID of its host.

    task
        Name of the task.

    lines
        Number of lines of each.

    timeout
        Seconds to wait for the agent.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_log flp1 5nGcQm2hVbA lines=100
    """
    return _reach(hosts, "o2.log", timeout, task=str(task), lines=lines)


def host_info(hosts, timeout=10):
    """
    Return facts of the agents of hosts: start time, number of tasks, resources.

    hosts
        Exact IDs of the hosts.

    timeout
        Seconds to wait for an agent.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_info flp1,flp2
    """
    return _reach(hosts, "o2.info", timeout)


def host_audit(hosts, timeout=30):
    """
    Return leftovers on hosts that belong to no task: processes, sockets, shared memory.

    hosts
        Exact IDs of the hosts.

    timeout
        Seconds to wait for a host.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_audit flp1,flp2
    """
    return _reach(hosts, "o2.audit", timeout, in_arguments=False)


def host_records(hosts, environment, timeout=10):
    """
    Return the records on disk of the agents of hosts about the tasks of an environment.

    hosts
        Exact IDs of the hosts.

    environment
        ID of the environment.

    timeout
        Seconds to wait for an agent.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_records flp1 2oDvieFrVTi
    """
    return _reach(hosts, "o2.records", timeout, environment=str(environment))


def host_transition(hosts, event, tasks, arguments=None, timeout=30):
    """
    Send one transition to some tasks manually, and return the state that each one reached.

    hosts
        Exact ID of their host.

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

        salt-run o2.host_transition flp1 STOP 5nGcQm2hVbA
    """
    return _reach(hosts, "o2.transition", timeout, event=event, tasks=tasks, arguments=arguments)


def host_kill(hosts, tasks, timeout=30):
    """
    Stop the processes of some tasks, with stronger signals step by step; return whether each has ended.

    The goal of their environment does not change. It sees a failure.

    hosts
        Exact ID of their host.

    tasks
        Names of tasks on this host.

    timeout
        Seconds to wait for the answer, at least 30.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_kill flp1 5nGcQm2hVbA
    """
    return _reach(hosts, "o2.kill", timeout, tasks=tasks)


SPARE_S = 5
"""Seconds for Salt, beyond those of the agent."""


def _reach(hosts, function, timeout, in_arguments=True, **arguments):
    try:
        ids, limit = exact_ids(hosts), seconds(timeout)
    except InvalidRequestError as error:
        raise SaltInvocationError(str(error)) from error
    given = {name: value for name, value in arguments.items() if value is not None}
    if in_arguments:
        given["timeout"] = limit
    with salt.client.get_local_client(__opts__["conf_file"]) as client:
        answers = client.cmd(
            ids, function, kwarg=given, tgt_type="list", timeout=int(limit) + SPARE_S, full_return=True
        )
    failed = [f"{host}: {_fault(answers.get(host))}" for host in ids if _fault(answers.get(host))]
    if failed:
        raise CommandExecutionError("; ".join(failed))
    return {host: answers[host]["ret"] for host in ids}


def _fault(answer):
    if not isinstance(answer, dict):
        return "no answer: is its minion connected, and its key accepted?"
    return str(answer.get("ret")) if answer.get("retcode") else ""
