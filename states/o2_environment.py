"""
Environments as declared: there, there in a state, or gone.

.. code-block:: yaml

    cosmics:
      o2_environment.running:
        - workflow: readout
        - vars: {detectors: '["TST"]'}

An environment is recognised by its variable ``declared_as``, which these states set to their name, as ids
are drawn anew for each environment. Control is asked through its socket, so they work where that is: on the
minion of the master's machine, as the master's user or root (``salt-call`` there, or its id as the target).
The socket is ``o2:control_socket`` of the minion's configuration or pillar, else Salt's default.
"""

import salt_o2.client.control_client
import salt_o2.client.declared_environment
import salt_o2.core.errors

__virtualname__ = "o2_environment"

DEFAULT_SOCKET = "/var/run/salt/master/o2_control.ipc"


def __virtual__():
    return __virtualname__


def present(name, workflow, vars=None):
    """
    Ensure that an environment is there, deployed and configured; one that runs is left running.

    One of the same name that has other variables or another workflow, or is in ERROR, is not touched: the
    state fails and says so.

    name
        By which it is recognised.

    workflow
        Name of a workflow template.

    vars
        Variables above all that the templates say.
    """
    return _reach(name, "CONFIGURED", workflow, vars)


def running(name, workflow, vars=None):
    """
    Ensure that an environment is there and takes data; see ``present``.

    name
        By which it is recognised.

    workflow
        Name of a workflow template.

    vars
        Variables above all that the templates say.
    """
    return _reach(name, "RUNNING", workflow, vars)


def absent(name, allow_in_running_state=False):
    """
    Ensure that no environment of this name is there.

    name
        By which it is recognised.

    allow_in_running_state
        Stop its run first; without it the state fails while it is RUNNING.
    """
    return _carry_out(
        name, lambda found: salt_o2.client.declared_environment.removal(name, found, allow_in_running_state)
    )


def _reach(name, state, workflow, vars):
    asked = {str(key): value for key, value in (vars or {}).items()}
    return _carry_out(
        name, lambda found: salt_o2.client.declared_environment.way(name, found, state, workflow, asked)
    )


def _carry_out(name, plan):
    ret = {"name": name, "changes": {}, "result": True, "comment": ""}
    try:
        with salt_o2.client.control_client.ControlClient(_socket()) as control:
            found = salt_o2.client.declared_environment.find(control.request("env_list"), name)
            way = plan(found)
            ret["changes"], ret["comment"] = way.changes, way.comment
            if way.steps and __opts__["test"]:
                ret["result"], ret["comment"] = None, way.forecast
            elif way.steps:
                salt_o2.client.declared_environment.take(control.request, way)
    except salt_o2.core.errors.O2Error as error:
        ret.update(result=False, changes={}, comment=str(error))
    return ret


def _socket():
    return __salt__["config.get"]("o2:control_socket", DEFAULT_SOCKET)
