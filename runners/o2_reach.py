"""
Questions to the agents of hosts, through control. A part of the runner ``o2``, see o2.py.

Control asks the agents inside their sessions. These functions start no Salt job, whose return another minion
could forge. The answer of each host is below its ID. A host that does not answer has ``error`` there.

No role may call functions on hosts itself (``salt HOST ...``): Salt permits a list of functions if one of
them is permitted, and the caller chooses the returner.
"""

from salt.exceptions import SaltInvocationError

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
    return _ask("host_tasks", hosts, timeout, environment=environment)


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
    return _ask("host_log", hosts, timeout, task=str(task), lines=lines)


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
    return _ask("host_info", hosts, timeout)


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
    return _ask("host_audit", hosts, timeout)


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
    return _ask("host_records", hosts, timeout, environment=str(environment))


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
    return _ask("host_transition", hosts, timeout, event=str(event), tasks=_names(tasks), arguments=arguments)


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
    return _ask("host_kill", hosts, timeout, tasks=_names(tasks))


def _ask(verb, hosts, timeout, **arguments):
    try:
        ids, limit = exact_ids(hosts), seconds(timeout)
    except InvalidRequestError as error:
        raise SaltInvocationError(str(error)) from error
    given = {name: value for name, value in arguments.items() if value is not None}
    return __salt__["o2.ask"](verb, {"hosts": ids, "timeout_s": limit, **given})


def _names(given):
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else given
