"""Configuration of components. A part of the runner ``o2``, see o2.py."""

from salt.exceptions import SaltInvocationError

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def config_show(path, simulate=False, vars=None):
    """
    Show the payload of a component's configuration, with fallbacks.

    path
        ``component/RUNTYPE/role/entry``, or ``component/entry`` for any run type and role.

    simulate
        Evaluate its expressions, with ``vars`` in addition to the variables of the site.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_show qc/PHYSICS/any/tasks simulate=True vars='{detector: ITS}'
    """
    return _ask("config_show", path=path, simulate=simulate, vars=vars or {})


def config_list(component=""):
    """
    List the entries of a component, or of all components.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_list qc
    """
    return _ask("config_list", component=component)


def config_set(path, payload, new_component=False):
    """
    Set the payload at exactly this path.

    new_component
        Permit a new component.

    CLI Example:

    .. code-block:: bash

        salt-run o2.config_set qc/ANY/any/rate '100'
    """
    return _ask("config_set", path=path, payload=_text(payload), new_component=new_component)


def config_import(path, payload, new_component=False):
    """
    Set the payload at exactly this path to a text of many lines, such as a file of the user.

    The master reads no file. With ``--no-parse`` Salt does not read the text as YAML.

    CLI Example:

    .. code-block:: bash

        salt-run --no-parse=payload o2.config_import qc/ANY/any/tasks payload="$(cat tasks.json)"
    """
    return _ask("config_import", path=path, payload=_text(payload), new_component=new_component)


def _text(payload):
    if isinstance(payload, dict | list | tuple | set) or payload is None:
        raise SaltInvocationError(
            "the payload came as YAML, so its text is lost; nothing was set. Give it as it stands: "
            "salt-run --no-parse=payload o2.config_set PATH payload=TEXT"
        )
    return str(payload)


def _ask(verb, **arguments):
    return __salt__["o2.ask"](verb, arguments)
