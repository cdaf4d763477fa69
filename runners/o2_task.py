"""Tasks: list, output, restart. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def task_list():
    """
    List the tasks of all environments.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_list
    """
    return _ask("task_list")


def task_log(id, lines=50):
    """
    Show the last output of a task.

    id
        ID of the task, or its first letters.

    lines
        Number of the last lines.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_log 7AbRmBG3z2A lines=100
    """
    return _ask("task_log", id=str(id), lines=lines)


def task_recover(task, environment="", by_rule=False):
    """
    Restart a failed task now, on its host, and lead it to the state of its environment.

    A healthy task, or one with a restart in progress, is not affected.

    task
        ID of the task, or its first letters.

    environment
        ID of its environment, if it is known.

    by_rule
        Obey the restart policy of its role and its limits, as a reactor rule should.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_recover 9tQ4ZxPq3vK
    """
    return _ask("task_recover", task=str(task), environment=str(environment), by_rule=bool(by_rule))


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
