"""Tasks, one by one. A part of the runner ``o2``, see o2.py."""

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
    Show what a task wrote last.

    id
        The task, or the beginning of its id.

    lines
        How many of its last lines.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_log 7AbRmBG3z2A lines=100
    """
    return _ask("task_log", id=str(id), lines=lines)


def task_recover(task, environment="", by_rule=False):
    """
    Start a failed task again now, in its place, and lead it back to where its environment is.

    A healthy task, or one that is being brought back already, is left alone.

    task
        The task's id, or the beginning of it.

    environment
        Its environment, if that is known.

    by_rule
        Keep to its role's recovery policy and to how often it may be started again, as a reactor rule should.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_recover 9tQ4ZxPq3vK
    """
    return _ask("task_recover", task=str(task), environment=str(environment), by_rule=bool(by_rule))


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
