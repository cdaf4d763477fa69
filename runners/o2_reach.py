"""
What agents know and do on their hosts, through the master. A part of the runner ``o2``, see o2.py.

No role may call functions on hosts itself (``salt HOST ...``): Salt lets a list of functions pass when one of
them is permitted, and the caller chooses the returner. Here the function is fixed, the hosts are exact ids,
and what the user gives travels as named arguments.
"""

import salt.client
from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.core.errors import InvalidRequest
from salt_o2.core.host_targets import exact_ids, seconds

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def host_tasks(hosts, environment=None, timeout=10):
    """
    Return the tasks of hosts as their agents know them.

    hosts
        Their exact ids, as a list or with commas between them.

    environment
        Only tasks of the environment with this id.

    timeout
        Seconds that an agent may take.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_tasks flp1,flp2
        salt-run o2.host_tasks flp1 2oDvieFrVTi
    """
    return _reach(hosts, "o2.tasks", timeout, environment=environment)


def host_log(hosts, task, lines=20, timeout=10):
    """
    Return the last lines that a task wrote to stdout and stderr; also of one that ended lately.

    hosts
        The exact id of its host.

    task
        Its name.

    lines
        How many of each.

    timeout
        Seconds that the agent may take.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_log flp1 5nGcQm2hVbA lines=100
    """
    return _reach(hosts, "o2.log", timeout, task=str(task), lines=lines)


def host_info(hosts, timeout=10):
    """
    Return what the agents of hosts say of themselves: since when, how many tasks, what they offer.

    hosts
        Their exact ids.

    timeout
        Seconds that an agent may take.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_info flp1,flp2
    """
    return _reach(hosts, "o2.info", timeout)


def host_audit(hosts, timeout=30):
    """
    Return what is left on hosts of tasks that no agent knows: processes, sockets, shared memory.

    hosts
        Their exact ids.

    timeout
        Seconds that a host may take.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_audit flp1,flp2
    """
    return _reach(hosts, "o2.audit", timeout, in_arguments=False)


def host_records(hosts, environment, timeout=10):
    """
    Return all that the agents of hosts have on disk about the tasks of an environment.

    hosts
        Their exact ids.

    environment
        Its id.

    timeout
        Seconds that an agent may take.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_records flp1 2oDvieFrVTi
    """
    return _reach(hosts, "o2.records", timeout, environment=str(environment))


def host_transition(hosts, event, tasks, arguments=None, timeout=30):
    """
    Send one transition to some tasks by hand, and return the state that each one reached.

    hosts
        The exact id of their host.

    event
        CONFIGURE, START, STOP, RESET, EXIT or RECOVER.

    tasks
        Names of tasks on this host.

    arguments
        What the devices are given with it, as a map.

    timeout
        Seconds that each task may take; one that takes longer is killed.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_transition flp1 STOP 5nGcQm2hVbA
    """
    return _reach(hosts, "o2.transition", timeout, event=event, tasks=tasks, arguments=arguments)


def host_kill(hosts, tasks, timeout=30):
    """
    End the processes of some tasks, in escalating steps; return for each whether it has ended.

    What their environment wants is not changed: it will see them fail.

    hosts
        The exact id of their host.

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
"""What Salt may take beyond the time that an agent may take."""


def _reach(hosts, function, timeout, in_arguments=True, **arguments):
    try:
        ids, limit = exact_ids(hosts), seconds(timeout)
    except InvalidRequest as error:
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
