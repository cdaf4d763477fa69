"""
Runner of Salt O²: the interface of operators to environments.

Each function sends a request to control, which runs in the engine ``o2_control`` of the master, through its
local socket. ``progress`` events of the job report the progress of long requests.

At a terminal a failure is printed, with exit code 1, or 3 if control does not answer or has ended. In a
reactor rule or an orchestration a failure raises ``CommandExecutionError``.
"""

# The files o2_*.py have the same virtual name, so Salt adds their functions to these. Salt gives the values
# of a job, such as __jid_event__ and __user__, only to the first file of a name, which is this one. The other
# files therefore call `ask`.

import pathlib

from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.client import control_client, runner_output
from salt_o2.core.errors import (
    InvalidRequestError,
    O2Error,
    TemplateError,
    UnknownNameError,
    UnreachableError,
    as_document,
)

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def ask(verb, arguments=None, timeout_s=control_client.REQUEST_TIMEOUT_S):
    """
    Send any request to control, by the name of the verb. The other functions use this one.

    verb
        Name of the request, see ``salt_o2/control/dispatcher.py``.

    arguments
        Arguments of the request, by name. Control checks them.

    timeout_s
        Seconds that the request may take.

    CLI Example:

    .. code-block:: bash

        salt-run o2.ask env_list arguments='{all: true}'
    """
    socket = pathlib.Path(__opts__["sock_dir"]) / "o2_control.ipc"
    try:
        with control_client.ControlClient(socket, runner_output.requesting_user(globals())) as control:
            result = control.request(verb, arguments, _tell, float(timeout_s))
    except O2Error as error:
        return _fail(error)
    return runner_output.with_outputter(__opts__, runner_output.whole_or_nothing(__opts__, result))


def info():
    """
    Show control: version, settings, numbers of environments, tasks and hosts.

    CLI Example:

    .. code-block:: bash

        salt-run o2.info
    """
    return ask("info")


def host_list():
    """
    List the hosts whose agents have reported: resources and time of the last report.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_list
    """
    return ask("host_list")


def rebuild(id="", end=False, last_run=0, all=False):
    """
    Rebuild environments that run on hosts and are not in control's database, because it was lost or damaged.
    The source is the records of agents. No process is affected. The environments can be stopped, recovered
    and destroyed. Their variables, calls and overrides are lost.

    id
        ID of one environment; all if it is omitted.

    end
        Stop their tasks instead; for all environments only with ``all=True``.

    all
        With ``end``: stop the tasks of every such environment.

    last_run
        The highest run number so far, if it is known. The next run gets a higher one.

    CLI Example:

    .. code-block:: bash

        salt-run o2.rebuild
        salt-run o2.rebuild 2oDvieFrVTi last_run=54321
    """
    return ask("rebuild", {"id": str(id), "end": end, "last_run": int(last_run), "all": bool(all)})


def _fail(error):
    if runner_output.is_interactive(__opts__):
        report = as_document(error)
        retcode = 3 if isinstance(error, UnreachableError) else 1
        return {"data": {"error": report, "retcode": retcode}, "outputter": "o2"}
    wrong = (InvalidRequestError, UnknownNameError, TemplateError)
    kind = SaltInvocationError if isinstance(error, wrong) else CommandExecutionError
    raise kind(str(error)) from error


def _tell(progress):
    if progress.get("total") and not runner_output.wants_raw(__opts__):
        __jid_event__.fire_event({**progress, "outputter": "o2"}, "progress")
