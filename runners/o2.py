"""
Runner of Salt O²: the operator's interface to environments.

Every function asks control, which runs in the master's ``o2_control`` engine, through its local socket.
While it takes long, ``progress`` events of the job tell how far it is.

At a terminal a failure is printed and gives exit code 1; called by a reactor rule or an orchestration it
raises ``CommandExecutionError``.
"""

import pathlib

from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.control import client
from salt_o2.core.errors import InvalidRequest, O2Error, TemplateError, UnknownName

__virtualname__ = "o2"


def __virtual__():
    return __virtualname__


def env_create(workflow, vars=None):
    """
    Create an environment: place the workflow's tasks, start and configure them.

    workflow
        Name of a workflow template, see ``o2.workflow_list``.

    vars
        Variables above all that the templates say.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_create workflow=fairmq-ex-1-n-1 vars='{processors: 4}'
    """
    return _ask("env_create", workflow=workflow, vars=vars or {})


def env_control(id, event):
    """
    Lead an environment through a transition.

    id
        The environment's id, or the beginning of it.

    event
        CONFIGURE, START_ACTIVITY, STOP_ACTIVITY, RESET, RECOVER, GO_ERROR or EXIT.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_control 2oDvieFrVTi START_ACTIVITY
    """
    return _ask("env_control", id=str(id), event=event)


def env_destroy(id, allow_in_running_state=False, force=False):
    """
    End an environment: its processes, and its claim on hosts and ports.

    id
        The environment's id, or the beginning of it.

    allow_in_running_state
        Stop the run first; without it a running environment is not destroyed.

    force
        Do not wait for an orderly stop, nor for a transition under way.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_destroy 2oDvieFrVTi
    """
    return _ask("env_destroy", id=str(id), allow_in_running_state=allow_in_running_state, force=force)


def env_list(all=False):
    """
    List the environments.

    all
        Also those that have ended.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_list all=True
    """
    return _ask("env_list", all=all)


def env_show(id):
    """
    Show an environment: its tasks, and the tree of its roles with their states.

    id
        The environment's id, or the beginning of it.

    CLI Example:

    .. code-block:: bash

        salt-run o2.env_show 2oDvieFrVTi
        salt-run o2.env_show 2oDvieFrVTi --out=json
    """
    return _ask("env_show", id=str(id))


def task_list():
    """
    List the tasks of all environments.

    CLI Example:

    .. code-block:: bash

        salt-run o2.task_list
    """
    return _ask("task_list")


def host_list():
    """
    List the hosts whose agents have reported: what they offer and when they were last heard.

    CLI Example:

    .. code-block:: bash

        salt-run o2.host_list
    """
    return _ask("host_list")


def workflow_list():
    """
    List the workflow templates that can be created.

    CLI Example:

    .. code-block:: bash

        salt-run o2.workflow_list
    """
    return _ask("workflow_list")


def run_stop(reason=""):
    """
    Stop all runs: every environment that is RUNNING gets STOP_ACTIVITY. Nothing to stop is no failure.

    reason
        Why, for the record; reactor rules give the event that they react to.

    CLI Example:

    .. code-block:: bash

        salt-run o2.run_stop reason='beam dump'
    """
    return _ask("run_stop", reason=reason)


def info():
    """
    Tell what this control is: version, settings, how much it owns.

    CLI Example:

    .. code-block:: bash

        salt-run o2.info
    """
    return _ask("info")


def _ask(verb, **arguments):
    socket = pathlib.Path(__opts__["sock_dir"]) / "o2_control.ipc"
    try:
        with client.ControlClient(socket) as control:
            result = control.request(verb, arguments, on_progress=_tell)
    except O2Error as error:
        return _fail(error)
    return {"data": result, "outputter": "o2"} if _at_terminal() and not _wants_raw() else result


def _fail(error):
    if _at_terminal():
        report = {"kind": error.kind, "message": str(error)}
        return {"data": {"error": report, "retcode": 1}, "outputter": "o2"}
    wrong = (InvalidRequest, UnknownName, TemplateError)
    kind = SaltInvocationError if isinstance(error, wrong) else CommandExecutionError
    raise kind(str(error)) from error


def _tell(progress):
    if progress.get("total") and not _wants_raw():
        __jid_event__.fire_event({**progress, "outputter": "o2"}, "progress")


def _at_terminal():
    # salt-run puts the function it was asked for into the options; reactor and orchestration do not.
    return "fun" in __opts__


def _wants_raw():
    # With --out the output is for a program: one document, and nothing before it.
    return "output" in __opts__
