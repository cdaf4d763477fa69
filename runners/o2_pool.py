"""Tasks that wait for another environment. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def pool_list():
    """
    List the tasks that environments have left for others (``o2.env_destroy keep_tasks=True``, or
    ``o2.env_modify``), and how many may wait for how long (``o2: pool:`` of the master).

    CLI Example:

    .. code-block:: bash

        salt-run o2.pool_list
    """
    return _ask("pool_list")


def pool_clean(class_name="", host="", idle=0, all=False):
    """
    End tasks that wait in the pool, and wait until they are gone. Without an argument nothing is ended.

    class_name
        Only those of this class.

    host
        Only those on this host.

    idle
        Only those that have waited for so many seconds.

    all
        End all of them.

    CLI Example:

    .. code-block:: bash

        salt-run o2.pool_clean all=True
        salt-run o2.pool_clean class_name=readout host=flp1
        salt-run o2.pool_clean idle=600
    """
    return _ask("pool_clean", class_name=class_name, host=host, idle_s=float(idle), all=bool(all))


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
