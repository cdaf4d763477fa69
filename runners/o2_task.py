"""Tasks: list, output, restart. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def task_list(environment="", host="", state="", role="", class_name="", detector=""):
    """
    List the tasks of all environments, or those that fit all that is given.

    environment
        ID of an environment.

    host
        Name of a host.

    state
        A state, or ``EXCLUDED``, ``LOST`` or ``FAILED``.

    role
        A pattern of the role's path, such as ``*.epn*``.

    class_name
        A pattern of the class.

    detector
        Name of a detector.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_list
        salt-run o2.task_list host=flp1 state=FAILED
        salt-run o2.task_list role='*.readout*'
    """
    return _ask(
        "task_list",
        environment=str(environment),
        host=str(host),
        state=state,
        role=role,
        class_name=class_name,
        detector=detector,
    )


def task_info(task, environment=""):
    """
    Show all that control knows of a task, also of an ended one and of a creation that was undone.

    task
        ID of the task, its first letters, or the path of its role.

    environment
        ID of its environment, if several have a role of this path.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_info readout.sink
    """
    return _ask("task_info", task=str(task), environment=str(environment))


def task_kill(task, environment=""):
    """
    Kill the processes of a task. For an active task the recovery policy of its role decides what follows.

    task
        ID of the task, its first letters, or the path of its role.

    environment
        ID of its environment, if several have a role of this path.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_kill 9tQ4ZxPq3vK
    """
    return _ask("task_kill", task=str(task), environment=str(environment))


def task_log(id, lines=50):
    """
    Show the last output of a task, also of an ended one.

    id
        ID of the task, its first letters, or the path of its role.

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
        ID of the task, its first letters, or the path of its role.

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
