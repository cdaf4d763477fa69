"""Configuration of components. A part of the runner ``o2``, see o2.py."""

import pathlib

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def config_show(path, simulate=False, vars=None):
    """
    Show the payload of a component's configuration, found by fallback.

    path
        ``component/RUNTYPE/role/entry``, or ``component/entry`` for any run type and role.

    simulate
        Fill it in, with ``vars`` above the site's variables.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_show qc/PHYSICS/any/tasks simulate=True vars='{detector: ITS}'
    """
    return _ask("config_show", path=path, simulate=simulate, vars=vars or {})


def config_list(component=""):
    """
    List the entries of a component, or of all.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_list qc
    """
    return _ask("config_list", component=component)


def config_set(path, payload, new_component=False):
    """
    Set the payload at exactly this path.

    new_component
        The component may be one that is not known yet.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_set qc/ANY/any/rate '100'
    """
    return _ask("config_set", path=path, payload=str(payload), new_component=new_component)


def config_import(path, file, new_component=False):
    """
    Set the payload at exactly this path to what is in a file of the master.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_import qc/ANY/any/tasks /root/tasks.json
    """
    payload = pathlib.Path(file).read_text()
    return _ask("config_import", path=path, payload=payload, new_component=new_component)


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
