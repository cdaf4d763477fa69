"""
Declared environments: present, in a state, or absent.

.. code-block:: yaml

    cosmics:
      o2_environment.running:
        - workflow: readout
        - vars: {detectors: '["TST"]'}

These states recognise an environment by its variable ``declared_as``, which they set to their name, because
each environment gets a new ID. They use the socket of control, so they work on the minion of the master's
machine, as the user of the master or root (``salt-call`` there, or its ID as the target). The socket is
``o2:control_socket`` of the minion's configuration or pillar, else Salt's default.
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
    Ensure that an environment exists, deployed and configured. A running one continues to run.

    The state fails and changes nothing if an environment of the same name has other variables or another
    workflow, or is in ERROR.

    name
        Name by which the state recognises it.

    workflow
        Name of a workflow template.

    vars
        Variables that replace those of the templates.
    """
    return _reach(name, "CONFIGURED", workflow, vars)


def running(name, workflow, vars=None):
    """
    Ensure that an environment exists and takes data; see ``present``.

    name
        Name by which the state recognises it.

    workflow
        Name of a workflow template.

    vars
        Variables that replace those of the templates.
    """
    return _reach(name, "RUNNING", workflow, vars)


def absent(name, allow_in_running_state=False):
    """
    Ensure that no environment of this name exists.

    name
        Name by which the state recognises it.

    allow_in_running_state
        Stop its run first. Otherwise the state fails in RUNNING.
    """
    return _carry_out(
        name,
        lambda found: salt_o2.client.declared_environment.steps_to_remove(
            name, found, allow_in_running_state
        ),
    )


def _reach(name, state, workflow, vars):
    asked = {str(key): value for key, value in (vars or {}).items()}
    return _carry_out(
        name,
        lambda found: salt_o2.client.declared_environment.steps_to_reach(name, found, state, workflow, asked),
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
                salt_o2.client.declared_environment.execute(control.request, way)
    except salt_o2.core.errors.O2Error as error:
        ret.update(result=False, changes={}, comment=str(error))
    return ret


def _socket():
    return __salt__["config.get"]("o2:control_socket", DEFAULT_SOCKET)
