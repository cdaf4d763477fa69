"""The pool: idle tasks that wait for another environment. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def pool_list():
    """
    List the tasks that environments have transferred to the pool (``o2.env_destroy keep_tasks=True``, or
    ``o2.env_modify``), and the limits of the pool (``o2: pool:`` of the master).

    CLI Example:

    .. code-block:: bash

        salt-run o2.pool_list
    """
    return _ask("pool_list")


def pool_clean(class_name="", host="", idle=0, all=False):
    """
    Stop tasks of the pool, and wait until they have ended. Without an argument no task is stopped.

    class_name
        Only tasks of this class.

    host
        Only tasks on this host.

    idle
        Only tasks that have been idle for so many seconds.

    all
        Stop all tasks of the pool.

    CLI Example:

    .. code-block:: bash

        salt-run o2.pool_clean all=True
        salt-run o2.pool_clean class_name=readout host=flp1
        salt-run o2.pool_clean idle=600
    """
    return _ask("pool_clean", class_name=class_name, host=host, idle_s=float(idle), all=bool(all))


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
