"""What others know of hosts. A part of the runner ``o2``, see o2.py."""

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def host_lost(hosts, sure=False):
    """
    Tell control that hosts may be lost, so that it does not wait for heartbeats that will not come.

    It asks at once what it has started there. A host whose agent reports, or where anything answers, is left
    alone: what runs is never started a second time elsewhere.

    hosts
        Their names.

    sure
        Somebody knows that they are off, for example because power was cut: they are given up unless a task
        there answers. That is also the way on with a silent host whose tasks have no ports to be asked at.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_lost flp1
        salt-run o2.host_lost '[flp1, flp2]' sure=True
    """
    return _ask("host_lost", hosts=_names(hosts), sure=bool(sure))


def host_returned(hosts):
    """
    Tell control that hosts are back, so that their agents are asked for everything at once.

    hosts
        Their names.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_returned '[flp1, flp2]'
    """
    return _ask("host_returned", hosts=_names(hosts))


def host_forget(hosts):
    """
    Forget hosts that will not come back: they leave all lists and control's database. A host that reports
    again is known again.

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
