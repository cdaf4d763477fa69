"""Hosts: cordon, drain, lost, returned, forgotten. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"
MOVES_S = 600.0
"""Seconds that a drain may take for the moves that are possible at once, in addition to ``wait_s``."""


def __virtual__():
    return __virtualname__


def host_cordon(hosts, reason=""):
    """
    Place no new task on hosts. Their tasks stay, and are restarted there if they fail. The cordon outlives
    restarts of control and of the hosts.

    hosts
        Their names.

    reason
        Shown to other users.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_cordon flp1 reason='replace a fan'
    """
    return _ask("host_cordon", hosts=_names(hosts), reason=str(reason))


def host_uncordon(hosts):
    """
    Permit new tasks on hosts again, and end their drain. Tasks that were moved do not return by themselves.

    hosts
        Their names.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_uncordon '[flp1, flp2]'
    """
    return _ask("host_uncordon", hosts=_names(hosts))


def host_drain(hosts, reason="", after_runs=False, wait_s=0):
    """
    Cordon hosts and move their tasks to other hosts. In a run, only tasks whose role permits a restart
    (``recovery: restart``) and that another host may run are moved. The other tasks are moved after the run.
    Tasks of the pool are stopped.

    The answer names the tasks that are left and the reasons. Control continues the drain after the answer.

    hosts
        Their names.

    reason
        Shown to other users.

    after_runs
        Move no task of a run that lasts.

    wait_s
        Seconds to wait until no task is left; 0 waits for the moves that are possible at once.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_drain flp1 reason='replace a fan' wait_s=3600
    """
    return _ask(
        "host_drain",
        hosts=_names(hosts),
        reason=str(reason),
        after_runs=bool(after_runs),
        wait_s=float(wait_s),
        timeout_s=float(wait_s) + MOVES_S,
    )


def host_lost(hosts, sure=False):
    """
    Tell control that hosts may be lost, so that it does not wait for missing heartbeats.

    Control probes the tasks of these hosts at once. A host whose agent reports, or where a task answers, is
    not affected: control never starts a running task a second time.

    hosts
        Their names.

    sure
        The user knows that they are off, for example because power was cut. Control declares them lost unless
        a task there answers. Use it also for a silent host whose tasks have no ports that control can probe.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_lost flp1
        salt-run o2.host_lost '[flp1, flp2]' sure=True
    """
    return _ask("host_lost", hosts=_names(hosts), sure=bool(sure))


def host_returned(hosts):
    """
    Tell control that hosts have returned, so that it asks their agents for full reports at once.

    hosts
        Their names.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_returned '[flp1, flp2]'
    """
    return _ask("host_returned", hosts=_names(hosts))


def host_forget(hosts):
    """
    Remove hosts that will not return from all lists and from control's database. A host that reports again is
    a new host.

    Refused while a host has tasks in an environment or in the pool, and while it is connected.

    hosts
        Their names.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_forget flp1
    """
    return _ask("host_forget", hosts=_names(hosts))


def _names(given):
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else [*given]


def _ask(verb, timeout_s=None, **arguments):
    more = {} if timeout_s is None else {"timeout_s": timeout_s}
    return __salt__["o2.ask"](verb, arguments, **more)
