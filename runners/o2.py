"""
Runner of Salt O²: the operator's interface to environments.

Every function asks control, which runs in the master's ``o2_control`` engine, through its local socket.
While it takes long, ``progress`` events of the job tell how far it is.

At a terminal a failure is printed and gives exit code 1, or 3 if control does not answer or has ended. Called
by a reactor rule or an orchestration it raises ``CommandExecutionError``.
"""

# The files o2_*.py have the same virtual name, so Salt adds their functions to these. What belongs to one
# job, such as __jid_event__ and __user__, it gives to the first file of a name alone, which is this one: the
# others ask through `ask`.

import pathlib

from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.client import control_client, runner_output
from salt_o2.core.errors import InvalidRequest, O2Error, TemplateError, UnknownName, Unreachable, told

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def ask(verb, arguments=None):
    """
    Ask control for anything that it serves, by the name of the verb. The other functions are made of this.

    verb
        What is asked for, see ``salt_o2/control/dispatcher.py``.

    arguments
        Its arguments, by name; they are checked.

    CLI Example:

    .. code-block:: bash

        salt-run o2.ask env_list arguments='{all: true}'
    """
    socket = pathlib.Path(__opts__["sock_dir"]) / "o2_control.ipc"
    try:
        with control_client.ControlClient(socket, runner_output.who_asks(globals())) as control:
            result = control.request(verb, arguments, on_progress=_tell)
    except O2Error as error:
        return _fail(error)
    return runner_output.shown(__opts__, result)


def info():
    """
    Tell what this control is: version, settings, how much it owns.

    CLI Example:

    .. code-block:: bash

        salt-run o2.info
    """
    return ask("info")


def host_list():
    """
    List the hosts whose agents have reported: what they offer and when they were last heard.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_list
    """
    return ask("host_list")


def rebuild(id="", end=False, last_run=0, all=False):
    """
    Rebuild environments that run on hosts and that control's store does not know, because it was lost or
    damaged: from what the agents have on disk. No process is touched. They can be stopped, repaired and
    ended; variables, calls and the way they were bent are gone.

    id
        One of them; all if it is left out.

    end
        End their tasks instead; for all environments only with ``all=True``.

    all
        With ``end``: end the tasks of every such environment.

    last_run
        The highest run number that was ever given, if it is known: the next run gets a higher one.

    CLI Example:

    .. code-block:: bash

        salt-run o2.rebuild
        salt-run o2.rebuild 2oDvieFrVTi last_run=54321
    """
    return ask("rebuild", {"id": str(id), "end": end, "last_run": int(last_run), "all": bool(all)})


def _fail(error):
    if runner_output.at_terminal(__opts__):
        report = told(error)
        retcode = 3 if isinstance(error, Unreachable) else 1
        return {"data": {"error": report, "retcode": retcode}, "outputter": "o2"}
    wrong = (InvalidRequest, UnknownName, TemplateError)
    kind = SaltInvocationError if isinstance(error, wrong) else CommandExecutionError
    raise kind(str(error)) from error


def _tell(progress):
    if progress.get("total") and not runner_output.wants_raw(__opts__):
        __jid_event__.fire_event({**progress, "outputter": "o2"}, "progress")
