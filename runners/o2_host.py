"""Hosts: declare them lost or returned, remove them. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


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


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
